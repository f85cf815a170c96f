"""What differs between the two Pythons, in one place."""

import sys

try:
    from micropython import const
except ImportError:  # CPython

    def const(value):
        return value


# Kernels (checksums, XOR, GHASH, the compare-and-extract loop) exist twice: in
# viper for MicroPython (`*_viper.py`) and in plain Python for CPython
# (`*_plain.py`). Everything else is the same source for both.
VIPER = sys.implementation.name == "micropython"

if VIPER:
    from .copy_viper import copy
else:
    from .copy_plain import copy

__all__ = ("VIPER", "const", "copy")
