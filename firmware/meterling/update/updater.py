"""An update, from the first byte of a release to the start that tries it.

    updater = Updater()
    updater.write(chunk)            # as they come
    await updater.finish("rn")      # checks, unpacks; then the chip may be reset

The release is kept as it comes, for its signature to be checked before a byte of the other
slot is touched; then the other slot is emptied, filled, read back, and marked as whole. A
power cut anywhere leaves what runs, running. Nothing holds the event loop for longer than
the flash takes to write a piece.
"""

import os
import sys

import boot_slots

import meterling

from ..publish.loop import sleep_ms
from ..python import const, unload
from . import package, slots
from .errors import Refused
from .keys import KEYS

_PART = "update.part"
_PIECE = const(1024)  # bytes
_SPARE_BLOCKS = const(8)  # that the file system wants for itself


class Updater:
    """One update. Refused, from every method: see errors; the first refusal is the last word,
    and leaves nothing behind.

    progress: (what is being done, how far, of how much): "receiving", "checking", "emptying",
    "unpacking", "comparing", "done", "refused", "abandoned"; in bytes, 0 of how much: unknown.
    code: why it was refused, None.
    force: downgrades are taken; into: the slot to fill, whatever runs (for rescue). The rest is
    for tests: root: folder of the slots; keys: hex; version: "1.2.3" that runs; mpy:
    sys.implementation._mpy.
    """

    def __init__(self, force=False, root="", keys=KEYS, version=None, mpy=None, into=None):
        self.progress = ("receiving", 0, 0)
        self._force = force
        self._root = root
        self._into = into
        self._keys = keys
        version = version or meterling.__version__
        self._version = tuple(int(number) for number in version.split("."))
        self._mpy = getattr(sys.implementation, "_mpy", 0) if mpy is None else mpy
        self._buffer = memoryview(bytearray(_PIECE))
        self._file = None
        self._front = None
        self._filled = 0  # bytes of the release so far; the first of them are in the buffer
        self.code = None

    def write(self, chunk):
        """Take the next bytes of a release (bytes-like, any number)."""
        self._go_on()
        try:
            self._write(memoryview(chunk))
        except OSError:
            self._refuse("flash")
        except Refused as refused:
            self._refuse(refused.code)

    async def finish(self, before=""):
        """The release is complete: check it and put it into the other slot. After that, from
        the next start on, it is tried, and has to do what went well `before`: trial.READINGS,
        trial.NETWORK."""
        self._go_on()
        try:
            for _ in self._steps(before):
                await sleep_ms(0)
        except OSError:
            self._refuse("flash")
        except (MemoryError, ImportError):  # what is packed is not found without memory
            self._refuse("memory")
        except Refused as refused:
            self._refuse(refused.code)
        finally:
            self._close()
            unload("meterling.update", "ed25519 sha512")

    def abandon(self):
        """The rest will not come; nothing happens if all of it was there."""
        if self.is_busy():
            self.progress = ("abandoned", 0, 0)
            self._clean()

    def is_busy(self):
        """True until it is known how it ends."""
        return self.progress[0] not in ("done", "refused", "abandoned")

    def _go_on(self):
        if self.code is not None:
            raise Refused(self.code)

    def _refuse(self, code):
        self.code = code
        self.progress = ("refused", 0, 0)
        self._clean()
        raise Refused(code)

    def _close(self):
        file = self._file
        self._file = None
        if file is not None:
            try:
                file.close()
            except OSError:
                pass  # what is in it does not count any more

    def _clean(self):
        self._close()
        try:
            os.remove(self._root + _PART)
        except OSError:
            pass  # there is none, or the next update removes it

    def _write(self, chunk):
        if self._file is None:
            if self._into is None:
                if slots.is_tried(self._root):
                    raise Refused("busy")
                if slots.version(slots.running(self._root), self._root) is None:
                    raise Refused("no-slots")
            self._clean()  # what a power cut left would still take its room
            self._file = open(self._root + _PART, "wb")
        if self._filled < package.FRONT:
            end = min(self._filled + len(chunk), package.FRONT)
            self._buffer[self._filled : end] = chunk[: end - self._filled]
            if end == package.FRONT:
                self._front = package.Front(self._buffer)
                # Not signed yet, and so only a first look: nobody sends in vain.
                self._check(self._front)
                self._check_room(slots.blocks(self._front.size + self._front.unpacked))
        self._filled += len(chunk)
        if self._front is not None:
            if self._filled > self._front.size:
                raise Refused("too-long")
            self.progress = ("receiving", self._filled, self._front.size)
        self._file.write(chunk)

    def _check(self, front):
        code = package.loads(front.mpy, self._mpy)
        if code:
            raise Refused(code)
        if front.version < self._version and not self._force:
            raise Refused("downgrade")
        if self._version < front.least:
            raise Refused("too-old")

    def _check_room(self, wanted):
        # wanted: blocks. What is in the other slot will go.
        _, _, total, _, free, *_ = os.statvfs(self._root or os.getcwd())
        if free > total:
            free = 0  # LittleFS counts some blocks twice, and so to below 0
        if wanted > free - _SPARE_BLOCKS + slots.blocks_of(self._root + self._other()):
            raise Refused("too-large")

    def _other(self):
        return self._into or boot_slots.other(slots.running(self._root))

    def _steps(self, before):
        if self._file is None or self._front is None:
            raise Refused("truncated")
        if self._filled < self._front.size:
            raise Refused("truncated")
        self._file.close()  # may raise: then not all of it is on the flash
        self._file = None
        path = self._root + _PART
        other = self._root + self._other()
        with open(path, "rb") as file:
            front = yield from self._check_steps(file)
            self.progress = ("emptying", 0, 0)
            yield from slots.remove_steps(other)
            yield from self._unpack_steps(front, path, file, other + "/")
            self.progress = ("comparing", 0, front.unpacked)
            file.seek(package.FRONT)
            yield from self._compare_steps(front, file, other + "/")
            yield from self._mark_steps(front, file, other + "/" + package.RELEASE)
        slots.start_trial(other[-1], before, self._root)
        os.remove(path)
        self.progress = ("done", front.unpacked, front.unpacked)

    def _check_steps(self, file):
        self.progress = ("checking", 0, self._front.size)
        front = yield from package.check_steps(file, self._keys, self._buffer)
        self._check(front)
        total = 0
        room = 2 + slots.blocks(package.HEADER + front.length)  # the slot, and its `release`
        folders = set()
        file.seek(package.FRONT)
        for name, size, _ in package.entries(file, front.files):
            total += size
            room += slots.blocks(size)
            folders.add(name.rpartition("/")[0])
            yield
        if total != front.unpacked or file.tell() != package.HEADER + front.length:
            raise Refused("content")
        self._check_room(room + 2 * len(folders))
        digest = yield from package.hash_steps(file, front.packed, self._buffer)
        if digest != front.digest or file.read(1):
            raise Refused("altered")
        return front

    def _unpack_steps(self, front, path, header, folder):
        from deflate import RAW, DeflateIO

        done = 0
        folders = set()
        os.mkdir(folder[:-1])
        header.seek(package.FRONT)
        with open(path, "rb") as packed:
            packed.seek(package.HEADER + front.length)
            body = DeflateIO(packed, RAW, front.window)
            for name, size, _ in package.entries(header, front.files):
                _make_folders(folder, name, folders)
                with open(folder + name, "wb") as file:
                    while size > 0:
                        got = body.readinto(self._buffer[: min(size, _PIECE)])
                        if not got:
                            raise Refused("content")
                        file.write(self._buffer[:got])
                        size -= got
                        done += got
                        self.progress = ("unpacking", done, front.unpacked)
                        yield

    def _compare_steps(self, front, header, folder):
        # From the flash: what is compared is what will run.
        done = 0
        for name, size, digest in package.entries(header, front.files):
            with open(folder + name, "rb") as file:
                found = yield from package.hash_steps(file, size, self._buffer)
                if found != digest or file.read(1):
                    raise Refused("content")
            done += size
            self.progress = ("comparing", done, front.unpacked)

    def _mark_steps(self, front, file, path):
        file.seek(0)
        count = package.HEADER + front.length
        with open(path + ".new", "wb") as release:
            while count > 0:
                got = file.readinto(self._buffer[: min(count, _PIECE)])
                release.write(self._buffer[:got])
                count -= got
                yield
        os.rename(path + ".new", path)


def _make_folders(folder, name, made):
    """Make the folders of the file `name` in `folder`; `made` (set): those that were made."""
    at = name.find("/")
    while at >= 0:
        if name[:at] not in made:
            made.add(name[:at])
            os.mkdir(folder + name[:at])
        at = name.find("/", at + 1)
