"""The portal: the rules that hold for every request, and who answers it. API.md is the contract.

microdot takes requests apart. Its routing by regular expressions is not used: MicroPython's
would recurse once for each character of a path, and 30 compiled patterns would take 10 kB of
heap. Nor is its long way from a request to a response: here are no handlers to be asked before
and after.

What is asked rarely is in modules of its own, which are loaded for the one request (see
routes): heap is short. Their functions take (portal, request), and give an Answer, or what
becomes one: a dict, or (a dict, the status).
"""

import asyncio

import microdot
from microdot import Microdot, Request, Response

from ..config import ConfigError
from ..publish.loop import sleep_ms
from ..python import const, unload
from . import rules
from .answer import Answer, Refused
from .listener import HeadTooLong, Listener
from .live import Live
from .pages import Pages
from .session import COOKIE, Sessions
from .status import status

_BODY = const(4096)  # bytes
_RELEASE = const(1 << 20)  # bytes, of the one body that is not kept but goes to the flash
_ANSWER_FIRST = const(1000)  # ms, so that the answer is out before a restart
_MINUTE = const(60_000)  # ms

Request.max_body_length = _BODY


def _pass_on(error):
    # What is wrong with a request is answered, not printed: whoever scans ports would fill
    # the log. Our own failures never get as far as microdot.
    if isinstance(error, (HeadTooLong, MemoryError)):
        raise error


def _look_at_query(request, text):
    # What is behind the "?" stays one text: hardly anybody wants it. ValueError if it is none.
    for rest in text.split("%")[1:]:
        int(rest[:2], 16)
    return text


def _route(method, path):
    # A function of its own: the frame of who answers would hold all of routes meanwhile.
    from .routes import find

    return find(method, path)


microdot.print_exception = _pass_on
Request._parse_urlencoded = _look_at_query

_RARE_MODULES = const(
    "routes asked gate api_account api_meter api_key api_settings api_save api_operators api_wifi"
    " api_mqtt api_dongle factory_reset plain find_broker mdns api_update captive failure"
)
_UPDATE = const("/api/update")

# Whoever is not logged in may ask these.
_OPEN = ("GET /api/hello", "POST /api/login", "GET /plain", "POST /login")
_BEFORE_SETUP = ("GET /api/hello", "POST /api/setup", "GET /plain")


class _App(Microdot):
    # microdot from a connection to a request, and from an answer to the connection

    def __init__(self, answer):
        self._answer = answer
        self.debug = False

    async def dispatch_request(self, request):
        if request is None:
            return Answer({"error": "bad-request"}, 400)
        answer = await self._answer(request)
        answer.is_head = request.method == "HEAD"
        return answer


