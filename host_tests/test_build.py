"""The tree that `meterling build` makes: complete, reproducible, and loadable where it goes."""

import ast
import gzip
import json
import shutil
import zlib
from pathlib import Path, PurePosixPath

import pytest
from meterling_tools import FIRMWARE, CommandError, build, interpreters, pack

# Header of a .mpy file (MicroPython's docs/reference/mpy_files.rst):
#   'M' | version | bits 0-1 sub-version, bits 2-5 architecture | bits of a small integer
# The architecture is 0 for files without machine code: those load everywhere.
_ARCHITECTURE = {"x86": 1, "x64": 2, "xtensawin": 10, "rv32imc": 11}
_MPY_VERSION = (6, 3)  # MicroPython 1.23 and newer

# What a stock ESP32_GENERIC image of MicroPython 1.26 can import: the modules that
# micropython-esp32-stubs 1.26.0.post1 describes, together with those that are the same on every
# port and that it leaves to the standard library's stubs (asyncio to sys). The aliases with
# a "u" are left out: they are deprecated.
STOCK_MODULES = set(
    """
    _boot _espnow _onewire _thread aioespnow apa106 binascii bluetooth btree cmath cryptolib deflate
    dht ds18x20 errno esp esp32 espnow flashbdev framebuf gc hashlib heapq inisetup machine math
    micropython mip neopixel network ntptime onewire platform random requests select socket time
    tls uctypes umqtt upysh vfs webrepl webrepl_setup websocket
    array asyncio builtins collections io json os re ssl struct sys
    """.split()
)


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """tree("esp32") -> Path: the tree for that chip, built once."""
    built = {}

    def make(chip):
        if chip not in built:
            built[chip] = tmp_path_factory.mktemp("trees") / chip
            build.build(chip, built[chip])
        return built[chip]

    return make


def contents(folder):
    """{path in the tree: bytes}"""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def modules(folder):
    return pack.modules(contents(folder))


def has_machine_code(source):
    decorators = [
        ast.unparse(decorator)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
    ]
    return bool({"micropython.viper", "micropython.native"} & set(decorators))


def test_tree_is_what_a_dongle_needs(tree):
    files = contents(tree("esp32"))
    assert [name for name in files if name.endswith(".py")] == ["main.py"]
    assert {"meterling/app.mpy", "lib/umqtt/simple.mpy", "settings.json.example"} <= set(files)
    assert "lib/microdot.mpy" in files and not any(name.endswith(".md") for name in files)
    sources = {path.relative_to(FIRMWARE).as_posix() for path in FIRMWARE.rglob("*.py")}
    left_out = {name for name in sources - {"main.py"} if name[:-3] + ".mpy" not in files}
    assert all(name.endswith(("_plain.py", build.PACKED)) for name in left_out)
    data = {
        path.relative_to(FIRMWARE).as_posix() + (".z" if path.suffix == ".jsonl" else "")
        for path in FIRMWARE.rglob("*")
        if path.is_file()
        and path.suffix not in (".py", ".pyc", ".md")
        and "/." not in str(path)
        and path.relative_to(FIRMWARE).parts[0] != "site"
    }
    assert data <= set(files)


def test_settings_template_has_no_secrets(tree):
    settings = json.loads((tree("esp32") / "settings.json.example").read_text())

    def leaves(value, name=""):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from leaves(inner, key)
        else:
            yield name, value

    secrets = [(name, value) for name, value in leaves(settings) if "key" in name or "pass" in name]
    assert secrets
    assert not any(value for _, value in secrets)


@pytest.mark.parametrize(
    ("chip", "march"),
    [("esp32", "xtensawin"), ("esp32s3", "xtensawin"), ("esp32c3", "rv32imc"), ("unix32", "x86")],
)
def test_machine_code_is_the_chips_own(tree, chip, march):
    for name, data in modules(tree(chip)).items():
        source = FIRMWARE / name.replace(".mpy", ".py")
        native = source.exists() and has_machine_code(source.read_text())
        assert data[:2] == bytes((ord("M"), _MPY_VERSION[0])), name
        assert data[2] >> 2 == (_ARCHITECTURE[march] if native else 0), name
        if native:
            assert data[2] & 3 == _MPY_VERSION[1], name
        assert data[3] <= 31, f"{name}: small integers of the ESP32 have 31 bits"


