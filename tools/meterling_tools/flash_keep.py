"""What a dongle that is flashed anew keeps: its owner's files.

They are read out of its flash before it is written, whatever runs on it or fails to: the
partition table says where the file system is, and LittleFS reads only the blocks it needs. Then
they are part of the new image. Until that is written and read back they also stand in a file on
this PC, so that a cable pulled in the middle costs nothing.
"""

import json
import os

from littlefs import LittleFS, LittleFSError

from . import CommandError, image

SETTINGS = "settings.json"
_SECOND = SETTINGS + ".new"  # see meterling.config: after a power cut it may be the only one
FILES = (SETTINGS, "line.json", "layouts.txt")  # what else is there is about its past only
_TABLE_SIZE = 0xC00
_DATA = 1
_MAGIC = b"littlefs"  # in LittleFS's superblock, which is in block 0 or 1
DAMAGED = (
    "The dongle has a file system, and what it holds cannot be read. To begin anew, without "
    "its settings, say --erase."
)


class _Flash:
    """The blocks of a file system, as littlefs wants to read them: each fetched once, when it
    is first needed. error: what ended the reading, None if nothing did."""

    def __init__(self, read, offset):
        self._read = read
        self._offset = offset
        self._blocks = {}
        self.error = None

    def block(self, number):
        if number not in self._blocks:
            where = self._offset + number * image.BLOCK
            self._blocks[number] = self._read(where, image.BLOCK)
        return self._blocks[number]

    def read(self, cfg, block, off, size):
        try:
            if self.error is None:
                return bytearray(self.block(block)[off : off + size])
        except BaseException as error:  # littlefs would swallow it, Ctrl-C too, and go on
            self.error = error
        return bytearray(size)

    def prog(self, cfg, block, off, data):
        return -30  # read only

    def erase(self, cfg, block):
        return -30

    def sync(self, cfg):
        return 0


def read_files(read, flash):
    """{name: bytes} of those of FILES that are in a flash of `flash` bytes, which `read(offset,
    size)` gives. None if there is no file system of MicroPython's. CommandError if there is one,
    and it is damaged."""
    place = _place(read(image.TABLE, _TABLE_SIZE), flash)
    if place is None:
        return None
    offset, size = place
    blocks = _Flash(read, offset)
    if not any(_MAGIC in blocks.block(number)[:64] for number in (0, 1)):
        return None
    try:
        return _walk(blocks, size // image.BLOCK)
    except LittleFSError:
        raise CommandError(DAMAGED, 1)
    finally:
        if blocks.error:  # then it read zeros: neither files nor errors from there on count
            raise blocks.error


def _place(table, flash):
    """(offset, size) of the file system, as image.MicroPython.vfs has it; None if the chip runs
    something that has none."""
    try:
        partitions = image._partitions(table, 0)
    except image.ImageError:
        return None
    for partition in partitions:
        if partition.type == _DATA and partition.name == "vfs":
            offset, size = partition.offset, partition.size
            break
    else:
        offset = max(partition.offset + partition.size for partition in partitions)
        size = flash - offset
    return (offset, size) if size >= 2 * image.BLOCK and offset + size <= flash else None


def _walk(blocks, count):
    fs = LittleFS(context=blocks, block_size=image.BLOCK, block_count=count, mount=False)
    fs.mount()
    names = set(fs.listdir("/"))
    found = {}
    for name in FILES:
        source = name
        if name == SETTINGS and name not in names:
            source = _SECOND
        if source in names:
            with fs.open(source, "rb") as file:
                found[name] = file.read()
    return found


class Unfinished:
    """The files of a dongle whose flashing has begun and not ended, in `path` (Path); only its
    owner can read it."""

    def __init__(self, path):
        self.path = path

    def read(self):
        """{name: bytes}, None if there is nothing unfinished."""
        try:
            text = self.path.read_text(encoding="utf-8")
            return {
                name: content.encode("utf-8", "surrogateescape")
                for name, content in json.loads(text).items()
            }
        except (OSError, ValueError, AttributeError):
            return None

    def write(self, files):
        texts = {name: data.decode("utf-8", "surrogateescape") for name, data in files.items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(texts, file)

    def forget(self):
        self.path.unlink(missing_ok=True)
