"""A release is one file: a signed header that names everything, and the files.

     0  magic (8)      89 M T L 0D 0A 1A 0A: changed by whatever takes it for text
     8  key (4)        first bytes of the public key that it is signed with
    12  signature (64) Ed25519, of "Meterling-rel-1" and the SHA-256 of the header
    76  header:
         0  format (1)       1
         1  length (2)       of the header
         3  mpy (2)          who can load it: sys.implementation._mpy
         5  window (1)       bits of the deflate window, 8 to 12
         6  files (2)        how many
         8  packed (4)       bytes of the body
        12  unpacked (4)     bytes of all files
        16  SHA-256 (32)     of the body
        48  version (3 x 2)
        54  least (3 x 2)    the oldest version that it may be an update of
        60  for each file: length of its path (1) | path | size (4) | SHA-256 (32)
    ..  body: the files one after the other, raw deflate

Numbers are big endian. What is signed fills exactly one block of SHA-512 together with what
Ed25519 puts before it. Nothing here trusts a byte before the signature was found to fit.
"""

import struct

from ..python import const
from .errors import Refused

MAGIC = b"\x89MTL\r\n\x1a\n"
CONTEXT = b"Meterling-rel-1"
FORMAT = const(1)
FIXED = ">BHHBHII32s6H"  # the header up to its files
_KEY = const(8)
_SIGNATURE = const(12)
HEADER = const(76)
FRONT = const(136)  # bytes up to the first file: enough to see what it is
_FIXED_SIZE = const(60)
_LONGEST = const(16384)  # bytes of the header
_LONGEST_PATH = const(96)
_MOST_FILES = const(500)
_WINDOW = const(12)  # bits: 4 KiB
_IN_A_PATH = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
RELEASE = "release"  # in a slot: a copy of all before the body


class Front:
    """The first 136 bytes of a release, taken apart.

    key: bytes, 4; signature: bytes, 64; length, packed, unpacked: bytes; mpy: int; window: bits;
    files: int; digest: bytes, 32; version, least: (int, int, int); size: bytes of it all.
    """

    def __init__(self, data):
        """Refused: no-release, format, content."""
        if bytes(data[:8]) != MAGIC:
            raise Refused("no-release")
        if data[HEADER] != FORMAT:
            raise Refused("format")
        self.key = bytes(data[_KEY:_SIGNATURE])
        self.signature = bytes(data[_SIGNATURE:HEADER])
        fields = struct.unpack_from(FIXED, data, HEADER)
        _, self.length, self.mpy, self.window, self.files, self.packed, self.unpacked = fields[:7]
        self.digest = fields[7]
        self.version = fields[8:11]
        self.least = fields[11:]
        self.size = HEADER + self.length + self.packed
        if not (
            _FIXED_SIZE < self.length <= _LONGEST
            and 8 <= self.window <= _WINDOW
            and 0 < self.files <= _MOST_FILES
        ):
            raise Refused("content")


def front(file):
    """The Front of a release that is open, or of a slot's copy. Refused."""
    data = file.read(FRONT)
    if len(data) < FRONT:
        raise Refused("truncated" if data[:8] == MAGIC[: len(data)] else "no-release")
    return Front(data)


def entries(file, count):
    """(path, size, SHA-256) of the files of a release, a generator; `file` is open behind
    its front. Refused: content."""
    for _ in range(count):
        data = file.read(1)
        data += file.read(data[0] + 36) if data else b""
        if len(data) < 38 or len(data) != data[0] + 37:
            raise Refused("content")
        path = "".join([chr(byte) for byte in data[1:-36]])
        _check(path)
        size, digest = struct.unpack_from(">I32s", data, len(data) - 36)
        yield path, size, digest


def _check(path):
    # Signed by us; and a path that leads out of its slot would still be the end of the other.
    if len(path) > _LONGEST_PATH or path == RELEASE or path == RELEASE + ".new":
        raise Refused("content")
    for part in path.split("/"):
        if part in ("", ".", "..") or not all(c in _IN_A_PATH for c in part):
            raise Refused("content")


def loads(mpy, here):
    """Whether a MicroPython whose sys.implementation._mpy is `here` (int) loads code made for
    `mpy` (int), as "", or the code of why not."""
    #   bits 0-7 version | 8-9 sub-version, of machine code only | 10-13 architecture, 0: bytecode
    if (mpy ^ here) & 0xFF:
        return "wrong-micropython"
    if mpy >> 10 & 15:
        if (mpy ^ here) >> 10 & 15:
            return "wrong-board"
        if (mpy ^ here) >> 8 & 3:
            return "wrong-micropython"
    return ""


def hash_steps(file, count, buffer):
    """The SHA-256 (bytes) of the next `count` bytes of `file`, read through `buffer`
    (memoryview): a generator. A file that ends too early has another hash."""
    from hashlib import sha256

    digest = sha256()
    while count > 0:
        got = file.readinto(buffer[: min(count, len(buffer))])
        if not got:
            break
        digest.update(buffer[:got])
        count -= got
        yield
    return digest.digest()


def check_steps(file, keys, buffer):
    """Check the signature over the header, a generator; `file` is open at its start; `keys`:
    hex digits. Returns the Front. Refused: unknown-key, signature, and what `front` refuses."""
    from binascii import unhexlify

    from . import ed25519

    found = front(file)
    for key in keys:
        key = unhexlify(key)
        if key[:4] == found.key:
            break
    else:
        raise Refused("unknown-key")
    file.seek(HEADER)
    digest = yield from hash_steps(file, found.length, buffer)
    fits = yield from ed25519.steps(key, CONTEXT + digest, found.signature)
    if not fits:
        raise Refused("signature")
    return found
