"""The tag of AES-128-GCM on MicroPython (twin: tag_plain). Loaded only where there is an
authentication key. Nothing is allocated per telegram.

GHASH (NIST SP 800-38D, 6.4) goes 4 bits at a time through tables for the 8 nibbles of one
32-bit word (8 x 16 entries of 4 words, 2 KiB per key); the four words of a block add up
into 7 words that are reduced once. A block is four big-endian words; bit 31 of word 0 is
the coefficient of x^0. The field polynomial is x^128 + x^7 + x^2 + x + 1.
"""

from array import array

import micropython
from micropython import const

from ..octets import copy
from .gcm_viper import decrypt

# The parts; see glo.
_BUFFER = const(1)
_CIPHER = const(4)
_FITS = const(5)
_PLAIN_FITS = const(6)
_SCRATCH = const(7)
_TABLE = const(8)
_AUTH_KEY = const(9)

# Words of the scratch that are set here; see _ghash.
_START = const(8)
_AAD_BITS = const(16)
_TEXT_FACTOR = const(17)
_SECURITY = const(18)  # security control that START belongs to
_WORDS = const(20)


def set_up(parts, auth_key):
    """Add to `parts` (list, see glo) what checking tags takes; auth_key: bytes, 16."""
    hash_key = bytearray(16)
    parts[_CIPHER](hash_key, hash_key)
    parts[_FITS] = tag_fits
    parts[_PLAIN_FITS] = plain_tag_fits
    parts[_SCRATCH] = array("I", bytes(4 * _WORDS))
    parts[_TABLE] = bytearray(2048)
    parts[_AUTH_KEY] = auth_key
    _fill_table(parts[_TABLE], hash_key)


@micropython.viper
def tag_fits(parts, security: int, data, begin: int, count: int) -> int:
    """1 if the 12 bytes behind `data[begin:begin+count]` are the tag of the telegram just
    decrypted (security control `security`), else 0; constant time."""
    scratch = parts[_SCRATCH]
    words = ptr32(scratch)
    if security != words[_SECURITY]:
        _authenticated_data(parts, security)
    if int(_ghash(scratch, parts[_TABLE], data, begin, count, parts[_BUFFER])):
        return 0
    return 1


def plain_tag_fits(parts, security, data, title, counter, begin, count):
    """Authenticated only (security control 10): 1 if the tag behind the plain
    `data[begin:begin+count]` fits, else 0; the text is copied to `buffer[16:16+count]`."""
    decrypt(parts, data, title, counter, begin, 0)
    buffer = parts[_BUFFER]
    # The additional data is one byte, the key and the text: it is laid out in
    # the buffer, hashed, and the text then moved to where it belongs.
    total = 17 + count
    buffer[16] = security
    for i in range(16):
        buffer[17 + i] = parts[_AUTH_KEY][i]
    copy(buffer, data, 33, begin, count + 12)
    scratch = parts[_SCRATCH]
    for i in range(_WORDS):
        scratch[i] = 0
    scratch[_AAD_BITS] = total * 8
    bad = _ghash(scratch, parts[_TABLE], buffer, 16, total, buffer)
    copy(buffer, data, 16, begin, count)
    return int(bad == 0)


def _authenticated_data(parts, security):
    # The hash state behind the additional data is the same for every telegram.
    scratch = parts[_SCRATCH]
    data = bytearray(32)
    data[0] = security
    data[1:17] = parts[_AUTH_KEY]
    for i in range(18):
        scratch[i] = 0
    _ghash(scratch, parts[_TABLE], data, 0, 32, parts[_BUFFER])
    for i in range(4):
        scratch[_START + i] = scratch[i]
    scratch[_AAD_BITS] = 17 * 8
    scratch[_TEXT_FACTOR] = 8
    scratch[_SECURITY] = security


@micropython.viper
def _fill_table(table: ptr32, key: ptr8):
    """Fill `table` (bytearray, 2048) for the hash key (bytes, 16): entry n of nibble k
    (k = 0 the highest of a word) is n * x^(4k) * H, four words."""
    a = uint(key[0] << 24 | key[1] << 16 | key[2] << 8 | key[3])
    b = uint(key[4] << 24 | key[5] << 16 | key[6] << 8 | key[7])
    c = uint(key[8] << 24 | key[9] << 16 | key[10] << 8 | key[11])
    d = uint(key[12] << 24 | key[13] << 16 | key[14] << 8 | key[15])
    mask = uint(0xFFFF) << 16 | uint(0xFFFF)
    k = 0
    while k < 8:
        t = ptr32(int(table) + (k << 8))
        n = 8
        while n:
            t[4 * n] = a
            t[4 * n + 1] = b
            t[4 * n + 2] = c
            t[4 * n + 3] = d
            carry = d & 1
            d = (d >> 1 | c << 31) & mask
            c = (c >> 1 | b << 31) & mask
            b = (b >> 1 | a << 31) & mask
            a = a >> 1
            if carry:
                a ^= uint(0xE1) << 24
            n >>= 1
        n = 1
        while n < 16:
            low = n & -n
            if low != n:
                i = 0
                while i < 4:
                    t[4 * n + i] = t[4 * low + i] ^ t[4 * (n - low) + i]
                    i += 1
            n += 1
        i = 0
        while i < 4:
            t[i] = 0
            i += 1
        k += 1


