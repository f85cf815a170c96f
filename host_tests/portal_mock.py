"""A stand-in for the dongle's portal, for the pages' tests: portal/API.md on CPython, and a
meter, a Wi-Fi and a broker that do what a test tells them.

    with PortalMock(site) as portal:
        portal.encrypted(key="36C6..")
        browser.goto(portal.url)

It checks what the firmware checks (session, X-Meterling, Origin, JSON) and sends its headers, so
that a page which forgets one fails here too. Whatever can be told to it (silent, trying,
encrypted, reading ..) can be told to a real firmware's rig as well.
"""

import gzip
import json
import queue
import re
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from meterling import operators

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
DEVICE = "meterling-a1b2c3"
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_SECRETS = (("wifi", "password"), ("meter", "key"), ("meter", "auth_key"), ("mqtt", "password"))
_KEEP_ALIVE = 1.0  # s
_ZONE = re.compile(r"[A-Z]{3,}-?\d|<[-+]\d\d>-?\d")
_OPEN = ("GET /api/hello", "POST /api/setup", "POST /api/login")


class Refused(Exception):
    def __init__(self, status, code, **more):
        super().__init__(code)
        self.status = status
        self.answer = {"error": code, **more}


def reading(values, time="2026-11-22T17:00:44Z", counter=1):
    """A reading as the firmware writes it (JSON text). values: name -> (number as text, unit), or
    a list of those; None for a value that the meter has not."""

    def one(pair):
        number, unit = pair
        text = "null" if number is None else number
        return f'{{"value":{text}' + (f',"unit":"{unit}"' if unit else "") + "}"

    entries = []
    for name, value in values.items():
        if isinstance(value, list):
            entry = '{"values":[' + ",".join(map(one, value)) + "]}"
        else:
            entry = one(value)
        entries.append(f'"{name}":{entry}')
    return (
        '{"meter":"1KFM0200000001","system_title":"4B464D6750000009",'
        f'"time":"{time}","invocation_counter":{counter},"authenticated":false,'
        '"values":{' + ",".join(entries) + "}}"
    )


