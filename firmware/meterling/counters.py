"""How often it happened: what errors has a code for. Apart from those codes' names, which a
dongle does not need.
"""

from array import array

from .python import const

# By code; see errors.
_NAMES = const(
    "bytes frames telegrams readings noise truncated checksum segment too-long apdu ciphering "
    "security no-key no-auth-key tag wrong-key replay decode data-type empty implausible "
    "unprotected"
)
_CODES = const(22)
_FIRST_ERROR = const(4)
_WRAP = const(0x3FFFFFFF)  # stays a small integer on 32 bits: counting never allocates


def names():
    """The name of each code (list of str)."""
    return _NAMES.split(" ")


class Counters:
    """One counter per code, readable at any time; they stay below 2**30, so that counting
    allocates nothing on 32 bits.

    counts: array('I') by code, which every layer counts in; None: all 0.
    """

    def __init__(self, counts=None):
        self.counts = array("I", bytes(4 * _CODES)) if counts is None else counts

    def add(self, code, count=1):
        """Count `code` (int) up by `count`."""
        counts = self.counts
        counts[code] = (counts[code] + count) & _WRAP

    def __getitem__(self, code):
        """The count of a code, given as int or as its name (KeyError if unknown)."""
        if isinstance(code, str):
            found = names()
            if code not in found:
                raise KeyError(code)
            code = found.index(code)
        return self.counts[code]

    def as_dict(self):
        """`{"bytes": .., "frames": .., "telegrams": .., "readings": .., "errors": {code: count}}`,
        errors that never happened left out."""
        result = {}
        errors = {}
        for name, count in zip(names(), self.counts):
            if len(result) < _FIRST_ERROR:
                result[name] = count
            elif count:
                errors[name] = count
        result["errors"] = errors
        return result
