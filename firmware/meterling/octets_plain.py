"""Loops over bytes: plain twin of octets_viper."""

from binascii import crc_hqx

_REVERSED = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
_GOOD = 0x1D0F  # the residue F0B8, read from the other end


def copy(target, source, at, begin, count):
    """See octets_viper.copy."""
    target[at : at + count] = source[begin : begin + count]


def index(data, value, begin, end):
    """See octets_viper.index."""
    found = data.find(value, begin, end)
    return end if found < 0 else found


def checksum(data, begin, count):
    """See octets_viper.checksum."""
    return sum(data[begin : begin + count]) & 0xFF


def crc_table():
    """The C library's CRC serves, on bytes with their bits reversed; no table."""
    return None


def crc_fits(_table, data, begin, count):
    """See octets_viper.crc_fits."""
    return int(crc_hqx(data[begin : begin + count].translate(_REVERSED), 0xFFFF) == _GOOD)
