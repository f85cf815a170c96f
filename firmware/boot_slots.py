"""Which of the two slots runs. An update replaces a slot, and never this file: what is
written here has to be right for years, so there is little of it.

    /main.py  /boot_slots.mpy  /rescue.mpy    never replaced
    /slots                       the state, one line
    /a/  /b/                     a version each: meterling/, lib/, site/
    /a/release                   its signed header, written last: without it the slot is not whole
    /settings.json, ..           shared by both

The state:

    1 <run> <tried> <starts> <before> <outcome>

run: the slot that has proved itself; tried: the one that has not yet, or "-"; starts: how
often it was started since, once it has proved itself only after a reset: that power comes and
goes is no fault of it; before: what went well before the update, see
meterling.update.trial; outcome: what became of the last one, "-" while nothing is known.

Whatever starts and ends too early, over and over, has six starts; then the other slot has
its turn, and if that fares no better, rescue; then it begins anew.
"""

import os
import sys
import time

SLOTS = ("a", "b")
RELEASE = "release"
NONE = "-"

_STATE = "slots"
_SECOND = "slots.new"
_FORMAT = "1"
_TRIALS = 3  # starts that a new version has to prove itself
_STARTS = 6  # starts after which the other slot has its turn, though this one proved itself once
_LATEST = 11  # minutes: a version that has not decided about itself by then never will
_PAUSE = 5  # s before the next start, for who reads along


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


def are_there(root=""):
    """False where the firmware was copied flat: on a PC, or by mpremote."""
    for slot in SLOTS:
        try:
            os.stat(root + slot)
            return True
        except OSError:
            pass
    return False


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
            failed = outcome == "failed-later" and starts >= _STARTS  # the other one, before
            starts = 0
            if is_whole(other(run), root):
                run = other(run)
                outcome = "failed-both" if failed else "failed-later"
            else:
                failed = True
            if failed:
                write([run, NONE, 0, NONE, outcome], root)
                return ""
        state = [run, NONE, starts if _by_power() else starts + 1, NONE, outcome]
        if state != read(root):
            write(state, root)
    except OSError:
        pass  # a flash that takes nothing is no reason not to read the meter
    return run if is_whole(run, root) else ""


def _by_power():
    # Whether power or the end of a deep sleep started the chip. A crash is a "hard" reset.
    try:
        import machine

        return machine.reset_cause() in (machine.PWRON_RESET, machine.DEEPSLEEP_RESET)
    except (ImportError, AttributeError):
        return False


def begin(root=""):
    """Choose the slot to start, and make `meterling` be what is in it: its name (str), "" if
    there is none to start, or it is a rescue's turn."""
    slot = choose(root)
    if slot:
        sys.path.insert(0, root + slot)
        sys.path.append(root + slot + "/lib")  # behind what is frozen in
        if read(root)[1] == slot:
            _arm(root)
    return slot


def failed(slot, error, root=""):
    """What was begun in `slot` has raised `error`: the chip starts anew, whatever else fails;
    KeyboardInterrupt if who reads along says so."""
    try:
        if hasattr(sys, "print_exception"):
            sys.print_exception(error)
        else:
            print(type(error).__name__)
        if read(root)[1] == slot:
            give_up("failed-start", root)
        else:
            _listen_to_ctrl_c()
            time.sleep(_PAUSE)
    except KeyboardInterrupt:
        raise
    except BaseException:
        pass  # no memory, or a flash that takes nothing
    _reset()


def _listen_to_ctrl_c():
    try:
        import micropython

        micropython.kbd_intr(3)  # main.py has switched it off
    except (ImportError, AttributeError):
        pass


def _arm(root):
    """Whatever the new version does: it does not stay without having decided to."""
    try:
        from machine import Timer
    except ImportError:
        return  # not on a dongle

    def late(_):
        decided = False
        try:
            decided = read(root)[1] == NONE
            if not decided:
                give_up("failed-time", root)
        finally:
            if not decided:
                _reset()

    # MicroPython keeps those that run from the collector, and with them all that `late` needs.
    Timer(0).init(mode=Timer.ONE_SHOT, period=_LATEST * 60_000, callback=late)


def _reset():
    import machine

    machine.reset()
