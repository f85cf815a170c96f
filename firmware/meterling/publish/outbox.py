"""The newest readings, waiting as JSON until the broker has acknowledged them.

Places are a ring with one spare: the next reading is written there, and only then has
the oldest to go. A place takes memory when the first reading comes to it, as much as the meter's
readings need: while the broker keeps up, the first two do.

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
        self._buffers = [b""] * (places + 1)  # bytearrays, once they are needed
        self._lengths = [0] * (places + 1)
        self._stamps = [0] * (places + 1)
        self._places = places
        self._first = 0
        self._number = 0  # of the oldest; counts every reading that ever came in
        self.waiting = 0
        self.dropped = 0
        self.too_long = 0

    def put(self, reading):
        """Keep the reading, in the place of the oldest where all are taken, or where there is
        no memory for another place. False if it is too long for any."""
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
        buffers = self._buffers
        size = min(max(len(buffers[place]) + _STEP, _AT_FIRST), self._size)
        if size == len(buffers[place]):
            return False
        try:
            buffers[place] = bytearray(size)
        except MemoryError:
            return self._take_longer(place)
        return True

    def _take_longer(self, place):
        # There is no memory: the longer buffer of another place; at last the oldest reading's, if
        # none is longer.
        buffers = self._buffers
        count = len(buffers)
        for distance in range(self.waiting + 1, count + 1):
            other = (self._first + distance) % count
            if len(buffers[other]) > len(buffers[place]):
                if distance == count and len(buffers[other]) < max(map(len, buffers)):
                    return False
                buffers[place], buffers[other] = buffers[other], buffers[place]
                if distance == count:
                    self._forget_oldest()
                    self.dropped += 1
                return True
        return False

    def oldest(self):
        """(number, JSON as memoryview, ticks_ms of its `put`); only if `waiting`. It
        stays in here until `done`; the JSON is to be copied before the next `put`."""
        place = self._first
        text = memoryview(self._buffers[place])[: self._lengths[place]]
        return self._number, text, self._stamps[place]

    def done(self, number):
        """The broker has the reading that `oldest` gave as `number`. If it was dropped
        meanwhile, it is not lost after all."""
        if self.waiting and number == self._number:
            self._forget_oldest()
            if not self.waiting:
                self._first = 0
        else:
            self.dropped -= 1

    def _forget_oldest(self):
        self._first = (self._first + 1) % (self._places + 1)
        self._number = (self._number + 1) & 0x3FFFFFFF
        self.waiting -= 1
