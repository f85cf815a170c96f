"""What a data record says (EN 13757-3): its quantity, and its data as A-XDR (see records)."""

from ..python import VIPER, const, micropython
from .normal import put_int

if not VIPER:
    from ..python import ptr8

_EXTENSION = const(0xFB)
_INT64 = const(0x14)
_DST = const(0x80)  # of the clock status
_UNSPECIFIED = const(0xFF)


@micropython.viper
def quantity_of(table: int, code: int) -> int:
    """What a VIF (table 0), or the byte behind the VIF FB (table FB), names: unit << 16 |
    scaler + 64 << 8 | C of the OBIS code; 0 if it is no energy or power of electricity."""
    if table == 0:
        if code < 0x08:  # E000 0nnn: 10^(n - 3) Wh
            return 30 << 16 | (61 + code) << 8 | 1
        if code & 0x78 == 0x28:  # E010 1nnn: 10^(n - 3) W
            return 27 << 16 | (61 + (code & 7)) << 8 | 1
    elif table == _EXTENSION:
        if code < 0x02:  # 10^(n - 1) MWh
            return 30 << 16 | (69 + code) << 8 | 1
        if code < 0x04:  # 10^n kvarh
            return 32 << 16 | (67 + (code & 1)) << 8 | 3
        if code < 0x06:  # 10^n kVAh
            return 31 << 16 | (67 + (code & 1)) << 8 | 9
        if code & 0x7C == 0x14:  # 10^(n - 3) kvar
            return 29 << 16 | (64 + (code & 3)) << 8 | 3
        if code & 0x7E == 0x28:  # 10^(n - 1) MW
            return 27 << 16 | (69 + (code & 1)) << 8 | 1
        if code & 0x7C == 0x34:  # 10^(n - 3) kVA
            return 28 << 16 | (64 + (code & 3)) << 8 | 9
    return 0


@micropython.viper
def put_date_time(target, at: int, source, position: int, length: int) -> int:
    """Write a point in time, type I (6 bytes) or F (4: no second), as a COSEM date-time to
    `target[at]`; 0 if the meter says that its clock is wrong, or names no moment, else 1.

        I   second | minute | hour | day | month | week     F   minute | hour | day | month

    I: second, bit 6 = summer time; hour, bits 5-7 = weekday. F: hour, bit 7 = summer time.
    Both: minute, bit 7 = the clock is wrong; day, bits 5-7 and month, bits 4-7 = year.
    """
    data = ptr8(source)
    out = ptr8(target)
    second = _UNSPECIFIED
    summer = 0
    if length == 6:
        second = data[position] & 0x3F
        summer = data[position] << 1 & _DST
        position += 1
    minute = data[position]
    hour = data[position + 1]
    weekday = hour >> 5
    day = data[position + 2]
    month = data[position + 3]
    if length == 4:
        summer = hour & _DST
        weekday = 0
    year = day >> 5 | (month & 0xF0) >> 1
    day &= 0x1F
    month &= 0x0F
    hour &= 0x1F
    if minute & 0x80 or year > 99 or month < 1 or month > 12 or day < 1:
        return 0
    minute &= 0x3F
    if hour > 23 or minute > 59 or (length == 6 and second > 59):
        return 0
    if weekday == 0:
        weekday = _UNSPECIFIED
    year += 2000
    out[at] = year >> 8
    out[at + 1] = year & 0xFF
    out[at + 2] = month
    out[at + 3] = day
    out[at + 4] = weekday
    out[at + 5] = hour
    out[at + 6] = minute
    out[at + 7] = second
    out[at + 8] = _UNSPECIFIED
    out[at + 9] = 0x80  # the distance from UTC is not known
    out[at + 10] = 0
    out[at + 11] = summer
    return 1


@micropython.viper
def put_binary(out, at: int, source, position: int, length: int) -> int:
    """Write an integer of `length` bytes, 1 to 8, as one of 4 or 8; its end, or 0 if it
    stands for "no value" (80 00 ..). Counted either way."""
    octets = ptr8(out)
    data = ptr8(source)
    top = data[position + length - 1]
    width = 4
    if length > 4:
        width = 8
    some = top & 0x7F
    fill = 0
    if top & 0x80:
        fill = 0xFF
    else:
        some = 1
    put_int(out, at, 0)
    i = 0
    while i < width:
        if i < length:
            octets[at + width - i] = data[position + i]
            if i < length - 1:
                some |= data[position + i]
        else:
            octets[at + width - i] = fill
        i += 1
    if width == 8:
        octets[at] = _INT64
    if some == 0:
        return 0
    return at + 1 + width


@micropython.viper
def put_decimal(out, at: int, source, position: int, length: int) -> int:
    """The same for a number in BCD, 1 to 6 bytes; 0 if it is none, and then not counted.
    F as its first digit says that it is negative."""
    octets = ptr8(out)
    data = ptr8(source)
    negative = 0
    high = 0  # all but the last eight digits
    low = 0
    i = length - 1
    while i >= 0:
        byte = data[position + i]
        if i == length - 1 and byte > 0xEF:
            negative = 1
            byte &= 0x0F
        if byte & 0x0F > 9 or byte > 0x99:
            return 0
        byte = (byte >> 4) * 10 + (byte & 0x0F)
        if i > 3:
            high = high * 100 + byte
        else:
            low = low * 100 + byte
        i -= 1
    if length < 5:
        if negative:
            low = 0 - low
        return int(put_int(out, at, low))
    # high * 10^8 + low, in pieces that 31 bits hold: 10^8 = 05F5 E100.
    put_int(out, at, 0)
    low += high * 0xE100
    high = high * 0x5F5 + (low >> 16)
    low &= 0xFFFF
    i = 8
    fill = 0
    if negative:
        fill = 0xFF
    while i:
        byte = (low & 0xFF ^ fill) + negative
        negative = byte >> 8
        octets[at + i] = byte & 0xFF
        low = low >> 8 | (high & 0xFF) << 8
        high = high >> 8
        i -= 1
    octets[at] = _INT64
    return at + 9
