"""Numbers as text telegrams write them, with a unit: `000123.456*kWh`.

They become an integer, a scaler for the digits behind the point, and a unit. An integer of
up to 31 bits and a sign is a double-long, a larger one a long64; it never goes through a
float.
"""

from ..python import VIPER, const, micropython
from .normal import put_int, put_unit

if not VIPER:
    from ..python import ptr8

_MOST_DIGITS = const(18)  # without leading zeros: within 63 bits
_SHORT_DIGITS = const(9)  # within 30 bits

_PLUS = const(0x2B)
_MINUS = const(0x2D)
_POINT = const(0x2E)
_STAR = const(0x2A)
_INT32 = const(0x05)
_INT64 = const(0x14)

# Number in the table of obis, length and name of each unit. Other spellings occur (KWH, Kvar,
# M3): where no name is the same, capitals are not told from small letters, but for the M of
# mega.
_UNITS = const(
    b"\xc8\x03kWh\xc9\x02kW\xca\x05kvarh\xcb\x04kvar\xcc\x04kVAh\xcd\x03kVA\xce\x02m3\xcf\x02GJ"
    b"\xd0\x03MWh\xd1\x02MW\xd2\x03dm3\xd3\x01l\x07\x01s\xd5\x05Mvarh\xd6\x04Mvar\x2c\x02Hz"
    b"\xd8\x03bar\xd9\x01%\xda\x02MJ\xdb\x03ft3\xdc\x03gal\xdd\x04kcal\xde\x01K\x1b\x01W"
    b"\x1e\x02Wh\x1d\x03var\x20\x04varh\x1c\x02VA\x1f\x03VAh\x21\x01A\x23\x01V\xce\x03m^3"
    b"\xdf\x04VArh\xe0\x03VAr\xe1\x05kVArh\xe2\x04kVAr\0"
)


@micropython.viper
def _unit(data, begin: int, stop: int) -> int:
    # The enumeration value of the unit data[begin:stop], 0 if nobody knows it.
    octets = ptr8(data)
    units = ptr8(_UNITS)
    length = stop - begin
    found = 0
    other = 0  # letters that differ in being a capital
    at = 0
    i = 0
    byte = 0
    while units[at]:
        if units[at + 1] == length:
            other = 0
            i = 0
            while i < length:
                byte = octets[begin + i]
                if byte != units[at + 2 + i]:
                    if byte ^ units[at + 2 + i] != 0x20 or byte < 0x41:
                        break
                    if i == 0 and units[at + 2] == 0x4D:
                        break
                    other += 1
                i += 1
            if i == length:
                if other == 0:
                    return units[at]
                if found == 0:
                    found = units[at]
        at += units[at + 1] + 2
    return found


@micropython.viper
def _put_long(out, at: int, data, begin: int, stop: int, negative: int) -> int:
    # The digits of data[begin:stop], more than 30 bits can hold, in limbs of 16 bits; the
    # position behind.
    octets = ptr8(data)
    target = ptr8(out)
    a = 0
    b = 0
    c = 0
    d = 0
    while begin < stop:
        if octets[begin] != _POINT:
            d = 10 * d + octets[begin] - 48
            c = 10 * c + (d >> 16)
            b = 10 * b + (c >> 16)
            a = 10 * a + (b >> 16)
            d &= 0xFFFF
            c &= 0xFFFF
            b &= 0xFFFF
        begin += 1
    short = 0
    if a | b == 0 and c < 0x8000:
        short = 1
    if negative:
        d = (d ^ 0xFFFF) + 1
        c = (c ^ 0xFFFF) + (d >> 16)
        b = (b ^ 0xFFFF) + (c >> 16)
        a = (a ^ 0xFFFF) + (b >> 16)
    target[at] = _INT32
    at += 1
    if short == 0:
        target[at - 1] = _INT64
        target[at] = a >> 8 & 0xFF
        target[at + 1] = a & 0xFF
        target[at + 2] = b >> 8 & 0xFF
        target[at + 3] = b & 0xFF
        at += 4
    target[at] = c >> 8 & 0xFF
    target[at + 1] = c & 0xFF
    target[at + 2] = d >> 8 & 0xFF
    target[at + 3] = d & 0xFF
    return at + 4


@micropython.viper
def put_number(out, at: int, data, begin: int, stop: int) -> int:
    """If `data[begin:stop]` is a number and a unit that is known, write both to `out[at:]`
    (up to 15 bytes; see normal) and return the position behind; else 0."""
    octets = ptr8(data)
    counted = ptr8(out)
    position = begin
    negative = 0
    if position < stop and (octets[position] == _MINUS or octets[position] == _PLUS):
        if octets[position] == _MINUS:
            negative = 1
        position += 1
    first = position
    value = 0
    seen = 0  # digits
    digits = 0  # those behind leading zeros
    decimals = 0
    point = 0
    while position < stop and octets[position] != _STAR:
        if octets[position] == _POINT:
            if point:
                return 0
            point = 1
        elif octets[position] < 48 or octets[position] > 57:
            return 0
        else:
            seen += 1
            decimals += point
            if digits or octets[position] != 48:
                digits += 1
            if digits <= _SHORT_DIGITS:
                value = 10 * value + octets[position] - 48
        position += 1
    if position + 1 >= stop or seen == 0 or digits > _MOST_DIGITS or seen > 32:
        return 0
    unit = int(_unit(data, position + 1, stop))
    if unit == 0:
        return 0
    if digits > _SHORT_DIGITS:
        at = int(_put_long(out, at, data, first, position, negative))
        # Counted as every element of the normal form
        value = (counted[8] << 8 | counted[9]) + 1
        counted[8] = value >> 8
        counted[9] = value & 0xFF
    else:
        if negative:
            value = 0 - value
        at = int(put_int(out, at, value))
    return int(put_unit(out, at, 0 - decimals, unit))
