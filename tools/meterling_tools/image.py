"""What is written into a chip's flash as a whole: the file system, and with an image of
MicroPython one file for both.

An image for the ESP32 family (ESP-IDF, "App Image Format" and "Partition Tables"), as
MicroPython publishes it, begins with the bootloader, at 0x1000 or 0 of the flash by chip:

    0x1000 | 0   bootloader     an image, as the app
    0x8000       partitions     entries of 32 bytes
    0x10000      app            E9 | segments | .. | chip (2) | .. then the segments:
                                address (4) | length (4) | data; padded, so that the last byte
                                of 16 is the checksum; SHA-256 of all that

    entry        AA 50 | type | subtype | offset (4) | size (4) | label (16) | flags (4)
    their end    EB EB | FF x 14 | MD5 of the entries before (16)
    esp_app_desc 32 54 CD AB at the beginning of the app's first segment: secure_version (4) |
                 reserved (8) | version (32) | project_name (32) | time (16) | date (16) | ..

If the table has no partition "vfs", MicroPython (1.26) makes one at its start: from the end of
the last partition to the end of the flash. So the size of the flash must be known exactly: a
file system of another size is not mounted.
"""

import hashlib
import re
import struct
from collections import namedtuple

from . import CommandError
from .boards import CHIPS

MICROPYTHON = ("1.26.0", "1.26.1")  # the releases that the firmware is built for
STOCK_VFS = 0x200000  # where their file system begins, in images for 4 MiB and more
BLOCK = 4096
TABLE = 0x8000
_APP = 0x10000
_MIB = 1 << 20
_MAGIC = 0xE9
_CHECKSUM_SEED = 0xEF
_DESCRIPTION = struct.Struct("<II8x32s32s16s16s32s32s")
_DESCRIPTION_MAGIC = 0xABCD5432
_ENTRY = struct.Struct("<HBBII16sI")
_ENTRY_MAGIC = 0x50AA
_MD5_MAGIC = b"\xeb\xeb" + 14 * b"\xff"
_MOST_ENTRIES = 0xC00 // _ENTRY.size
_BANNER = re.compile(rb"MicroPython v(\d+\.\d+\.\d+\S*) on \d{4}-\d\d-\d\d")
_DATA = 1

Partition = namedtuple("Partition", "name type subtype offset size")


class ImageError(CommandError):
    """An image cannot be used. code: stable. Of images of MicroPython: "not-an-image",
    "damaged", "no-partition-table", "not-micropython", "wrong-chip", "wrong-version"; of what
    is to be written: "no-room"."""

    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code = code


class MicroPython:
    """An image of MicroPython. chip: str; version: str, as "1.26.1"; partitions: list;
    start: where in flash `data` (bytes) begins."""

    def __init__(self, data):
        """ImageError if `data` is none, or is damaged."""
        self.data = data
        self.chip = _chip(data)
        self.start = CHIPS[self.chip].bootloader
        read_segments(data, "the bootloader")
        self.partitions = _partitions(data, TABLE - self.start)
        apps = [partition for partition in self.partitions if partition.type == 0]
        if not apps:
            raise ImageError("no-partition-table", "The image has no partition for an app.")
        app = data[apps[0].offset - self.start :]
        if _chip(app) != self.chip:
            raise ImageError("damaged", "Bootloader and app are for different chips.")
        end = read_segments(app, "the app")
        self.version = _version(app[:end])

    def vfs(self, flash):
        """(offset, size) of the file system in a flash of `flash` bytes."""
        for partition in self.partitions:
            if partition.type == _DATA and partition.name in ("vfs", "ffat"):
                if partition.offset + partition.size > flash:
                    raise ImageError("no-room", "The image is for a larger flash.")
                return partition.offset, partition.size
        offset = max(partition.offset + partition.size for partition in self.partitions)
        if offset >= flash:
            raise ImageError("no-room", "The image leaves no flash for files.")
        return offset, flash - offset


def _chip(data):
    if len(data) < 24 or data[0] != _MAGIC:
        raise ImageError("not-an-image", "That is no image for the ESP32 family.")
    number = struct.unpack_from("<H", data, 12)[0]
    for name, chip in CHIPS.items():
        if chip.id == number:
            return name
    raise ImageError("wrong-chip", f"That image is for a chip we do not know (number {number}).")


def read_segments(data, what):
    """Check the image at the beginning of `data`, `what` it is (str); returns its length (int,
    bytes)."""
    damaged = ImageError("damaged", f"The image is damaged: {what} is not whole.")
    at = 24
    checksum = _CHECKSUM_SEED
    for _ in range(data[1]):
        if at + 8 > len(data):
            raise damaged
        length = struct.unpack_from("<I", data, at + 4)[0]
        segment = data[at + 8 : at + 8 + length]
        if len(segment) < length:
            raise damaged
        for byte in _folded(segment):
            checksum ^= byte
        at += 8 + length
    at += 16 - at % 16
    # ESP-IDF can leave out the hash; MicroPython's images have it.
    if at + 32 > len(data) or data[at - 1] != checksum or data[23] != 1:
        raise damaged
    if data[at : at + 32] != hashlib.sha256(data[:at]).digest():
        raise damaged
    return at + 32