class PortalMock:
    """`url`: where the pages are. Everything else is the world that they talk about."""

    def __init__(self, site):
        self.site = site
        self.password = None
        self.sessions = set()
        self.setup_done = False
        self.access_point = False
        self.failures = 0
        self.requests = []  # (method, path, body as it came)
        self.settings = {
            "device": "",
            "timezone": "CET-1CEST,M3.5.0,M10.5.0/3",
            "wifi": {"ssid": "", "password": ""},
            "meter": {
                "link": "auto",
                "baudrate": "auto",
                "framing": "auto",
                "inverted": "auto",
                "key": "",
                "auth_key": "",
                "operator": "",
                "rx_pin": 16,
                "tx_pin": 17,
            },
            "mqtt": {"host": "", "port": 1883, "user": "", "password": "", "topic": "meterling"},
        }
        self.networks = [
            {"ssid": "Zuhause", "rssi": -52, "bars": 4, "secure": True, "channel": 6},
            {"ssid": "Nachbarin 5", "rssi": -71, "bars": 2, "secure": True, "channel": 1},
            {"ssid": "Gasthof", "rssi": -83, "bars": 1, "secure": False, "channel": 11},
        ]
        self.wifi_passwords = {"Zuhause": "geheim1234", "Gasthof": "", "Versteckt": "f" * 64}
        self.wifi_takes = 0.3  # s that a test lasts
        self.wifi_answer = {"state": "none", "result": None}
        self.wifi_up = False
        self.brokers = {("broker.local", 1883): ("me", "mqtt-pass")}
        self.found = []  # what announces itself in the network, as the API tells it
        self.meter_key = None  # hex; what the telegrams are ciphered with
        self.pending = False  # something saved needs a restart
        self.restarted = 0
        self.tokens = {}
        self.age = None
        self.at = None
        self.last = None
        self.telegrams = self.readings = self.lost = self.bytes = self.frames = 0
        self.errors = {}
        self.diagnosis = "starting"
        self.interval = None
        self.ciphered = None
        self.maker = None
        self.line = {
            "link": "mbus",
            "baudrate": 2400,
            "framing": "8E1",
            "inverted": False,
            "optical": False,
            "sniffing": True,
        }
        self.viewers = []
        self.dead = False
        self.start, self.cause = 17, "power-on"
        self.log_text = "meterling 0.1.0\nwifi: up, 192.168.1.23\n"

    def __enter__(self):
        handler = type("Handler", (_Handler,), {"portal": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.dead = True
        self.server.shutdown()
        self.server.server_close()

    # What the wire does

    def silent(self):
        self.diagnosis, self.bytes, self.frames, self.telegrams = "no-bytes", 0, 0, 0
        self.tell("status")

    def trying(self, baudrate=2400, framing="8E1"):
        self.diagnosis, self.bytes = "no-frames", self.bytes + 300
        self.line.update(baudrate=baudrate, framing=framing, sniffing=True)
        self.tell("status")

    def encrypted(self, key, maker="KFM", interval=5000):
        """Telegrams ciphered with `key` (hex) come, and nobody can read them yet."""
        self.meter_key, self.maker, self.interval, self.ciphered = key, maker, interval, True
        self.bytes, self.frames, self.telegrams = 5000, 10, self.telegrams + 5
        self.errors["no-key"] = self.errors.get("no-key", 0) + 5
        self.line["sniffing"] = False
        self.diagnosis = "wrong-key" if self.settings["meter"]["key"] else "no-key"
        self._look()

    def _look(self):
        if self.meter_key and self.settings["meter"]["key"] == self.meter_key:
            self.diagnosis = "ok"
        elif self.meter_key and self.settings["meter"]["key"]:
            self.diagnosis = "wrong-key"
        self.tell("status")

    def read(self, values, interval=5000, **more):
        """A telegram that could be read."""
        self.telegrams += 1
        self.readings += 1
        self.bytes += 300
        self.frames += 1
        self.interval = interval
        self.diagnosis = "ok"
        if self.ciphered is None:
            self.ciphered = False
        self.line["sniffing"] = False
        self.last = reading(values, counter=self.telegrams, **more)
        self.at = time.monotonic()
        self.tell("reading")

    def tell(self, event):
        data = self.last if event == "reading" else json.dumps(self.status())
        for viewer in list(self.viewers):
            viewer.put((event, data))
        if event == "reading":
            self.tell("status")

    def own_wifi(self, up=True):
        """Already in a Wi-Fi."""
        self.wifi_up = up
        self.settings["wifi"]["ssid"] = "Zuhause" if up else ""

    def owned(self, password="correct horse"):
        """Set up long ago; the password."""
        self.password = password
        self.setup_done = True
        self.own_wifi()
        return password

    # What the API says

    def status(self):
        age = None if self.at is None else int(1000 * (time.monotonic() - self.at))
        meter, mqtt = self.settings["meter"], self.settings["mqtt"]
        return {
            "device": DEVICE,
            "version": "0.1.0",
            "uptime": 123,
            "start": self.start,
            "cause": self.cause,
            "diagnosis": self.diagnosis,
            "age": age,
            "lost": self.lost,
            "interval": self.interval,
            "counters": {
                "bytes": self.bytes,
                "frames": self.frames,
                "telegrams": self.telegrams,
                "readings": self.readings,
                "errors": self.errors,
            },
            "line": self.line,
            "ciphered": self.ciphered,
            "maker": self.maker,
            "key": bool(meter["key"]),
            "auth_key": bool(meter["auth_key"]),
            "wifi": {
                "up": self.wifi_up,
                "ssid": self.settings["wifi"]["ssid"],
                "address": "192.168.1.23" if self.wifi_up else None,
                "rssi": -61 if self.wifi_up else None,
                "problem": None,
                "access_point": self.access_point,
            },
            "mqtt": {"on": bool(mqtt["host"]), "connected": bool(mqtt["host"]), "error": None},
            "heap": 41200,
            "viewers": len(self.viewers),
        }

    def hello(self, inside):
        return {
            "state": "new" if self.password is None else "in" if inside else "login",
            "device": DEVICE,
            "version": "0.1.0",
            "access_point": self.access_point,
            "min_password": 8,
            "setup_done": self.setup_done,
        }

    def doctor(self, text, auth=None):
        found = re.findall(r"[0-9A-F]{32}", re.sub(r"[^0-9A-Fx]", "", text.upper()))
        digits = re.sub(r"[\s:,;-]|0x", "", text)
        nothing = {"key": False, "auth_key": False, "notes": [], "check": None, "token": None}
        nothing |= {"digits": len(digits), "swapped": False}
        if not digits:
            return nothing | {"understood": "empty"}
        if re.fullmatch(r"\d{6,31}", digits):
            return nothing | {"understood": "customer-number"}
        if not re.fullmatch(r"[0-9A-Fa-f]+", digits):
            return nothing | {"understood": "not-hex"}
        if len(digits) % 32:
            return nothing | {"understood": "too-short" if len(digits) < 32 else "too-long"}
        if auth:
            found += re.findall(r"[0-9A-F]{32}", auth.upper())
        swapped = len(found) > 1 and found[1] == self.meter_key
        if swapped:
            found[:2] = found[1::-1]
        token = f"token-{len(self.tokens)}"
        self.tokens = {token: found}
        notes = (["separators"] if digits != text else []) + (
            ["lower-case"] if digits != digits.upper() else []
        )
        return nothing | {
            "understood": "two-keys" if len(found) > 1 else "key",
            "key": True,
            "auth_key": len(found) > 1,
            "notes": notes,
            "digits": 32,
            "check": self.check(found[0]),
            "swapped": swapped,
            "token": token,
        }

    def check(self, key):
        if self.ciphered is False:
            return "not-ciphered"
        if self.meter_key is None:
            return "no-telegram"
        return "fits" if key == self.meter_key else "does-not-fit"

    def put_settings(self, document):
        document = dict(document)
        if "key_token" in document:
            keys = self.tokens.pop(document.pop("key_token"), None)
            if keys is None:
                raise Refused(400, "key-token")
            self.settings["meter"]["key"] = keys[0]
            if len(keys) > 1:
                self.settings["meter"]["auth_key"] = keys[1]
            self._look()
        for room, value in document.items():
            if room not in self.settings:
                raise Refused(400, "unknown-setting", setting=room)
            if isinstance(value, dict):
                for name, inner in value.items():
                    if name not in self.settings[room]:
                        raise Refused(400, "unknown-setting", setting=f"{room}.{name}")
                    if not ((room, name) in _SECRETS and isinstance(inner, bool)):
                        changed = name != "operator" and self.settings[room][name] != inner
                        self.pending |= changed
                        self.settings[room][name] = inner
            elif room == "timezone" and not _ZONE.match(value):
                raise Refused(400, "not-a-time-zone", setting=room)
            elif len(value) > 32:
                raise Refused(400, "too-long", setting=room)
            else:
                self.settings[room] = value
        return {"restart": self.pending}

    def shown(self):
        document = json.loads(json.dumps(self.settings))
        for room, name in _SECRETS:
            document[room][name] = bool(document[room][name])
        return document

    def test_wifi(self, asked):
        ssid, password = asked["ssid"], asked["password"]
        if password and not (8 <= len(password) <= 64):
            raise Refused(400, "wifi-password-length")
        self.wifi_answer = {"state": "running", "result": None, "ssid": ssid}

        def finish():
            time.sleep(self.wifi_takes)
            wanted = self.wifi_passwords.get(ssid)
            result = "wifi-not-found" if wanted is None else "ok"
            if wanted is not None and wanted != password:
                result = "wifi-password"
            if result == "ok":
                self.settings["wifi"] = {"ssid": ssid, "password": password}
                self.wifi_up = True
            self.wifi_answer = {
                "state": "done",
                "result": result,
                "ssid": ssid,
                "address": "192.168.1.23",
                "name": "meterling.local",
                "rssi": -52,
                "saved": result == "ok",
            }

        threading.Thread(target=finish, daemon=True).start()
        return {}

    def test_mqtt(self, asked):
        broker = self.brokers.get((asked["host"], asked["port"]))
        if broker is None:
            return {"result": "dns-unknown"}
        password = asked.get("password", self.settings["mqtt"]["password"])
        return {"result": "ok" if (asked["user"], password) == broker else "mqtt-login"}


class _Handler(BaseHTTPRequestHandler):
    portal: PortalMock
    protocol_version = "HTTP/1.0"  # every answer closes its connection

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.partition("?")[0]
        if self.portal.dead:
            return
        if path.startswith("/api/"):
            self._api("GET", path)
        else:
            self._page(path.lstrip("/") or "index.html")

    def do_POST(self):
        self._api("POST", self.path)

    def do_PUT(self):
        self._api("PUT", self.path)

    def _page(self, name):
        file = self.portal.site / f"{name}.gz"
        if "/" in name or not file.is_file():
            self._send(404, b'{"error": "not-found"}', "application/json")
            return
        data = file.read_bytes()
        kept = re.search(r"-[0-9a-f]{8}\.", name)
        cache = "max-age=31536000, immutable" if kept else "no-cache"
        kind = f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8"
        assert gzip.decompress(data)
        self._send(200, data, kind, **{"Content-Encoding": "gzip", "Cache-Control": cache})

    def _send(self, status, body, kind, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CSP)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def _json(self, document, status=200, **headers):
        self._send(status, json.dumps(document).encode(), "application/json", **headers)

    def _inside(self):
        cookie = re.search(r"session=(\w+)", self.headers.get("Cookie", ""))
        return bool(cookie) and cookie[1] in self.portal.sessions

    def _api(self, method, path):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.portal.requests.append((method, path, body))
        try:
            self._check(method, path, body)
            self._answer(method, path, json.loads(body) if body else {})
        except Refused as refused:
            self._json(refused.answer, refused.status)

    def _check(self, method, path, body):
        call = f"{method} {path}"
        if call not in _OPEN:
            if self.portal.password is None:
                raise Refused(403, "setup-first")
            if not self._inside():
                raise Refused(401, "login-first")
        if method != "GET":
            origin = self.headers.get("Origin")
            fine = origin in (None, self.portal.url.rstrip("/"))
            if self.headers.get("X-Meterling") != "1" or not fine:
                raise Refused(403, "csrf")
        if body and self.headers.get("Content-Type") != "application/json":
            raise Refused(400, "not-json")

    def _session(self):
        name = f"s{len(self.portal.sessions)}"
        self.portal.sessions.add(name)
        self._json({}, **{"Set-Cookie": f"session={name}; HttpOnly; SameSite=Strict; Path=/"})

    def _answer(self, method, path, document):
        portal = self.portal
        call = f"{method} {path}"
        if call == "GET /api/hello":
            return self._json(portal.hello(self._inside()))
        if call == "POST /api/setup":
            if portal.password is not None:
                raise Refused(409, "already-set")
            portal.password = document["password"]
            return self._session()
        if call == "POST /api/login":
            return self._login(document)
        if call == "GET /api/live":
            return self._live()
        if call == "GET /api/log":
            return self._send(200, portal.log_text.encode(), "text/plain")
        if path.startswith("/api/operators/"):
            language = self.path.rpartition("lang=")[2]
            name = path.rpartition("/")[2]
            return self._json(operators.find(name, language))
        simple = {
            "POST /api/logout": lambda: portal.sessions.clear() or {},
            "POST /api/password": lambda: self._change(document),
            "GET /api/status": portal.status,
            "POST /api/key": lambda: self._key(document),
            "GET /api/settings": portal.shown,
            "GET /api/settings/export": portal.shown,
            "PUT /api/settings": lambda: portal.put_settings(document),
            "POST /api/settings/import": lambda: portal.put_settings(document),
            "GET /api/operators": lambda: {
                "operators": [
                    dict(zip(("id", "name", "country"), row, strict=True))
                    for row in operators.index()
                ]
            },
            "POST /api/wifi/scan": lambda: {"networks": portal.networks},
            "POST /api/wifi/test": lambda: portal.test_wifi(document),
            "GET /api/wifi/test": lambda: portal.wifi_answer,
            "POST /api/mqtt/test": lambda: portal.test_mqtt(document),
            "POST /api/mqtt/find": lambda: {"found": portal.found},
            "POST /api/setup/done": self._done,
            "POST /api/reboot": self._reboot,
            "POST /api/factory-reset": dict,
        }
        if call not in simple:
            raise Refused(404, "not-found")
        return self._json(simple[call]())

    def _login(self, document):
        portal = self.portal
        if portal.failures >= 3:
            portal.failures = 0
            raise Refused(429, "slow-down", retry_after=4)
        if document.get("password") != portal.password:
            portal.failures += 1
            raise Refused(401, "wrong-password")
        return self._session()

    def _change(self, document):
        if document["old"] != self.portal.password:
            raise Refused(401, "wrong-password")
        self.portal.password = document["new"]
        return {}

    def _key(self, document):
        if document:
            return self.portal.doctor(**document)
        keys = [self.portal.settings["meter"][name] for name in ("key", "auth_key")]
        found = self.portal.doctor(" ".join(filter(None, keys)))
        return found | {"understood": "set", "token": found["swapped"] and found["token"] or None}

    def _done(self):
        self.portal.setup_done = True
        return {"restart": self.portal.pending}

    def _reboot(self):
        self.portal.pending = False
        self.portal.restarted += 1
        return {}

    def _live(self):
        portal = self.portal
        if len(portal.viewers) >= 4:
            raise Refused(503, "viewers-full")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Security-Policy", CSP)
        self.end_headers()
        viewer = queue.Queue()
        viewer.put(("status", json.dumps(portal.status())))
        if portal.last:
            viewer.put(("last", portal.last))
        portal.viewers.append(viewer)
        try:
            self.wfile.write(b"retry: 500\n\n")
            while not portal.dead:
                try:
                    event, data = viewer.get(timeout=_KEEP_ALIVE)
                except queue.Empty:
                    event, data = "status", json.dumps(portal.status())
                if portal.dead or event == "close":
                    return
                self.wfile.write(f"event: {event}\ndata: {data}\n\n".encode())
        except OSError:
            pass
        finally:
            portal.viewers.remove(viewer)
