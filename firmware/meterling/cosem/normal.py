"""The normal form: what a meter of another language says, as A-XDR.

Text, SML and DIF/VIF telegrams are written again as the data-notification that a DLMS
meter would have sent, and from there go the one road: shapes, plausibility, Reading.

    0F 00000000 00 | 02 82 hh ll              structure of hhll elements
       | 09 len identification                who sends: part of the shape, not shown
       | [09 0C date-time]                    the telegram's clock
       | [01 01 09 len number]                the meter's number
       | ( 09 06 OBIS | value | [02 02 0F scaler 16 unit] )*

Each writer takes the position in `out`, and returns the one behind what it wrote. It
counts the element, and does not look whether there is room: its caller does.
"""

from ..octets import copy
from ..python import VIPER, const, micropython

if not VIPER:
    from ..python import ptr8

_COUNT = const(8)  # where hh ll stands
_OCTET_STRING = const(0x09)
_INT32 = const(0x05)
_INT64 = const(0x14)


@micropython.viper
def _add(out: ptr8):
    if out[_COUNT + 1] == 0xFF:
        out[_COUNT + 1] = 0
        out[_COUNT] = out[_COUNT] + 1
    else:
        out[_COUNT + 1] = out[_COUNT + 1] + 1


@micropython.viper
def _put_string(out, at: int, source, begin: int, length: int) -> int:
    octets = ptr8(out)
    octets[at] = _OCTET_STRING
    at += 1
    if length > 0x7F:
        octets[at] = 0x82
        octets[at + 1] = length >> 8
        octets[at + 2] = length & 0xFF
        at += 3
    else:
        octets[at] = length
        at += 1
    copy(out, source, at, begin, length)
    return at + length


@micropython.viper
def put_head(out, source, begin: int, length: int) -> int:
    """Head and identification `source[begin:begin + length]`: at most 14 + length bytes."""
    octets = ptr8(out)
    i = 0
    while i < 10:
        octets[i] = 0
        i += 1
    octets[0] = 0x0F
    octets[6] = 0x02
    octets[7] = 0x82
    return int(put_octets(out, 10, source, begin, length))


@micropython.viper
def put_octets(out, at: int, source, begin: int, length: int) -> int:
    """An octet string: at most 4 + length bytes."""
    _add(out)
    return int(_put_string(out, at, source, begin, length))


@micropython.viper
def put_clock(out, at: int, source, begin: int) -> int:
    """The COSEM date-time at `source[begin]`: 14 bytes."""
    return int(put_octets(out, at, source, begin, 12))


@micropython.viper
def put_meter(out, at: int, source, begin: int, length: int) -> int:
    """The number on the meter's plate: at most 6 + length bytes."""
    octets = ptr8(out)
    octets[at] = 0x01
    octets[at + 1] = 0x01
    _add(out)
    return int(_put_string(out, at + 2, source, begin, length))


@micropython.viper
def put_code(out, at: int, source, begin: int) -> int:
    """The OBIS code of the next value, 6 bytes at `source[begin]`: 8 bytes."""
    return int(put_octets(out, at, source, begin, 6))


@micropython.viper
def put_int(out, at: int, value: int) -> int:
    """A signed number of at most 31 bits: 5 bytes."""
    octets = ptr8(out)
    octets[at] = _INT32
    octets[at + 1] = value >> 24 & 0xFF
    octets[at + 2] = value >> 16 & 0xFF
    octets[at + 3] = value >> 8 & 0xFF
    octets[at + 4] = value & 0xFF
    _add(out)
    return at + 5


@micropython.viper
def put_unit(out, at: int, scaler: int, unit: int) -> int:
    """Scaler and unit (enumeration, see obis) of the latest value: 6 bytes."""
    octets = ptr8(out)
    octets[at] = 0x02
    octets[at + 1] = 0x02
    octets[at + 2] = 0x0F
    octets[at + 3] = scaler & 0xFF
    octets[at + 4] = 0x16
    octets[at + 5] = unit
    _add(out)
    return at + 6
