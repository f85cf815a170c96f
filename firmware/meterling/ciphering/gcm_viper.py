"""AES-128-GCM (NIST SP 800-38D) as DLMS suite 0 uses it, on MicroPython: the decryption
(twin: gcm_plain). Nothing is allocated per telegram.

`buffer` starts as counter blocks (J0, then 2, 3, ..), becomes the keystream in one
in-place multi-block ECB call, and then the plaintext, from byte 16 on. The payload
itself is left as it is.
"""

import micropython
from cryptolib import aes
from micropython import const

_ECB = const(1)

# The parts; see glo.
_BUFFER = const(1)
_NONCE = const(2)
_VIEWS = const(3)
_CIPHER = const(4)


def cipher(key):
    """What `decrypt` works with for a key (bytes, 16)."""
    return aes(key, _ECB).encrypt


def _view(parts, blocks):
    # Made once for each length and kept; None if there is no memory for it.
    try:
        parts[_VIEWS][blocks] = memoryview(parts[_BUFFER])[: 16 * blocks]
    except MemoryError:
        pass
    return parts[_VIEWS][blocks]


@micropython.viper
def decrypt(parts, source, title: int, counter: int, begin: int, count: int) -> int:
    """Decrypt `source[begin:begin+count]` into `buffer[16:16+count]`; the system title
    stands at `source[title]`, the invocation counter at `source[counter]`. 0 if there is no
    memory, else 1."""
    buffer = parts[_BUFFER]
    # Counter blocks: J0, 2, 3, ..
    b = ptr32(buffer)
    data = ptr8(source)
    nonce = ptr32(parts[_NONCE])
    data = ptr8(int(data) + title)
    nonce[0] = data[0] | data[1] << 8 | data[2] << 16 | data[3] << 24
    nonce[1] = data[4] | data[5] << 8 | data[6] << 16 | data[7] << 24
    data = ptr8(int(data) + counter - title)
    nonce[2] = data[0] | data[1] << 8 | data[2] << 16 | data[3] << 24
    blocks = (count + 31) >> 4
    i = 1
    while i <= blocks:
        b[0] = nonce[0]
        b[1] = nonce[1]
        b[2] = nonce[2]
        b[3] = i << 24 | i >> 8 << 16
        b = ptr32(int(b) + 16)
        i += 1
    view = parts[_VIEWS][blocks]
    if not view:
        view = _view(parts, blocks)
        if not view:
            return 0
    parts[_CIPHER](view, view)
    _xor(buffer, source, begin, count)
    return 1


@micropython.viper
def _xor(buffer: ptr32, data: ptr8, begin: int, count: int):
    # From byte 16 of the buffer on; the payload may lie at any address.
    buffer = ptr32(int(buffer) + 16)
    data = ptr8(int(data) + begin)
    while count >= 8:
        buffer[0] = buffer[0] ^ (data[0] | data[1] << 8 | data[2] << 16 | data[3] << 24)
        buffer[1] = buffer[1] ^ (data[4] | data[5] << 8 | data[6] << 16 | data[7] << 24)
        buffer = ptr32(int(buffer) + 8)
        data = ptr8(int(data) + 8)
        count -= 8
    b = ptr8(int(buffer))
    while count > 0:
        b[0] = b[0] ^ data[0]
        b = ptr8(int(b) + 1)
        data = ptr8(int(data) + 1)
        count -= 1
