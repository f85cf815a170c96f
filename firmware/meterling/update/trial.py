"""Whether a new version keeps its place: it has to do what the old one did."""

from ..publish.loop import sleep_ms
from ..python import const
from ..update import forget

# What went well before an update, in the state's word `before`: nothing else is asked of
# the new version.
READINGS = "r"
NETWORK = "n"

_LONGEST = const(600)  # s: a version that has not proved itself by then goes
_SHORTEST = const(60)  # s: one that fails in its first minute never proves itself


class Trial:
    """Decides about a new version; pure. `before` (str): READINGS, NETWORK, both, or neither."""

    def __init__(self, before):
        self._missing = {x for x in (READINGS, NETWORK) if x in before}

    def look(self, elapsed, readings, network):
        """`elapsed`: s since the start; `readings`: int, so far; `network`: bool, up now.
        None: not decided; "ok"; or why it failed, "failed-readings", "failed-network"."""
        if readings:
            self._missing.discard(READINGS)
        if network:
            self._missing.discard(NETWORK)
        if not self._missing:
            return "ok" if elapsed >= _SHORTEST else None
        if elapsed < _LONGEST:
            return None
        return "failed-readings" if READINGS in self._missing else "failed-network"


async def judge(readings, is_up, reset, root=""):
    """Watch the version that runs until it is known whether it stays. If it does not, the old
    one is started: reset(). One that is not tried proves that it starts well.

    readings() -> int, so far; is_up() -> whether there is a network.
    """
    tried, before = _slots("on_trial", root)
    trial = Trial(before)
    elapsed = 0
    verdict = None
    while verdict is None:
        await sleep_ms(1000)
        elapsed += 1
        verdict = trial.look(elapsed, readings(), is_up())
    if verdict == "ok":
        _slots("proved", root)
    elif tried:
        print("update: {}".format(verdict))
        _slots("give_up", verdict, root)
        reset()


def _slots(what, *args):
    # Loaded for a moment: while a version proves itself the owner sets it up, and needs the room.
    from . import slots

    try:
        return getattr(slots, what)(*args)
    finally:
        slots = None
        forget()
