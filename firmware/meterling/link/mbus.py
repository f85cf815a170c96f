"""Wired M-Bus (EN 13757-2) with the DLMS transport layer (EN 13757-1).

    68 L L 68 | C A CI | STSAP DTSAP | data .. | CS 16
              `----------- L bytes -----------'

CS is the sum of the L bytes modulo 256. CI 00..1F: bit 4 = last segment, bits 0-3 =
segment number. Older Sagemcom meters put 257 bytes into a frame and only the lower
8 bits of that into L: the real length is L + 256, and the checksum holds.
"""

from ..octets import checksum, index
from ..python import VIPER, const, micropython
from .framer import count, drop, make

if not VIPER:
    from ..python import ptr8, ptr32

_LONGEST = const(520)  # 255 + 256 + 6, and some room
_LONG = const(256)
_START_BYTE = const(0x68)
_STOP_BYTE = const(0x16)
_CI = const(6)
_DATA = const(9)  # 68 L L 68 C A CI STSAP DTSAP
_TRAILER = const(2)  # CS 16
_CI_LAST = const(0x10)
_CI_DLMS_MAX = const(0x1F)
_CI_KAIFA = const(0xFF)  # reported of one Kaifa, on a frame that stands alone
_NEVER = const(0x3FFFFFFF)

# Words of the state; see framer.
_START = const(0)
_END = const(1)
_NEED = const(2)
_LENGTH = const(3)
_FAILED = const(4)
_QUIET = const(5)
_CUT = const(6)
_FILL = const(9)
_SEGMENT = const(10)  # number of the next segment
_BEGIN = const(12)
_STOP = const(13)
_MORE = const(19)

# The parts; see framer.
_RAW = const(0)
_STATE = const(2)
_COUNTS = const(3)

_FRAMES = const(1)

_ERR_SEGMENT = const(7)
_ERR_APDU = const(9)


@micropython.viper
def _find(raw, at):
    state = ptr32(at)
    octets = ptr8(raw)
    position = state[_START]
    end = state[_END]
    quiet = state[_QUIET]
    keep = _NEVER  # first byte of a frame that may still become complete
    need = _NEVER
    failed = 0
    kept_failed = 0  # those ahead of `keep`
    cut = 0
    while True:
        if position < end and octets[position] != _START_BYTE:
            position = int(index(raw, _START_BYTE, position, end))
        if position >= end:
            break
        if position + 4 > end:
            if quiet == 0:
                if keep == _NEVER:
                    keep = position
                    kept_failed = failed
                if position + 4 < need:
                    need = position + 4
                break
        elif octets[position + 3] == _START_BYTE and octets[position + 1] == octets[position + 2]:
            size = octets[position + 1]  # as it stands; then as L + 256
            before = failed
            waits = 0
            while size < 512 and waits == 0:
                stop = position + size + 5
                if size >= 3:
                    if stop >= end:
                        waits = size
                        if quiet:
                            if size < _LONG:
                                cut += 1
                        else:
                            if keep == _NEVER:
                                keep = position
                                kept_failed = before
                            if stop + 1 < need:
                                need = stop + 1
                    elif octets[stop] == _STOP_BYTE and octets[stop - 1] == int(
                        checksum(raw, position + 4, size)
                    ):
                        state[_START] = position
                        state[_LENGTH] = size + 6
                        state[_FAILED] = before
                        state[_CUT] = cut
                        return
                    elif size < _LONG:
                        failed += 1
                size += _LONG
            if waits and waits < _LONG and quiet == 0:
                break  # let it become complete before looking inside it
        position += 1
    state[_LENGTH] = 0
    state[_CUT] = cut
    if keep == _NEVER:
        state[_START] = end
        state[_NEED] = end + 4
        state[_FAILED] = failed
    else:
        state[_START] = keep
        # While L + 256 bytes are waited for, the next frame may already begin.
        if end + 4 < need and position >= end:
            need = end + 4
        state[_NEED] = need
        state[_FAILED] = kept_failed


@micropython.viper
def _frame(parts, begin: int, end: int):
    state = ptr32(parts[_STATE])
    octets = ptr8(parts[_RAW])
    counts = ptr32(parts[_COUNTS])
    counts[_FRAMES] = counts[_FRAMES] + 1
    ci = octets[begin + _CI]
    begin += _DATA
    end -= _TRAILER
    if ci == _CI_KAIFA:
        ci = _CI_LAST
    number = ci & 0x0F
    if ci > _CI_DLMS_MAX or begin >= end:
        drop(parts, _ERR_SEGMENT)
        count(parts, _ERR_APDU)
        return
    if number == 0:
        if state[_FILL]:
            drop(parts, _ERR_SEGMENT)
    elif state[_FILL] == 0 or number != state[_SEGMENT]:
        state[_FILL] = 0
        count(parts, _ERR_SEGMENT)
        return
    state[_SEGMENT] = (number + 1) & 0x0F
    state[_BEGIN] = begin
    state[_STOP] = end
    if ci & _CI_LAST == 0:
        state[_MORE] = 1


def link(counts, size):
    """The parts (see framer) that make M-Bus long frames into payloads of up to `size`
    bytes. counts: array of counters.Counters."""
    return make(counts, _LONGEST, size, _find, _frame)
