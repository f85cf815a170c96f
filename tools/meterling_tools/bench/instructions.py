"""Instructions per telegram on the 64-bit MicroPython, counted by valgrind.

The difference of two run lengths, so that only decoding is left: repeatable, and independent of
what else the machine does.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .. import CommandError, build, interpreters
from . import corpus
from .figure import Figure
from .heap import last_line

_SCRIPT = Path(__file__).parent / "scripts" / "decode.py"
_SHORT, _LONG = 100, 600  # telegrams
_HEAP = 1 << 24  # bytes: the collector must not run in the longer one only


def figures(args):
    interpreter = interpreters.find("micropython")
    valgrind = shutil.which("valgrind")
    missing = "" if interpreter else f"no micropython: {interpreter.reason}"
    if not valgrind:
        missing = missing or "no valgrind on this machine"
    noe = corpus.meter("netznoe-kaifa")
    medium = corpus.medium_kamstrup()
    demanded = (("NOE, M-Bus", noe, 55_000, 40_000), ("HDLC with tag", medium, 140_000, 110_000))
    if missing:
        for text, meter, target, _ in demanded:
            name = f"instructions: {text}, {len(meter.telegram(0))} bytes"
            yield Figure(name, target=target, missing=missing)
        return
    with tempfile.TemporaryDirectory(prefix="meterling-") as folder:
        count = Counter(interpreter, valgrind, Path(folder))
        for text, meter, target, stretch in demanded:
            text = f"instructions: {text}, {len(meter.telegram(0))} bytes"
            whole = count.feed(meter)
            yield Figure(text, whole, target=target, stretch=stretch)
            ciphered = count.apdus(meter, corpus.ciphered_apdu)
            plain = count.apdus(meter, type(meter).apdu)
            yield Figure("  of which the link layer", whole - ciphered)
            yield Figure("  of which the ciphering", ciphered - plain)
            yield Figure("  of which COSEM and the reading", plain)
            if meter is noe:
                alone = whole
        yield Figure(
            "instructions: kamstrup-dk, 491 bytes", count.feed(corpus.meter("kamstrup-dk"))
        )
        yield Figure("instructions: NOE as JSON, put_json", count.feed(noe, "put_json") - alone)
        yield Figure("instructions: NOE as JSON, json.dumps", count.feed(noe, "dumps") - alone)


class Counter:
    """Counts on `interpreter`, with a tree built for it in `folder` (Path)."""

    def __init__(self, interpreter, valgrind, folder):
        self._interpreter = interpreter
        self._valgrind = valgrind
        self._folder = folder
        build.build("unix", folder / "tree", users=corpus.USERS)

    def feed(self, meter, mode="feed"):
        """Instructions that one telegram of `meter` takes, from its raw bytes on."""
        payloads = map(meter.telegram, range(_LONG))
        return self._difference(payloads, meter.link, corpus.keys(meter), mode)

    def apdus(self, meter, encode):
        """The same without link layer; `encode(meter, n)` gives the APDU."""
        payloads = (encode(meter, n) for n in range(_LONG))
        return self._difference(payloads, "apdu", corpus.keys(meter), "apdus")

    def _difference(self, payloads, link, keys, mode):
        file = corpus.write(self._folder / "telegrams", payloads)
        short, long = (self._run(file, link, *keys, mode, count) for count in (_SHORT, _LONG))
        return (long - short) // (_LONG - _SHORT)

    def _run(self, *args):
        *_, count = args
        command = interpreters.command(self._interpreter, _SCRIPT, *args, heapsize=_HEAP)
        result = subprocess.run(
            [self._valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", *command],
            capture_output=True,
            timeout=120,
            # The launcher may be a Python script: its hashes must not differ between runs.
            env=interpreters.environment(
                self._interpreter, (self._folder / "tree",), PYTHONHASHSEED="0"
            ),
        )
        collected = re.search(rb"Collected : (\d+)", result.stderr)
        if result.stdout.strip() != b"%d" % count or not collected:
            raise CommandError(f"counting instructions: {last_line(result)}", 1)
        return int(collected[1])
