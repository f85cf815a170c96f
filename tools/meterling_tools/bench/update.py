"""What an update takes: instructions to check its signature, heap, and bytes on the way."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from meterling import __version__

from .. import CommandError, build, interpreters, release
from . import corpus
from .figure import Figure
from .heap import compile_script, last_line

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))  # of nobody
_FEW, _MANY = 1, 3  # signatures
# 30 s at 160 MHz and 1.5 cycles an instruction
_MOST_INSTRUCTIONS = 3_200_000_000
_MOST_HEAP = 48 * 1024  # bytes, of the 126 kB that are free
_LOWEST, _STEP = 8192, 256
_MESSAGE = bytes(47)  # as long as what a release signs


def figures(args):
    with tempfile.TemporaryDirectory(prefix="meterling-") as folder:
        folder = Path(folder)
        yield _instructions(folder)
        yield _heap(folder)
        for chip in ("esp32", "esp32c3"):
            build.build(chip, folder / chip)
            files = release.collect(folder / chip)
            size = len(release.make(files, _KEY, __version__))
            note = f"{sum(map(len, files.values()))} unpacked, {len(files)} files"
            yield Figure(f"update: release for {chip}", size, "B", note=note)


def _instructions(folder):
    interpreter = interpreters.find("micropython")
    valgrind = shutil.which("valgrind")
    name = "update: instructions to check a signature, 64 bits"
    missing = "" if interpreter else f"no micropython: {interpreter.reason}"
    missing = missing or ("" if valgrind else "no valgrind on this machine")
    if missing:
        return Figure(name, target=_MOST_INSTRUCTIONS, missing=missing)
    build.build("unix", folder / "unix", users=corpus.USERS)
    public = _KEY.public_key().public_bytes_raw()
    case = [x.hex() for x in (public, _MESSAGE, _KEY.sign(_MESSAGE))]

    def count(times):
        command = interpreters.command(
            interpreter, corpus.SCRIPTS / "signature.py", times, *case, heapsize=1 << 24
        )
        result = subprocess.run(
            [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
            capture_output=True,
            timeout=300,
            env=interpreters.environment(interpreter, (folder / "unix",), PYTHONHASHSEED="0"),
        )
        collected = re.search(rb"Collected : (\d+)", result.stderr)
        if result.stdout.strip() != b"%d" % times or not collected:
            raise CommandError(f"counting instructions: {last_line(result)}", 1)
        return int(collected[1])

    value = (count(_MANY) - count(_FEW)) // (_MANY - _FEW)
    seconds = value * 1.5 / 160e6
    note = f"{seconds:.1f} s at 160 MHz and 1.5 cycles each"
    return Figure(name, value, target=_MOST_INSTRUCTIONS, note=note)


def _heap(folder):
    interpreter = interpreters.find("micropython32")
    name = "update: least heap for the whole firmware as a release"
    if not interpreter:
        reason = f"no micropython32: {interpreter.reason}"
        return Figure(name, unit="B", target=_MOST_HEAP, missing=reason)
    build.build("unix32", folder / "tree", users=corpus.USERS)
    compile_script(corpus.SCRIPTS / "update.py", folder / "update.mpy")
    files = release.collect(folder / "tree")
    (folder / "release").write_bytes(release.make(files, _KEY, __version__))
    root = folder / "root"
    for path, data in release.for_flash(folder / "tree").items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def enough(size):
        (root / "slots").unlink(missing_ok=True)  # what was tried last
        key = release.public_hex(_KEY)
        result = subprocess.run(
            interpreters.command(
                interpreter, "-m", "update", "root/", "release", key, heapsize=size
            ),
            capture_output=True,
            cwd=folder,
            env=interpreters.environment(interpreter, ("", "tree")),
            timeout=60,
        )
        return result.stdout.strip() == b"done"

    low, high = _LOWEST, 1 << 18
    if not enough(high):
        raise CommandError(f"not even {high} bytes of heap do for an update.", 1)
    while high - low > _STEP:
        middle = (low + high) // 2 // _STEP * _STEP
        low, high = (low, middle) if enough(middle) else (middle, high)
    return Figure(name, high, "B", target=_MOST_HEAP)
