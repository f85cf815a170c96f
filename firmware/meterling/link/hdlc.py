"""HDLC frame format type 3 (IEC 62056-46), as meters push over it.

    7E | A s LLL (2) | destination | source | control | HCS (2) | LLC + APDUs | FCS (2) | 7E
         `------------------------- length (11 bits) ------------------------------'

s (08 in the first byte) says that more segments follow. Addresses end at the byte
with bit 0 set. HCS and FCS are CRC-16/X.25; some meters send 0000 instead of either.
Without an FCS nothing protects the payload (NO_CHECK); on a line whose frames have one, a
frame with 0000 has lost it. The LLC bytes E6 E7 00 open the information field, but not
every meter's, and not in later segments. One closing flag may serve as the next opening
flag.
"""

from ..octets import index
from ..python import VIPER, const, micropython
from .crc import crc_fits, crc_table
from .framer import drop, make

if not VIPER:
    from ..python import ptr8, ptr32

_FLAG = const(0x7E)
_TYPE_3 = const(0xA0)
_SEGMENTED = const(0x08)
_HEADER_MAX = const(11)  # flag, format (2), two addresses of up to 4 bytes
_TRAILER = const(2)  # FCS; the closing flag is not part of what `find` hands over
_PATIENCE = const(3)  # frames with an FCS of 0000 that are refused after one with another

# Words of the state; see framer.
_START = const(0)
_END = const(1)
_NEED = const(2)
_LENGTH = const(3)
_FAILED = const(4)
_QUIET = const(5)
_CUT = const(6)
_INFORMATION = const(7)  # where the information field begins
_SOURCE = const(8)  # of the two addresses, 24 bits
_FILL = const(9)
_BLANK = const(10)  # what is left of PATIENCE; 0: this line's frames have no FCS
_BEGIN = const(12)
_STOP = const(13)
_FIRST = const(18)
_MORE = const(19)
_NO_CHECK = const(22)

# The parts; see framer.
_RAW = const(0)
_JOINED = const(1)
_STATE = const(2)
_COUNTS = const(3)

_FRAMES = const(1)

_ERR_SEGMENT = const(7)

_CRC = crc_table()


@micropython.viper
def _find(raw, at):
    state = ptr32(at)
    octets = ptr8(raw)
    table = _CRC
    position = state[_START]
    end = state[_END]
    quiet = state[_QUIET]
    failed = 0
    cut = 0
    length = 0
    need = 0
    while need == 0:
        if position < end and octets[position] != _FLAG:
            position = int(index(raw, _FLAG, position, end))
        if position >= end:
            need = end + 3
        elif position + 3 > end:
            if quiet:
                position = end
            need = position + 3
        elif octets[position + 1] & 0xF0 != _TYPE_3:
            position += 1
        else:
            size = (octets[position + 1] & 7) << 8 | octets[position + 2]
            stop = position + size + 1  # closing flag
            q = position + 3
            addresses = 0
            source = 0
            while addresses < 2 and q < end and q < position + _HEADER_MAX:
                addresses += octets[q] & 1
                source = (source & 0x1FFFF) << 7 | octets[q] >> 1
                q += 1
            q += 3  # control, HCS: where the information field begins
            good = 1
            if addresses < 2:
                if q - 2 <= end:
                    good = 0  # no address is that long
            elif q <= end and q <= stop and octets[q - 2] | octets[q - 1]:
                # A bogus header shows at once, without waiting for its end.
                good = int(crc_fits(table, raw, position + 1, q - position - 1))
            if size < q - 2 - position:
                good = 0
            if good == 0:
                failed += 1
                position += 1
            elif stop >= end:
                if quiet:
                    cut += 1
                    position += 1
                else:
                    need = stop + 1
                    if q > end and q <= stop:
                        need = q
            else:
                no_check = 0
                good = 0
                if octets[stop] == _FLAG:
                    good = int(crc_fits(table, raw, position + 1, size))
                    if octets[stop - 1] | octets[stop - 2]:
                        if good:
                            state[_BLANK] = _PATIENCE
                    elif state[_BLANK] == 0:
                        good = 1
                        no_check = 1
                    elif good == 0:
                        state[_BLANK] = state[_BLANK] - 1
                if good:
                    length = size + 1
                    need = 1
                    state[_INFORMATION] = q
                    state[_SOURCE] = source
                    # Of several segments, each must be protected.
                    if state[_FILL] == 0 or no_check:
                        state[_NO_CHECK] = no_check
                else:
                    failed += 1
                    position += 1
    state[_START] = position
    state[_NEED] = need
    state[_LENGTH] = length
    state[_FAILED] = failed
    state[_CUT] = cut


@micropython.viper
def _frame(parts, begin: int, end: int):
    state = ptr32(parts[_STATE])
    octets = ptr8(parts[_RAW])
    counts = ptr32(parts[_COUNTS])
    counts[_FRAMES] = counts[_FRAMES] + 1
    more = octets[begin + 1] & _SEGMENTED
    begin = state[_INFORMATION]
    end -= _TRAILER
    if begin >= end:
        return  # no information field: nothing pushed
    if state[_FILL] and end - begin > 2:
        # Segments carry no number. One that opens as the payload before it opened
        # (LLC, or tag and title) is the next telegram: the last was cut short.
        joined = ptr8(parts[_JOINED])
        first = state[_FIRST]
        if (
            octets[begin] == joined[first]
            and octets[begin + 1] == joined[first + 1]
            and octets[begin + 2] == joined[first + 2]
        ):
            drop(parts, _ERR_SEGMENT)
    state[_BEGIN] = begin
    state[_STOP] = end
    if more:
        state[_MORE] = 1


def link(counts, size):
    """The parts (see framer) that make HDLC frames into payloads of up to `size` bytes.
    counts: array of counters.Counters."""
    return make(counts, size + 32, size, _find, _frame, _FLAG)
