"""How fast passwords may be tried, and what a new one must be like."""

from ..publish.loop import ticks_diff, ticks_ms
from ..python import const, unload
from .session import SHORTEST_PASSWORD

_FREE_TRIES = const(3)
_LONGEST_WAIT = const(60_000)  # ms
_LONGEST_PASSWORD = const(128)  # bytes

# Of what is remembered
_FAILURES = const(0)
_FAILED = const(1)
_BUSY = const(2)


class Gate:
    """Tries passwords: one at a time, and after three failures slower and slower,
    whoever it is that tries. Who is logged in already does not notice.

    tries: list, [failures (int), ticks_ms of the last, whether one is being tried]; the same
    for every Gate, and [0, 0, False] at the start.
    """

    def __init__(self, tries):
        self._tries = tries

    def wait(self):
        """ms until the next try, 0 if it may be now."""
        failures, failed, busy = self._tries
        if busy:
            return 1000
        if failures < _FREE_TRIES:
            return 0
        delay = min(1000 << min(failures - _FREE_TRIES, 6), _LONGEST_WAIT)
        elapsed = ticks_diff(ticks_ms(), failed)
        if elapsed >= delay or elapsed < 0:  # negative: so long ago that the clock wrapped
            return 0
        return delay - elapsed

    async def fits(self, password, kept):
        """True if `password` fits what was `kept`. Only if `wait` is 0."""
        from .passwords import fits as fits_kept

        tries = self._tries
        fits = await self._alone(fits_kept(password, kept))
        if fits:
            tries[_FAILURES] = 0
        else:
            tries[_FAILURES] = min(tries[_FAILURES] + 1, _FREE_TRIES + 6)
            tries[_FAILED] = ticks_ms()
        return fits

    async def record(self, password):
        """How a new password is kept. Only if `wait` is 0."""
        from .passwords import record

        return await self._alone(record(password))

    async def _alone(self, work):
        self._tries[_BUSY] = True
        try:
            return await work
        finally:
            self._tries[_BUSY] = False
            unload("meterling.portal", "passwords")


def problem(password):
    """What is wrong with a new password: a code, or "" if nothing is."""
    if not isinstance(password, str) or len(password) < SHORTEST_PASSWORD:
        return "password-short"
    return "password-long" if len(password.encode()) > _LONGEST_PASSWORD else ""
