"""Elements of SML: their type and length, and numbers and times in the normal form; see sml.

0x octets   42 boolean   5x signed   6x unsigned      x: bytes, with the TL byte itself
7x list of x elements    8x 0y, 9x .. 0y: a length of two bytes, or more
01 left out              00 end of a message
"""

from ..python import VIPER, const, micropython, words

if not VIPER:
    from ..python import ptr8, ptr32

# Kinds of element
_OCTETS = const(0)
_BOOLEAN = const(4)
_SIGNED = const(5)
_UNSIGNED = const(6)
_LIST = const(7)
_END_OF_MESSAGE = const(8)

# Words of the state; the others are sml's.
_KIND = const(0)  # of the latest element
_AT = const(1)  # where its value stands, or its first child
_SIZE = const(2)  # bytes of the value, or number of children
STATE = words(21)

DATE_TIME = bytearray(12)  # COSEM's, of the latest time
_WIDE = bytearray(9)  # a number, and its sign ahead of it


@micropython.viper
def open_element(data, at: int, end: int) -> int:
    """Read the TL at `at` into STATE: 1; 0 if the element does not end by `end`, or is none."""
    octets = ptr8(data)
    state = ptr32(STATE)
    if at >= end:
        return 0
    byte = octets[at]
    kind = byte >> 4 & 7
    size = byte & 15
    q = at + 1
    while byte & 0x80:
        if q >= end or size > 0xFFF:
            return 0
        byte = octets[q]
        if byte & 0x70:
            return 0
        size = size << 4 | byte & 15
        q += 1
    if kind < _LIST:
        if kind > _OCTETS and kind < _BOOLEAN:
            return 0
        size -= q - at
        if size < 0:
            if octets[at]:
                return 0
            kind = _END_OF_MESSAGE
            size = 0
        elif kind > _OCTETS and (size == 0 or size > 8):
            return 0
    # Each child takes one byte at least.
    if size > end - q:
        return 0
    state[_KIND] = kind
    state[_AT] = q
    state[_SIZE] = size
    return 1


@micropython.viper
def skip(data, at: int, end: int) -> int:
    """The position behind the element at `at` and all inside it; 0 if it is broken."""
    state = ptr32(STATE)
    left = 1
    while left:
        if int(open_element(data, at, end)) == 0 or state[_KIND] == _END_OF_MESSAGE:
            return 0
        at = state[_AT]
        left -= 1
        if state[_KIND] == _LIST:
            left += state[_SIZE]
        else:
            at += state[_SIZE]
    return at


@micropython.viper
def number(data, at: int, end: int) -> int:
    """The last two bytes, unsigned, of the number at `at`; 0 if it is none."""
    octets = ptr8(data)
    state = ptr32(STATE)
    if int(open_element(data, at, end)) == 0 or state[_KIND] < _SIGNED or state[_KIND] > _UNSIGNED:
        return 0
    at = state[_AT] + state[_SIZE]
    if state[_SIZE] > 1:
        return octets[at - 2] << 8 | octets[at - 1]
    return octets[at - 1]


@micropython.viper
def put_number(out, at: int, data, begin: int, size: int, kind: int, unit: int, negate: int) -> int:
    """Write the number of `size` (1 to 8) bytes at `data[begin]` to `out[at]`, and count it
    (see normal); the position behind: at most 9 bytes.

    In four bytes wherever it fits into them: then its type stays from telegram to telegram.
    Signed, but for energy (`unit`, enumeration), which no register counts down. negate: 1 to
    make a positive one negative.
    """
    octets = ptr8(data)
    target = ptr8(out)
    wide = ptr8(_WIDE)
    sign = 0
    if kind == _SIGNED and octets[begin] & 0x80:
        sign = 0xFF
    i = 0
    while i < 9:
        wide[i] = sign
        i += 1
    i = 1
    while i <= size:
        wide[9 - i] = octets[begin + size - i]
        i += 1
    if negate and sign == 0:
        carry = 1
        i = 8
        while i >= 0:
            carry += 0xFF - wide[i]
            wide[i] = carry & 0xFF
            carry = carry >> 8
            i -= 1
    sign = wide[0]
    i = 0
    while i < 5 and wide[i] == sign:
        i += 1
    tag = 0x05
    if i == 5 and sign == 0 and unit >= 30 and unit <= 32:  # Wh, VAh, varh
        tag = 0x06
    elif i < 5 or (wide[5] ^ sign) & 0x80:
        tag = 0x15 if (wide[1] ^ sign) & 0x80 else 0x14
        i = 1
    target[at] = tag
    at += 1
    while i < 9:
        target[at] = wide[i]
        at += 1
        i += 1
    i = target[9] + 1  # the count of elements
    target[9] = i & 0xFF
    target[8] = target[8] + (i >> 8)
    return at


