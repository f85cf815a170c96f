"""/api/setup/done, /api/reboot, /api/factory-reset, /api/log."""

from ..python import const, unload
from .answer import Answer, Refused, parts_of
from .asked import body_of

_PIECE = const(256)  # bytes
_NEW_LINE = const(10)


async def done(portal, request):
    """Captive probes are satisfied from now on; and no page begins with the setup again."""
    house = portal.house
    if not house.settings["portal.setup_done"]:
        new = dict(house.settings)
        new["portal.setup_done"] = True
        portal.save(new)
    house.done = True
    return {"restart": portal.restart}


async def reboot(portal, request):
    portal.later(portal.house.restart)
    return {}, 202


async def factory_reset(portal, request):
    house = portal.house
    if body_of(request).get("confirm") != house.device:
        raise Refused(400, "confirm")
    try:
        house.forget_everything()
    except OSError:
        raise Refused(500, "not-saved")
    portal.sessions.close_all()
    portal.live.send_all_away()
    portal.later(house.restart)
    return {}, 202


async def log(portal, request):
    from .. import starts

    health = portal.house.health
    report = starts.report(health.number, health.cause) + "\n"
    unload("meterling", "starts")
    text = parts_of(_texts(report, portal.log))
    return Answer(text, 200, {"Content-Type": "text/plain; charset=utf-8"})


def _texts(report, log):
    yield report
    yield from pieces(log)


def pieces(log):
    """Yield all that `log` (Log) holds (bytes), from the first whole line on."""
    ring = memoryview(log.ring)
    size = len(ring)
    at, left = (log.at, size) if log.full else (0, log.at)
    is_cut = log.full
    while is_cut and left:
        is_cut = ring[at] != _NEW_LINE
        at = (at + 1) % size
        left -= 1
    while left:
        count = min(left, size - at, _PIECE)
        yield bytes(ring[at : at + count])
        at = (at + count) % size
        left -= count
