"""`meterling flash --app-only`: for developers, in seconds.

The firmware is built for the machine code that the dongle runs, each file on it is compared by
its hash, which the dongle computes, and what differs is copied through the REPL; then it starts
anew. MicroPython, the settings and everything else stay as they are.
"""

import hashlib
import time

from . import ROOT, CommandError, build, flash_port, release, site
from .flash_chip import progress
from .flash_dongle import Dongle

# Of sys.implementation._mpy: what `build` calls a chip with that machine code; see interpreters
_CHIPS = {1: "unix32", 2: "unix", 10: "esp32", 11: "esp32c3"}
_ROOMS = ("meterling", "lib", "site")  # the folders of a build
_OURS = ("meterling", "site")  # what else is in these is of an older one


def run(args):
    """As flash.run."""
    for name in ("board", "erase", "settings", "micropython"):
        if getattr(args, name):
            raise CommandError(f"--app-only only copies the firmware: leave out --{name}.", 1)
    started = time.monotonic()
    dongle = Dongle(flash_port.find(args.port))
    try:
        chip = _CHIPS.get(dongle.arch)
        if chip is None:
            raise CommandError("This chip runs no machine code that the firmware is built in.", 1)
        site.build_or_say(build.SITE)
        tree = build_tree(chip, dongle.slot, build.read_keys(args.release_key))
        count = copy(dongle, tree)
        if dongle.slot:
            dongle.trust(dongle.slot)
        dongle.restart()
    finally:
        dongle.close()
    seconds = time.monotonic() - started
    print(f"{count[0]} of {len(tree)} files copied, {count[1]} removed, in {seconds:.1f} s.")


def build_tree(chip, slot, keys=()):
    """{path: bytes} of the firmware for `chip` (str): as it lies on a flash where `slot` (str)
    runs, or flat (None). `keys`: as for `build.build`."""
    folder = ROOT / "build" / "app-only" / chip
    names = [name for name, _, _ in build.build(chip, folder, keys)]
    if slot is None:
        tree = {name: (folder / name).read_bytes() for name in names}
        del tree["settings.json.example"]
        return tree
    return {
        slot + path.removeprefix(release.SLOT)
        if path.startswith(f"{release.SLOT}/")
        else path: data
        for path, data in release.for_flash(folder).items()
        if path != "settings.json.example"
    }


def copy(dongle, tree):
    """Make the firmware on `dongle` the one in `tree` ({path: bytes}); nothing else is touched.
    Returns (files copied, files removed)."""
    rooms = {_room(path) for path in tree} - {None}
    beside = {path.rpartition("/")[0] for path in tree if _room(path) is None}
    there = dongle.hashes([(room, True) for room in rooms] + [(room, False) for room in beside])
    changed = [
        path for path, data in tree.items() if there.get(path) != hashlib.sha256(data).digest()
    ]
    ours = {room for room in rooms if room.split("/")[-1] in _OURS}
    gone = [path for path in there if _room(path) in ours and path not in tree]
    total = sum(len(tree[path]) for path in changed)
    done = 0
    with progress("Copying") as show:

        def moved(count):
            nonlocal done
            done += count
            show(done, total)

        dongle.begin_writing()
        for path in sorted(changed):
            dongle.write(path, tree[path], moved)
    for path in gone:
        dongle.remove(path)
    return len(changed), len(gone)


def _room(path):
    """The folder of the build that `path` is in ("meterling", "a/lib"), None beside them."""
    parts = path.split("/")
    at = 1 if len(parts) > 2 and len(parts[0]) == 1 else 0
    return "/".join(parts[: at + 1]) if parts[at] in _ROOMS and len(parts) > at + 1 else None