@micropython.native
def _minutes(data, at, end):
    # The i16 at `at` + 1440; 0 if it is none, or more than a day.
    state = STATE
    minutes = number(data, at, end)
    if state[_KIND] != _SIGNED:
        return 0
    if state[_SIZE] == 1:
        minutes = (minutes ^ 0x80) - 0x80
    else:
        minutes = (minutes ^ 0x8000) - 0x8000
    minutes += 1440
    if minutes < 0 or minutes > 2880:
        return 0
    return minutes


@micropython.native
def read_time(data, at, end):
    """1 if the element at `at` is a time of the calendar, and then it is in DATE_TIME; else
    0: times since the meter was switched on (62 01, and Holley's bare numbers) are none.

    72 6202 65 seconds                                          since 1970, UTC
    72 6203 73 65 seconds 53 local offset 53 season offset      and minutes
    """
    state = STATE
    out = DATE_TIME
    if open_element(data, at, end) == 0 or state[_KIND] != _LIST or state[_SIZE] != 2:
        return 0
    choice = number(data, state[_AT], end)
    at = state[_AT] + state[_SIZE]
    offset = 0
    summer = 0
    if choice == 3:
        if open_element(data, at, end) == 0 or state[_KIND] != _LIST or state[_SIZE] != 3:
            return 0
        at = state[_AT]
    elif choice != 2:
        return 0
    if open_element(data, at, end) == 0 or state[_KIND] != _UNSIGNED or state[_SIZE] != 4:
        return 0
    at = state[_AT]
    # 86400 = 128 * 675: nothing here needs more than 31 bits.
    part = data[at] << 17 | data[at + 1] << 9 | data[at + 2] << 1 | data[at + 3] >> 7
    days = part // 675
    seconds = (part % 675) << 7 | data[at + 3] & 127
    at += 4
    if choice == 3:
        offset = _minutes(data, at, end)
        at = state[_AT] + state[_SIZE]
        summer = _minutes(data, at, end)
        if offset == 0 or summer == 0:
            return 0
        offset += summer - 2880
        summer -= 1440
    if offset < -840 or offset > 840:
        return 0
    seconds += offset * 60
    if seconds < 0:
        seconds += 86400
        days -= 1
    elif seconds >= 86400:
        seconds -= 86400
        days += 1
    if days < 16436 or days > 47480:  # 2015 to 2099: else it was never set
        return 0
    # The civil date, by years that begin on 1st of March; from 2000 on.
    part = days - 11017
    year = (4 * part + 3) // 1461
    day = part - 1461 * year // 4
    month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    month += 3
    year += 2000
    if month > 12:
        month -= 12
        year += 1
    offset = -offset
    out[0] = year >> 8
    out[1] = year & 0xFF
    out[2] = month
    out[3] = day
    out[4] = (days + 3) % 7 + 1
    out[5] = seconds // 3600
    out[6] = seconds // 60 % 60
    out[7] = seconds % 60
    out[8] = 0
    out[9] = offset >> 8 & 0xFF
    out[10] = offset & 0xFF
    out[11] = 0x80 if summer else 0
    return 1
