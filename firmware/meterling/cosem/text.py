"""Telegrams of text (DSMR P1 and its descendants, IEC 62056-21), written again as A-XDR.

    /XXXZ ident CR LF           identification; a data block of mode C has none
    [STX]
    A-B:C.D.E*F(value)(value*unit) .. CR LF
               (value) .. CR LF           what begins with a bracket goes on with the code above
    ! [CRC, 4 hex digits]

Codes may be shortened: without A-B (then 1-0, and 0-0 from C = 96 on), without E (0), with
letters (C, F, L, P: 96 to 99), and F follows an asterisk, an ampersand or a full stop. A
number with a unit that is known becomes a number, digit by digit; everything else stays the
text that was sent. A line that is none of this is passed over.
"""

from ..link.crc_arc import crc_arc, crc_written
from ..octets import index
from ..python import VIPER, const, micropython, words
from .clock import is_date
from .normal import put_clock, put_code, put_head, put_meter, put_octets
from .number import put_number
from .text_lines import closing, next_line

if not VIPER:
    from ..python import ptr8, ptr32

_MOST_VALUES = const(100)
_LONGEST_NAME = const(96)

_LF = const(0x0A)
_CR = const(0x0D)
_SPACE = const(0x20)
_CLOSE = const(0x29)
_SLASH = const(0x2F)

# Words of the state
_POSITION = const(0)  # of the next line
_END = const(1)  # of the telegram
_VALUES = const(2)  # of the latest line: its first bracket
_STOP = const(3)  # behind its last bracket
_GOOD = const(4)  # 1: the latest line had a code, and its values go on in the next
_METER = const(5)  # where the meter's number stands, 0 = nowhere
_METER_LENGTH = const(6)
_RANK = const(7)  # of its code, the lower the better
_CLOCK = const(8)  # bits: 1 date known, 2 time known
_WORDS = const(9)

# Bytes of the workspace
_CODE = const(0)  # OBIS code of the latest line, 6
_DATE_TIME = const(8)  # COSEM date-time, 12
_NUMBER = const(20)  # the meter's number
_WORK = const(20 + 64)

# What `next_line` says of a line, beside the number of its values
_NO_MORE = const(0)
_TOO_MUCH = const(-2)

# Codes of the number on the meter's plate, the likeliest first: 0-0:96.1.1, 0-0:96.1.0 (and
# C.1.0), 0-0:42.0.0, 1-0:0.0.0 (and 0.0.0), 1-0:96.1.0, 0-0:96.1.255
_METER_CODES = const(
    b"\x00\x00\x60\x01\x01\x00\x00\x60\x01\x00\x00\x00\x2a\x00\x00"
    b"\x01\x00\x00\x00\x00\x01\x00\x60\x01\x00\x00\x00\x60\x01\xff"
)
_METER_CODES_LENGTH = const(30)

_ERR_CHECKSUM = const(6)
_ERR_TOO_LONG = const(8)
_ERR_DECODE = const(17)
_ERR_EMPTY = const(19)

_state = words(_WORDS)
_work = bytearray(_WORK)


@micropython.viper
def _two(data, position: int) -> int:
    # The number of two digits, 255 if they are none.
    octets = ptr8(data)
    tens = octets[position] - 48
    ones = octets[position + 1] - 48
    if tens < 0 or tens > 9 or ones < 0 or ones > 9:
        return 255
    return 10 * tens + ones


@micropython.viper
def _put_three(data, position: int, work, at: int, gap: int):
    # Three numbers of two digits, `gap` bytes between them.
    out = ptr8(work)
    out[at] = int(_two(data, position))
    out[at + 1] = int(_two(data, position + 2 + gap))
    out[at + 2] = int(_two(data, position + 4 + 2 * gap))


@micropython.viper
def _take_clock(data, state, work):
    # The latest line may be the clock, whole (0-0:1.0.0), or its date or time (0.9.2, 0.9.1). The
    # first that is good stays. An F says that it is of another day.
    octets = ptr8(data)
    line = ptr32(state)
    code = ptr8(work)
    known = 0
    year = 0
    gap = 0
    begin = line[_VALUES] + 1
    length = int(index(data, _CLOSE, begin, line[_STOP])) - begin
    if code[5] != 255:
        return
    if code[2] == 1 and code[3] == 0 and code[4] == 0 and code[0] == 0 and code[1] == 0:
        if length == 12 or (length == 13 and (octets[begin + 12] | 4) == 0x57):  # S, W
            known = 3
    elif code[2] == 0 and code[3] == 9 and (code[4] == 1 or code[4] == 2):
        if length == 8:
            gap = 1
        if length == 6 or (length == 8 and octets[begin + 2] == octets[begin + 5]):
            known = 3 - code[4]
    if line[_CLOCK] & known == known:
        return
    line[_CLOCK] = line[_CLOCK] & (3 - known)  # until what is written over it is found good
    if known & 2:
        _put_three(data, begin + 6 * (known & 1), work, _DATE_TIME + 5, gap)
        if code[_DATE_TIME + 5] > 23 or code[_DATE_TIME + 6] > 59 or code[_DATE_TIME + 7] > 59:
            return
    if known & 1:
        _put_three(data, begin, work, _DATE_TIME + 1, gap)
        # Of the year there are two digits; 2255, if they are none, is no year.
        year = 2000 + code[_DATE_TIME + 1]
        code[_DATE_TIME] = year >> 8
        code[_DATE_TIME + 1] = year & 0xFF
        if int(is_date(work, _DATE_TIME)) == 0:
            return
    # Summer or winter; of which zone, nobody says.
    if known == 3 and octets[begin + 12] == 0x53:
        code[_DATE_TIME + 11] = 0x80
    line[_CLOCK] = line[_CLOCK] | known


