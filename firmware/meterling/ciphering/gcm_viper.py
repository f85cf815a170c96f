"""AES-128-GCM on MicroPython (twin: gcm_plain). Nothing is allocated per telegram.

`buffer` starts as counter blocks (J0, then 2, 3, ..), becomes the keystream in one
in-place multi-block ECB call, and then the plaintext, from byte 16 on. The payload
itself is left as it is.

GHASH goes 4 bits at a time through tables for the 8 nibbles of one 32-bit word
(8 x 16 entries of 4 words, 2 KiB per key); the four words of a block add up into 7
words that are reduced once.
"""

from array import array

import micropython
from cryptolib import aes

from ..octets import copy
from .ghash_viper import ghash, ghash_table

_ECB = micropython.const(1)

# Words of ghash's state that are set here; see ghash_viper.
_START = micropython.const(8)
_AAD_BITS = micropython.const(16)
_TEXT_FACTOR = micropython.const(17)


# The parts, a tuple: subscripts are cheaper than attributes.
_BUFFER = micropython.const(0)
_NONCE = micropython.const(1)
_VIEWS = micropython.const(2)
_ENCRYPT = micropython.const(3)


def _view(buffer, views, blocks):
    # Made once for each length and kept.
    views[blocks] = memoryview(buffer)[: 16 * blocks]
    return views[blocks]


@micropython.viper
def _keystream(parts, data: ptr8, title: int, counter: int, blocks: int):
    # Counter blocks J0, 2, 3, .. in the buffer, and all of them encrypted in place.
    buffer = parts[_BUFFER]
    views = parts[_VIEWS]
    nonce = ptr32(parts[_NONCE])
    p = ptr8(int(data) + title)
    nonce[0] = p[0] | p[1] << 8 | p[2] << 16 | p[3] << 24
    nonce[1] = p[4] | p[5] << 8 | p[6] << 16 | p[7] << 24
    p = ptr8(int(data) + counter)
    nonce[2] = p[0] | p[1] << 8 | p[2] << 16 | p[3] << 24
    b = ptr32(buffer)
    i = 1
    while i <= blocks:
        b[0] = nonce[0]
        b[1] = nonce[1]
        b[2] = nonce[2]
        b[3] = i << 24 | i >> 8 << 16
        b = ptr32(int(b) + 16)
        i += 1
    view = views[blocks]
    if not view:
        view = _view(buffer, views, blocks)
    parts[_ENCRYPT](view, view)


@micropython.viper
def _xor(buffer: ptr32, data: ptr8, begin: int, count: int):
    # From byte 16 of the buffer on; the payload may lie at any address.
    b = ptr32(int(buffer) + 16)
    p = ptr8(int(data) + begin)
    while count >= 8:
        b[0] = b[0] ^ (p[0] | p[1] << 8 | p[2] << 16 | p[3] << 24)
        b[1] = b[1] ^ (p[4] | p[5] << 8 | p[6] << 16 | p[7] << 24)
        b = ptr32(int(b) + 8)
        p = ptr8(int(p) + 8)
        count -= 8
    t = ptr8(int(b))
    while count > 0:
        t[0] = t[0] ^ p[0]
        t = ptr8(int(t) + 1)
        p = ptr8(int(p) + 1)
        count -= 1


class Gcm:
    """One key pair.

    key, auth_key: bytes, 16; auth_key may be None (then not `checkable`, int). buffer:
    bytearray, 48 bytes longer than the longest plaintext. nonce: bytearray, 12; the
    system title and invocation counter of the last telegram.
    """

    def __init__(self, key, auth_key, buffer, nonce):
        self.checkable = int(auth_key is not None)
        self._buffer = buffer
        self._auth_key = auth_key
        encrypt = aes(key, _ECB).encrypt
        self._parts = (buffer, nonce, [None] * (len(buffer) // 16 + 1), encrypt)
        self._table = None
        self._scratch = None
        self._security = 0
        if auth_key is not None:
            self._table = bytearray(2048)
            self._scratch = array("I", bytes(80))
            hash_key = bytearray(16)
            encrypt(hash_key, hash_key)
            ghash_table(self._table, hash_key)

    @micropython.viper
    def decrypt(self, data, title: int, counter: int, begin: int, count: int):
        """Decrypt `data[begin:begin+count]` into `buffer[16:16+count]`; the system
        title stands at `data[title]`, the invocation counter at `data[counter]`."""
        parts = self._parts
        _keystream(parts, data, title, counter, (count + 31) >> 4)
        _xor(parts[_BUFFER], data, begin, count)

    @micropython.viper
    def tag_fits(self, security: int, data, begin: int, count: int) -> int:
        """1 if the 12 bytes behind `data[begin:begin+count]` are the tag of the telegram
        just decrypted (security control `security`), else 0; constant time."""
        if security != int(self._security):
            self._authenticated_data(security)
        if int(ghash(self._scratch, self._table, data, begin, count, self._buffer)):
            return 0
        return 1

    def plain_tag_fits(self, security, data, title, counter, begin, count):
        """Authenticated only (security control 10): 1 if the tag behind the plain
        `data[begin:begin+count]` fits; the text is copied to `buffer[16:16+count]`."""
        _keystream(self._parts, data, title, counter, 1)
        buffer = self._buffer
        # The additional data is one byte, the key and the text: it is laid out in
        # the buffer, hashed, and the text then moved to where it belongs.
        total = 17 + count
        if 16 + total + 12 > len(buffer):
            return 0
        buffer[16] = security
        for i in range(16):
            buffer[17 + i] = self._auth_key[i]
        copy(buffer, 33, data, begin, count + 12)
        scratch = self._scratch
        for i in range(18):
            scratch[i] = 0
        self._security = 0
        scratch[_AAD_BITS] = total * 8
        bad = ghash(scratch, self._table, buffer, 16, total, buffer)
        copy(buffer, 16, data, begin, count)
        return int(bad == 0)

    def _authenticated_data(self, security):
        # The hash state behind the additional data is the same for every telegram.
        scratch = self._scratch
        data = bytearray(32)
        data[0] = security
        data[1:17] = self._auth_key
        for i in range(18):
            scratch[i] = 0
        ghash(scratch, self._table, data, 0, 32, self._buffer)
        for i in range(4):
            scratch[_START + i] = scratch[i]
        scratch[_AAD_BITS] = 17 * 8
        scratch[_TEXT_FACTOR] = 8
        self._security = security
