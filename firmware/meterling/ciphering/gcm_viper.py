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
from micropython import const
from cryptolib import aes

from ..octets import copy
from .ghash_viper import ghash, ghash_table

_ECB = const(1)

# Words of ghash's state that are set here; see ghash_viper.
_START = const(8)
_AAD_BITS = const(16)
_TEXT_FACTOR = const(17)


# The parts, a tuple: subscripts are cheaper than attributes.
_BUFFER = const(0)
_NONCE = const(1)
_VIEWS = const(2)
_ENCRYPT = const(3)


def _view(buffer, views, blocks):
    # Made once for each length and kept.
    views[blocks] = memoryview(buffer)[: 16 * blocks]
    return views[blocks]


@micropython.viper
def decrypt(parts, source, title: int, counter: int, begin: int, count: int):
    """Decrypt `source[begin:begin+count]` into `buffer[16:16+count]`; the system title
    stands at `source[title]`, the invocation counter at `source[counter]`."""
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
        view = _view(buffer, parts[_VIEWS], blocks)
    parts[_ENCRYPT](view, view)
    _xor(buffer, source, begin, count)


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


class Gcm:
    """One key pair.

    key, auth_key: bytes, 16; auth_key may be None (then there are only tags to ignore). buffer:
    bytearray, 48 bytes longer than the longest plaintext. nonce: bytearray, 12; the
    system title and invocation counter of the last telegram.
    """

    def __init__(self, key, auth_key, buffer, nonce):
        self._buffer = buffer
        self._auth_key = auth_key
        encrypt = aes(key, _ECB).encrypt
        self.parts = (buffer, nonce, [None] * (len(buffer) // 16 + 1), encrypt)
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
        decrypt(self.parts, data, title, counter, begin, 0)
        buffer = self._buffer
        # The additional data is one byte, the key and the text: it is laid out in
        # the buffer, hashed, and the text then moved to where it belongs.
        total = 17 + count
        if 16 + total + 12 > len(buffer):
            return 0
        buffer[16] = security
        for i in range(16):
            buffer[17 + i] = self._auth_key[i]
        copy(buffer, data, 33, begin, count + 12)
        scratch = self._scratch
        for i in range(18):
            scratch[i] = 0
        self._security = 0
        scratch[_AAD_BITS] = total * 8
        bad = ghash(scratch, self._table, buffer, 16, total, buffer)
        copy(buffer, data, 16, begin, count)
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
