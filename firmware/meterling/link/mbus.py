"""Wired M-Bus (EN 13757-2) with the DLMS transport layer (EN 13757-1).

    68 L L 68 | C A CI | STSAP DTSAP | data .. | CS 16
              `----------- L bytes -----------'

CS is the sum of the L bytes modulo 256. CI 00..1F: bit 4 = last segment, bits 0-3 =
segment number. Older Sagemcom meters put 257 bytes into a frame and only the lower
8 bits of that into L: the real length is L + 256, and the checksum holds.
"""

from ..errors import APDU, SEGMENT
from ..python import VIPER, const
from .framer import Framer

if VIPER:
    from .mbus_viper import find
else:
    from .mbus_plain import find

_LONGEST = const(255 + 256 + 6)
_DATA = const(9)  # 68 L L 68 C A CI STSAP DTSAP
_TRAILER = const(2)  # CS 16
_CI_LAST = const(0x10)
_CI_DLMS_MAX = const(0x1F)
_CI_KAIFA = const(0xFF)  # reported of one Kaifa, on a frame that stands alone


class MBus(Framer):
    """M-Bus long frames into payloads of up to `size` bytes."""

    find = staticmethod(find)

    def __init__(self, counters, size):
        super().__init__(counters, _LONGEST + 3, size)
        self._segment = 0

    def frame(self, raw, begin, end):
        """One frame with a right checksum."""
        ci = raw[begin + 6]
        begin += _DATA
        end -= _TRAILER
        if ci == _CI_KAIFA:
            ci = _CI_LAST
        if ci > _CI_DLMS_MAX or begin >= end:
            self.drop_partial(SEGMENT)
            self.counters.add(APDU)
            return
        number = ci & 0x0F
        if number == 0:
            self.drop_partial(SEGMENT)
            if ci & _CI_LAST:
                self.deliver(raw, begin, end)
                return
        elif self._fill == 0 or number != self._segment:
            if not self._fill:
                self.counters.add(SEGMENT)
            self.drop_partial(SEGMENT)
            return
        if self.join(raw, begin, end):
            self._segment = (number + 1) & 0x0F
            if ci & _CI_LAST:
                self.deliver_joined()
