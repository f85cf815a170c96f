"""What is wrong now, in one code that the owner can act on.

"ok"         a reading came lately
"starting"   nothing to say yet
"no-bytes"   the line is silent: cable, port not activated, supply
"no-frames"  bytes, but no frame: line settings or link layer
any error's name of `meterling.errors`: the deepest layer that refused lately
             (that a telegram came as far as the tag says that the link is fine)
"""

from ..counters import names
from ..python import const
from .loop import ticks_diff, ticks_ms

_LATELY = const(30_000)  # ms: three pushes of the slowest meters (10 s)

# Codes; see errors.
_BYTES = const(0)
_FRAMES = const(1)
_READINGS = const(3)
_NO_AUTH_KEY = const(13)
_FIRST_ERROR = const(4)
_CODES = const(22)


class Diagnosis:
    """`counters`: counters.Counters, the decoder's. code: str, as of the last `update`."""

    def __init__(self, counters):
        self.counters = counters
        self._counts = [0] * _CODES
        self._ages = [_LATELY] * _CODES  # ms since it last went up; not over _LATELY
        self._age = 0  # ms since the start; not over _LATELY
        self._updated = ticks_ms()
        self.code = "starting"

    def update(self):
        """To be called every second or so; True if the code is another one now."""
        now = ticks_ms()
        elapsed = ticks_diff(now, self._updated)
        self._updated = now
        self._age = min(self._age + elapsed, _LATELY)
        for i in range(_CODES):
            count = self.counters[i]
            if count != self._counts[i]:
                self._counts[i] = count
                self._ages[i] = 0
            else:
                self._ages[i] = min(self._ages[i] + elapsed, _LATELY)
        before = self.code
        self.code = self._find()
        return self.code != before

    def _find(self):
        if self._lately(_READINGS):
            # What cannot be checked is read, but not published.
            return "no-auth-key" if self._lately(_NO_AUTH_KEY) else "ok"
        if self._lately(_FRAMES):
            for i in range(_CODES - 1, _FIRST_ERROR - 1, -1):
                if self._lately(i):
                    return names()[i]
        if self._age < _LATELY:
            return "starting"
        return "no-frames" if self._lately(_BYTES) else "no-bytes"

    def _lately(self, code):
        return self._ages[code] < _LATELY

    def as_dict(self):
        """`{"code": .., "counters": {..}}`, the counters as `Counters.as_dict`."""
        return {"code": self.code, "counters": self.counters.as_dict()}
