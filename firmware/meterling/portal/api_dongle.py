"""/api/setup/done, /api/reboot, /api/factory-reset, /api/log."""

from ..python import unload
from .answer import Answer, Refused, parts_of
from .asked import body_of


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
    text = parts_of(_after(report, portal.log.pieces()))
    return Answer(text, 200, {"Content-Type": "text/plain; charset=utf-8"})


def _after(first, pieces):
    yield first
    yield from pieces
