"""What differs between the two Pythons, in one place.

Functions under `@micropython.viper` run on both from one source: on CPython the
decorator does nothing, the pointer types pass their argument through, and subscripts
work on the objects themselves. Only loops over bytes exist twice (`*_viper.py` for
MicroPython, `*_plain.py` for CPython, held against each other by the tests).

For such a function: integers stay within 31 bits, nothing negative is read from a
`ptr32`, and what is passed on to another function is the object, not its pointer.
"""

import gc
import sys
from array import array

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

        native = viper

    def const(value):
        return value

    def ptr8(buffer):
        return buffer

    ptr16 = ptr32 = ptr8
    uint = int


def unload(package, names, collect=True):
    """Forget modules (str, divided by spaces) of `package` (imported), loaded or not. Their
    memory is free at once, or (`collect` False) when the collector runs next.

    What is needed once, to learn what a meter sends, is as large as all that is needed
    always: it makes room again. Imported again, it is loaded again.
    """
    if not VIPER:
        return
    modules = sys.modules
    parent = modules.get(package)
    for name in names.split():
        whole = package + "." + name
        if modules.pop(whole, None):
            delattr(parent, name)
        else:
            # An import that failed (no memory) took the name away, and left the module there.
            modules[whole] = None
            modules.pop(whole)
    if collect:
        gc.collect()


def words(count):
    """State of `count` words, all 0: an array('i') for viper's ptr32, and a list on
    CPython, where that is faster."""
    return array("i", bytes(4 * count)) if VIPER else [0] * count
