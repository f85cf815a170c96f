"""The portal: routes, and the rules that hold for all of them. API.md is the contract.

microdot takes requests apart and puts answers together. Its routing by regular
expressions is not used: MicroPython's would recurse once for each character of a path,
and 30 compiled patterns would take 10 kB of heap. Here a route is an entry of a table.

What is asked rarely is in modules of its own, which are loaded for the one request:
heap is short. Their functions take (portal, request).
"""

import asyncio
import io
import json
import sys

import microdot
from microdot import Microdot, Request, Response

from ..config import ConfigError
from ..publish.loop import sleep_ms
from ..python import const, unload
from . import rules, session
from .errors import Refused
from .listener import HeadTooLong, Listener
from .live import Live
from .pages import Pages
from .status import status

_BODY = const(4096)  # bytes
_ANSWER_FIRST = const(1000)  # ms, so that the answer is out before a restart
_MINUTE = const(60_000)  # ms

Request.max_content_length = _BODY
Request.max_body_length = _BODY


def _pass_on(error):
    # What is wrong with a request is answered, not printed: whoever scans ports would fill
    # the log. Our own failures never get as far as microdot.
    if isinstance(error, (HeadTooLong, MemoryError)):
        raise error


microdot.print_exception = _pass_on

_JSON = "application/json"
_RARE_MODULES = const("api_account api_settings api_operators api_network api_dongle plain")
_OPERATOR = "GET /api/operators/"  # and its id

# Whoever is not logged in may ask these.
_OPEN = ("GET /api/hello", "POST /api/login", "GET /plain", "POST /login")
_BEFORE_SETUP = ("GET /api/hello", "POST /api/setup", "GET /plain")


class _App(Microdot):
    # microdot with one route.

    def __init__(self, handle):
        super().__init__()
        self._handle = handle

    def find_route(self, request):
        request.url_args = {}
        return self._handle, "", None


