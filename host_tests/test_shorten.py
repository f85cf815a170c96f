"""Private names become short ones in a built tree, and nothing else becomes different."""

import ast
import io
import json
import re
import tokenize

import pytest
from decoding import PROBE
from meterling_tools import FIRMWARE, CommandError, build, interpreters, shorten
from meterling_tools.simulate import make_meter
from portal_runner import Portal, kept, telegrams
from portal_runner import built as built_with_probe

METERS = (
    ("tinetz-kaifa", "klagenfurt-e450", "wien-im150", "netzooe-amis", "nl-dsmr5")
    + ("lu-smarty-ciphered", "de-emh-ehz", "kamstrup-dk")
)  # fmt: skip
SOURCES = {
    path.relative_to(FIRMWARE).as_posix(): path.read_text()
    for path in sorted((FIRMWARE / "meterling").rglob("*.py"))
}
CLASS = """\
class Meter:
    # Its _state is private.
    def __init__(self, _, state):
        self._state = state; self.link = None

    def _grow(self): return (self._state +
                             _STEP)
"""


def test_private_names_become_short_and_lines_stay():
    short = shorten.names({"meter.py": CLASS}, ["state"])
    assert short == {"_grow": "_a", "_state": "_b"}  # nobody binds _STEP
    assert (
        shorten.apply(CLASS, short)
        == """\
class Meter:
    # Its _state is private.
    def __init__(self, _, state):
        self._b = state; self.link = None

    def _a(self): return (self._b +
                             _STEP)
"""
    )


def test_names_of_different_files_share_one_and_a_name_in_both_stays_one():
    sources = {
        "a.py": "def _grow(): pass\ndef _both(): pass\n",
        "b.py": "from .a import _both\ndef _shrink(): _both()\n",
    }
    assert shorten.names(sources) == {"_both": "_a", "_grow": "_b", "_shrink": "_b"}


@pytest.mark.parametrize(
    "source",
    [
        "_name = getattr(thing, '_name', 0)",
        "_name = {'GET /': 'module._name'}",
        "_name = f'{_name}'",
        "_name = thing._name",  # whose it is, nobody knows
        "_name = 1\nthing._name = 2",
        "import _name\nself._name = 1",
        "from array import _name\nself._name = 1",
        "_name = const(1)",  # no name at all, once compiled
        "_a = 0",  # the library's
    ],
)
def test_what_is_not_ours_alone_keeps_its_name(source):
    assert shorten.names({"a.py": source}, ["self._a, self._b = 1, 2"]) == {}


def test_what_a_string_says_is_kept_in_all_files():
    sources = {"a.py": "def _answer(): pass\n", "b.py": "route = 'a._answer'\n"}
    assert shorten.names(sources) == {}
    sources["b.py"] = 'def route():\n    """As a._answer."""\n'
    assert shorten.names(sources, ["route"]) == {"_answer": "_a"}


def test_functions_and_arguments_become_short_where_nothing_else_can_be_meant():
    sources = {
        "meter.py": "class Meter:\n    def read_all(self, most): return self.read_all(most)\n"
        "    def stop(self): pass\ndef bring(tag, quick): return Meter()\n",
        "room/app.py": "from . import meter\nfrom .meter import bring\n"
        "meter.bring(1, quick=2).stop()\n",
    }
    short = shorten.names(sources)
    assert short.keys() == {"read_all", "most", "bring", "tag"}
    after = shorten.apply(sources["room/app.py"], short)
    assert after == sources["room/app.py"].replace("bring", short["bring"])
    assert "bring" not in shorten.names({**sources, "b.py": "path = 'meter.bring'"})
    assert "bring" not in shorten.names({**sources, "b.py": "def bring(): thing.bring()"})
    assert "bring" not in shorten.names(sources, ["bring()"])
    assert "bring" not in shorten.names({**sources, "bring.py": ""})


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = getattr(self, '_' + name)", "getattr"),
        ("setattr(self, f'_{name}', 1)", "setattr"),
        ("x = globals()['_x']", "globals"),
        ("from .a import Base\nclass Mine(Base): pass", "another file"),
        ("from . import a\nclass Mine(a.Base): pass", "another file"),
        ("def :", "SyntaxError"),
    ],
)
def test_what_cannot_be_followed_ends_the_build(source, problem):
    with pytest.raises(CommandError, match=rf"^b\.py.*{problem}"):
        shorten.names({"a.py": "class Base: pass\n", "b.py": source})


