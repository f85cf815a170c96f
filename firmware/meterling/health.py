"""The dongle's own life: which loops go on, what crashed, and why it started.

Only this stays loaded; all else is in `starts`, which is loaded for a moment.
"""

from .python import const, unload

# One look is 5 s (see board.chip). The longest that a loop waits for good reason is the
# publisher: 60 s between two tries, and 16 s for a name and a broker that do not answer.
_STILL = const(24)  # looks


class Health:
    """One start, from its first line on.

    cause: str, why the chip started: one of starts.CAUSES. number: int, which start it is, 0 if
    nobody counted. brown_outs: int, how many starts in a row, up to this one, a brown-out began.
    looks: int, so far; keep_from: the look from which on a crash is written down.
    """

    def __init__(self):
        self.cause = "unknown"
        self.number = self.brown_outs = self.looks = self.keep_from = 0
        self._beats = self._still = ()

    def begin(self, cause):
        """Count this start; one write to the flash."""
        self.cause = cause
        self._rarely("begin")

    def look(self, beats):
        """True if the watchdog may be fed: no loop has stood still for two minutes. To be
        called every 5 s. beats: ints, one a loop; another one whenever that loop went on."""
        self.looks += 1
        if not self._still:
            self._still = [0] * len(beats)
            self._beats = [None] * len(beats)
        alive = True
        for i, beat in enumerate(beats):
            self._still[i] = still = self._still[i] + 1 if beat == self._beats[i] else 0
            if still >= _STILL:
                alive = False
                if still == _STILL:
                    print("watchdog: loop {} stands still".format(i))
        self._beats = beats
        return alive

    def crashed(self, name, error):
        """Print, and keep, where in the part `name` (str) `error` was raised: its type and its
        lines; its text may hold what nobody may see. Written to the flash at most once an hour."""
        try:
            print("{}: failed: {}".format(name, type(error).__name__))
        except MemoryError:
            pass
        self._rarely("crashed", name, error)

    def _rarely(self, what, *args):
        try:
            from . import starts

            getattr(starts, what)(self, *args)
        except (MemoryError, ImportError):
            pass  # of packed modules that find no room, MicroPython says that they are not there
        starts = None
        unload("meterling", "starts")
