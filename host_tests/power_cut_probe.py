"""An update on a real LittleFS, on a flash whose power fails at its n-th write or erase: for
each n. MicroPython only.

Arguments: a folder with the files that are on the flash before; the file of the release;
blocks of the flash. Prints for each n, until the power no longer fails, a line: what the
first start afterwards runs, what one runs after four more that prove nothing, and whether the
settings are what they were and each slot that seems whole is; and what runs after the same
update again, "-" where it was not tried.
"""

import asyncio
import builtins
import os
import sys
from binascii import hexlify
from hashlib import sha256

import boot_slots
import vfs
from meterling.update import ed25519, package, slots, updater
from meterling.update.errors import Refused

_BLOCK = 4096
_READ = 256
_COUNT, _SIZE, _ERASE = 4, 5, 6
_ERASED = b"\xff" * _BLOCK
ROOT = "/flash/"
OLD = "1.2.3"


def no_steps(public, message, signature):
    yield
    return True


ed25519.steps = no_steps  # not what is tested here, and slow
updater.unload = lambda package, names: None


class PowerCut(Exception):
    pass


class Flash:
    """`image`: bytearray; `left`: writes and erases until the power fails, in the middle of
    one, which raises PowerCut; after that nothing is written any more."""

    def __init__(self, image, left):
        self.image = image
        self.left = left

    def _write(self, start, data):
        self.left -= 1
        if self.left > 0:
            self.image[start : start + len(data)] = data
        elif self.left == 0:
            self.image[start : start + len(data) // 2] = data[: len(data) // 2]
            raise PowerCut

    def readblocks(self, block, buffer, offset=0):
        start = block * _BLOCK + offset
        buffer[:] = memoryview(self.image)[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        self._write(block * _BLOCK + offset, memoryview(buffer))

    def ioctl(self, request, argument):
        if request == _COUNT:
            return len(self.image) // _BLOCK
        if request == _SIZE:
            return _BLOCK
        if request == _ERASE:
            self._write(argument * _BLOCK, memoryview(_ERASED))
        return 0


def mounted(image, left):
    flash = Flash(image, left)
    system = vfs.VfsLfs2(flash, readsize=_READ, progsize=_READ, lookahead=64)
    vfs.mount(system, "/flash")
    return flash


def unmount():
    # What is open is closed, while its flash takes nothing any more: left to the collector,
    # it would be closed when no more Python can run.
    for file in opened:
        try:
            file.close()
        except OSError:
            pass  # it looks for a block that holds what was written
    opened.clear()
    vfs.umount("/flash")


opened = []
plain_open = open


def tracked(*arguments):
    file = plain_open(*arguments)
    opened.append(file)
    return file


builtins.open = tracked


def copy(source, target):
    for name in os.listdir(source):
        path = source + "/" + name
        if os.stat(path)[0] & 0x4000:
            os.mkdir(target + name)
            copy(path, target + name + "/")
        else:
            with open(path, "rb") as file:
                data = file.read()
            with open(target + name, "wb") as file:
                file.write(data)


def update(release):
    work = updater.Updater(False, ROOT, (KEY,), OLD, 6)
    for start in range(0, len(release), 700):
        work.write(release[start : start + 700])
    asyncio.run(work.finish("rn"))


def running(slot):
    """The version in `slot`, if each of its files is what its release says."""
    if not slot:
        return "nothing"
    try:
        with open(ROOT + slot + "/release", "rb") as file:
            found = package.front(file)
            for name, size, digest in package.entries(file, found.files):
                if digest_of(ROOT + slot + "/" + name, size) != digest:
                    return "damaged"
            if file.read(1):
                return "damaged"
    except OSError:
        return "damaged"
    return ".".join(str(x) for x in found.version)


def digest_of(path, size):
    with open(path, "rb") as file:
        data = file.read()
    return sha256(data).digest() if len(data) == size else None


def settings():
    with open(ROOT + "settings.json") as file:
        return file.read()


before, path, blocks, again = sys.argv[1:]
with open(path, "rb") as file:
    release = file.read()
KEY = hexlify(release[8:12]).decode()
first = bytearray(b"\xff" * (int(blocks) * _BLOCK))
flash = Flash(first, 1 << 29)
vfs.VfsLfs2.mkfs(flash, readsize=_READ, progsize=_READ, lookahead=64)
mounted(first, 1 << 29)
copy(before, ROOT)
kept = settings()
unmount()

n = 0
ended = False
while not ended:
    n += 1
    image = bytearray(first)
    flash = mounted(image, n)
    try:
        update(release)
        boot_slots.choose(ROOT)
        slots.proved(ROOT)
        ended = True
    except (PowerCut, OSError, Refused):
        if flash.left > 0:
            raise
    unmount()

    flash = mounted(image, 1 << 29)
    whole = [slot for slot in boot_slots.SLOTS if boot_slots.is_whole(slot, ROOT)]
    sound = all(running(slot) != "damaged" for slot in whole)
    found = [running(boot_slots.choose(ROOT))]
    for _ in range(4):
        slot = boot_slots.choose(ROOT)
    found.append(running(slot))
    found.append(str(sound and settings() == kept))
    if n % int(again) == 0 and found[1] == OLD:
        update(release)
        found.append(running(boot_slots.choose(ROOT)))
    else:
        found.append("-")
    unmount()
    print(*found)