class Portal:
    """`house`: House; log: Log; site: folder of the pages (path); `wifi` of the house tells
    our addresses. live: Live, to be given each reading.

    host, port: where to listen, instead of where the settings say.
    """

    def __init__(self, house, log, site, host=None, port=None):
        self.house = house
        self.log = log
        self._pages = Pages(site)
        self.sessions = session.Sessions()
        self.gate = session.Gate()
        self.understood = None  # kept by api_settings: (token, Understood, ticks_ms)
        self.wifi_test = {"state": "none"}  # kept by api_network
        self._app = _App(self._handle)
        self._app.after_request_handlers.append(_finish)
        self._app.after_error_request_handlers.append(_finish)
        self._app.error_handlers[400] = _bad_request
        self._app.error_handlers[413] = _too_long
        self.live = Live(self._status, self._state, house.telegrams)
        # Their names stay for good: better now, side by side, than between everything else.
        for name in _RARE_MODULES.split():
            __import__("meterling.portal." + name)
            unload("meterling.portal", name)
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
            await self._refuse_raw(channel, b"431 N/A", b'{"error":"head-too-long"}')
        except MemoryError:
            await self._refuse_raw(channel, b"503 N/A", b'{"error":"no-memory"}')

    @staticmethod
    async def _refuse_raw(channel, reason, body):
        if channel.sent:
            return
        await channel.send(
            b"HTTP/1.0 " + reason + b"\r\nContent-Type: application/json\r\nContent-Length: "
            + str(len(body)).encode() + b"\r\n\r\n" + body
        )  # fmt: skip
        await channel.drain_input()

    async def _handle(self, request):
        try:
            return await self._answer(request)
        except Refused as refused:
            answer = {"error": refused.code}
            answer.update(refused.more)
            return Response(answer, refused.status)
        except ConfigError as error:
            return Response({"error": error.code, "setting": error.setting}, 400)
        except MemoryError:
            return Response({"error": "no-memory"}, 503)
        except OSError:
            raise
        except Exception as error:
            _print_where(error)
            return Response({"error": "internal"}, 500)

    async def _answer(self, request):
        house = self.house
        headers = request.headers
        host = rules.host_of(headers.get("Host"))
        wifi = house.wifi
        if not rules.is_ours(host, house.device, wifi.addresses()):
            if not wifi.is_guest(request.client_addr):
                raise Refused(421, "host-unknown")
            from .captive import answer

            page = "http://" + wifi.access_point_address() + "/"
            code, more, text = answer(host, request.path, page, house.done)
            return Response(text, code, more)
        method = "GET" if request.method == "HEAD" else request.method
        asked = method + " " + request.path
        if method == "GET":
            page = self._page(request)
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
        if asked.startswith(_OPERATOR):
            asked = _OPERATOR
        route = _ROUTES.get(asked)
        if route is not None:
            return await route(self, request)
        route = _RARE.get(asked)
        if route is not None:
            return await self._rare(route, request)
        for other in ("GET ", "POST ", "PUT "):
            if other + request.path in _ROUTES or other + request.path in _RARE:
                raise Refused(405, "method")
        raise Refused(404, "not-found")

    async def _rare(self, route, request):
        module, _, function = route.partition(".")
        try:
            found = __import__("meterling.portal." + module, None, None, (function,))
            return await getattr(found, function)(self, request)
        finally:
            unload("meterling.portal", _RARE_MODULES)

    def _page(self, request):
        name = request.path[1:] or "index.html"
        return self._pages.answer(name, request.headers.get("If-None-Match"))

    def is_in(self, request):
        token = request.cookies.get(session.COOKIE)
        return bool(token) and self.sessions.holds(token)

    def _status(self):
        return status(self.house, self.live)

    def _state(self):
        house = self.house
        return house.diagnosis.code, house.line(), house.wifi.is_up()

    # Around the login

    async def _hello(self, request):
        if not self.house.settings["portal.password"]:
            state = "new"
        else:
            state = "in" if self.is_in(request) else "login"
        house = self.house
        return {
            "state": state,
            "device": house.device,
            "version": house.version,
            "access_point": house.wifi.is_guest(request.client_addr),
            "min_password": session.SHORTEST_PASSWORD,
            "setup_done": house.settings["portal.setup_done"],
        }

    # The meter

    async def _get_status(self, request):
        return self._status()

    async def _reading(self, request):
        reading = self.live.reading()
        if reading is None:
            raise Refused(404, "no-reading")
        age = self.live.age()
        headers = {"Content-Type": _JSON, "Age": str(age // 1000), "X-Age": str(age)}
        return Response(bytes(reading), 200, headers)

    async def _live(self, request):
        if self.live.is_full():
            raise Refused(503, "viewers-full")
        await self.live.serve(request.sock[0])
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


_ROUTES = {
    "GET /api/hello": Portal._hello,
    "GET /api/status": Portal._get_status,
    "GET /api/reading": Portal._reading,
    "GET /api/live": Portal._live,
}
_RARE = {
    "POST /api/setup": "api_account.setup",
    "POST /api/login": "api_account.login",
    "POST /api/logout": "api_account.logout",
    "POST /api/password": "api_account.password",
    "POST /api/key": "api_settings.key",
    "GET /api/settings": "api_settings.get",
    "PUT /api/settings": "api_settings.put",
    "GET /api/settings/export": "api_settings.export",
    "POST /api/settings/import": "api_settings.put",
    "GET /api/operators": "api_operators.index",
    _OPERATOR: "api_operators.find",
    "POST /api/wifi/scan": "api_network.scan",
    "POST /api/wifi/test": "api_network.start_wifi_test",
    "GET /api/wifi/test": "api_network.get_wifi_test",
    "POST /api/mqtt/test": "api_network.mqtt_test",
    "POST /api/setup/done": "api_dongle.done",
    "POST /api/reboot": "api_dongle.reboot",
    "POST /api/factory-reset": "api_dongle.factory_reset",
    "GET /api/log": "api_dongle.log",
    "GET /plain": "plain.page",
    "POST /login": "plain.log_in",
}


def body_of(request):
    """The JSON object in the body (dict); Refused if there is none."""
    if (request.content_type or "").split(";")[0].strip() != _JSON:
        raise Refused(400, "not-json")
    try:
        text = request.body.decode().strip()
        if not text.endswith("}"):  # MicroPython 1.25's parser takes cut text
            raise ValueError
        document = json.loads(text)
    except MemoryError:
        raise
    except Exception:  # ValueError, UnicodeError, RecursionError
        raise Refused(400, "not-json")
    if not isinstance(document, dict):
        raise Refused(400, "not-json")
    return document


async def _finish(request, response):
    # What every answer has
    if response is Response.already_handled:
        return response
    for name, value in rules.HEADERS.items():
        response.headers[name] = value
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


async def _bad_request(request):
    return {"error": "bad-request"}, 400


async def _too_long(request):
    await request.sock[0].drain_input()
    return {"error": "too-long"}, 413


def _print_where(error):
    # Its type and its lines; its text may hold what nobody may see.
    print("portal: failed: {}".format(type(error).__name__))
    if hasattr(sys, "print_exception"):  # MicroPython
        text = io.StringIO()
        sys.print_exception(error, text)
        for line in text.getvalue().split("\n"):
            if line.startswith("  File "):
                print(line)
