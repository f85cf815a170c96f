"""/api/setup, /api/login, /api/logout, /api/password."""

from ..python import const
from .answer import Answer, Refused
from .asked import body_of
from .gate import Gate, problem
from .session import COOKIE

_ATTRIBUTES = const("; Path=/; HttpOnly; SameSite=Strict; Max-Age=")
_MAX_AGE = const(30 * 24 * 3600)  # s


def cookie(token):
    """The value of Set-Cookie that gives a browser its session, or takes it ("")."""
    return COOKIE + "=" + token + _ATTRIBUTES + str(_MAX_AGE if token else 0)


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
    portal.sessions.close(request.cookies[COOKIE])
    portal.live.send_all_away()
    return Answer({}, 200, {"Set-Cookie": cookie("")})


async def password(portal, request):
    """Another password; every other session ends."""
    document = body_of(request)
    code = problem(document.get("new"))
    if code:
        raise Refused(400, code)
    await check_password(portal, document.get("old"))
    await _set_password(portal, document.get("new"))
    portal.sessions.close_all()
    portal.live.send_all_away()
    return _new_session(portal)


async def check_password(portal, text):
    """Refused if `text` (whatever was sent) is not the password, or it is too early."""
    gate = _open_gate(portal)
    if not isinstance(text, str) or problem(text) == "password-long":
        text = ""
    if not await gate.fits(text, portal.house.settings["portal.password"]):
        raise Refused(401, "wrong-password")


def _open_gate(portal):
    gate = Gate(portal.tries)
    wait = gate.wait()
    if wait:
        raise Refused(429, "slow-down", retry_after=(wait + 999) // 1000)
    return gate


async def _set_password(portal, text):
    code = problem(text)
    if code:
        raise Refused(400, code)
    gate = _open_gate(portal)
    record = await gate.record(text)
    new = dict(portal.house.settings)  # now: meanwhile others may have been saved
    new["portal.password"] = record
    portal.save(new)


def _new_session(portal):
    count = len(portal.sessions)
    token = portal.sessions.open()
    if len(portal.sessions) == count:  # it took the place of another
        portal.live.send_all_away()
    return Answer({}, 200, {"Set-Cookie": cookie(token)})
