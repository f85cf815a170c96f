"""No link layer at all: a ciphered APDU stands bare on the line.

    DB | 08 | system title (8) | BER length | security control | counter (4) | ...
    DC |

There is no checksum. A telegram that was cut short is noticed because the next one's
header (same tag, same system title) stands inside it; `reject` lets the layers above
have a telegram whose tag does not fit looked at again from its second byte.
"""

from ..python import VIPER, const, micropython
from .framer import count, make

if not VIPER:
    from ..python import ptr8, ptr32

_GENERAL_GLO = const(0xDB)
_GENERAL_DED = const(0xDC)
_NAME = const(10)  # tag, length 8, system title
_SHORTEST = const(6)  # security control, counter, one byte of text

# Words of the state; see framer.
_START = const(0)
_END = const(1)
_NEED = const(2)
_LENGTH = const(3)
_FAILED = const(4)
_QUIET = const(5)
_CUT = const(6)
_BEGIN = const(12)
_STOP = const(13)

_STATE = const(2)  # of the parts; see framer

_FRAMES = const(1)


@micropython.viper
def _find(raw, at):
    state = ptr32(at)
    octets = ptr8(raw)
    position = state[_START]
    end = state[_END]
    cut = 0
    length = 0
    need = 0
    while need == 0:
        while (
            position < end and octets[position] != _GENERAL_GLO and octets[position] != _GENERAL_DED
        ):
            position += 1
        if position >= end:
            need = end + 1
            break
        # Everything up to the security control byte must be right, or it is none.
        q = position + _NAME
        size = 0
        body = 0
        if position + 1 >= end:
            need = position + 2
        elif octets[position + 1] == 8:
            if q >= end:
                need = q + 1
            else:
                size = octets[q]
                q += 1
                more = 0
                if size == 0x81:
                    more = 1
                elif size == 0x82:
                    more = 2
                elif size > 0x7F:
                    size = 0
                if q + more > end:
                    need = q + more
                elif more:
                    size = 0
                    while more:
                        size = size << 8 | octets[q]
                        q += 1
                        more -= 1
            if need == 0 and size >= _SHORTEST:
                if q >= end:
                    need = q + 1
                elif octets[q] & 0xCE == 0 and octets[q] & 0x30:
                    body = size
        if body:
            stop = q + body
            # The same tag and title once more before the end: this one was cut short.
            # Even where only its beginning has come so far: what is here may end in it.
            again = position + _NAME
            same = 0
            while again < stop and again < end:
                same = 0
                while (
                    same < _NAME
                    and again + same < end
                    and octets[again + same] == octets[position + same]
                ):
                    same += 1
                if same == _NAME or again + same == end:
                    break
                again += 1
            if again < stop and again < end:
                if same == _NAME:
                    cut += 1
                    position = again
                    continue
                if state[_QUIET] == 0:
                    need = again + _NAME
                    break
            if stop <= end:
                length = stop - position
                need = 1
                break
            need = stop
        if need == 0:
            position += 1
        elif state[_QUIET]:
            if body:
                cut += 1
            position += 1
            need = 0
    state[_START] = position
    state[_NEED] = need
    state[_LENGTH] = length
    state[_FAILED] = 0
    state[_CUT] = cut


@micropython.viper
def _frame(parts, begin: int, end: int):
    state = ptr32(parts[_STATE])
    state[_BEGIN] = begin
    state[_STOP] = end
    count(parts, _FRAMES)


def link(counts, size):
    """The parts (see framer) that find bare general-glo- and general-ded-ciphering APDUs
    of up to `size` bytes. counts: array of counters.Counters."""
    return make(counts, size, 0, _find, _frame)


def reject(state):
    """The payload just delivered is not what it seemed: look for another one behind its
    first byte."""
    state[_START] = state[_START] - state[_LENGTH] + 1
    state[_NEED] = 0