@micropython.viper
def _take_meter(data, state, work):
    # The latest line may be the meter's number.
    line = ptr32(state)
    code = ptr8(work)
    codes = ptr8(_METER_CODES)
    begin = line[_VALUES] + 1
    length = int(index(data, _CLOSE, begin, line[_STOP])) - begin
    if length == 0 or length > _LONGEST_NAME:
        return
    at = 0
    i = 0
    while at < line[_RANK]:
        i = 0
        while i < 5 and code[i] == codes[at + i]:
            i += 1
        if i == 5:
            line[_METER] = begin
            line[_METER_LENGTH] = length
            line[_RANK] = at
            return
        at += 5


@micropython.viper
def _spell(data, begin: int, length: int, work) -> int:
    # More than 16 hexadecimal digits may spell letters and digits: then these go to NUMBER;
    # how many they are, or 0.
    octets = ptr8(data)
    out = ptr8(work)
    if length <= 16 or length & 1 or length > 128:
        return 0
    at = 0
    byte = 0
    half = 0
    i = 0
    while i < length:
        byte = octets[begin + i]
        if byte >= 48 and byte <= 57:
            byte -= 48
        else:
            byte |= 0x20
            if byte < 97 or byte > 102:
                return 0
            byte -= 87
        if i & 1:
            byte |= half << 4
            half = byte | 0x20
            if (byte < 48 or byte > 57) and (half < 97 or half > 122):
                return 0
            out[_NUMBER + at] = byte
            at += 1
        else:
            half = byte
        i += 1
    return at


@micropython.viper
def _survey(data, state, work) -> int:
    # Find clock and meter number; 0 if the telegram can be written, or minus an error.
    line = ptr32(state)
    code = ptr8(work)
    values = 0
    lines = 0
    count = 0
    begin = line[_POSITION]
    line[_GOOD] = 0
    line[_METER] = 0
    line[_RANK] = _METER_CODES_LENGTH
    line[_CLOCK] = 0
    # Weekday and hundredths are not sent; deviation 8000: of which zone is not known.
    i = 0
    while i < 12:
        code[_DATE_TIME + i] = 0
        i += 1
    code[_DATE_TIME + 4] = 0xFF
    code[_DATE_TIME + 8] = 0xFF
    code[_DATE_TIME + 9] = 0x80
    while True:
        count = int(next_line(data, state, work))
        if count == _NO_MORE:
            break
        if count == _TOO_MUCH:
            return 0 - _ERR_TOO_LONG
        lines += 1
        if count > 0:
            values += count
            _take_clock(data, state, work)
            _take_meter(data, state, work)
    if values > _MOST_VALUES:
        return 0 - _ERR_TOO_LONG
    if values == 0:
        if lines:
            return 0 - _ERR_DECODE
        return 0 - _ERR_EMPTY
    line[_END] = line[_POSITION]
    line[_POSITION] = begin
    line[_GOOD] = 0
    return 0


@micropython.viper
def translate(data, begin: int, end: int, out) -> int:
    """Write the telegram `data[begin:end]` in the normal form (see normal) to `out`
    (bytearray); where that ends, 0 if `out` is too small, or minus a code of errors:
    EMPTY, DECODE, TOO_LONG (more than 100 values, or one of more than 2048 bytes), CHECKSUM
    (its CRC, if it is there)."""
    octets = ptr8(data)
    state = _state
    work = _work
    line = ptr32(state)
    size = int(len(out))
    name = begin
    length = 0
    if begin < end and octets[begin] == _SLASH:
        name = begin + 1
        while name + length < end and octets[name + length] != _CR and octets[name + length] != _LF:
            length += 1
    line[_POSITION] = name + length
    line[_END] = end
    if length > _LONGEST_NAME:
        length = _LONGEST_NAME
    error = int(_survey(data, state, work))
    if error:
        return error
    stop = line[_END]  # where the exclamation mark is
    if stop + 4 < end and octets[stop + 1] > _SPACE:
        # Inside a cipher, nobody has looked at the CRC yet.
        if int(crc_arc(data, begin, stop + 1)) != int(crc_written(data, stop + 1)):
            return 0 - _ERR_CHECKSUM
    if size < 14 + length + 14 + 6 + _LONGEST_NAME:
        return 0
    at = int(put_head(out, data, name, length))
    if line[_CLOCK] == 3:
        at = int(put_clock(out, at, work, _DATE_TIME))
    if line[_METER]:
        length = int(_spell(data, line[_METER], line[_METER_LENGTH], work))
        if length:
            at = int(put_meter(out, at, work, _NUMBER, length))
        else:
            at = int(put_meter(out, at, data, line[_METER], line[_METER_LENGTH]))
    count = 0
    position = 0
    close = 0
    while True:
        count = int(next_line(data, state, work))
        if count == _NO_MORE:
            return at
        position = line[_VALUES]
        while count > 0:
            close = int(closing(data, position, line[_STOP]))
            position += 1
            # Code, number or text, scaler and unit
            if at + 8 + 9 + 6 + close - position > size:
                return 0
            at = int(put_code(out, at, work, _CODE))
            length = int(put_number(out, at, data, position, close))
            if length:
                at = length
            else:
                at = int(put_octets(out, at, data, position, close - position))
            position = close + 1
            count -= 1
