"""What every framed link layer shares: a fixed buffer, a scan for whole frames, and
resynchronisation.

Bytes are collected until a frame could be complete. Then `find` (one kernel per link
layer) looks for it. A frame that fails its check costs one start byte, not the bytes
behind it: whatever follows is looked at again, so a truncated telegram never takes
the next one with it.
"""

from array import array

from ..errors import CHECKSUM, FRAMES, NOISE, TOO_LONG, TRUNCATED
from ..python import const, copy

# The state that `find` works on, an array('i'):
START = const(0)  # first byte that is not yet decided
END = const(1)  # behind the last byte received
NEED = const(2)  # no frame can be complete before END gets here
LENGTH = const(3)  # length of the frame found at START, 0 = none
FAILED = const(4)  # complete frames with a wrong check that were passed over
QUIET = const(5)  # 1: nothing more will come, what is incomplete is broken
CUT = const(6)  # incomplete frames that were given up


class Framer:
    """Base of the link layers.

    After `feed` returned with `ready` true, one payload (bytes of one or more APDUs)
    is `buffer[begin:end]`; `source` (int) tells senders on the same line apart.
    """

    idle = -1  # byte that may fill the time between frames

    def __init__(self, counters, capacity, payload_size):
        self.counters = counters
        self.ready = False
        self.buffer = None
        self.begin = 0
        self.end = 0
        self.source = 0
        self._raw = bytearray(capacity)
        self._joined = bytearray(payload_size)
        self._fill = 0  # bytes of a segmented payload so far
        self._noise = False
        self._at = array("i", bytes(28))

    def feed(self, chunk, position, length):
        """Take bytes from `chunk[position:length]` (bytes-like) until a payload is
        complete (`ready`) or the chunk is used up; returns the new position (int)."""
        at = self._at
        self.ready = False
        while True:
            if at[END] >= at[NEED]:
                self._scan()
                if self.ready:
                    return position
            if position == length:
                return position
            position = self._take(chunk, position, length)

    def quiet(self):
        """The line is silent: what is incomplete will never be complete. Call until
        `ready` is false: each call may free one more payload."""
        at = self._at
        self.ready = False
        at[QUIET] = 1
        at[NEED] = 0
        if at[START] < at[END]:
            self._scan()
        at[QUIET] = 0
        if not self.ready:
            self.drop_partial(TRUNCATED)

    def drop_partial(self, code):
        """Give up a payload whose other segments will not come; counts `code`."""
        if self._fill:
            self._fill = 0
            self.counters.add(code)

    def _take(self, chunk, position, length):
        at = self._at
        raw = self._raw
        start = at[START]
        end = at[END]
        if start == end:
            at[NEED] -= start
            start = end = 0
        elif start and end + length - position > len(raw):
            copy(raw, 0, raw, start, end - start)
            at[NEED] -= start
            end -= start
            start = 0
        at[START] = start
        count = length - position
        if count > len(raw) - end:
            count = len(raw) - end
        copy(raw, end, chunk, position, count)
        at[END] = end + count
        return position + count

    def _scan(self):
        # Goes on while there are frames in the buffer and no payload is complete.
        at = self._at
        raw = self._raw
        counters = self.counters
        while at[START] < at[END] and at[END] >= at[NEED]:
            before = at[START]
            self.find(raw, at)
            start = at[START]
            if at[FAILED]:
                counters.add(CHECKSUM, at[FAILED])
                self._noise = False
            if at[CUT]:
                counters.add(TRUNCATED, at[CUT])
                self._noise = False
            while before < start and raw[before] == self.idle:
                before += 1
            if start > before and not (self._noise or at[FAILED] or at[CUT]):
                self._noise = True
                counters.add(NOISE)
            length = at[LENGTH]
            if length:
                self._noise = False
                counters.add(FRAMES)
                at[START] = start + length
                at[NEED] = 0
                self.frame(raw, start, start + length)
                if self.ready:
                    return
            elif at[NEED] - start > len(raw):
                # It claims more than the buffer holds: no meter of this kind.
                counters.add(TOO_LONG)
                at[START] = start + 1
                at[NEED] = 0
            elif at[QUIET]:
                return

    def join(self, raw, begin, end):
        """Append `raw[begin:end]` to the segmented payload; False if it is too long."""
        fill = self._fill
        count = end - begin
        if fill + count > len(self._joined):
            self._fill = 0
            self.counters.add(TOO_LONG)
            return False
        copy(self._joined, fill, raw, begin, count)
        self._fill = fill + count
        return True

    def deliver(self, buffer, begin, end):
        """Hand up `buffer[begin:end]` as one payload."""
        self.buffer = buffer
        self.begin = begin
        self.end = end
        self.ready = True

    def deliver_joined(self):
        """Hand up the segmented payload."""
        self.deliver(self._joined, 0, self._fill)
        self._fill = 0