def test_pages_go_into_the_tree_as_they_are(tmp_path):
    (tmp_path / "pages").mkdir()
    page = gzip.compress(b"<p>" * 1000)
    (tmp_path / "pages" / "index.html.gz").write_bytes(page)
    files = build.copy_pages(tmp_path / "pages", tmp_path / "site")
    assert files == [("site/index.html.gz", 3000, len(page))]
    assert contents(tmp_path / "site") == {"index.html.gz": page}
    assert build.copy_pages(tmp_path / "missing", tmp_path / "none") == []


def test_microdot_loses_only_what_nobody_calls(tmp_path):
    from meterling_tools import dependencies

    source = dependencies.fetch() / "microdot.py"
    less = build._without_unused(source, tmp_path / "microdot.py").read_text()
    whole = source.read_text()
    assert len(less.splitlines()) == len(whole.splitlines())  # lines in tracebacks are true
    for kept in ("def handle_request", "class Request", "async def create", "class NoCaseDict"):
        assert kept in less
    for gone in ("class URLPattern", "def start_server", "def send_file", "def mount", "abort =",
                 "def dispatch_request", "def invoke_handler", "def form"):  # fmt: skip
        assert gone in whole and gone not in less


def test_same_sources_same_bytes(tree, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    build.build("esp32", tmp_path / "elsewhere")
    one, other = contents(tmp_path / "elsewhere"), contents(tree("esp32"))
    for name in one.keys() ^ other.keys():  # the pages may have been built meanwhile
        assert name.startswith("site/")
    assert all(one[name] == other[name] for name in one.keys() & other.keys())


def test_a_new_build_replaces_the_old_and_leaves_what_is_not_its_own(tmp_path):
    build.build("esp32", tmp_path)
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "meterling" / "gone.mpy").write_bytes(b"of an older version")
    build.build("esp32", tmp_path)
    assert (tmp_path / "settings.json").read_text() == "{}"
    assert not (tmp_path / "meterling" / "gone.mpy").exists()


