"""OMS security mode 5 (EN 13757-7; OMS specification volume 2, 8.5): AES-128-CBC over the
records of an M-Bus telegram with the long header.

    5B | id (4) | maker (2) | version | medium | access number | status | configuration (2) |
       | N blocks of 16, ciphered | what is left, plain

Configuration word, little-endian: bits 8-12 = mode, bits 4-7 = N. The first initial value is
made of the header: maker, id, version, medium, access number x 8. The plaintext begins with
2F 2F: that is all that shows that the key is right, for there is no tag.

CBC is one ECB call over all blocks, and then an XOR with the block before. Nothing is
allocated per telegram.
"""

from ..octets import copy
from ..python import VIPER, const, micropython, words

try:
    from cryptolib import aes
except ImportError:  # CPython
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    aes = None

if not VIPER:
    from ..python import ptr8, ptr32

_ECB = const(1)
_BLOCK = const(16)
_MODE_NONE = const(0)
_MODE_5 = const(5)
_FILLER = const(0x2F)

_ID = const(1)  # where it stands behind CI; the others follow
_MAKER = const(5)
_VERSION = const(7)
_ACCESS = const(9)
_CONFIGURATION = const(11)
_HEADER = const(13)  # CI and the long header
_LONGEST = const(253)  # what an M-Bus frame holds, CI first
_BUFFER_LENGTH = const(256)
_BEGINNING = const(3)  # of the header in the buffer: the plaintext begins on a word
_PLAIN = const(16)

# Words of the state
_END = const(0)  # behind the plaintext in the buffer, and
_BEGIN = const(1)  # where the header begins that stands ahead of it
_CIPHERED = const(2)  # 1: the latest telegram was ciphered
_KEYED = const(3)  # 1: there is a key
_WORDS = const(4)

# The parts, a list: subscripts are cheaper than attributes.
_STATE = const(0)
_BUFFER = const(1)  # bytearray: header and plaintext
_VIEWS = const(2)  # of its ciphered blocks, by their number
_DECRYPT = const(3)
_IV = const(4)  # bytearray, 16
_LAST = const(5)  # bytearray, 32: initial value and last block of the telegram opened last
_COUNT = const(6)

# Codes of errors
_ERR_TOO_LONG = const(8)
_ERR_CIPHERING = const(10)
_ERR_SECURITY = const(11)
_ERR_NO_KEY = const(12)
_ERR_WRONG_KEY = const(15)
_ERR_REPLAY = const(16)


def _decryption(key):
    # A function (source, target) that decrypts whole blocks, each for itself.
    if aes:
        return aes(key, _ECB).decrypt
    update = Cipher(algorithms.AES(key), modes.ECB()).decryptor().update

    def decrypt(source, target):
        target[:] = update(source)

    return decrypt


def _view(parts, blocks):
    # Made once for each number of blocks and kept; None if there is no memory for it.
    try:
        parts[_VIEWS][blocks] = memoryview(parts[_BUFFER])[_PLAIN : _PLAIN + _BLOCK * blocks]
    except MemoryError:
        pass
    return parts[_VIEWS][blocks]


@micropython.viper
def _differ(a: ptr8, b: ptr8, i: int, j: int) -> int:
    # Whether the blocks at a[i] and b[j] differ.
    bad = 0
    count = 16
    while count:
        bad |= a[i] ^ b[j]
        i += 1
        j += 1
        count -= 1
    return bad


@micropython.viper
def _xor(target: ptr8, source: ptr8, at: int, begin: int, count: int):
    while count > 0:
        target[at] = target[at] ^ source[begin]
        at += 1
        begin += 1
        count -= 1


@micropython.viper
def open_telegram(parts, data, begin: int, end: int) -> int:
    """Open the telegram `data[begin:end]`, from CI on. Returns 0 or an error code: NO_KEY,
    SECURITY (neither mode 5 nor plain), CIPHERING (lengths contradict), WRONG_KEY, REPLAY
    (the same as the last), TOO_LONG.

    Then the header and what it said in the clear, the leading 2F 2F among it, stand in
    `buffer[BEGIN:END]`.
    """
    octets = ptr8(data)
    state = ptr32(parts[_STATE])
    last = parts[_LAST]
    count = end - begin - _HEADER
    if count < 0:
        return _ERR_CIPHERING
    if count > _LONGEST - _HEADER:
        return _ERR_TOO_LONG
    blocks = octets[begin + _CONFIGURATION] >> 4
    mode = octets[begin + _CONFIGURATION + 1] & 0x1F
    state[_CIPHERED] = 0
    state[_BEGIN] = _BEGINNING
    state[_END] = _PLAIN + count
    buffer = parts[_BUFFER]
    if mode == _MODE_NONE:
        copy(buffer, data, _BEGINNING, begin, _HEADER + count)
        return 0
    if mode != _MODE_5:
        return _ERR_SECURITY
    if blocks == 0 or blocks * _BLOCK > count:
        return _ERR_CIPHERING
    if state[_KEYED] == 0:
        return _ERR_NO_KEY
    kept = parts[_IV]
    copy(kept, data, 0, begin + _MAKER, 2)
    copy(kept, data, 2, begin + _ID, 4)
    copy(kept, data, 6, begin + _VERSION, 2)
    iv = ptr8(kept)
    mode = 8
    while mode < _BLOCK:
        iv[mode] = octets[begin + _ACCESS]
        mode += 1
    text = begin + _HEADER
    tail = text + (blocks - 1) * _BLOCK
    # The last block depends on all before it.
    if int(_differ(kept, last, 0, 0)) | int(_differ(data, last, tail, _BLOCK)) == 0:
        return _ERR_REPLAY
    view = parts[_VIEWS][blocks]
    if not view:
        view = _view(parts, blocks)
        if not view:
            return _ERR_TOO_LONG
    copy(buffer, data, _BEGINNING, begin, _HEADER + count)
    parts[_DECRYPT](view, view)
    _xor(buffer, kept, _PLAIN, 0, _BLOCK)
    _xor(buffer, data, _PLAIN + _BLOCK, text, (blocks - 1) * _BLOCK)
    plain = ptr8(buffer)
    if plain[_PLAIN] != _FILLER or plain[_PLAIN + 1] != _FILLER:
        return _ERR_WRONG_KEY
    copy(last, kept, 0, 0, _BLOCK)
    copy(last, data, _BLOCK, tail, _BLOCK)
    state[_CIPHERED] = 1
    return 0


def make(key):
    """The parts (list) with which `open_telegram` opens telegrams; key: bytes, 16, or None."""
    parts = [None] * _COUNT
    parts[_STATE] = state = words(_WORDS)
    parts[_BUFFER] = bytearray(_BUFFER_LENGTH)
    parts[_VIEWS] = [None] * _BLOCK
    parts[_IV] = bytearray(_BLOCK)
    parts[_LAST] = bytearray(2 * _BLOCK)
    if key is not None:
        state[_KEYED] = 1
        parts[_DECRYPT] = _decryption(key)
    return parts
