"""What MicroPython's `mip` installs: the lists fit the sources, and the real mpremote installs
them, from a server or from a folder, on MicroPython's unix port behind a pseudo-terminal."""

import contextlib
import functools
import http.server
import json
import shutil
import subprocess
import sys
import threading

import decoding
import pytest
from fake_dongle import FakeDongle
from meterling_tools import FIRMWARE, ROOT, build, interpreters, mip
from mqtt_probes import STANDINS

ON_MICROPYTHON = pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)
MICROPYTHONS = pytest.mark.parametrize(
    "interpreter", ["micropython", "micropython32"], indirect=True
)


@pytest.mark.parametrize("path", [mip.WHOLE, mip.DECODER], ids=lambda path: path.name)
def test_the_lists_fit_the_sources(path):
    """Else: python -m meterling_tools.mip"""
    assert path.read_text(encoding="utf-8") == mip.lists()[path]


def listed(path):
    return {to: ROOT / source for to, source in json.loads(path.read_text())["urls"]}


def test_the_whole_has_all_that_a_build_has():
    built = {name.removesuffix(".py") for name, _ in build._sources("xtensawin")}
    ours = {name.removesuffix(".py") for name in listed(mip.WHOLE)}
    # Each device has its own main.py; the libraries are named as what is needed.
    assert {name for name in built - ours if not name.startswith("lib/")} == {"main"}
    assert ours <= built


def test_the_parsing_has_nothing_of_the_rooms_after_it():
    rooms = {name.split("/")[1] for name in listed(mip.DECODER) if name.count("/") > 1}
    assert rooms == set(mip.PURE)


def test_imports_are_found_wherever_they_stand(tmp_path):
    source = tmp_path / "x.py"
    source.write_text(
        "import os\nfrom . import a\nfrom .b import c\nfrom ..d import e\n"
        "def f():\n    from .link.framer import feed\n"
    )
    found = mip.imports("meterling.cosem.x", source)
    assert {"os", "meterling.cosem.a", "meterling.cosem.b", "meterling.d"} <= found
    assert "meterling.cosem.link.framer" in found


def copied(path, folder):
    """What mip would make of the list `path`."""
    for name, source in listed(path).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return folder


# A link layer each; and parts of the parsing that are loaded only for them.
_CAPTURES = {
    "at-netznoe-kaifa-ma309-doc": ("mbus", "meterling.ciphering.gcm_viper"),
    "no-aidon-han-doc": ("hdlc", "meterling.cosem.nordic"),
    "se-aidon-6560-doc": ("p1", "meterling.cosem.text"),
    "at-netzooe-amis-td3511-doc": ("amis", "meterling.cosem.records"),
}
_SCRIPT = """
import sys
loaded = set()
from meterling import python
really = python.unload
def spy(*args):
    loaded.update(sys.modules)
    really(*args)
python.unload = spy
{probe}
loaded.update(sys.modules)
print("loaded", " ".join([name for name in loaded if name.startswith("meterling")]))
"""


def decode(interpreter, lib, tmp_path):
    """The names of the captures that are read, and the modules that are loaded for it, with
    nothing else on the path of that interpreter but `lib`."""
    read, loaded = [], set()
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT.replace("{probe}", decoding.PROBE.read_text()))
    for name, (link, _) in _CAPTURES.items():
        capture = json.loads((decoding.DATA / f"{name}.json").read_text())
        job = {"link": link, "raw": capture["raw_hex"], "lenient": True}
        job["key"] = capture["key_hex"] or ""
        stdin = json.dumps(job).encode() + b"\n"
        result = interpreters.run(interpreter, script, (), stdin, path=(lib,))
        assert result.stderr == b""
        *lines, last = result.stdout.decode().splitlines()
        read += [name] if '"values":' in lines[0] else []
        loaded |= set(last.split()[1:])
    return read, loaded


@MICROPYTHONS
def test_the_parsing_alone_decodes(interpreter, tmp_path):
    read, loaded = decode(interpreter, copied(mip.DECODER, tmp_path / "lib"), tmp_path)
    assert read == list(_CAPTURES)
    assert {module for _, module in _CAPTURES.values()} <= loaded


def mpremote(dongle, *args):
    result = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", dongle.path, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@ON_MICROPYTHON
def test_mip_installs_the_parsing_from_a_folder(interpreter, tmp_path):
    with FakeDongle(interpreter, tmp_path / "flash") as dongle:
        mpremote(dongle, "mip", "install", "--target", "lib", mip.DECODER)
    assert decode(interpreter, tmp_path / "flash" / "lib", tmp_path)[0] == list(_CAPTURES)


@contextlib.contextmanager
def server(folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@ON_MICROPYTHON
def test_mip_installs_the_whole_from_a_server(interpreter, tmp_path):
    # A repository, of which only what is needed from elsewhere is left out.
    served = tmp_path / "served"
    shutil.copytree(
        FIRMWARE, served / "firmware", ignore=shutil.ignore_patterns("site", "__pycache__")
    )
    package = json.loads(mip.WHOLE.read_text())
    assert [name for name, _ in package.pop("deps")] == ["umqtt.simple", mip._MICRODOT]
    (served / "package.json").write_text(json.dumps(package))
    with server(served) as url, FakeDongle(interpreter, tmp_path / "flash") as dongle:
        mpremote(dongle, "mip", "install", "--target", "lib", f"{url}/")
    lib = tmp_path / "flash" / "lib"
    deps = build.dependencies.fetch()
    result = interpreters.run(
        interpreter, "-c", ["from meterling import app; print(app.run)"], path=(lib, deps, STANDINS)
    )
    assert result.stdout.startswith(b"<function run"), result.stderr
    assert (lib / "meterling" / "operators.jsonl").exists()
