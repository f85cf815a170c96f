"""Telegrams of text: DSMR's P1 port and its descendants, and IEC 62056-21 (mode D pushes,
data blocks of mode C).

    /XXXZ ident CR LF  [CR LF]  code(value) CR LF ..  ! [CRC, 4 hex digits] CR LF

    [/XXXZ ident CR LF]  STX  code(value) CR LF ..  ! CR LF  ETX [BCC]

    /XXXZ ident [CR LF ..]  DB | 08 or 00 | [system title] | BER length | SC | ..

CRC: CRC-16/ARC from `/` to `!`, both included. BCC: exclusive or of everything behind STX
up to ETX, included. Where there is neither, nothing protects the payload (UNPROTECTED),
but that each of its bytes must be a character. The third form has its own check, a tag.

An identification line never stands inside a telegram: where one does, even in the middle
of a line, the telegram before it was cut short. Lines that are behind one are not looked
at again (SCANNED).
"""

from ..octets import index
from ..python import VIPER, const, micropython
from .crc_arc import crc_arc, crc_written
from .framer import count, make
from .p1_lines import again, block_check, body, head, inside, is_text

if not VIPER:
    from ..python import ptr8, ptr32

_LONGEST = const(4096)
_IDENTIFICATION = const(64)  # bytes; the longest seen have 27

_STX = const(0x02)
_ETX = const(0x03)
_LF = const(0x0A)
_CR = const(0x0D)
_BANG = const(0x21)
_OPEN = const(0x28)
_SLASH = const(0x2F)
_GENERAL_GLO = const(0xDB)
_GENERAL_DED = const(0xDC)
_TITLE = const(8)  # bytes of a system title

# What `head`, `body` and `_last` say, if no position
_NO = const(-1)
_WAIT = const(0)

_PATIENCE = const(3)  # telegrams without a CRC that are refused after one with it

# Words of the state; see framer.
_START = const(0)
_END = const(1)
_NEED = const(2)
_LENGTH = const(3)
_FAILED = const(4)
_QUIET = const(5)
_CUT = const(6)
_BLANK = const(7)  # what is left of PATIENCE; 0: this line's telegrams have no CRC
_BEGIN = const(12)
_STOP = const(13)
_UNPROTECTED = const(22)
_SCANNED = const(24)

# The parts; see framer.
_RAW = const(0)
_STATE = const(2)

_FRAMES = const(1)


@micropython.viper
def _last(raw, at, start: int, line: int) -> int:
    # The telegram raw[start:] has its exclamation mark at `line`: WAIT, or where it ends,
    # or, if its check fails, minus where to go on.
    state = ptr32(at)
    octets = ptr8(raw)
    end = state[_END]
    quiet = state[_QUIET]
    stop = line + 1
    while (
        stop < end
        and stop < line + _IDENTIFICATION
        and octets[stop] != _CR
        and octets[stop] != _LF
        and octets[stop] != _SLASH
        and octets[stop] != _ETX
    ):
        stop += 1
    digits = stop - line - 1
    if stop < end and octets[stop] == _CR:
        stop += 1
        if stop < end and octets[stop] == _LF:
            stop += 1
        elif stop == end and quiet == 0:
            return _WAIT
    elif stop < end and octets[stop] == _LF:
        stop += 1
    elif stop == end and quiet == 0:
        return _WAIT
    # Four digits, or none; anything else is broken.
    state[_UNPROTECTED] = 0
    if digits == 4:
        if int(crc_arc(raw, start, line + 1)) != int(crc_written(raw, line + 1)):
            return 0 - stop
        state[_BLANK] = _PATIENCE
        return stop
    if digits:
        return 0 - stop
    stx = int(index(raw, _STX, start, line))
    if stx < line:
        if stop == end and quiet == 0:
            return _WAIT
        if stop < end and octets[stop] == _ETX:
            if stop + 1 < end:
                if int(block_check(raw, stx + 1, stop + 1)) == octets[stop + 1]:
                    return stop + 2
                return 0 - stop
            if quiet == 0:
                return _WAIT
            stop += 1
    # There is no check.
    if state[_BLANK]:
        # But this line's telegrams have one: this one has lost it.
        state[_BLANK] = state[_BLANK] - 1
        return 0 - stop
    if int(is_text(raw, start, line)) == 0:
        return 0 - stop
    state[_UNPROTECTED] = 1
    return stop