class Portal:
    """`house`: House; log: Log; site: folder of the pages (path); `wifi` of the house tells
    our addresses. live: Live, to be given each reading.

    host, port: where to listen, instead of where the settings say.
    """

    def __init__(self, house, log, site, host=None, port=None):
        self.house = house
        self.log = log
        self._pages = Pages(site)
        self.sessions = Sessions(house.settings, "sessions.json")
        self.tries = [0, 0, False]  # kept by gate
        self.understood = None  # kept by api_key: (token, key, auth_key, ticks_ms)
        self.wifi_test = {"state": "none"}  # kept by api_wifi
        self.broker_tests = 0  # kept by api_mqtt
        self.restart = False  # what was saved needs one; kept by api_save
        self.update = None  # kept by api_update: Updater, the latest
        self._app = _App(self._answer)
        self.live = Live(self._status, self._state, house.telegrams)
        # Their names stay for good: better now, side by side, than between everything else.
        for name in _RARE_MODULES.split():
            __import__("meterling.portal." + name)
            unload("meterling.portal", _RARE_MODULES)
        settings = house.settings
        self.listener = Listener(
            self._serve, host or settings["portal.address"], port or settings["portal.port"]
        )

    def tasks(self):
        """[(name, coroutine function)]: what is to run for ever."""
        return [
            ("portal", self.listener.run),
            ("live", self.live.run),
            ("sessions", self._count_minutes),
        ]

    async def _count_minutes(self):
        while True:
            await sleep_ms(_MINUTE)
            self.sessions.minute()
            self.house.tick()

    # From a connection to an answer

    async def _serve(self, channel):
        try:
            await self._app.handle_request(channel, channel)
        except HeadTooLong:
            await self._refuse(channel, 431, "head-too-long")
        except MemoryError:
            await self._refuse(channel, 503, "no-memory")
        if channel.viewer is not None:
            await self.live.serve(channel.viewer)

    @staticmethod
    async def _refuse(channel, status, code):
        if not channel.sent:
            await Answer({"error": code}, status).write(channel)
            await channel.drain_input()

    async def _answer(self, request):
        try:
            answer = await self._find_answer(request)
            if isinstance(answer, tuple):
                return Answer(*answer)
            return Answer(answer) if isinstance(answer, dict) else answer
        except Refused as refused:
            if request.content_length > _BODY:
                await request.sock[0].drain_input()
            answer = {"error": refused.code}
            answer.update(refused.more)
            return Answer(answer, refused.status)
        except ConfigError as error:
            return Answer({"error": error.code, "setting": error.setting}, 400)
        except MemoryError:
            return Answer({"error": "no-memory"}, 503)
        except OSError:
            raise
        except Exception as error:
            from .failure import print_where

            print_where(error)
            return Answer({"error": "internal"}, 500)

    async def _find_answer(self, request):
        path = request.path
        if request.content_length > (_RELEASE if path == _UPDATE else _BODY):
            raise Refused(413, "too-long")
        house = self.house
        headers = request.headers
        host = rules.host_of(headers.get("Host"))
        wifi = house.wifi
        if not rules.is_ours(host, house.device, wifi.addresses(), wifi.name()):
            if not wifi.is_guest(request.client_addr):
                raise Refused(421, "host-unknown")
            return await self._rare(request, "captive.probe")
        method = "GET" if request.method == "HEAD" else request.method
        asked = method + " " + path
        if method == "GET":
            page = self._pages.answer(path[1:] or "index.html", headers.get("If-None-Match"))
            if page:
                return page
        elif asked == "POST /login":
            if not rules.same_origin(headers.get("Origin", ""), headers.get("Host")):
                raise Refused(403, "csrf")
        elif not rules.may_change(headers):
            raise Refused(403, "csrf")
        if not house.settings["portal.password"]:
            if asked not in _BEFORE_SETUP:
                raise Refused(403, "setup-first")
        elif asked not in _OPEN and not self.is_in(request):
            raise Refused(401, "login-first")
        if asked == "GET /api/status":
            return self._status()
        if asked == "GET /api/live":
            return self._begin_live(request.sock[0])
        return await self._rare(request, None, method)

    async def _rare(self, request, where, method=""):
        # where: "module.function"; None: as routes has it
        try:
            where = where or _route(method, request.path)
            unload("meterling.portal", "routes", False)
            module, _, function = where.partition(".")
            found = __import__("meterling.portal." + module, None, None, (function,))
            return await getattr(found, function)(self, request)
        finally:
            unload("meterling.portal", _RARE_MODULES)

    def is_in(self, request):
        """True if `request` is of somebody who has logged in."""
        token = request.cookies.get(COOKIE)
        return bool(token) and self.sessions.holds(token)

    def _status(self):
        return status(self.house, self.live)

    def _state(self):
        house = self.house
        return house.diagnosis.code, house.line(), house.wifi.is_up()

    def _begin_live(self, channel):
        # It goes on once microdot has let go of the request, which takes 3 kB.
        channel.viewer = self.live.admit(channel)
        if channel.viewer is None:
            raise Refused(503, "viewers-full")
        return Response.already_handled

    # For those modules

    def save(self, new):
        """Use and keep the settings `new` (flat dict). ConfigError; Refused."""
        try:
            self.house.save(new)
        except OSError:
            raise Refused(500, "not-saved")

    def later(self, work):
        """Call `work` once the answer is out."""

        async def wait_and_work():
            await sleep_ms(_ANSWER_FIRST)
            work()

        asyncio.create_task(wait_and_work())
