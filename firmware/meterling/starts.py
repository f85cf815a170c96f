"""Why the dongle started, how often, and what crashed last: two small files.

    starts.json   {"number": 17, "brown_outs_in_a_row": 0, "causes": {"power-on": 12, ..}}
    crash.json    {"start": 16, "after": 3605, "part": "mqtt", "error": "OSError",
                   "where": ["File \"meterling/publish/mqtt.py\", line 95, in run", ..]}

The first is written once a start, the second at most once an hour: a flash takes 100 000
erasures, and LittleFS adds some 50 such small texts to a block before it erases one. Either
is there as a whole, or as it was before; one that is damaged counts as none.
"""

import io
import sys

from .config import ConfigError, read_document, write_document
from .python import const

STARTS = "starts.json"
CRASH = "crash.json"
# machine.reset() is a "hard" reset to the chip; so is a crash of MicroPython itself.
CAUSES = ("power-on", "hard", "watchdog", "deep-sleep", "soft", "brown-out", "unknown")
BROWN_OUT = "brown-out"

_DEEPEST = const(10)  # lines of a traceback, from its end
_LONGEST = const(100)  # characters of one
_LOOK = const(5)  # s; see health
_HOUR = const(720)  # looks


def begin(health):
    """Health.begin"""
    health.number, health.brown_outs = count(health.cause)
    print("start {}: {}".format(health.number, health.cause))


def crashed(health, name, error):
    """Health.crashed"""
    lines = where(error)
    for line in lines:
        print(line)
    # A start that nobody counts has no files: a test, or a part that is run alone.
    if health.number and health.looks >= health.keep_from:
        health.keep_from = health.looks + _HOUR
        keep_crash(health.number, health.looks * _LOOK, name, error, lines)


def count(cause, path=STARTS):
    """Count a start (cause: one of CAUSES): (its number, how many in a row, up to it, began
    with a brown-out). A flash that takes nothing stops nobody."""
    number, in_a_row, causes = read(path)
    number += 1
    in_a_row = in_a_row + 1 if cause == BROWN_OUT else 0
    causes[cause] = causes.get(cause, 0) + 1
    document = {"number": number, "brown_outs_in_a_row": in_a_row, "causes": causes}
    try:
        write_document(path, document)
    except OSError:
        print("start: cannot be counted")
    return number, in_a_row


def read(path=STARTS):
    """(number of starts, brown-outs in a row, {cause: how often}); zeros if nothing is known."""
    document = _document(path)
    try:
        causes = {name: int(document["causes"].get(name, 0)) for name in CAUSES}
        causes = {name: times for name, times in causes.items() if times > 0}
        return int(document["number"]), int(document["brown_outs_in_a_row"]), causes
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        return 0, 0, {}


def where(error):
    """Where it was raised (list of str, the innermost last): files, lines, functions; never
    its text."""
    if hasattr(sys, "print_exception"):  # MicroPython
        text = io.StringIO()
        sys.print_exception(error, text)
        lines = text.getvalue().split("\n")
    else:
        from traceback import format_tb

        lines = "".join(format_tb(error.__traceback__)).split("\n")
    # CPython adds the lines of source, further in.
    lines = [line.strip()[:_LONGEST] for line in lines if line.startswith("  File ")]
    return lines[-_DEEPEST:]


def keep_crash(number, after, part, error, lines, path=CRASH):
    """Write down a crash. number: int, of the start; after: s since then; part: str, what
    crashed; lines: as `where` gives."""
    document = {
        "start": number,
        "after": after,
        "part": part,
        "error": type(error).__name__,
        "where": lines,
    }
    try:
        write_document(path, document)
    except OSError:
        print("crash: cannot be kept")


def crash(path=CRASH):
    """The last crash (dict, see above), None if there was none."""
    document = _document(path)
    try:
        texts = [document["part"], document["error"]] + document["where"]
        if all(isinstance(text, str) for text in texts):
            document["start"] = int(document["start"])
            document["after"] = int(document["after"])
            return document
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        pass
    return None


def _document(path):
    try:
        return read_document(path)
    except (ConfigError, OSError, ValueError):
        return None


def report(number, cause):
    """What stands above the log (str), in lines. number, cause: of this start."""
    _, _, causes = read()
    text = "start {}: {}\n".format(number, cause)
    text += "all starts: {}\n".format(
        ", ".join("{} {}".format(causes[name], name) for name in CAUSES if name in causes)
    )
    last = crash()
    if last:
        text += "last crash: {}: {}, start {}, after {} s\n".format(
            last["part"], last["error"], last["start"], last["after"]
        )
        for line in last["where"]:
            text += "  " + line + "\n"
    return text
