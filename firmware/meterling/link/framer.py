"""What every framed link layer shares: a fixed buffer, a scan for whole frames, and
resynchronisation.

Bytes are collected until a frame could be complete. Then the link layer's `find` looks
for it. A frame that fails its check costs one start byte, not the bytes behind it:
whatever follows is looked at again, so a truncated telegram never takes the next one
with it.
"""

from array import array

from ..octets import copy
from ..python import VIPER, const, micropython

if not VIPER:
    from ..python import ptr8, ptr32

# Words of the state, an array('i'). Constants are in place of attributes because they
# cost nothing at run time; the link layers repeat those that they use.
_START = const(0)  # first byte that is not yet decided
_END = const(1)  # behind the last byte received
_NEED = const(2)  # no frame can be complete before END gets here
_LENGTH = const(3)  # length of the frame found at START, 0 = none
_FAILED = const(4)  # complete frames with a wrong check that were passed over
_QUIET = const(5)  # 1: nothing more will come, what is incomplete is broken
_CUT = const(6)  # incomplete frames that were given up
_FILL = const(9)  # bytes in `joined` so far
_READY = const(11)  # 1: a payload is complete in `raw`, 2: in `joined`
_BEGIN = const(12)  # where that payload, or the data of the frame, begins
_STOP = const(13)  # and where it ends; 0: the frame has none
_NOISE = const(14)  # 1: in a stretch of bytes that belong to no frame
_IDLE = const(15)  # byte that may fill the time between frames, 256 = none
_CAPACITY = const(16)  # of `raw`, bytes
_SIZE = const(17)  # of `joined`, bytes
_FIRST = const(18)  # where the segmented payload begins in `joined`
_MORE = const(19)  # 1: more segments follow
_WORDS = const(20)

# Codes of errors
_ERR_NOISE = const(4)
_ERR_TRUNCATED = const(5)
_ERR_CHECKSUM = const(6)
_ERR_TOO_LONG = const(8)


# A link layer's parts, a tuple: subscripts are cheaper than attributes.
_RAW = const(0)  # bytearray: bytes as they came
_JOINED = const(1)  # bytearray: a segmented payload
_STATE = const(2)
_COUNTS = const(3)
_FIND = const(4)
_FRAME = const(5)


@micropython.viper
def feed(parts, chunk, position: int, length: int) -> int:
    """Take bytes from `chunk[position:length]` (bytes-like) until a payload is complete
    (READY) or the chunk is used up; returns the new position (int)."""
    raw = parts[_RAW]
    words = parts[_STATE]
    state = ptr32(words)
    octets = ptr8(raw)
    capacity = state[_CAPACITY]
    state[_READY] = 0
    while True:
        # Look for frames until a payload is complete or more bytes are needed.
        while state[_START] < state[_END] and state[_END] >= state[_NEED]:
            before = state[_START]
            parts[_FIND](raw, words)
            start = state[_START]
            broken = state[_FAILED] + state[_CUT]
            if broken or start > before:
                _count_loss(parts, before, broken)
            if state[_LENGTH]:
                state[_NOISE] = 0
                stop = start + state[_LENGTH]
                state[_START] = stop
                state[_NEED] = 0
                state[_MORE] = 0
                state[_STOP] = 0
                parts[_FRAME](parts, start, stop)
                begin = state[_BEGIN]
                stop = state[_STOP]
                fill = state[_FILL]
                if fill == 0 and state[_MORE] == 0:
                    if stop:
                        state[_READY] = 1
                        return position
                elif stop:
                    if fill == 0:
                        # On a word boundary when its source is: copied by words.
                        fill = begin & 3
                        state[_FIRST] = fill
                    end = fill + stop - begin
                    state[_FILL] = 0
                    if end > state[_SIZE]:
                        count(parts, _ERR_TOO_LONG)
                    else:
                        copy(parts[_JOINED], raw, fill, begin, stop - begin)
                        if state[_MORE]:
                            state[_FILL] = end
                        else:
                            state[_BEGIN] = state[_FIRST]
                            state[_STOP] = end
                            state[_READY] = 2
                            return position
            elif state[_QUIET]:
                break
            elif state[_NEED] - start > capacity:
                # It claims more than the buffer holds: no meter of this kind.
                count(parts, _ERR_TOO_LONG)
                state[_START] = start + 1
                state[_NEED] = 0
        if position == length:
            return position
        start = state[_START]
        end = state[_END]
        if start == end:
            end = 0
            state[_START] = 0
            state[_NEED] = 0
        elif start > 0 and end + length - position > capacity:
            copy(raw, raw, 0, start, end - start)
            end -= start
            state[_START] = 0
            state[_NEED] = state[_NEED] - start
        room = length - position
        if room > capacity - end:
            room = capacity - end
        copy(raw, chunk, end, position, room)
        state[_END] = end + room
        position += room


@micropython.viper
def _count_loss(parts, before: int, broken: int):
    # What was passed over from `before` to START: broken frames, or noise.
    state = ptr32(parts[_STATE])
    counts = ptr32(parts[_COUNTS])
    octets = ptr8(parts[_RAW])
    if broken:
        counts[_ERR_CHECKSUM] = counts[_ERR_CHECKSUM] + state[_FAILED]
        counts[_ERR_TRUNCATED] = counts[_ERR_TRUNCATED] + state[_CUT]
        state[_NOISE] = 0
        return
    start = state[_START]
    while before < start and octets[before] == state[_IDLE]:
        before += 1
    if before < start and state[_NOISE] == 0:
        state[_NOISE] = 1
        counts[_ERR_NOISE] = counts[_ERR_NOISE] + 1


@micropython.viper
def count(parts, code: int):
    """Count `code` (see errors) up."""
    counts = ptr32(parts[_COUNTS])
    counts[code] = counts[code] + 1


@micropython.viper
def drop(parts, code: int):
    """Give up a payload whose other segments will not come; counts `code` (int)."""
    state = ptr32(parts[_STATE])
    if state[_FILL]:
        state[_FILL] = 0
        count(parts, code)


class Framer:
    """Base of the link layers.

    counters: errors.Counters. capacity, size: bytes of the longest frame and of the
    longest segmented payload. find(raw, state): looks for one frame in
    `raw[START:END]`. frame(parts, begin, end): finds its data (BEGIN, STOP, MORE).
    idle: byte that may fill the time between frames.
    """

    def __init__(self, counters, capacity, size, find, frame, idle=256):
        self.raw = bytearray(capacity)
        self.joined = bytearray(size + 3)
        self.state = array("i", bytes(4 * _WORDS))
        self.state[_IDLE] = idle
        self.state[_CAPACITY] = capacity
        self.state[_SIZE] = size + 3
        self.parts = (self.raw, self.joined, self.state, counters.counts, find, frame)

    def quiet(self):
        """The line is silent: what is incomplete will never be complete. Call until
        READY is 0: each call may free one more payload."""
        state = self.state
        state[_QUIET] = 1
        state[_NEED] = 0
        feed(self.parts, b"", 0, 0)
        state[_QUIET] = 0
        if not state[_READY]:
            drop(self.parts, _ERR_TRUNCATED)
