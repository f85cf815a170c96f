"""/api/hello, /api/reading."""

from .answer import Answer, Refused
from .session import SHORTEST_PASSWORD


async def hello(portal, request):
    """What this browser can do now."""
    house = portal.house
    if not house.settings["portal.password"]:
        state = "new"
    else:
        state = "in" if portal.is_in(request) else "login"
    return {
        "state": state,
        "device": house.device,
        "version": house.version,
        "access_point": house.wifi.is_guest(request.client_addr),
        "min_password": SHORTEST_PASSWORD,
        "setup_done": house.settings["portal.setup_done"],
    }


async def reading(portal, request):
    """The last one."""
    live = portal.live
    reading = live.reading()
    if reading is None:
        raise Refused(404, "no-reading")
    age = live.age()
    headers = {"Content-Type": "application/json", "Age": str(age // 1000), "X-Age": str(age)}
    return Answer(bytes(reading), 200, headers)
