"""What every framed link layer shares: a fixed buffer, a scan for whole frames, and
resynchronisation.

Bytes are collected until a frame could be complete. Then the link layer's `find` looks
for it. A frame that fails its check costs one start byte, not the bytes behind it:
whatever follows is looked at again, so a truncated telegram never takes the next one
with it.
"""

from ..octets import copy, extend
from ..python import VIPER, const, micropython, words

if not VIPER:
    from ..python import ptr8, ptr32

# Words of the state. Constants are in place of attributes because they cost nothing at
# run time; the link layers repeat those that they use.
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
_CAPACITY = const(16)  # of `raw`, bytes, and
_CAPACITY_MAX = const(17)  # how large it may grow
_FIRST = const(18)  # where the segmented payload begins in `joined`
_MORE = const(19)  # 1: more segments follow
_SIZE = const(20)  # of `joined`, bytes, and
_SIZE_MAX = const(21)  # how large it may grow
# 22: 1 if no checksum protects the payload that is READY
# 23: acknowledgements that the meter waits for
# 24: how far behind START a link has looked already
_WORDS = const(25)

_RAW_AT_FIRST = const(528)  # bytes: two M-Bus frames, or one of L + 256
_STEP = const(64)  # bytes; buffers grow to multiples of it

# Codes of errors
_ERR_NOISE = const(4)
_ERR_TRUNCATED = const(5)
_ERR_CHECKSUM = const(6)
_ERR_TOO_LONG = const(8)


# A link layer's parts, a list: subscripts are cheaper than attributes.
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
    shared = parts[_STATE]
    state = ptr32(shared)
    capacity = state[_CAPACITY]
    state[_READY] = 0
    while True:
        # Look for frames until a payload is complete or more bytes are needed.
        while state[_START] < state[_END] and state[_END] >= state[_NEED]:
            before = state[_START]
            parts[_FIND](raw, shared)
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
                    if end > state[_SIZE] and int(_grow(parts, _JOINED, _SIZE, end)) == 0:
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
                if int(_grow(parts, _RAW, _CAPACITY, state[_NEED] - start)) == 0:
                    # It claims more than the buffer holds: no meter of this kind.
                    count(parts, _ERR_TOO_LONG)
                    state[_START] = start + 1
                    state[_NEED] = 0
                capacity = state[_CAPACITY]
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


def make(counts, capacity, size, find, frame, idle=256):
    """The parts of a link layer (list), for `feed` and `quiet`.

    counts: array of counters.Counters. capacity, size: bytes of the longest frame and of
    the longest segmented payload; the buffers begin small and grow when a telegram needs
    it. find(raw, state): looks for one frame in `raw[START:END]`. frame(parts, begin,
    end): finds its data (BEGIN, STOP, MORE). idle: byte that may fill the time between
    frames.
    """
    state = words(_WORDS)
    state[_IDLE] = idle
    state[_CAPACITY] = min(capacity, _RAW_AT_FIRST)
    state[_CAPACITY_MAX] = capacity
    state[_SIZE_MAX] = size + 3
    return [bytearray(state[_CAPACITY]), bytearray(), state, counts, find, frame]


def quiet(parts):
    """The line is silent: what is incomplete will never be complete. Call until READY
    is 0: each call may free one more payload."""
    state = parts[_STATE]
    state[_QUIET] = 1
    state[_NEED] = 0
    feed(parts, b"", 0, 0)
    state[_QUIET] = 0
    if not state[_READY]:
        drop(parts, _ERR_TRUNCATED)


def _grow(parts, which, word, size):
    # Make buffer `which` (its length stands in `word` of the state, its limit behind
    # that) hold `size` bytes; 0 if it may not, or there is no memory. A meter's longest
    # telegram needs this once.
    state = parts[_STATE]
    limit = state[word + 1]
    if size > limit:
        return 0
    size = min(size + _STEP - 1 & -_STEP, limit)
    if not extend(parts[which], size):
        return 0
    state[word] = size
    return 1
