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

from ..python import copy
from .ghash_viper import ghash, ghash_table

_ECB = micropython.const(1)

# Words of ghash's state that are set here; see ghash_viper.
_START = micropython.const(8)
_AAD_BITS = micropython.const(16)
_TEXT_FACTOR = micropython.const(17)


@micropython.viper
def _counter_blocks(buffer: ptr32, nonce: ptr32, data: ptr8, title: int, counter: int, blocks: int):
    p = ptr8(int(data) + title)
    w0 = p[0] | p[1] << 8 | p[2] << 16 | p[3] << 24
    w1 = p[4] | p[5] << 8 | p[6] << 16 | p[7] << 24
    p = ptr8(int(data) + counter)
    w2 = p[0] | p[1] << 8 | p[2] << 16 | p[3] << 24
    nonce[0] = w0
    nonce[1] = w1
    nonce[2] = w2
    b = ptr32(int(buffer))
    i = 1
    while i <= blocks:
        b[0] = w0
        b[1] = w1
        b[2] = w2
        b[3] = (i & 0xFF) << 24 | i >> 8 << 16
        b = ptr32(int(b) + 16)
        i += 1


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
    """One key pair; plaintexts of up to `size` bytes.

    key, auth_key: bytes, 16; auth_key may be None (`has_auth_key`). `nonce`: the
    system title (8) and invocation counter (4) of the last telegram.
    """

    def __init__(self, key, auth_key, size):
        blocks = (size + 15) // 16 + 1
        self.buffer = bytearray(16 * blocks)
        self.nonce = bytearray(12)
        self.has_auth_key = auth_key is not None
        self._auth_key = auth_key
        self._aes = aes(key, _ECB)
        self._views = [None] * (blocks + 1)
        self._table = None
        self._scratch = None
        self._security = 0
        if auth_key is not None:
            self._table = bytearray(2048)
            self._scratch = array("I", bytes(80))
            hash_key = bytearray(16)
            self._aes.encrypt(hash_key, hash_key)
            ghash_table(self._table, hash_key)

    def _keystream(self, data, title, counter, blocks):
        view = self._views[blocks]
        if view is None:
            view = self._views[blocks] = memoryview(self.buffer)[: 16 * blocks]
        _counter_blocks(self.buffer, self.nonce, data, title, counter, blocks)
        self._aes.encrypt(view, view)

    def decrypt(self, data, title, counter, begin, count):
        """Decrypt `data[begin:begin+count]` into `buffer[16:16+count]`; the system
        title stands at `data[title]`, the invocation counter at `data[counter]`."""
        self._keystream(data, title, counter, (count + 31) >> 4)
        _xor(self.buffer, data, begin, count)

    def tag_fits(self, security, data, begin, count):
        """True if the 12 bytes behind `data[begin:begin+count]` are the tag of the
        telegram just decrypted (security control `security`); constant time."""
        if security != self._security:
            self._authenticated_data(security)
        return ghash(self._scratch, self._table, data, begin, count, self.buffer) == 0

    def plain_tag_fits(self, security, data, title, counter, begin, count):
        """Authenticated only (security control 10): True if the tag behind the plain
        `data[begin:begin+count]` fits; the text is copied to `buffer[16:16+count]`."""
        self._keystream(data, title, counter, 1)
        buffer = self.buffer
        # The additional data is one byte, the key and the text: it is laid out in
        # the buffer, hashed, and the text then moved to where it belongs.
        total = 17 + count
        if 16 + total + 12 > len(buffer):
            return False
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
        return bad == 0

    def _authenticated_data(self, security):
        # The hash state behind the additional data is the same for every telegram.
        scratch = self._scratch
        data = bytearray(32)
        data[0] = security
        data[1:17] = self._auth_key
        for i in range(18):
            scratch[i] = 0
        ghash(scratch, self._table, data, 0, 32, self.buffer)
        for i in range(4):
            scratch[_START + i] = scratch[i]
        scratch[_AAD_BITS] = 17 * 8
        scratch[_TEXT_FACTOR] = 8
        self._security = security
