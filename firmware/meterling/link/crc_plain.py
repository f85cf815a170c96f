"""CRC-16/X.25 of HDLC: plain twin of crc."""

try:
    from binascii import crc_hqx
except ImportError:  # MicroPython without machine code
    crc_hqx = None

_REVERSED = bytes(sum(1 << 7 - bit for bit in range(8) if byte >> bit & 1) for byte in range(256))
_GOOD = 0x1D0F  # the residue F0B8, read from the other end


def crc_table():
    """The C library's CRC serves, on bytes with their bits reversed; no table."""
    return None


def crc_fits(_table, data, begin, count):
    """See crc.crc_fits."""
    return int(crc_hqx(data[begin : begin + count].translate(_REVERSED), 0xFFFF) == _GOOD)


def _crc_fits(_table, data, begin, count):
    value = 0xFFFF
    for i in range(begin, begin + count):
        value ^= data[i]
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
    return int(value == 0xF0B8)


if crc_hqx is None:
    crc_fits = _crc_fits
