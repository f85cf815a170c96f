"""When the line that was found is doubted."""

from .python import const

_BROKEN = const(5)  # bursts without a valid frame, one after the other, and
_BROKEN_FOR = const(30_000)  # ms since the last one: the meter is another one
_LONG_SILENCE = const(60_000)  # ms: somebody may have been at the meter; then
_BROKEN_THEN = const(2)  # bursts are enough


class Watch:
    """Whether the line still speaks as it did. The search begins anew after five bursts in
    a row without a valid frame, and 30 s without one; after a minute of silence, when
    somebody may have been at the meter, two such bursts are enough."""

    def __init__(self, now):
        self._good = now  # ms: the last valid frame
        self._last = now  # ms: the last burst
        self._broken = 0
        self._enough = _BROKEN

    def burst(self, now, good):
        """A burst has ended (ms); good: bool, there was a valid frame in it. True if the
        search is to begin anew."""
        if now - self._last >= _LONG_SILENCE:
            self._enough = _BROKEN_THEN
        self._last = now
        if good:
            self._good = now
            self._broken = 0
            self._enough = _BROKEN
            return False
        self._broken += 1
        return self._broken >= self._enough and now - self._good >= _BROKEN_FOR
