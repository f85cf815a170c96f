"""The lines of a telegram of text: code and values; see text."""

from ..python import VIPER, const, micropython

if not VIPER:
    from ..python import ptr8, ptr32

_LONGEST_VALUE = const(2048)  # bytes: a message of 1024 characters in hexadecimal

_STX = const(0x02)
_LF = const(0x0A)
_CR = const(0x0D)
_SPACE = const(0x20)
_BANG = const(0x21)
_OPEN = const(0x28)
_CLOSE = const(0x29)

# Words of the state; see text.
_POSITION = const(0)
_END = const(1)
_VALUES = const(2)
_STOP = const(3)
_GOOD = const(4)

# What `next_line` says of a line, beside the number of its values
_NO_MORE = const(0)
_NONE = const(-1)
_TOO_MUCH = const(-2)


@micropython.viper
def _code(data, position: int, stop: int, work) -> int:
    # Read the code at `position`; where its first bracket is, or 0 if it is none.
    octets = ptr8(data)
    code = ptr8(work)
    byte = 0
    part = 0  # which of A to F is next
    value = 0
    digits = 0
    code[0] = 1
    code[1] = 0
    code[4] = 0
    code[5] = 255
    # A code without A-B begins with C.
    shortened = 1
    i = position
    while i < stop and octets[i] != _OPEN and shortened:
        if octets[i] == 0x3A:  # :
            shortened = 0
        i += 1
    if shortened:
        part = 2
    while position < stop:
        byte = octets[position]
        position += 1
        if byte >= 48 and byte <= 57:
            value = value * 10 + byte - 48
            digits += 1
            if digits > 3 or value > 255:
                return 0
        elif digits == 0 and (part == 2 or part == 3):
            if byte == 67:  # C
                value = 96
            elif byte == 70:  # F
                value = 97
            elif byte == 76:  # L
                value = 98
            elif byte == 80:  # P
                value = 99
            else:
                return 0
            digits = 3
        elif digits == 0 or part > 5:
            return 0
        else:
            code[part] = value
            if byte == _OPEN:
                if part < 3:
                    return 0
                if shortened and code[2] >= 96:
                    code[0] = 0
                return position - 1
            if part == 0:
                if byte != 0x2D:  # -
                    return 0
            elif part == 1:
                if byte != 0x3A:
                    return 0
            elif byte == 0x2A or byte == 0x26:  # * &
                if part < 3:
                    return 0
                part = 4
            elif byte != 0x2E:  # .
                return 0
            part += 1
            value = 0
            digits = 0
    return 0


@micropython.viper
def closing(data, position: int, stop: int) -> int:
    """Where the bracket closes that opens at `position`, 0 if it does not. Some meters put
    brackets into brackets."""
    octets = ptr8(data)
    depth = 0
    while position < stop:
        if octets[position] == _OPEN:
            depth += 1
        elif octets[position] == _CLOSE:
            depth -= 1
            if depth == 0:
                return position
        elif octets[position] < _SPACE:
            return 0
        position += 1
    return 0


@micropython.viper
def next_line(data, state, work) -> int:
    """Read the next line that has anything in it: NO_MORE, NONE if it is no `code(value)`,
    TOO_MUCH, or the number of its values. The first six bytes of `work` are its code."""
    octets = ptr8(data)
    line = ptr32(state)
    position = line[_POSITION]
    end = line[_END]
    while position < end and (
        octets[position] == _CR or octets[position] == _LF or octets[position] == _STX
    ):
        position += 1
    stop = position
    if position >= end or octets[position] == _BANG:
        line[_POSITION] = position
        return _NO_MORE
    while stop < end and octets[stop] != _CR and octets[stop] != _LF:
        stop += 1
    line[_POSITION] = stop
    while octets[stop - 1] == _SPACE and stop > position + 1:
        stop -= 1
    line[_STOP] = stop
    if octets[position] != _OPEN:
        line[_GOOD] = 0
        position = int(_code(data, position, stop, work))
        if position == 0:
            return _NONE
    elif line[_GOOD] == 0:
        return _NONE
    line[_VALUES] = position
    count = 0
    longest = 0
    close = 0
    while position < stop:
        if octets[position] == _OPEN:
            close = int(closing(data, position, stop))
        else:
            close = 0
        if close == 0:
            line[_GOOD] = 0
            return _NONE
        if close - position - 1 > longest:
            longest = close - position - 1
        position = close + 1
        count += 1
    if longest > _LONGEST_VALUE:
        return _TOO_MUCH
    line[_GOOD] = 1
    return count