TWO_PYTHONS = """\
from ..python import (
    VIPER, const, micropython, words,
)
from micropython import const

if not VIPER:
    from ..python import ptr8
_SIZE = const(3)


@micropython.viper
def get(data: ptr8) -> int:
    return words(_SIZE)[data[0]] if VIPER else 0
"""


@pytest.mark.parametrize("viper", [True, False])
def test_what_only_the_compiler_reads_is_not_imported(viper):
    after = TWO_PYTHONS.replace("(\n    VIPER, const, micropython, words,\n)", "words\n\n")
    after = after.replace("from micropython import const", "pass").replace("VIPER", str(viper))
    assert shorten.for_machine(TWO_PYTHONS, viper) == after


@pytest.mark.parametrize("use", ["micropython.mem_info()", "print(const(1))", "x = [const]"])
def test_what_runs_needs_its_import(use):
    text = f"from .python import const, micropython\n{use}\n"
    name = "micropython" if "mem_info" in use else "const"
    assert shorten.for_machine(text, True) == f"from .python import {name}\n{use}\n"


@pytest.mark.parametrize("path", SOURCES)
def test_nothing_is_left_that_would_need_such_an_import(path):
    text = shorten.for_machine(SOURCES[path], True)
    assert len(text.splitlines()) == len(SOURCES[path].splitlines())
    if path == "meterling/python.py":
        return
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    imported = {alias.name for node in imports for alias in node.names}
    gone = {"VIPER", "const", "micropython"} - imported
    assert {"const", "VIPER"} <= gone
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.string in gone:
            compiled = r"\s*@micropython\.(viper|native)$|\w+ = const\("
            assert re.match(compiled, token.line), token.line


def normal(text, names):
    """The syntax tree of `text`, each node with its line, and its names as `names` has them."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, str) and not isinstance(node, ast.Constant):
                setattr(node, field, names.get(value, value))
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                setattr(node, field, [names.get(name, name) for name in value])
        for field in ("col_offset", "end_col_offset"):
            if hasattr(node, field):
                setattr(node, field, 0)
    return ast.dump(tree, include_attributes=True)


def test_every_file_is_the_same_but_for_names():
    short = build._short_names()
    words = set().union(*(re.findall(r"\w+", text) for text in SOURCES.values()))
    assert len(short) > 400 and len(set(short.values())) < 60
    assert not words & set(short.values())
    for path, text in SOURCES.items():
        after = shorten.apply(text, short)
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        here = {token.string for token in tokens if token.string in short}
        back = {short[name]: name for name in here}
        assert len(back) == len(here), path
        assert normal(after, back) == normal(text, {}), path


def test_the_dongle_keeps_fewer_names():
    short = build._short_names()
    private = {name for text in SOURCES.values() for name in bound_privately(text)}
    assert len(private - set(short)) < 25, private - set(short)


def bound_privately(text):
    """Names of functions, classes and attributes of self that begin with one underscore."""
    for node in ast.walk(ast.parse(text)):
        name = getattr(node, "name", None)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.attr
        if name and re.match(r"_[^_]", name):
            yield name


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """trees(Interpreter, "unix") -> the folders to import that tree from, built once."""
    found = {}

    def make(chip):
        if chip not in found:
            found[chip] = tmp_path_factory.mktemp("trees") / chip
            build.build(chip, found[chip], users=[PROBE.read_text()])
        return found[chip], found[chip] / "lib"

    return make


on_a_tree = pytest.mark.parametrize(
    ("interpreter", "chip"),
    [
        ("micropython", "unix"),
        ("micropython", "plain"),
        ("micropython32", "unix32"),
        ("micropython32", "plain"),
    ],
    indirect=["interpreter"],
)


@on_a_tree
@pytest.mark.parametrize("name", METERS)
def test_a_tree_decodes_as_the_sources_do(trees, interpreter, chip, name):
    meter = make_meter(name)
    job = {
        "link": meter.link,
        "raw": b"".join(map(meter.telegram, range(4))).hex(),
        "key": (meter.key or b"").hex(),
        "auth_key": (meter.auth_key or b"").hex(),
    }
    line = json.dumps(job).encode() + b"\n"
    runs = [
        interpreters.run(interpreter, PROBE, stdin=line, path=path)
        for path in ((FIRMWARE,), trees(chip))
    ]
    assert runs[1].stdout == runs[0].stdout, runs[1].stderr.decode()
    assert runs[1].stdout.count(b'{"meter":') == 4


_FAIL = """
import sys
from meterling import config
from meterling.link import mbus
from meterling.reading import Reading

