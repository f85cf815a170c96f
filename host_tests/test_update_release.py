"""A release: made on the PC, taken in by the dongle, and refused for every reason there is,
before anything is replaced."""

import argparse
import asyncio
import hashlib
import os
import stat
import struct
import subprocess
import zlib
from io import BytesIO
from pathlib import Path

import pytest
import updating
from hypothesis import given, settings
from hypothesis import strategies as st
from meterling import __version__
from meterling.update import fetch, package, slots, updater
from meterling.update.errors import Refused
from meterling_tools import CommandError, build, interpreters, release, site

PROBE = Path(__file__).parent / "update_probe.py"
LFS_PROBE = Path(__file__).parent / "lfs_probe.py"
HERE = 6  # _mpy of a MicroPython that loads bytecode only


@pytest.fixture
def root(tmp_path):
    updating.install(tmp_path / "root")
    return tmp_path / "root"


def take(interpreter, root, data, *, piece=1000, version=updating.OLD, mpy=HERE, force=0):
    """What the probe says (str)."""
    file = root.parent / "release"
    file.write_bytes(data)
    arguments = [f"{root}/", file, updating.PUBLIC, version, mpy, piece, force]
    result = interpreters.run(interpreter, PROBE, arguments)
    assert result.stderr == b""
    return result.stdout.decode().strip()


@pytest.mark.parametrize("piece", [1, 77, 1 << 14])
def test_a_release_arrives_whole_in_the_other_slot(interpreter, root, piece):
    before = updating.contents(root)
    size = sum(map(len, updating.firmware(updating.NEW).values()))
    assert take(interpreter, root, updating.make(), piece=piece) == f"ok done {size} {size}"
    after = updating.contents(root)
    assert updating.version_of(updating.contents(root / "b")) == updating.NEW
    assert {name: after[name] for name in before} == before  # what runs was not touched
    assert after["slots"] == b"1 a b 0 rn -\n"
    assert {name for name in after if "/" not in name} == {"slots"}


def test_what_was_in_the_other_slot_is_gone(interpreter, root):
    updating.install(root, "b", "1.1.0")
    (root / "b" / "meterling" / "older.py").write_bytes(b"x")
    assert take(interpreter, root, updating.make()).startswith("ok")
    assert updating.version_of(updating.contents(root / "b")) == updating.NEW


def altered(data, place):
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def with_path(path):
    files = {**updating.firmware(updating.NEW), path: b"outside"}
    return release.make(files, updating.KEY, updating.NEW)


GOOD = updating.make()
END = package.HEADER + package.Front(GOOD).length  # where its header ends

