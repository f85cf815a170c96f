"""No link layer at all: a ciphered APDU stands bare on the line.

    DB | 08 | system title (8) | BER length | security control | counter (4) | ...

There is no checksum. A telegram that was cut short is noticed because the next one's
header (same tag, same system title) stands inside it; `reject` lets the layers above
have a telegram whose tag does not fit looked at again from its second byte.
"""

from ..python import VIPER
from .framer import LENGTH, NEED, START, Framer

if VIPER:
    from .apdu_viper import find
else:
    from .apdu_plain import find



class Apdu(Framer):
    """Bare general-glo- and general-ded-ciphering APDUs of up to `size` bytes."""

    find = staticmethod(find)

    def __init__(self, counters, size):
        super().__init__(counters, size, 0)

    def frame(self, raw, begin, end):
        """One APDU, from its tag to the end its length field gives."""
        self.deliver(raw, begin, end)

    def reject(self):
        """The payload just delivered is not what it seemed: look for another one
        behind its first byte."""
        at = self._at
        at[START] -= at[LENGTH] - 1
        at[NEED] = 0
