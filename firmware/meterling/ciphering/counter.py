"""The invocation counter must rise: what was heard once is never believed again.

A meter that restarts, or is replaced, may count from the beginning. A replaced meter
has another system title. A restart is believed when several telegrams in a row rise
among themselves and, where they carry a time, the meter's clock has gone on: somebody
who plays old telegrams back cannot show a newer time.
"""

from ..python import const, copy

NEWER = const(0)
OTHER_METER = const(1)
REPEATED = const(2)
OLDER = const(3)

_RESTART = const(3)  # older telegrams in a row that make a restart


class InvocationCounter:
    """Follows one sender. `nonce`: bytearray, 12 (system title 8, counter 4)."""

    def __init__(self, nonce):
        self._nonce = nonce
        self._last = bytearray(12)
        self._restart = bytearray(12)
        self._title = memoryview(nonce)[:8]
        self._last_title = memoryview(self._last)[:8]
        self._restart_title = memoryview(self._restart)[:8]
        self._seen = 0

    def check(self):
        """How the nonce stands to the last accepted: NEWER, OTHER_METER, REPEATED, OLDER."""
        if self._title != self._last_title:
            return OTHER_METER
        if self._nonce == self._last:
            return REPEATED
        return NEWER if self._nonce > self._last else OLDER

    def restarted(self, time_went_on):
        """For an OLDER telegram that is right in everything else: True if it completes
        a series that shows a restart. time_went_on (bool): the telegram's time is newer
        than that of the last accepted reading, or it carries none."""
        if not time_went_on:
            self._seen = 0
            return False
        if self._seen and self._title == self._restart_title and self._nonce > self._restart:
            self._seen += 1
        else:
            self._seen = 1
        copy(self._restart, 0, self._nonce, 0, 12)
        return self._seen >= _RESTART

    def accept(self):
        """The telegram was accepted: its counter is the last."""
        copy(self._last, 0, self._nonce, 0, 12)
        self._seen = 0
