"""What differs between the two Pythons, in one place.

Functions under `@micropython.viper` run on both from one source: on CPython the
decorator does nothing, the pointer types pass their argument through, and subscripts
work on the objects themselves. Only loops over bytes exist twice (`*_viper.py` for
MicroPython, `*_plain.py` for CPython, held against each other by the tests).

For such a function: integers stay within 31 bits, nothing negative is read from a
`ptr32`, and what is passed on to another function is the object, not its pointer.
"""

import sys

VIPER = sys.implementation.name == "micropython"

if VIPER:
    import micropython
    from micropython import const
else:

    class micropython:
        """Stands for MicroPython's module of that name."""

        @staticmethod
        def viper(function):
            return function

    def const(value):
        return value

    def ptr8(buffer):
        return buffer

    ptr16 = ptr32 = ptr8
    uint = int
