"""The lists by which MicroPython's `mip` installs this project from its repository; written
anew by `python -m meterling_tools.mip`.

    package.json            the whole firmware, without its pages: mip install github:..
    package-decoder.json    the parsing alone: mip install github:../package-decoder.json

    {"urls": [[PATH ON THE DEVICE, PATH BESIDE THIS FILE], ..], "deps": [[NAME, VERSION], ..],
     "version": ".."}

Sources, not bytecode: one list for every chip. What imports what is read off the sources.
"""

import ast
import json
import sys

from meterling import __version__

from . import FIRMWARE, ROOT, build, dependencies

WHOLE = ROOT / "package.json"
DECODER = ROOT / "package-decoder.json"
_PACKAGE = "meterling"
# The rooms of which parts are loaded by names that are made at run time, and where to begin.
PURE = ("link", "ciphering", "cosem")
_DECODER = ("meterling.decoder", "meterling.reading", "meterling.translated")
_MICRODOT = "github:miguelgrinberg/microdot/src/microdot/microdot.py"


def modules():
    """{name: Path} of all modules that a MicroPython with machine code can use."""
    found = {}
    for path in sorted(FIRMWARE.rglob("*.py")):
        parts = path.relative_to(FIRMWARE).with_suffix("").parts
        if parts[0] in ("site", "main") or path.name.endswith(("_plain.py", build.PACKED)):
            continue  # the plain ones are for CPython; and each device has a main.py of its own
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(name, path):
    """The modules (set of str) of ours, or that could be, that the source of the module `name`
    imports, wherever in it."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: 1 - node.level or None] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def decoder():
    """{name: Path} of the modules of the parsing: the pure rooms, and what they import."""
    known = modules()
    wanted = [*_DECODER]
    wanted += [name for name in known if name.split(".")[1:2] and name.split(".")[1] in PURE]
    found = {}
    while wanted:
        name = wanted.pop()
        if name in known and name not in found:
            found[name] = known[name]
            wanted += imports(name, known[name])
            wanted += [name.rpartition(".")[0]]
    return found


def lists():
    """{Path of a list: what it has to hold (str)}"""
    data = [path for path in sorted(FIRMWARE.rglob("*.jsonl")) if "site" not in path.parts]
    microdot = next(x for x in dependencies._PINNED if x.requirement.startswith("microdot=="))
    needs = [["umqtt.simple", "latest"], [_MICRODOT, "v" + microdot.requirement.split("==")[1]]]
    return {
        WHOLE: _list([*modules().values(), *data], needs),
        DECODER: _list(decoder().values(), []),
    }


def _list(paths, needs):
    urls = [
        [path.relative_to(FIRMWARE).as_posix(), path.relative_to(ROOT).as_posix()]
        for path in sorted(paths)
    ]
    rows = ",\n    ".join(json.dumps(row) for row in urls)
    return (
        f'{{\n  "urls": [\n    {rows}\n  ],\n  "deps": {json.dumps(needs)},\n'
        f'  "version": {json.dumps(__version__)}\n}}\n'
    )


def main():
    for path, text in lists().items():
        path.write_text(text, encoding="utf-8")
        print(path.name)


if __name__ == "__main__":
    sys.exit(main())
