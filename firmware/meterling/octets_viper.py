"""Loops over bytes: viper kernels (twin: octets_plain)."""

from array import array

import micropython


@micropython.viper
def copy(target: ptr8, at: int, source: ptr8, begin: int, count: int):
    """Copy `count` bytes from `source[begin]` to `target[at]`, upwards (a move
    towards lower addresses inside one buffer is fine)."""
    t = ptr8(int(target) + at)
    s = ptr8(int(source) + begin)
    if (int(t) | int(s)) & 3 == 0:
        # Four bytes at a time where both sides allow it: Xtensa traps on others.
        t32 = ptr32(int(t))
        s32 = ptr32(int(s))
        while count >= 16:
            t32[0] = s32[0]
            t32[1] = s32[1]
            t32[2] = s32[2]
            t32[3] = s32[3]
            t32 = ptr32(int(t32) + 16)
            s32 = ptr32(int(s32) + 16)
            count -= 16
        t = ptr8(int(t32))
        s = ptr8(int(s32))
    while count >= 8:
        t[0] = s[0]
        t[1] = s[1]
        t[2] = s[2]
        t[3] = s[3]
        t[4] = s[4]
        t[5] = s[5]
        t[6] = s[6]
        t[7] = s[7]
        t = ptr8(int(t) + 8)
        s = ptr8(int(s) + 8)
        count -= 8
    while count > 0:
        t[0] = s[0]
        t = ptr8(int(t) + 1)
        s = ptr8(int(s) + 1)
        count -= 1


@micropython.viper
def index(data: ptr8, value: int, begin: int, end: int) -> int:
    """Position of the first byte `value` in `data[begin:end]`, or `end`."""
    while begin < end and data[begin] != value:
        begin += 1
    return begin


@micropython.viper
def checksum(data: ptr8, begin: int, count: int) -> int:
    """Sum of `count` bytes modulo 256."""
    total = 0
    p = ptr8(int(data) + begin)
    while count >= 8:
        total += p[0] + p[1] + p[2] + p[3] + p[4] + p[5] + p[6] + p[7]
        p = ptr8(int(p) + 8)
        count -= 8
    while count > 0:
        total += p[0]
        p = ptr8(int(p) + 1)
        count -= 1
    return total & 0xFF


def crc_table():
    """256 words of CRC-16/X.25 (polynomial 8408, reflected), array('H')."""
    table = array("H", bytes(512))
    for i in range(256):
        crc = i
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
        table[i] = crc
    return table


@micropython.viper
def crc_fits(table: ptr16, data: ptr8, begin: int, count: int) -> int:
    """1 if the last two of `count` bytes are the CRC-16/X.25 of those before, else 0."""
    value = 0xFFFF
    p = ptr8(int(data) + begin)
    while count >= 4:
        value = (value >> 8) ^ table[(value ^ p[0]) & 0xFF]
        value = (value >> 8) ^ table[(value ^ p[1]) & 0xFF]
        value = (value >> 8) ^ table[(value ^ p[2]) & 0xFF]
        value = (value >> 8) ^ table[(value ^ p[3]) & 0xFF]
        p = ptr8(int(p) + 4)
        count -= 4
    while count > 0:
        value = (value >> 8) ^ table[(value ^ p[0]) & 0xFF]
        p = ptr8(int(p) + 1)
        count -= 1
    if value == 0xF0B8:
        return 1
    return 0
