"""/api/setup/done, /api/reboot, /api/factory-reset, /api/log."""

from microdot import Response

from .errors import Refused
from .server import body_of


async def done(portal, request):
    """Captive probes are satisfied from now on; and no page begins with the setup again."""
    house = portal.house
    if not house.settings["portal.setup_done"]:
        new = dict(house.settings)
        new["portal.setup_done"] = True
        portal.save(new)
    house.done = True
    return {}


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
    portal.later(house.restart)
    return {}, 202


async def log(portal, request):
    return Response(portal.log.text(), 200, {"Content-Type": "text/plain; charset=utf-8"})