@micropython.viper
def _ghash(state: ptr32, table: ptr8, data: ptr8, begin: int, count: int, keystream: ptr8) -> int:
    """Hash `count` bytes of `data` and compare with the 12-byte tag behind them.

    state, words: 0-3 hash, 4-6 overflow, 8-11 hash to start from, 12-15 one block,
    16 bits of additional data (0: only hash, no length block, no tag), 17 how many
    bits a byte of `data` counts as text (8, or 0 where it is additional data).
    keystream: encrypted J0 in its first 16 bytes. Returns 0 if the tag fits.
    """
    s = ptr32(int(state))
    block = ptr8(int(state) + 48)
    t = int(table)
    i = 0
    while i < 4:
        s[i] = s[8 + i]
        i += 1
    left = count
    p = ptr8(int(data) + begin)
    while True:
        if left < 16:
            if left > 0:
                i = 0
                while i < left:
                    block[i] = p[i]
                    i += 1
                while i < 16:
                    block[i] = 0
                    i += 1
                left = 0
            elif left == 0 and s[16]:
                i = s[16]
                s[12] = 0
                s[14] = 0
                s[13] = i >> 24 & 0xFF | i >> 8 & 0xFF00 | (i & 0xFF00) << 8 | (i & 0xFF) << 24
                i = count * s[17]
                s[15] = i >> 24 & 0xFF | i >> 8 & 0xFF00 | (i & 0xFF00) << 8 | (i & 0xFF) << 24
                left = -1
            else:
                break
            p = block
        else:
            left -= 16
        s[4] = 0
        s[5] = 0
        s[6] = 0
        # Word i times H is added to words i .. i+3; i from the last word on, so that
        # a word is read before products land on it.
        a0 = uint(s[0] ^ (p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]))
        a1 = uint(s[1] ^ (p[4] << 24 | p[5] << 16 | p[6] << 8 | p[7]))
        a2 = uint(s[2] ^ (p[8] << 24 | p[9] << 16 | p[10] << 8 | p[11]))
        w = uint(s[3] ^ (p[12] << 24 | p[13] << 16 | p[14] << 8 | p[15]))
        s[0] = 0
        s[1] = 0
        s[2] = 0
        s[3] = 0
        r = ptr32(int(s) + 12)
        while True:
            e0 = ptr32(t + (int(w >> 24) & 0xF0))
            e1 = ptr32(t + 256 + (int(w >> 20) & 0xF0))
            e2 = ptr32(t + 512 + (int(w >> 16) & 0xF0))
            e3 = ptr32(t + 768 + (int(w >> 12) & 0xF0))
            e4 = ptr32(t + 1024 + (int(w >> 8) & 0xF0))
            e5 = ptr32(t + 1280 + (int(w >> 4) & 0xF0))
            e6 = ptr32(t + 1536 + (int(w) & 0xF0))
            e7 = ptr32(t + 1792 + (int(w << 4) & 0xF0))
            r[0] = r[0] ^ e0[0] ^ e1[0] ^ e2[0] ^ e3[0] ^ e4[0] ^ e5[0] ^ e6[0] ^ e7[0]
            r[1] = r[1] ^ e0[1] ^ e1[1] ^ e2[1] ^ e3[1] ^ e4[1] ^ e5[1] ^ e6[1] ^ e7[1]
            r[2] = r[2] ^ e0[2] ^ e1[2] ^ e2[2] ^ e3[2] ^ e4[2] ^ e5[2] ^ e6[2] ^ e7[2]
            r[3] = r[3] ^ e0[3] ^ e1[3] ^ e2[3] ^ e3[3] ^ e4[3] ^ e5[3] ^ e6[3] ^ e7[3]
            if int(r) == int(s):
                break
            r = ptr32(int(r) - 4)
            w = a2
            a2 = a1
            a1 = a0
        # x^128 = x^7 + x^2 + x + 1: words 6, 5, 4 fold onto the four below them.
        i = 6
        while i > 3:
            w = uint(s[i])
            r = ptr32(int(s) + (i - 4 << 2))
            r[0] = r[0] ^ int(w) ^ int(w >> 1) ^ int(w >> 2) ^ int(w >> 7)
            r[1] = r[1] ^ int(w << 31) ^ int(w << 30) ^ int(w << 25)
            i -= 1
        if int(p) != int(block):
            p = ptr8(int(p) + 16)
    if not s[16]:
        return 0
    # Tag = hash XOR E(J0), compared without stopping at the first difference.
    p = ptr8(int(data) + begin + count)
    bad = 0
    i = 0
    while i < 12:
        h = s[i >> 2] >> (24 - ((i & 3) << 3))
        bad |= (h ^ keystream[i] ^ p[i]) & 0xFF
        i += 1
    return bad
