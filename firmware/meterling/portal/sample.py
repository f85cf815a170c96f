"""The latest ciphered telegram, kept so that a key can be tried the moment it is pasted."""

from ..octets import copy, extend
from ..python import const

_FIRST = const(512)  # bytes; it grows when a telegram is longer
_LONGEST = const(2048)


class Sample:
    """buffer[:length] is the telegram: an APDU from its tag (DB, DC) on, or an AMIS
    telegram from its CI (5B) on; length 0: there was none yet."""

    def __init__(self):
        self.buffer = bytearray()
        self.length = 0

    def take(self, data, begin, end):
        """Keep `data[begin:end]`. Called by the decoder with every ciphered telegram,
        before it is opened; allocates nothing once one of that length has come."""
        count = end - begin
        if not 0 < count <= _LONGEST:
            return
        if count > len(self.buffer):
            if not extend(self.buffer, max(_FIRST, count)):
                return
        copy(self.buffer, data, 0, begin, count)
        self.length = count
