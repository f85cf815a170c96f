"""The invocation counter must rise: what was heard once is never believed again.

A meter that restarts, or is replaced, may count from the beginning. A replaced meter
has another system title. A restart is believed when several telegrams in a row rise
among themselves and, where they carry a time, the meter's clock has gone on: somebody
who plays old telegrams back cannot show a newer time.
"""

from ..octets import copy
from ..python import VIPER, const, micropython

if not VIPER:
    from ..python import ptr8

NEWER = const(0)
OTHER_METER = const(1)
REPEATED = const(2)
OLDER = const(3)

_TITLE = const(8)
_NONCE = const(12)
_RESTART = const(3)  # older telegrams in a row that make a restart


@micropython.viper
def compare(nonce: ptr8, last: ptr8) -> int:
    """How a nonce (system title 8, counter 4) stands to the last: 0 NEWER,
    1 OTHER_METER, 2 REPEATED, 3 OLDER."""
    i = 0
    while i < _NONCE and nonce[i] == last[i]:
        i += 1
    if i < _TITLE:
        return 1
    if i == _NONCE:
        return 2
    if nonce[i] > last[i]:
        return 0
    return 3


class Restart:
    """Watches for a meter that counts from the beginning again. nonce: bytearray, 12, of
    the telegram at hand."""

    def __init__(self, nonce):
        self._nonce = nonce
        self._older = bytearray(_NONCE)  # nonce of the latest telegram that was OLDER
        self._seen = 0

    def restarted(self, time_went_on):
        """For an OLDER telegram that is right in everything else: True if it completes
        a series that shows a restart. time_went_on (bool): the telegram's time is newer
        than that of the last accepted reading, or it carries none."""
        if not time_went_on:
            self._seen = 0
            return False
        if self._seen and compare(self._nonce, self._older) == NEWER:
            self._seen += 1
        else:
            self._seen = 1
        copy(self._older, self._nonce, 0, 0, _NONCE)
        if self._seen < _RESTART:
            return False
        self._seen = 0
        return True