def test_what_does_not_compile_is_named(tmp_path, monkeypatch):
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware" / "broken.py").write_text("def :\n")
    monkeypatch.setattr(build, "FIRMWARE", tmp_path / "firmware")
    with pytest.raises(CommandError, match=r"broken\.py does not compile: .*SyntaxError"):
        build.build("esp32", tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


def test_a_stock_image_has_every_module_that_is_imported(tree):
    there = modules(tree("esp32"))
    for path in sorted(FIRMWARE.rglob("*.py")):
        name = path.relative_to(FIRMWARE).as_posix()
        if name == "main.py" or name[:-3] + ".mpy" in there:
            missing = missing_imports(ast.parse(path.read_text()), PurePosixPath(name), there)
            assert not missing, f"{name} imports {missing}"


def missing_imports(tree, name, there):
    """The modules (set of str) that the source `tree` of `name` would not find on a dongle that
    has those in `there` (paths).
    Of alternatives (`try: .. except ImportError: ..` and `if .. else ..`) one is enough."""
    if isinstance(tree, ast.Try) and any(
        handler.type is None or "ImportError" in ast.unparse(handler.type)
        for handler in tree.handlers
    ):
        return _fewest([tree.body, *(handler.body for handler in tree.handlers)], name, there)
    if isinstance(tree, ast.If):
        return _fewest([tree.body, tree.orelse], name, there)
    if isinstance(tree, ast.Import):
        return {alias.name for alias in tree.names if not _found(alias.name, there)}
    if isinstance(tree, ast.ImportFrom):
        if not tree.level:
            return set() if _found(tree.module, there) else {tree.module}
        parent = name.parents[tree.level - 1]
        if tree.module:
            targets = [parent / tree.module.replace(".", "/")]
        else:
            targets = [parent / alias.name for alias in tree.names]
        return {str(target) for target in targets if not _in_tree(target, there)}
    inner = [missing_imports(node, name, there) for node in ast.iter_child_nodes(tree)]
    return set().union(*inner)


def _fewest(alternatives, name, there):
    found = [
        set().union(*(missing_imports(node, name, there) for node in body)) for body in alternatives
    ]
    return min(found, key=len)


def _found(module, there):
    top = module.split(".")[0]
    path = PurePosixPath(module.replace(".", "/"))
    return top in STOCK_MODULES or _in_tree(path, there) or _in_tree("lib" / path, there)


def _in_tree(target, there):
    return any(name == f"{target}.mpy" or name.startswith(f"{target}/") for name in there)


@pytest.mark.parametrize("statement", ["import logging", "from datetime import date"])
def test_a_module_that_no_stock_image_has_would_be_noticed(tree, statement):
    there = modules(tree("esp32"))
    assert missing_imports(ast.parse(statement), PurePosixPath("meterling/app.py"), there)
    guarded = f"try:\n    {statement}\nexcept ImportError:\n    import json"
    assert not missing_imports(ast.parse(guarded), PurePosixPath("meterling/app.py"), there)


_IMPORT_ALL = """
import sys
for name in sys.argv[1:]:
    __import__(name)
print(len(sys.argv) - 1)
"""


_STANDINS = Path(build.__file__).parent / "standins"


@pytest.fixture
def imported(tree, interpreter, tmp_path):
    """imported("unix") -> what the interpreter says to importing every module of that tree."""

    def run(chip):
        folder = tree(chip)
        names = [
            name.removesuffix(".mpy").removesuffix("/__init__").replace("/", ".")
            for name in modules(folder)
            if not name.startswith("lib/")
        ]
        script = tmp_path / "import_all.py"
        script.write_text(_IMPORT_ALL)
        path = (folder, folder / "lib", _STANDINS)
        result = interpreters.run(interpreter, script, names, path=path)
        return result.stdout.split() == [str(len(names)).encode()], result.stderr

    return run


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_every_module_of_the_tree_imports(imported, interpreter):
    assert imported("unix" if interpreter.name == "micropython" else "unix32") == (True, b"")


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_every_module_imports_where_no_machine_code_runs(imported):
    """MicroPython on a Mac with arm64 has no viper."""
    assert imported("plain") == (True, b"")


def test_what_is_packed_is_what_was_compiled(tree):
    plain = contents(tree("esp32"))
    packed = pack.pack(plain)
    unpacked = pack.modules(packed)
    new = {"meterling/__init__.mpy", "meterling/packed.mpy"}  # and they unpack the others
    assert new < set(packed)
    assert {name for name in unpacked if unpacked[name] != plain.get(name)} == new
    assert plain.keys() | new == unpacked.keys() | {name for name in plain if ".mpy" not in name}
    assert {name for name in packed if name.endswith(".mpy.z")} > {"meterling/cosem/sml.mpy.z"}
    assert sum(map(len, plain.values())) - sum(map(len, packed.values())) > 50_000
    assert pack.pack(plain) == packed


_TWO_SLOTS = """
import sys
for slot in sys.argv[1:]:
    for name in list(sys.modules):
        if name.startswith("meterling"):
            del sys.modules[name]
    sys.path[0] = slot
    from meterling.cosem import sml
    print(sml.SLOT)
try:
    import meterling.cosem.none
except ImportError as error:
    print(error)
print(open("/m/note.txt").read())
"""


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_packed_modules_come_from_the_slot_that_is_tried(interpreter, tmp_path):
    """The rescue goes from one to the other."""
    for slot in ("a", "b"):
        folder = tmp_path / slot / "meterling"
        (folder / "cosem").mkdir(parents=True)
        shutil.copy(FIRMWARE / "meterling" / "packed.py", folder)
        (folder / "__init__.py").write_text(pack.BEGIN)
        (folder / "cosem" / "__init__.py").write_text("")
        (folder / "cosem" / "sml.py.z").write_bytes(zlib.compress(f"SLOT = {slot!r}".encode()))
        (folder / "note.txt").write_text(slot)
    script = tmp_path / "two_slots.py"
    script.write_text(_TWO_SLOTS)
    result = interpreters.run(interpreter, script, ["a", "b"], cwd=tmp_path)
    lines = result.stdout.decode().splitlines()
    assert lines == ["a", "b", "no module named 'meterling.cosem.none'", "b"], result.stderr
