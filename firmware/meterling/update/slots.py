"""What is in the slots, and what is tried.

Which slot runs is boot_slots' to know; it never changes. Here is what an update may change.
"""

import os

import boot_slots

from ..python import const

_FOLDER = const(0x4000)
_BLOCK = const(4096)  # bytes: of the flash. Each file begins one.


def running(root=""):
    """The slot (str) that runs now."""
    run, tried, starts, *_ = boot_slots.read(root)
    return tried if starts and tried != boot_slots.NONE else run


def is_tried(root=""):
    return boot_slots.read(root)[1] != boot_slots.NONE


def status(root=""):
    """What the page shows (dict): version of each slot or None, "slot" that runs, whether it
    is "tried", and "outcome" of the last update: None, "ok" or "failed-..": starts (it never
    lasted), start (it raised), readings, network, time; later (long after it had proved
    itself)."""
    _, tried, _, _, outcome = boot_slots.read(root)
    return {
        "slot": running(root),
        "tried": tried != boot_slots.NONE,
        "outcome": None if outcome == boot_slots.NONE else outcome,
        "versions": {slot: version(slot, root) for slot in boot_slots.SLOTS},
    }


def version(slot, root=""):
    """The version in `slot` as "1.2.3", None if there is none."""
    from . import package  # what only judges a version does without
    from .errors import Refused

    try:
        with open(root + slot + "/" + boot_slots.RELEASE, "rb") as file:
            return "%d.%d.%d" % tuple(package.front(file).version)
    except (OSError, Refused):
        return None


def start_trial(slot, before, root=""):
    """From the next start on `slot` is tried. OSError."""
    run = boot_slots.read(root)[0]
    boot_slots.write([run, slot, 0, before or boot_slots.NONE, boot_slots.NONE], root)


def on_trial(root=""):
    """(whether what runs is tried, what it has to do as well as the old one; see
    trial.Trial)."""
    return is_tried(root), boot_slots.read(root)[3]


def give_up(verdict, root=""):
    """What is tried is not, after all; see boot_slots."""
    boot_slots.give_up(verdict, root)


def proved(root=""):
    """What runs has proved itself: it stays if it was tried, and its starts are counted
    anew. Nothing is written if nothing changes. OSError."""
    run, tried, starts, _, outcome = boot_slots.read(root)
    if not starts:
        return  # nothing to forget; and what is to be tried next proves itself, not by us
    if tried != boot_slots.NONE:
        boot_slots.write([tried, boot_slots.NONE, 0, boot_slots.NONE, "ok"], root)
    else:
        boot_slots.write([run, boot_slots.NONE, 0, boot_slots.NONE, outcome], root)


def remove_steps(path):
    """Remove the file or folder `path`, if there is one, a generator; a slot's release first,
    so that what is left is never taken for whole."""
    try:
        if not os.stat(path)[0] & _FOLDER:
            os.remove(path)
            return
    except OSError:
        return
    names = os.listdir(path)
    names.sort(key=lambda name: name != boot_slots.RELEASE)
    for name in names:
        yield
        yield from remove_steps(path + "/" + name)
    os.rmdir(path)


def blocks_of(path):
    """Blocks that `statvfs` finds free once the file or folder `path` is removed, 0 if there is
    none: LittleFS counts the two of a folder twice."""
    try:
        mode, *_ = found = os.stat(path)
    except OSError:
        return 0
    if not mode & _FOLDER:
        return blocks(found[6])
    return 4 + sum(blocks_of(path + "/" + name) for name in os.listdir(path))


def blocks(size):
    """Blocks that a file of `size` bytes takes."""
    return -(-size // _BLOCK)
