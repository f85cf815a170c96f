"""The Pythons that the firmware's modules run on: found on this machine, and run.

cpython        the one that runs the tools
micropython    64 bits: $MICROPYTHON, else beside the tools' Python (from PyPI), else the PATH
micropython32  32 bits, nearest to the ESP32 (31-bit small integers, 16-byte heap blocks):
               $MICROPYTHON32, else what tools/get-micropython32 fetched, else the PATH
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from . import FIRMWARE, ROOT

NAMES = ("cpython", "micropython", "micropython32")

_BITS = {"micropython": 64, "micropython32": 32}
_PROBE = (
    "import sys;"
    "print(sys.implementation.name, 64 if sys.maxsize > 1 << 31 else 32,"
    " getattr(sys.implementation, '_mpy', 0) >> 10 & 15, *sys.implementation.version)"
)
# By that number, what mpy-cross calls the machine code it runs; 0 = none (e.g. a PC with arm64).
_MARCH = (
    ("", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp")
    + ("xtensa", "xtensawin", "rv32imc", "rv64imc")
)  # fmt: skip
_NOWHERE = {
    "micropython": "not in .venv, not on the PATH, and MICROPYTHON names none",
    "micropython32": "run tools/get-micropython32 (Debian, Ubuntu), or name one in MICROPYTHON32",
}


class Interpreter:
    """One Python of this machine, or the reason why there is none.

    `path` (str, None if missing), `reason` (str, "" if found), `version` (str), `march` (str:
    what mpy-cross calls its machine code, "" if it runs none), `starts` (int: how many command
    lines were made for it).
    """

    def __init__(self, name, path=None, reason="", version="", march=""):
        self.name = name
        self.path = path
        self.reason = reason
        self.version = version
        self.march = march
        self.starts = 0

    def __bool__(self):
        return self.path is not None

    def __repr__(self):
        return f"<{self.name}: {self.path or self.reason}>"


@cache
def find(name):
    """The Interpreter of that name (one of NAMES); false if this machine has none."""
    if name == "cpython":
        return Interpreter(name, sys.executable, version=sys.version.split()[0])
    named = os.environ.get(name.upper())
    if named:
        path = shutil.which(named)
        if path is None:
            return Interpreter(name, reason=f"{name.upper()}={named} is no program")
        return _probe(name, path)
    beside = {
        "micropython": Path(sys.executable).parent / "micropython",
        "micropython32": ROOT / ".cache" / "micropython32" / "micropython32",
    }
    reason = _NOWHERE[name]
    for path in (shutil.which(beside[name]), shutil.which(name)):
        if path:
            found = _probe(name, path)
            if found:
                return found
            reason = found.reason
    return Interpreter(name, reason=reason)


def _probe(name, path):
    """Ask the program at `path` what it is; an Interpreter, false if not the one wanted."""
    try:
        answer = subprocess.run([path, "-c", _PROBE], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Interpreter(name, reason=f"{path} does not start: {error}")
    words = answer.stdout.split()
    if answer.returncode or len(words) < 6 or words[0] != "micropython":
        return Interpreter(name, reason=f"{path} is no MicroPython that starts")
    if int(words[1]) != _BITS[name]:
        return Interpreter(name, reason=f"{path} has {words[1]} bits, not {_BITS[name]}")
    arch = int(words[2])
    march = _MARCH[arch] if arch < len(_MARCH) else ""
    return Interpreter(name, path, version=".".join(words[3:]), march=march)


def command(interpreter, script, *args, heapsize=None):
    """The command line (list of str) that runs `script` with `args`. `heapsize` (int, bytes)
    limits MicroPython's heap; CPython has no such limit and ignores it. `script` may be "-c",
    with the code as the first of `args`."""
    interpreter.starts += 1
    heap = []
    if heapsize and interpreter.name != "cpython":
        heap = ["-X", f"heapsize={heapsize}"]
    return [interpreter.path, *heap, str(script), *map(str, args)]


def environment(interpreter, path=(FIRMWARE,), **extra):
    """The environment (dict) in which imports come from the folders `path`, before anything
    else. `extra` is added to it."""
    result = {**os.environ, **extra}
    folders = [str(folder) for folder in path]
    if interpreter.name == "cpython":
        result["PYTHONPATH"] = os.pathsep.join(folders)
    else:
        # MICROPYPATH replaces the built-in path: ".frozen" is where asyncio and ssl are.
        result["MICROPYPATH"] = ":".join([*folders, ".frozen"])
    return result


def run(
    interpreter,
    script,
    args=(),
    stdin=None,
    *,
    heapsize=None,
    timeout=120,
    path=(FIRMWARE,),
    env=None,
    cwd=None,
):
    """Run `script` (a file, or "-c" with the code as first of `args`) to its end.

    `stdin`: bytes or None; `heapsize`: bytes; `timeout`: s; `path`: folders to import from;
    `env`: dict, added to the environment; `cwd`: folder to run in. Returns
    subprocess.CompletedProcess with stdout and stderr as bytes; TimeoutExpired if it takes too
    long, FileNotFoundError if the interpreter is missing."""
    if not interpreter:
        raise FileNotFoundError(None, interpreter.reason, interpreter.name)
    return subprocess.run(
        command(interpreter, script, *args, heapsize=heapsize),
        input=b"" if stdin is None else stdin,
        capture_output=True,
        timeout=timeout,
        env=environment(interpreter, path, **(env or {})),
        cwd=cwd,
    )
