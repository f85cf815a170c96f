"""The newest readings, waiting as JSON until the broker has acknowledged them.

Places are a ring with one spare: the next reading is written there, and only then has
the oldest to go. They begin small, and grow to what the meter's readings need.

    | oldest | .. | newest | spare |
      ^ first                ^ first + waiting        (both modulo places + 1)
"""

from ..python import const
from .loop import ticks_ms

_PLACES = const(6)
_SIZE = const(4096)  # bytes; 40 values with their units are about 1700, Luxembourg's 60 2800
_AT_FIRST = const(512)
_STEP = const(256)


class Outbox:
    """At most `places` readings of at most `size` bytes of JSON each.

    waiting: readings in here; dropped: readings that had to go before the broker had
    them, since the start; too_long: readings that do not fit into `size` bytes.
    """

    def __init__(self, places=_PLACES, size=_SIZE):
        self._size = size
        self._buffers = [bytearray(min(size, _AT_FIRST)) for _ in range(places + 1)]
        self._views = [memoryview(buffer) for buffer in self._buffers]
        self._lengths = [0] * (places + 1)
        self._stamps = [0] * (places + 1)
        self._places = places
        self._first = 0
        self._number = 0  # of the oldest; counts every reading that ever came in
        self.waiting = 0
        self.dropped = 0
        self.too_long = 0

    def put(self, reading):
        """Keep the reading, in the place of the oldest where all are taken. False if
        it is too long for any place."""
        spare = (self._first + self.waiting) % (self._places + 1)
        length = reading.put_json(self._buffers[spare], 0)
        while length < 0 and self._grow(spare):
            length = reading.put_json(self._buffers[spare], 0)
        if length < 0:
            self.too_long += 1
            return False
        self._lengths[spare] = length
        self._stamps[spare] = ticks_ms()
        if self.waiting == self._places:
            self._forget_oldest()
            self.dropped += 1
        self.waiting += 1
        return True

    def _grow(self, place):
        # A larger buffer for a place that holds no reading; False if it may not.
        size = min(len(self._buffers[place]) + _STEP, self._size)
        if size == len(self._buffers[place]):
            return False
        try:
            self._buffers[place] = bytearray(size)
        except MemoryError:
            return False
        self._views[place] = memoryview(self._buffers[place])
        return True

    def oldest(self):
        """(number, JSON as memoryview, ticks_ms of its `put`); only if `waiting`. It
        stays in here until `done`; the JSON is to be copied before the next `put`."""
        place = self._first
        return self._number, self._views[place][: self._lengths[place]], self._stamps[place]

    def done(self, number):
        """The broker has the reading that `oldest` gave as `number`. If it was dropped
        meanwhile, it is not lost after all."""
        if self.waiting and number == self._number:
            self._forget_oldest()
        else:
            self.dropped -= 1

    def _forget_oldest(self):
        self._first = (self._first + 1) % (self._places + 1)
        self._number = (self._number + 1) & 0x3FFFFFFF
        self.waiting -= 1
