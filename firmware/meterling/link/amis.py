"""Siemens AMIS on its optical port (Netz OÖ): M-Bus where the meter asks and we answer.

    10 | C A | CS 16                                        short frame
    68 L L 68 | C A CI | long header, records .. | CS 16    long frame
              `------------- L bytes -----------'

C 40 (SND_NKE) looks for a device, C 53 or 73 (SND_UD; they take turns) has a telegram for
it, CI 5B first. CS is the sum of the bytes ahead of it (from C on) modulo 256. Each of
either kind that is addressed to A F0 (240) and came whole is owed one E5, within 0.5 s:
ANSWER counts them. The optical head may echo it, so E5 between frames is no noise.

Source: Netz OÖ, "Spezifikation Kundenschnittstelle AMIS", 2021-11-05, 2.4.
"""

from ..octets import checksum
from ..python import VIPER, const, micropython
from .framer import count, make

if not VIPER:
    from ..python import ptr8, ptr32

_LONGEST = const(261)  # 255 + 6
_SHORT_START = const(0x10)
_SHORT_LENGTH = const(5)
_LONG_START = const(0x68)
_LONG_HEADER = const(4)  # 68 L L 68
_AROUND = const(6)  # 68 L L 68 .. CS 16
_STOP_BYTE = const(0x16)
_TRAILER = const(2)  # CS 16
_C = const(4)
_A = const(5)
_CI = const(6)
_SND_NKE = const(0x40)
_SND_UD = const(0x53)
_FCB = const(0x20)
_ADDRESS = const(0xF0)
_CI_LONG_HEADER = const(0x5B)
_ANSWER_BYTE = const(0xE5)

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
_UNPROTECTED = const(22)
_ANSWER = const(23)  # E5 that are owed to the meter

# The parts; see framer.
_RAW = const(0)
_STATE = const(2)
_COUNTS = const(3)

_FRAMES = const(1)
_ERR_APDU = const(9)


@micropython.viper
def _find(raw, at):
    state = ptr32(at)
    octets = ptr8(raw)
    position = state[_START]
    end = state[_END]
    failed = 0
    cut = 0
    length = 0
    need = 0
    while position < end:
        left = end - position
        size = 0  # of the frame that may begin here
        body = 0
        if octets[position] == _SHORT_START:
            size = _SHORT_LENGTH
            body = 1
        elif octets[position] == _LONG_START:
            size = _LONG_HEADER
            if left > 3:
                body = octets[position + 1]
                size = body + _AROUND
                if body < 3 or octets[position + 2] != body or octets[position + 3] != _LONG_START:
                    size = 0
                body = _C
            elif left > 2 and octets[position + 2] != octets[position + 1]:
                size = 0
        if size > left:
            if state[_QUIET] == 0:
                # Let it become complete before looking inside it.
                need = position + size
                break
            if body == _C:
                cut += 1
        elif size:
            stop = position + size - 1
            right = 0
            if octets[stop] == _STOP_BYTE:
                right = 1
                if octets[stop - 1] == int(checksum(raw, position + body, size - body - 2)):
                    length = size
                    break
            # Any 10 could be a short frame: one that fails must at least look like one.
            if body == _C or (right and octets[position + 2] == _ADDRESS):
                failed += 1
        position += 1
    if length == 0 and need == 0:
        need = end + 1
    state[_START] = position
    state[_NEED] = need
    state[_LENGTH] = length
    state[_FAILED] = failed
    state[_CUT] = cut


@micropython.viper
def _frame(parts, begin: int, end: int):
    state = ptr32(parts[_STATE])
    octets = ptr8(parts[_RAW])
    count(parts, _FRAMES)
    state[_UNPROTECTED] = 0
    if octets[begin] == _SHORT_START:
        if octets[begin + 1] == _SND_NKE and octets[begin + 2] == _ADDRESS:
            state[_ANSWER] = state[_ANSWER] + 1
        return
    if octets[begin + _C] | _FCB != _SND_UD | _FCB or octets[begin + _A] != _ADDRESS:
        count(parts, _ERR_APDU)
        return
    state[_ANSWER] = state[_ANSWER] + 1
    if octets[begin + _CI] != _CI_LONG_HEADER:
        count(parts, _ERR_APDU)
        return
    state[_BEGIN] = begin + _CI
    state[_STOP] = end - _TRAILER


def link(counts, size):
    """The parts (see framer) that make AMIS telegrams into payloads, from CI on. counts:
    array of counters.Counters; size: not needed, a telegram is one frame of at most 261 bytes."""
    return make(counts, _LONGEST, 0, _find, _frame, _ANSWER_BYTE)
