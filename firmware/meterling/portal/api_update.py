"""/api/update: a release, from the page or from a URL, into the other slot; meterling.update
does the rest.

Nothing of it stays loaded. While one request brings a release, another may ask how far it
is: what they share is `portal.update`, the Updater while it works, then what is left to be
told of it: (progress, code).
"""

from ..publish.loop import sleep_ms, ticks_diff, ticks_ms
from ..python import const
from ..update import forget
from .answer import Refused

_READINGS = const(3)  # errors
_PIECE = const(512)  # bytes
_LONGEST = const(600_000)  # ms, for all of a release
_STATUS = {
    "busy": 409,
    "no-slots": 409,
    "no-key": 409,
    "no-url": 409,
    "flash": 500,
    "not-fetched": 502,
    "memory": 503,
}


async def get(portal, request):
    """What runs, what is beside it, and what became of the last update."""
    try:
        return _status(portal)
    finally:
        _forget(portal)


def _status(portal):
    from ..update import slots

    status = slots.status()
    other = [version for slot, version in status["versions"].items() if slot != status["slot"]]
    update = portal.update
    if not update:
        progress, code = ("none", 0, 0), None
    elif _is_busy(portal):
        progress, code = update.progress, update.code
    else:
        progress, code = update
    return {
        "version": portal.house.version,
        "other": other[0],
        "tried": status["tried"],
        "outcome": status["outcome"],
        "obstacle": _obstacle(slots),
        "url": portal.house.settings.get("update.url"),
        "state": progress[0],
        "done": progress[1],
        "of": progress[2],
        "error": code,
    }


async def post(portal, request):
    """Take a release, in pieces as it comes; then it is tried, from a restart on."""
    pieces = _Pieces(request)

    async def bring(update):
        while pieces.left:
            update.write(await pieces.next())
            await sleep_ms(0)  # the meter's turn, however fast they come

    try:
        return await _take(portal, request, bring)
    except Refused:
        await pieces.throw_away()
        raise


async def pull(portal, request):
    """The same with a release that is fetched from the URL in the settings."""
    house = portal.house

    async def bring(update):
        from ..update import errors
        from ..update.fetch import fetch

        url = house.settings.get("update.url")
        if not url:
            raise errors.Refused("no-url")
        await fetch(url, house.wifi.nameserver(), update.write)

    return await _take(portal, request, bring)


async def _take(portal, request, bring):
    from ..update import errors, slots
    from ..update.updater import Updater

    house = portal.house
    if _is_busy(portal):
        raise Refused(409, "busy")
    code = _obstacle(slots)
    if code:
        _forget(portal)
        raise Refused(409, code)
    update = portal.update = Updater("force=1" in (request.query_string or ""))
    try:
        await bring(update)
        before = ("r" if house.diagnosis.counters[_READINGS] else "") + (
            "n" if house.wifi.is_up() else ""
        )
        await update.finish(before)
    except errors.Refused as refused:
        code = refused.code
        raise Refused(_STATUS.get(code, 400), code)
    finally:
        update.abandon()
        # The object would keep its module's functions, and they the module.
        portal.update = (update.progress, code)
        update = None
        _forget(portal)
    print("update: taken, to be tried from now on")
    portal.later(house.restart)
    return {"restart": True}


def _is_busy(portal):
    return portal.update is not None and not isinstance(portal.update, tuple)


def _obstacle(slots):
    # Why this dongle takes no release at all; None if it does.
    from ..update.keys import KEYS

    if slots.version(slots.running()) is None:
        return "no-slots"
    return None if KEYS else "no-key"


def _forget(portal):
    if not _is_busy(portal):
        forget()


class _Pieces:
    # The body: what is short was read with the head, what is long still comes.

    def __init__(self, request):
        self._channel = request.sock[0]
        self._body = request.body
        self.left = request.content_length
        self._started = ticks_ms()

    async def next(self):
        data = self._body or await self._channel.receive(min(self.left, _PIECE))
        self._body = None
        self.left -= len(data)
        if ticks_diff(ticks_ms(), self._started) > _LONGEST:
            raise OSError
        return data

    async def throw_away(self):
        # Closed with bytes unread, TCP would throw our answer away too.
        while self.left > 0:
            await self.next()
            await sleep_ms(0)