# What is wrong: the release, the code, where it is noticed, and the options
REFUSED = {
    "empty": (b"", "truncated finish", {}),
    "text": (b"<html>" * 99, "no-release write", {}),
    "through a text editor": (GOOD.replace(b"\r\n", b"\n"), "no-release write", {}),
    "of a later format": (altered(GOOD, package.HEADER), "format write", {}),
    "cut in the magic": (GOOD[:5], "truncated finish", {}),
    "cut in the front": (GOOD[:100], "truncated finish", {}),
    "cut in the header": (GOOD[: END - 9], "truncated finish", {}),
    "without its last byte": (GOOD[:-1], "truncated finish", {}),
    "with a byte more": (GOOD + b"\0", "too-long write", {}),
    "altered signature": (altered(GOOD, 20), "signature finish", {}),
    "altered version": (altered(GOOD, package.HEADER + 53), "signature finish", {}),
    "altered hash": (altered(GOOD, END - 1), "signature finish", {}),
    "altered path": (altered(GOOD, package.FRONT + 3), "signature finish", {}),
    "altered body": (altered(GOOD, END + 50), "altered finish", {}),
    "altered last byte": (altered(GOOD, len(GOOD) - 1), "altered finish", {}),
    "signed by a stranger": (
        updating.make(key=updating.STRANGER),
        "unknown-key finish",
        {},
    ),
    "signed by a stranger who names our key": (
        GOOD[:12] + updating.make(key=updating.STRANGER)[12:],
        "signature finish",
        {},
    ),
    "of a flashed slot, without signature": (
        release.label(updating.firmware(updating.NEW), updating.NEW),
        "unknown-key finish",
        {},
    ),
    "for another family of chips": (
        updating.signed(GOOD, updating.packed(3, ">H", 6 | 3 << 8 | 11 << 10)),
        "wrong-board write",
        {"mpy": 6 | 3 << 8 | 10 << 10},
    ),
    "for a later MicroPython": (
        updating.signed(GOOD, updating.packed(3, ">H", 7)),
        "wrong-micropython write",
        {},
    ),
    "for another machine code of the same chips": (
        updating.signed(GOOD, updating.packed(3, ">H", 6 | 2 << 8 | 10 << 10)),
        "wrong-micropython write",
        {"mpy": 6 | 3 << 8 | 10 << 10},
    ),
    "older": (GOOD, "downgrade write", {"version": "1.3.1"}),
    "for a later one than what runs": (
        updating.make(least=(1, 2, 4)),
        "too-old write",
        {"force": 1},
    ),
    "a window that takes too much": (
        updating.signed(GOOD, updating.packed(5, ">B", 15)),
        "content write",
        {},
    ),
    "no files": (updating.signed(GOOD, updating.packed(6, ">H", 0)), "content write", {}),
    "a file more than there is": (
        updating.signed(GOOD, updating.packed(6, ">H", 7)),
        "content finish",
        {},
    ),
    "a file less than there is": (
        updating.signed(GOOD, updating.packed(6, ">H", 5)),
        "content finish",
        {},
    ),
    "a path out of the slot": (with_path("../a/meterling/app.py"), "content finish", {}),
    "a path from the root": (with_path("/main.py"), "content finish", {}),
    "a path to its own release": (with_path("release"), "content finish", {}),
    "a path with blanks": (with_path("meterling/x y"), "content finish", {}),
    "a path that is too long": (with_path("x" * 97), "content finish", {}),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_before_anything_is_replaced(interpreter, root, what):
    data, answer, options = REFUSED[what]
    updating.install(root, "b", "1.1.0")
    before = updating.contents(root)
    assert take(interpreter, root, data, **options) == answer
    assert updating.contents(root) == before


def test_a_downgrade_is_taken_if_it_is_forced(interpreter, root):
    assert take(interpreter, root, GOOD, version="2.0.0") == "downgrade write"
    assert take(interpreter, root, GOOD, version="2.0.0", force=1).startswith("ok")


def test_the_same_version_again_is_no_downgrade(interpreter, root):
    assert take(interpreter, root, GOOD, version=updating.NEW).startswith("ok")


def test_machine_code_goes_where_it_runs():
    xtensa, riscv = (6 | 3 << 8 | march << 10 for march in (10, 11))
    assert package.loads(xtensa, xtensa) == ""
    assert package.loads(6, xtensa) == package.loads(6, riscv) == ""
    assert package.loads(xtensa, riscv) == package.loads(riscv, xtensa) == "wrong-board"
    assert package.loads(xtensa, 6) == "wrong-board"
    assert package.loads(xtensa, 6 | 2 << 8 | 10 << 10) == "wrong-micropython"
    assert package.loads(6, 7) == "wrong-micropython"


def updating_in(root, **options):
    options = {"keys": (updating.PUBLIC,), "version": updating.OLD, "mpy": HERE, **options}
    return updater.Updater(root=f"{root}/", **options)


def test_signed_and_yet_not_what_it_says(root):
    """Only a mistake of ours could do this: what is running stays, the other slot is not whole."""
    data = updating.signed(GOOD, lambda header: header[:-1] + bytes((header[-1] ^ 1,)))
    update = updating_in(root)
    update.write(data)
    with pytest.raises(Refused, match="content"):
        asyncio.run(update.finish())
    assert updating.version_of(updating.contents(root / "a")) == updating.OLD
    assert slots.version("b", f"{root}/") is None
    assert not (root / "slots").exists()


def test_without_a_key_no_release_is_taken(root):
    update = updating_in(root, keys=())
    update.write(GOOD)
    with pytest.raises(Refused, match="unknown-key"):
        asyncio.run(update.finish())


def test_what_runs_from_no_slot_is_not_updated(tmp_path):
    with pytest.raises(Refused, match="no-slots"):
        updating_in(tmp_path).write(GOOD)


def test_one_update_at_a_time(root):
    updating.install(root, "b", updating.NEW)
    slots.start_trial("b", "rn", f"{root}/")
    with pytest.raises(Refused, match="busy"):
        updating_in(root).write(GOOD)


def flash_with(monkeypatch, blocks):
    """A flash with so many free blocks."""
    monkeypatch.setattr(
        os, "statvfs", lambda path: (4096, 4096, 512, blocks, blocks, 0, 0, 0, 0, 0)
    )


def test_no_room_for_the_release_and_what_is_in_it(root, monkeypatch):
    size = sum(map(len, updating.firmware(updating.NEW).values())) + len(GOOD)
    flash_with(monkeypatch, 8 + size // 4096)
    with pytest.raises(Refused, match="too-large"):
        updating_in(root).write(GOOD)
    assert "update.part" not in os.listdir(root)


def test_no_room_for_the_files_as_the_flash_keeps_them(root, monkeypatch):
    """Five small files take a block each, and their folders and the slot two each."""
    update = updating_in(root)
    update.write(GOOD)
    flash_with(monkeypatch, 8 + 14)
    with pytest.raises(Refused, match="too-large"):
        asyncio.run(update.finish())
    assert "update.part" not in os.listdir(root)


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_one_update_after_the_other_on_a_flash_of_the_stock_image(interpreter, tmp_path):
    """Of some 160 files, which take three times their bytes there: with both slots full, little
    is free. Up to three files more than today."""
    built = build_everything(tmp_path / "tree")
    files = {**built, **{f"meterling/more{i}.mpy": built["meterling/app.mpy"] for i in range(3)}}
    data = release.make(files, updating.KEY, "0.2.0")
    (tmp_path / "new.release").write_bytes(data)
    (tmp_path / "key").write_text(updating.PUBLIC)
    (tmp_path / "rounds").write_text("3")
    head = data[: package.HEADER + package.front(BytesIO(data)).length]
    for name, content in {**built, "release": head}.items():
        path = tmp_path / "slot" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    run = interpreters.run(interpreter, LFS_PROBE, [tmp_path], heapsize=1 << 24)
    assert run.stdout.decode().split("\n")[:3] == ["done b", "done a", "done b"], run.stderr


def build_everything(folder):
    build.build("esp32", folder)
    site.build(folder / "site")
    return release.collect(folder)


@pytest.mark.parametrize("answer", [b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\r\n", b""])
def test_what_answers_no_http_is_not_fetched_from(answer):
    async def serve(reader, writer):
        await reader.readline()
        writer.write(answer)
        writer.close()

    async def ask():
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await fetch.fetch(f"http://127.0.0.1:{port}/x", None, pytest.fail)

    with pytest.raises(Refused, match="not-fetched"):
        asyncio.run(ask())


def test_the_other_slot_makes_room(root, monkeypatch):
    updating.install(root, "b", "1.1.0")
    update = updating_in(root)
    update.write(GOOD)
    flash_with(monkeypatch, 8 + 14)
    asyncio.run(update.finish())


def test_a_flash_that_takes_nothing_refuses(root, monkeypatch):
    update = updating_in(root)
    update.write(GOOD)

    def mkdir(path):
        raise OSError(28, "no space")

    monkeypatch.setattr(updater.os, "mkdir", mkdir)
    with pytest.raises(Refused, match="flash"):
        asyncio.run(update.finish())


def test_abandoned_it_leaves_nothing(root):
    before = updating.contents(root)
    update = updating_in(root)
    update.write(GOOD[:500])
    assert update.progress == ("receiving", 500, len(GOOD))
    update.abandon()
    assert updating.contents(root) == before


def test_others_have_their_turn(root):
    """While a release is checked and unpacked, the event loop goes round."""
    update = updating_in(root)
    update.write(GOOD)
    turns = set()
    count = 0

    async def other():
        nonlocal count
        while True:
            count += 1
            turns.add(update.progress[0])
            await asyncio.sleep(0)

    async def both():
        task = asyncio.create_task(other())
        await update.finish()
        task.cancel()

    asyncio.run(both())
    assert count > 300
    assert {"checking", "unpacking", "comparing"} <= turns


@settings(max_examples=150)
@given(st.data())
def test_any_change_is_refused(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("any") / "root"
    updating.install(root)
    before = updating.contents(root)
    changed = bytearray(GOOD)
    place = data.draw(st.integers(0, len(changed) - 1))
    if data.draw(st.booleans()):
        changed[place] ^= data.draw(st.integers(1, 255))
    else:
        del changed[place : place + data.draw(st.integers(1, 200))]
    update = updating_in(root)
    with pytest.raises(Refused):
        update.write(changed)
        asyncio.run(update.finish())
    assert updating.contents(root) == before


# The tool


def command(*arguments):
    parser = argparse.ArgumentParser()
    release.add_arguments(parser)
    release.run(parser.parse_args([str(argument) for argument in arguments]))


def test_a_release_is_what_the_drawing_says():
    files = updating.firmware(updating.NEW)
    found = package.Front(GOOD)
    header = GOOD[76:END]
    assert found.version == (1, 3, 0) and found.least == (0, 0, 0)
    body = zlib.decompress(GOOD[END:], -12)
    assert body == b"".join(files.values())
    assert GOOD[:12] == b"\x89MTL\r\n\x1a\n" + bytes.fromhex(updating.PUBLIC)[:4]
    signed = b"Meterling-rel-1" + hashlib.sha256(header).digest()
    updating.KEY.public_key().verify(GOOD[12:76], signed)
    assert len(signed) + 64 + 1 + 16 == 128  # R, A, it, and the padding: one block
    path = next(iter(files)).encode()
    assert header[60:].startswith(bytes((len(path),)) + path + struct.pack(">I", 7))
    assert updating.make() == GOOD


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """A folder (Path) for the pages that nobody else writes to."""
    monkeypatch.setattr(build, "SITE", tmp_path / "site")
    return tmp_path / "site"


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize(("chip", "march"), [("esp32", 10), ("esp32c3", 11)])
def test_the_whole_firmware_as_a_release(tmp_path, capsys, pages, chip, march):
    pages.mkdir()
    (pages / "app-of-yesterday.js.gz").write_bytes(b"stale")
    key = tmp_path / "key.pem"
    command("--new-key", key)
    public = release.public_hex(release.read_key(key))
    assert public in capsys.readouterr().out
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    folder = tmp_path / "out"
    command("--chip", chip, "--key", key, folder)
    assert "Only dongles take it that were built with" in capsys.readouterr().out
    (path,) = folder.iterdir()
    data = path.read_bytes()
    found = package.Front(data)
    assert found.mpy >> 10 == march and found.size == len(data)
    assert ".".join(map(str, found.version)) == __version__
    # A dongle that takes it is built with the same key, and so takes the next one, too.
    assert build.read_keys([tmp_path / "key.pem.pub"]) == [public]
    build.build(chip, tmp_path / "tree", [public])
    files = release.collect(tmp_path / "tree")
    assert public.encode() in files["meterling/update/keys.mpy"]
    assert "meterling/app.mpy" in files and "main.py" not in files
    for part in ("settings.json", "boot_slots", "rescue"):
        assert not any(part in name for name in files)
    assert zlib.decompress(data[package.HEADER + found.length :], -12) == b"".join(files.values())
    with open(path, "rb") as file:
        list(package.check_steps(file, (public,), memoryview(bytearray(1024))))
        file.seek(package.FRONT)
        names = {name for name, _, _ in package.entries(file, found.files)}
    assert "site/index.html.gz" in names and "site/app-of-yesterday.js.gz" not in names


def test_without_its_pages_nothing_is_signed(tmp_path, pages, monkeypatch):
    def build_pages(folder):
        raise CommandError("There is no Node.")

    monkeypatch.setattr(site, "build", build_pages)
    release.new_key(tmp_path / "key.pem")
    with pytest.raises(CommandError, match="Node"):
        command("--key", tmp_path / "key.pem", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_key_is_not_written_into_the_checkout_nor_over_another(tmp_path):
    with pytest.raises(CommandError, match="checkout"):
        release.new_key(release.ROOT / "host_tests" / "key.pem")
    assert not (release.ROOT / "host_tests" / "key.pem").exists()
    (tmp_path / "key.pem").write_text("mine")
    with pytest.raises(CommandError, match="there already"):
        release.new_key(tmp_path / "key.pem")
    with pytest.raises(CommandError, match="no private key"):
        release.read_key(tmp_path / "key.pem")
    with pytest.raises(CommandError, match="no public keys"):
        build.read_keys([tmp_path / "key.pem"])


def test_a_public_key_is_not_written_over_another(tmp_path):
    (tmp_path / "key.pem.pub").write_text("of the key that was moved away")
    with pytest.raises(CommandError, match="key.pem.pub is there already"):
        command("--new-key", tmp_path / "key.pem")
    assert (tmp_path / "key.pem.pub").read_text() == "of the key that was moved away"
    assert not (tmp_path / "key.pem").exists()


@pytest.mark.parametrize("version", ["1.2", "1.2.x", "1.2.70000", "1.2.3.4", "-1.0.0"])
def test_a_version_has_three_numbers(version):
    with pytest.raises(CommandError):
        release.numbers(version)


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
def test_a_flashed_dongle_takes_the_whole_firmware_and_starts_it(interpreter, tmp_path):
    """From the built tree, as compiled: flashed, updated by a release, started from its slot."""
    build.build("unix32", tmp_path / "tree")
    flash = tmp_path / "root"
    for name, data in release.for_flash(tmp_path / "tree").items():
        (flash / name).parent.mkdir(parents=True, exist_ok=True)
        (flash / name).write_bytes(data)
    assert {path.name for path in flash.iterdir()} == {
        "a",
        "boot_slots.mpy",
        "main.py",
        "rescue.mpy",
        "settings.json.example",
    }
    files = release.collect(tmp_path / "tree")
    data = release.make(files, updating.KEY, "99.0.0")
    mpy = release.mpy(files)
    size = sum(map(len, files.values()))
    said = take(interpreter, flash, data, version=__version__, mpy=mpy)
    assert said == f"ok done {size} {size}"
    assert updating.version_of(updating.contents(flash / "b")) == "99.0.0"
    script = (
        "import sys, boot_slots; slot = boot_slots.choose(); sys.path.insert(0, slot);"
        "import meterling.decoder; print(slot, meterling.__file__, meterling.decoder.__file__)"
    )
    command = interpreters.command(interpreter, "-c", script)
    environment = interpreters.environment(interpreter, ("",))
    result = subprocess.run(command, cwd=flash, env=environment, capture_output=True, timeout=60)
    assert result.stdout.decode().split() == ["b", "b/meterling/__init__.mpy", "/m/decoder.mpy"]