@micropython.viper
def _find(raw, at):
    state = ptr32(at)
    octets = ptr8(raw)
    start = state[_START]
    end = state[_END]
    quiet = state[_QUIET]
    line = start + state[_SCANNED]  # where the line begins that is to be looked at
    if octets[start] != _SLASH and octets[start] != _STX:
        line = start
    failed = 0
    cut = 0
    length = 0
    need = 0
    q = 0
    stop = 0
    while need == 0:
        if line == start:
            while start < end and octets[start] != _SLASH and octets[start] != _STX:
                start += 1
            line = start
            if start >= end:
                need = end + 1
                break
            q = int(head(raw, start, end))
            if q > _WAIT:
                line = q
            elif q == _WAIT and quiet == 0:
                need = end + 1
            else:
                start += 1
                line = start
            continue
        if line >= end:
            need = end + 1
        elif octets[line] == _GENERAL_GLO or octets[line] == _GENERAL_DED:
            stop = _NO
            if int(index(raw, _OPEN, start, line)) == line:
                stop = int(body(raw, line, end))
            if stop == _NO:
                line += 1
                continue
            if stop == _WAIT:
                need = end + 1
            else:
                # The same beginning once more: this one was cut short. Where only a part
                # of it has come, all that is here may still be a whole telegram.
                q = int(again(raw, start, line + 1, stop, end))
                if q < stop and q + line + 1 - start <= end:
                    cut += 1
                    start = q
                    line = q
                    continue
                if stop > end:
                    need = stop
                elif q < stop and quiet == 0:
                    need = end + 1
                else:
                    length = stop - start
                    break
        elif octets[line] == _BANG:
            stop = int(_last(raw, at, start, line))
            if stop > _WAIT:
                length = stop - start
                break
            if stop == _WAIT:
                need = end + 1
            else:
                failed += 1
                start = 0 - stop
                line = start
        else:
            stop = int(index(raw, _LF, line, end))
            # Another telegram's beginning in this line?
            q = int(inside(raw, start, line, stop))
            while q < stop and int(head(raw, q, end)) <= _WAIT:
                q = int(inside(raw, start, q + 1, stop))
            if q < stop:
                cut += 1
                start = q
                line = q
            elif stop < end:
                line = stop + 1
            else:
                need = end + 1
        if quiet and need:
            # What this one waits for will not come: is there another behind its start?
            cut += 1
            start += 1
            line = start
            need = 0
    state[_START] = start
    state[_LENGTH] = length
    state[_FAILED] = failed
    state[_CUT] = cut
    state[_NEED] = need
    state[_SCANNED] = line - start
    if length:
        state[_SCANNED] = 0
        state[_BEGIN] = line


@micropython.viper
def _frame(parts, begin: int, end: int):
    state = ptr32(parts[_STATE])
    octets = ptr8(parts[_RAW])
    count(parts, _FRAMES)
    # The line that was the last: with the exclamation mark, or a ciphered body.
    last = state[_BEGIN]
    if octets[last] == _BANG:
        end = last + 1
    else:
        state[_UNPROTECTED] = 0
        if octets[last + 1] == 0 and last - begin >= _TITLE:
            # No system title (Elgama GAMA 350, Poland). With what its nonce begins instead is
            # not known: nobody has published a telegram that could be opened. Eight zeros
            # are tried; they go where the identification line was.
            begin = last - _TITLE
            octets[begin] = octets[last]
            octets[begin + 1] = _TITLE
            begin += 2
            while begin < last + 2:
                octets[begin] = 0
                begin += 1
            last -= _TITLE
        begin = last
    state[_BEGIN] = begin
    state[_STOP] = end


def link(counts, size):
    """The parts (see framer) that find telegrams of text of up to 4096 bytes, and ciphered
    APDUs behind an identification line. counts: array of counters.Counters."""
    return make(counts, _LONGEST, 0, _find, _frame)