def _folded(data):
    # The exclusive or of all bytes, without a loop over megabytes of them.
    while len(data) > 64:
        half = (len(data) + 1) // 2
        a = int.from_bytes(data[:half], "little")
        data = (a ^ int.from_bytes(data[half:], "little")).to_bytes(half, "little")
    return data


def _partitions(data, at):
    table = data[at : at + _MOST_ENTRIES * _ENTRY.size] if at >= 0 else b""
    found = []
    for offset in range(0, len(table) - _ENTRY.size + 1, _ENTRY.size):
        entry = table[offset : offset + _ENTRY.size]
        if entry.startswith(_MD5_MAGIC):
            if entry[16:] != hashlib.md5(table[:offset]).digest():
                raise ImageError("damaged", "The image is damaged: its partition table is altered.")
            return found
        magic, type, subtype, start, size, label, _ = _ENTRY.unpack(entry)
        if magic != _ENTRY_MAGIC:
            break
        name = label.rstrip(b"\0").decode("ascii", "replace")
        found.append(Partition(name, type, subtype, start, size))
    if not found:
        raise ImageError("no-partition-table", "The image has no partition table.")
    return found


def _version(app):
    """The app's version (str): what its banner says; what esp_app_desc says is that of the
    sources, and may be a commit."""
    magic, _, version, project, *_ = _DESCRIPTION.unpack_from(app, 32)
    if magic != _DESCRIPTION_MAGIC:
        raise ImageError("damaged", "The image is damaged: its app does not describe itself.")
    banner = _BANNER.search(app)
    if banner:
        return banner[1].decode("ascii", "replace")
    if project.rstrip(b"\0") != b"micropython":
        raise ImageError("not-micropython", "That image is not MicroPython.")
    return version.rstrip(b"\0").decode("ascii", "replace").removeprefix("v")


def read(path, chip):
    """The MicroPython in the file `path` (Path). ImageError if it is not for `chip` (str), or
    is not a release that is supported."""
    micropython = MicroPython(path.read_bytes())
    if micropython.chip != chip:
        raise ImageError(
            "wrong-chip", f"{path.name} is for the {micropython.chip}; the board has an {chip}."
        )
    if micropython.version not in MICROPYTHON:
        raise ImageError(
            "wrong-version",
            f"{path.name} is MicroPython {micropython.version}; the firmware is built for "
            f"{' and '.join(MICROPYTHON)}.",
        )
    return micropython


def filesystem(files, size):
    """A LittleFS (bytes, `size` of them) with `files` ({path: bytes}). The same files give
    the same bytes. ImageError if they do not fit."""
    from littlefs import LittleFS, LittleFSError

    # As MicroPython's VfsLfs2 has them on the ESP32: only block and count matter on the flash.
    fs = LittleFS(
        block_size=BLOCK, block_count=size // BLOCK, read_size=32, prog_size=32, lookahead_size=32
    )
    try:
        for path in sorted(files):
            folder = path.rpartition("/")[0]
            if folder:
                fs.makedirs(folder, exist_ok=True)
            with fs.open(path, "wb") as file:
                file.write(files[path])
    except LittleFSError as error:
        if error.code != LittleFSError.Error.LFS_ERR_NOSPC:
            raise
        raise ImageError("no-room", f"The files do not fit into {size // 1024} KiB of flash.")
    return bytes(fs.context.buffer)


def merge(micropython, files, flash):
    """One image (bytes), to be written at 0: `micropython` (MicroPython) and a file system with
    `files` ({path: bytes}) for a flash of `flash` bytes."""
    offset, size = micropython.vfs(flash)
    below = b"\xff" * micropython.start + micropython.data
    if len(below) > offset:
        raise ImageError("no-room", "The image of MicroPython reaches into the file system.")
    return below + b"\xff" * (offset - len(below)) + filesystem(files, size)


def write(files, board, folder, path=None):
    """Write for `board` (as boards.load gives) into `folder` (Path) filesystem.bin with `files`
    ({path: bytes}), and meterling.bin, if `path` (Path) is an image of MicroPython. Returns
    [(Path, where in flash it is to be written)]."""
    flash = board["kit"]["flash_mib"] * _MIB
    if path is None:
        vfs, size = STOCK_VFS, flash - STOCK_VFS
    else:
        micropython = read(path, board["kit"]["chip"])
        vfs, size = micropython.vfs(flash)
    written = [(folder / "filesystem.bin", vfs)]
    written[0][0].write_bytes(filesystem(files, size))
    if path is None:
        (folder / "meterling.bin").unlink(missing_ok=True)
    else:
        written.append((folder / "meterling.bin", 0))
        written[1][0].write_bytes(merge(micropython, files, flash))
    return written
