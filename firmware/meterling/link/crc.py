"""CRC-16/X.25 of HDLC. Viper kernel (twin: crc_plain)."""

from array import array

from ..python import VIPER, micropython

if not VIPER:
    from ..python import ptr8, ptr16


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
    data = ptr8(int(data) + begin)
    while count >= 4:
        value = (value >> 8) ^ table[(value ^ data[0]) & 0xFF]
        value = (value >> 8) ^ table[(value ^ data[1]) & 0xFF]
        value = (value >> 8) ^ table[(value ^ data[2]) & 0xFF]
        value = (value >> 8) ^ table[(value ^ data[3]) & 0xFF]
        data = ptr8(int(data) + 4)
        count -= 4
    while count > 0:
        value = (value >> 8) ^ table[(value ^ data[0]) & 0xFF]
        data = ptr8(int(data) + 1)
        count -= 1
    if value == 0xF0B8:
        return 1
    return 0


if not VIPER:
    from .crc_plain import crc_fits, crc_table  # noqa: F401, F811
