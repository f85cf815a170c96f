"""Loops over bytes: copying, searching, checksums. See octets_viper."""

from .python import VIPER

if VIPER:
    from .octets_viper import checksum, copy, crc_fits, crc_table, index
else:
    from .octets_plain import checksum, copy, crc_fits, crc_table, index

__all__ = ("checksum", "copy", "crc_fits", "crc_table", "index")
