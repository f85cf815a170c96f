"""What a telegram of text is recognised by; see p1."""

from ..octets import index
from ..python import VIPER, const, micropython

if not VIPER:
    from ..python import ptr8

_IDENTIFICATION = const(64)  # bytes; the longest seen have 27
_CODE = const(24)  # bytes; the longest in front of a value: "1-0:99.97.0.255"
_SHORTEST = const(6)  # security control, counter, one byte of text

_STX = const(0x02)
_LF = const(0x0A)
_CR = const(0x0D)
_BANG = const(0x21)
_OPEN = const(0x28)
_SLASH = const(0x2F)
_GENERAL_GLO = const(0xDB)
_GENERAL_DED = const(0xDC)

# What `head` and `body` say, if no position
_NO = const(-1)
_WAIT = const(0)


@micropython.viper
def head(raw, position: int, end: int) -> int:
    """Whether a telegram begins at `position` (a slash or STX): NO, WAIT for more bytes, or
    the position of what follows the identification or STX."""
    octets = ptr8(raw)
    begin = position + 1
    byte = 0
    letter = 0
    if octets[position] == _STX:
        position = begin
        while position < begin + _CODE:
            if position >= end:
                return _WAIT
            byte = octets[position]
            if byte == _OPEN or (byte == _BANG and position == begin):
                return begin
            # Digits, letters and - . : * &
            if byte < 0x26 or byte > 0x7A or byte == _SLASH:
                return _NO
            position += 1
        return _NO
    position = begin
    while position < begin + _IDENTIFICATION:
        if position >= end:
            return _WAIT
        byte = octets[position]
        if position < begin + 4:
            # Three letters, and the one that stands for the speed
            letter = byte | 0x20
            if (letter < 0x61 or letter > 0x7A) and (
                position < begin + 3 or byte < 0x30 or byte > 0x39
            ):
                return _NO
        elif byte == _CR or byte == _LF or byte == _GENERAL_GLO or byte == _GENERAL_DED:
            return position
        elif byte < 0x20 or byte > 0x7E or byte == _BANG or byte == _SLASH:
            return _NO
        elif byte == _OPEN or byte == _OPEN + 1:
            return _NO
        position += 1
    return _NO


@micropython.viper
def body(raw, position: int, end: int) -> int:
    """Whether a ciphered APDU begins at `position` (its tag): NO, WAIT, or where it ends."""
    octets = ptr8(raw)
    if position + 2 > end:
        return _WAIT
    size = octets[position + 1]
    if size != 8 and size != 0:
        return _NO
    position += size + 2
    if position >= end:
        return _WAIT
    size = octets[position]
    more = 0
    if size == 0x81:
        more = 1
    elif size == 0x82:
        more = 2
    elif size > 0x7F:
        return _NO
    position += 1
    if position + more >= end:
        return _WAIT
    if more:
        size = 0
    while more:
        size = size << 8 | octets[position]
        position += 1
        more -= 1
    # The security control byte must be one
    if size < _SHORTEST or octets[position] & 0xCE or octets[position] & 0x30 == 0:
        return _NO
    return position + size


@micropython.viper
def again(raw, start: int, line: int, stop: int, end: int) -> int:
    """Where what stands in `raw[start:line]` begins once more before `stop`, whole or as far
    as there are bytes; `stop` if nowhere."""
    octets = ptr8(raw)
    position = line
    same = 0
    while position < stop and position < end:
        same = 0
        while (
            position + same < end
            and start + same < line
            and octets[position + same] == octets[start + same]
        ):
            same += 1
        if start + same == line or position + same == end:
            return position
        position = int(index(raw, _SLASH, position + 1, end))
    return stop


@micropython.viper
def inside(raw, start: int, line: int, stop: int) -> int:
    """Where another telegram may begin in the line `raw[line:stop]`; `stop` if nowhere."""
    octets = ptr8(raw)
    while line < stop:
        if octets[line] == _SLASH:
            return line
        if octets[line] == _STX:
            # The block's own STX is the first, and ahead of all values.
            if octets[start] != _SLASH or int(index(raw, _OPEN, start, line)) < line:
                return line
            if int(index(raw, _STX, start, line)) < line:
                return line
        line += 1
    return stop


@micropython.viper
def is_text(raw, position: int, end: int) -> int:
    """1 if `raw[position:end]` is nothing but characters and the ends of lines, else 0."""
    octets = ptr8(raw)
    while position < end:
        if octets[position] < 0x20:
            if octets[position] != _CR and octets[position] != _LF and octets[position] != _STX:
                return 0
        elif octets[position] > 0x7E:
            return 0
        position += 1
    return 1


@micropython.viper
def block_check(raw, position: int, end: int) -> int:
    """BCC: the exclusive or of `raw[position:end]`."""
    octets = ptr8(raw)
    value = 0
    while position < end:
        value ^= octets[position]
        position += 1
    return value