for fail in (
    lambda: config.check({"meter": {"nothing": 1}}),
    lambda: config.load(5),
    lambda: mbus.link(None, "long"),
    lambda: Reading().put_json(None, 0),
):
    try:
        fail()
    except Exception as error:
        sys.print_exception(error, sys.stdout)
"""


@on_a_tree
def test_a_traceback_says_the_module_and_the_line(trees, interpreter, chip, tmp_path):
    (tmp_path / "fail.py").write_text(_FAIL)

    def places(path):
        run = interpreters.run(interpreter, tmp_path / "fail.py", path=path)
        text = run.stdout.decode().replace(f"{FIRMWARE}/", "")
        found = re.findall(r'File "(meterling[^"]*)", line (\d+)', text)
        modules = [name.removesuffix(".py").replace("/", ".") for name, _ in found]
        return list(zip(modules, [int(line) for _, line in found], strict=True)), text

    sources, _ = places((FIRMWARE,))
    assert {"meterling.config", "meterling.fields"} <= {module for module, _ in sources}
    tree, text = places(trees(chip))
    assert tree == sources
    assert ".py" not in text.replace("fail.py", "")


def content(answer, portal):
    text = answer.data.decode().replace(str(portal.port), "0")
    # MicroPython's dicts have no order.
    return json.loads(text) if "json" in answer.headers["Content-Type"] else text


def said(portal):
    """What the page of a dongle with telegrams is told, without what time changes."""
    for path in ("/", "/api/hello", "/api/nothing", "/api/operators", "/plain", "/api/settings"):
        answer = portal.get(path)
        yield path, answer.status, content(answer, portal)
    for method, path, body in (
        ("POST", "/api/key", {"text": "no key"}),
        ("PUT", "/api/settings", {"mqtt": {"port": "none"}}),
        ("POST", "/login", b"x=1"),
    ):
        answer = portal.ask(method, path, body)
        yield path, answer.status, content(answer, portal)
    with portal.live() as viewer:
        event, reading = viewer.next()
        while event != "reading":
            event, reading = viewer.next()
        yield event, reading["meter"], sorted(reading["values"])
    yield sorted(portal.get("/api/status").json)
    yield portal.get("/api/reading").json["meter"]


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
def test_a_tree_serves_the_portal_as_the_sources_do(interpreter, tmp_path):
    told = []
    for name, tree in (("sources", None), ("tree", built_with_probe(tmp_path / "built"))):
        folder = tmp_path / name
        folder.mkdir()
        meter, paths = telegrams(folder, count=60)
        settings = {"portal": {"password": kept()}, "meter": {"key": meter.key.hex()}}
        with Portal(
            interpreter, folder, settings, tree=tree, telegrams=paths, interval=500
        ) as portal:
            told.append(list(said(portal.login())))
    assert told[0] == told[1]
    assert [row[1] for row in told[1][:9]] == [404, 200, 404, 200, 200, 200, 200, 400, 403]
