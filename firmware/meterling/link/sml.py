"""SML transport protocol, version 1 (BSI TR-03109-1, annex IV; SML 1.04, chapter 8).

    1B1B1B1B 01010101 | SML file | 00 .. | 1B1B1B1B 1A pp CRC (2)
                                   `-- pp --'

pp, 0 to 3, bytes fill the file up to a multiple of four. 1B1B1B1B inside the file is sent
twice. The CRC covers all bytes ahead of it, as they stand on the wire: CRC-16/X.25, low
byte first; Holley's DTZ541 and some others send CRC-16/Kermit, high byte first.
"""

from ..octets import index
from ..python import VIPER, const, micropython
from .crc import crc_fits, crc_table
from .framer import count, make

if not VIPER:
    from ..python import ptr8, ptr32

_LONGEST = const(4096)
_ESCAPE = const(0x1B)  # four of them
_BEGIN_MARK = const(0x01)  # four of them, behind an escape sequence
_END_MARK = const(0x1A)
_SEQUENCE = const(8)  # escape sequence and what it says
_PADDING_MAX = const(3)

# Words of the state; see framer.
_START = const(0)
_END = const(1)
_NEED = const(2)
_LENGTH = const(3)
_FAILED = const(4)
_QUIET = const(5)
_CUT = const(6)
_DOUBLED = const(7)  # 1: the file holds an escape sequence that was sent twice
_BEGIN = const(12)
_STOP = const(13)
_UNPROTECTED = const(22)
_SCANNED = const(24)  # bytes behind START that are known to hold no end; 0: nor a start

# The parts; see framer.
_RAW = const(0)
_STATE = const(2)

_FRAMES = const(1)

_CRC = crc_table()


@micropython.viper
def _kermit_fits(data: ptr8, begin: int, count: int) -> int:
    # 1 if the last two of `count` bytes are the CRC-16/Kermit of those before, high byte
    # first. Without a table: few meters need it.
    end = begin + count - 2
    value = 0
    while begin < end:
        x = (value ^ data[begin]) & 0xFF
        x = (x ^ x << 4) & 0xFF
        value = value >> 8 ^ x << 8 ^ x << 3 ^ x >> 4
        begin += 1
    if value == data[end] << 8 | data[end + 1]:
        return 1
    return 0


@micropython.viper
def _find(raw, at):
    state = ptr32(at)
    octets = ptr8(raw)
    table = _CRC
    position = state[_START]
    end = state[_END]
    quiet = state[_QUIET]
    doubled = state[_DOUBLED]
    failed = 0
    cut = 0
    length = 0
    need = 0
    i = 0
    # Looked at so far; `position` itself: there is not even a start there.
    q = position + state[_SCANNED]
    if q > position and octets[position + 3] != _ESCAPE:
        q = position  # the framer gave the telegram up: too long
    while need == 0:
        if q == position:
            position = int(index(raw, _ESCAPE, position, end))
            i = 0
            while i < 4 and position + i < end and octets[position + i] == _ESCAPE:
                i += 1
            while i > 3 and i < 8 and position + i < end and octets[position + i] == _BEGIN_MARK:
                i += 1
            if i == 8:
                q = position + 8
                doubled = 0
            elif position + i < end:
                position += 1
                q = position
            else:
                if quiet:
                    position = end
                q = position
                need = position + 8
        else:
            q = int(index(raw, _ESCAPE, q, end))
            i = q
            while i < end and i < q + 8 and octets[i] == _ESCAPE:
                i += 1
            if i - q < 4 and i < end:
                q = i
            elif q + 8 > end:
                if quiet:
                    cut += 1
                    position += 1
                    q = position
                else:
                    need = q + 8
            elif i == q + 8:
                doubled = 1
                q = i
            elif octets[q + 4] == _END_MARK:
                length = q + 8 - position
                i = octets[q + 5]
                if (
                    i <= _PADDING_MAX
                    and i + 16 <= length
                    and (
                        int(crc_fits(table, raw, position, length))
                        or int(_kermit_fits(raw, position, length))
                    )
                ):
                    need = 1
                    q = position
                else:
                    length = 0
                    failed += 1
                    position += 1
                    q = position
            elif (
                octets[q + 4] == _BEGIN_MARK
                and octets[q + 5] == _BEGIN_MARK
                and octets[q + 6] == _BEGIN_MARK
                and octets[q + 7] == _BEGIN_MARK
            ):
                # The next telegram: this one was cut short.
                cut += 1
                position = q
                q += 8
                doubled = 0
            else:
                # Data, maybe followed by an escape sequence: 1B | 1B1B1B1B 1A ..
                q += 1
    state[_START] = position
    state[_SCANNED] = q - position
    state[_DOUBLED] = doubled
    state[_NEED] = need
    state[_LENGTH] = length
    state[_FAILED] = failed
    state[_CUT] = cut


@micropython.viper
def _frame(parts, begin: int, end: int):
    state = ptr32(parts[_STATE])
    octets = ptr8(parts[_RAW])
    count(parts, _FRAMES)
    padding = octets[end - 3]
    begin += _SEQUENCE
    end -= _SEQUENCE
    if state[_DOUBLED]:
        stop = end
        end = begin
        i = begin
        while i < stop:
            run = 0
            while run < 8 and i + run < stop and octets[i + run] == _ESCAPE:
                run += 1
            i += 1
            if run == 8:
                i += 7
                octets[end] = _ESCAPE
                octets[end + 1] = _ESCAPE
                octets[end + 2] = _ESCAPE
                octets[end + 3] = _ESCAPE
                end += 3
            else:
                octets[end] = octets[i - 1]
            end += 1
    state[_BEGIN] = begin
    state[_STOP] = end - padding
    state[_UNPROTECTED] = 0


def link(counts, size):
    """The parts (see framer) that make the telegrams of SML's transport into SML files of
    up to `size` bytes. counts: array of counters.Counters."""
    return make(counts, max(size, _LONGEST), 0, _find, _frame)
