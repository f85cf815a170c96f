"""Which of the two slots runs. An update replaces a slot, and never this file: what is
written here has to be right for years, so there is little of it.

    /main.py  /boot_slots.mpy    never replaced
    /slots                       the state, one line
    /a/  /b/                     a version each: meterling/, lib/, site/
    /a/release                   its signed header, written last: without it the slot is not whole
    /settings.json, ..           shared by both

The state:

    1 <run> <tried> <starts> <before> <outcome>

run: the slot that has proved itself; tried: the one that has not yet, or "-"; starts: how
often it was started since; before: what went well before the update, see
meterling.update.trial; outcome: what became of the last one, "-" while nothing is known.
"""

import os
import sys

SLOTS = ("a", "b")
RELEASE = "release"
NONE = "-"

_STATE = "slots"
_SECOND = "slots.new"
_FORMAT = "1"
_TRIALS = 3  # starts that a new version has to prove itself
_STARTS = 6  # starts after which the other slot has its turn, though this one proved itself once
_LATEST = 11  # minutes: a version that has not decided about itself by then never will
_timer = None  # kept: the collector must not take it


def read(root=""):
    """[run, tried, starts (int), before, outcome] of the slots in the folder `root` (path
    that ends with "/", or ""). What was never written, or damaged, says that the first whole
    slot runs."""
    for name in (_STATE, _SECOND):  # FAT has only the second one for a moment
        try:
            with open(root + name) as file:
                words = file.read().split(" ")
            if len(words) == 6 and words[0] == _FORMAT and words[5].endswith("\n"):
                run, tried, starts, before, outcome = words[1:]
                if run in SLOTS and (tried in SLOTS or tried == NONE):
                    return [run, tried, int(starts), before, outcome[:-1]]
        except (OSError, ValueError):
            pass
    first = SLOTS[0] if is_whole(SLOTS[0], root) or not is_whole(SLOTS[1], root) else SLOTS[1]
    return [first, NONE, 0, NONE, NONE]


def write(state, root=""):
    """Write what `read` gives, whole or not at all. OSError if the flash does not take it."""
    with open(root + _SECOND, "w") as file:
        file.write(" ".join([_FORMAT] + [str(word) for word in state]) + "\n")
        file.flush()  # on MicroPython this is the sync
        if hasattr(os, "fsync"):
            os.fsync(file.fileno())
    os.rename(root + _SECOND, root + _STATE)


def is_whole(slot, root=""):
    """True if all of a version is in `slot`."""
    try:
        return os.stat(root + slot + "/" + RELEASE)[6] > 0
    except OSError:
        return False


def other(slot):
    return SLOTS[slot == SLOTS[0]]


def give_up(outcome, root=""):
    """The slot that is tried is not, after all: from the next start on the old one runs.
    outcome: str, why. Its release goes, so that nothing ever falls back to it."""
    run, tried, _, _, _ = read(root)
    write([run, NONE, 0, NONE, outcome], root)
    if tried != NONE:
        try:
            os.remove(root + tried + "/" + RELEASE)
        except OSError:
            pass  # it was not whole


def choose(root=""):
    """The slot to start now (str), and the start is counted; "" if none can: then only
    a rescue is left, and the next start begins anew."""
    if not is_whole(SLOTS[0], root) and not is_whole(SLOTS[1], root):
        return ""
    run, tried, starts, before, outcome = read(root)
    try:
        if tried != NONE:
            if starts < _TRIALS and is_whole(tried, root):
                write([run, tried, starts + 1, before, outcome], root)
                return tried
            give_up("failed-starts", root)
            outcome = "failed-starts"
            starts = 0
        if not is_whole(run, root) or starts >= _STARTS:
            starts = 0
            if is_whole(other(run), root):
                run = other(run)
                outcome = "failed-later"
            else:
                write([run, NONE, 0, NONE, outcome], root)
                return ""
        write([run, NONE, starts + 1, NONE, outcome], root)
    except OSError:
        pass  # a flash that takes nothing is no reason not to read the meter
    return run if is_whole(run, root) else ""


def run(root=""):
    """Start what is to be started, and return its slot when it ends; "" if there is nothing
    to start, or a rescue's turn."""
    slot = choose(root)
    if not slot:
        return ""
    trying = read(root)[1] == slot
    sys.path.insert(0, root + slot)
    sys.path.append(root + slot + "/lib")  # behind what is frozen in
    if trying:
        _arm(root)
    try:
        from meterling import app

        app.run()
    except Exception as error:
        if not trying or read(root)[1] != slot:
            raise
        _print(error)
        give_up("failed-start", root)
        _reset()
    return slot


def _print(error):
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
    else:
        print(type(error).__name__)


def _arm(root):
    """Whatever the new version does: it does not stay without having decided to."""
    global _timer
    try:
        from machine import Timer
    except ImportError:
        return  # not on a dongle

    def late(_):
        if read(root)[1] != NONE:
            give_up("failed-time", root)
            _reset()

    _timer = Timer(0)
    _timer.init(mode=Timer.ONE_SHOT, period=_LATEST * 60_000, callback=late)


def _reset():
    import machine

    machine.reset()
