"""/api/setup, /api/login, /api/logout, /api/password."""

from microdot import Response

from . import session
from .errors import Refused
from .server import body_of


async def setup(portal, request):
    """Step 1 of the setup: the admin password."""
    if portal.house.settings["portal.password"]:
        raise Refused(409, "already-set")
    await _set_password(portal, body_of(request).get("password"))
    return _new_session(portal)


async def login(portal, request):
    await check_password(portal, body_of(request).get("password"))
    return _new_session(portal)


async def logout(portal, request):
    portal.sessions.close(request.cookies[session.COOKIE])
    return Response({}, 200, {"Set-Cookie": session.cookie("")})


async def password(portal, request):
    """Another password; every other session ends."""
    document = body_of(request)
    problem = session.problem(document.get("new"))
    if problem:
        raise Refused(400, problem)
    await check_password(portal, document.get("old"))
    await _set_password(portal, document.get("new"))
    portal.sessions.close_all()
    return _new_session(portal)


async def check_password(portal, text):
    """Refused if `text` (whatever was sent) is not the password, or it is too early."""
    _wait_for_gate(portal)
    if not isinstance(text, str) or session.problem(text) == "password-long":
        text = ""
    if not await portal.gate.fits(text, portal.house.settings["portal.password"]):
        raise Refused(401, "wrong-password")


def _wait_for_gate(portal):
    wait = portal.gate.wait()
    if wait:
        raise Refused(429, "slow-down", retry_after=(wait + 999) // 1000)


async def _set_password(portal, text):
    problem = session.problem(text)
    if problem:
        raise Refused(400, problem)
    _wait_for_gate(portal)
    new = dict(portal.house.settings)
    new["portal.password"] = await portal.gate.record(text)
    portal.save(new)


def _new_session(portal):
    return Response({}, 200, {"Set-Cookie": session.cookie(portal.sessions.open())})
