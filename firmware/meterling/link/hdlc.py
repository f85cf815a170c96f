"""HDLC frame format type 3 (IEC 62056-46), as meters push over it.

    7E | A s LLL (2) | destination | source | control | HCS (2) | LLC + APDUs | FCS (2) | 7E
         `------------------------- length (11 bits) ------------------------------'

s (08 in the first byte) says that more segments follow. Addresses end at the byte
with bit 0 set. HCS and FCS are CRC-16/X.25; some meters send 0000 instead of either.
The LLC bytes E6 E7 00 open the information field, but not every meter's, and not in
later segments. One closing flag may serve as the next opening flag.
"""

from ..errors import SEGMENT
from ..python import VIPER, const
from .framer import Framer

if VIPER:
    from .hdlc_viper import crc_table, find
else:
    from .hdlc_plain import crc_table, find

_FORMAT = const(1)
_ADDRESSES = const(3)
_SEGMENTED = const(0x08)
_TRAILER = const(2)  # FCS; the closing flag is not part of what `find` hands over
_CRC = crc_table()


class Hdlc(Framer):
    """HDLC frames into payloads of up to `size` bytes; `source` is the two addresses."""

    idle = 0x7E

    def __init__(self, counters, size):
        super().__init__(counters, size + 32, size)

    def find(self, raw, at):
        """The next frame in the buffer; see framer."""
        find(raw, at, _CRC)

    def frame(self, raw, begin, end):
        """One frame with right checks, from its opening flag to its FCS."""
        more = raw[begin + _FORMAT] & _SEGMENTED
        position = begin + _ADDRESSES
        source = 0
        for _ in range(2):  # destination, then source
            while not raw[position] & 1:
                source = (source << 7 | raw[position] >> 1) & 0xFFFFFF
                position += 1
            source = (source << 7 | raw[position] >> 1) & 0xFFFFFF
            position += 1
        position += 3  # control, HCS
        end -= _TRAILER
        if position > end:
            return  # no information field: nothing pushed
        if self._fill and (source != self.source or self._restarts(raw, position, end)):
            self.drop_partial(SEGMENT)
        self.source = source
        if not self._fill and not more:
            self.deliver(raw, position, end)
        elif self.join(raw, position, end) and not more:
            self.deliver_joined()

    def _restarts(self, raw, begin, end):
        # Segments carry no number. One that opens as the payload before it opened
        # (LLC, or tag and system title) is the next telegram: the last was cut short.
        joined = self._joined
        return (
            end - begin > 2
            and raw[begin] == joined[0]
            and raw[begin + 1] == joined[1]
            and raw[begin + 2] == joined[2]
        )
