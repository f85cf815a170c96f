"""CRC-16/ARC, the checksum of DSMR telegrams (polynomial 8005, reflected; start 0000)."""

from ..python import VIPER, micropython

if not VIPER:
    from ..python import ptr8


@micropython.viper
def crc_arc(data: ptr8, begin: int, end: int) -> int:
    """CRC-16/ARC of `data[begin:end]`, int."""
    value = 0
    mixed = 0
    while begin < end:
        mixed = (value ^ data[begin]) & 0xFF
        # Eight steps of the polynomial at once: its two low terms are neighbours, so a
        # byte leaves itself behind at two places, and its parity at three.
        value = value >> 8 ^ mixed << 6 ^ mixed << 7
        mixed ^= mixed >> 4
        mixed ^= mixed >> 2
        if (mixed ^ mixed >> 1) & 1:
            value ^= 0xC001
        begin += 1
    return value


@micropython.viper
def crc_written(data: ptr8, position: int) -> int:
    """The CRC that four hexadecimal digits at `data[position]` tell, or 65536 if those
    are none."""
    value = 0
    digit = 0
    i = 0
    while i < 4:
        digit = data[position + i]
        if digit >= 48 and digit <= 57:
            digit -= 48
        else:
            digit |= 0x20
            if digit < 97 or digit > 102:
                return 0x10000
            digit -= 87
        value = value << 4 | digit
        i += 1
    return value
