"""The firmware with a simulated meter, and somebody who looks at its page."""

import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import tty
from contextlib import suppress
from pathlib import Path

from .. import CommandError, interpreters
from ..simulate import make_meter
from .heap import compile_script

_STANDINS = Path(__file__).parent / "standins"
_C_MODULES = "c"  # folder of the tree
_HERE = "127.0.0.1"
_KEYS = ("key", "auth_key")
# What a phone's browser sends beside that.
_OF_BROWSER = {
    "User-Agent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36",
    "Connection": "keep-alive",
    "Cache-Control": "max-age=0",
    "Upgrade-Insecure-Requests": "1",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
    "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
    "Referer": f"http://{_HERE}/",
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "de-AT,de;q=0.9,en-US;q=0.8,en;q=0.7",
}
_PASSWORD, _ROUNDS = "Sonnenblume 7", 1500
_LOOKS = 8  # at the heap
_START, _PATIENCE = 6, 5  # s, until the page answers; for an answer


class Page:
    """The whole firmware in a heap of `heapsize` bytes, and its page.

    tree: of `build`, for `interpreter`, where it writes, too; folder: for logs; meter: name of
    a simulated one, every `interval` seconds, at its own speed; broker: port of one on this
    machine, None for no MQTT. No Wi-Fi to find.
    """

    def __init__(self, interpreter, tree, folder, heapsize, meter, interval=1, broker=None):
        self._interpreter = interpreter
        self._tree = tree
        self._folder = folder
        self._heapsize = heapsize
        self._interval = interval
        self._broker = broker
        self.meter = make_meter(meter)
        self.cookie = ""
        self._processes = []

    def __enter__(self):
        tree = self._tree
        with socket.socket() as probe:
            probe.bind((_HERE, 0))
            self.port = probe.getsockname()[1]
        settings = {
            "portal": {"address": _HERE, "port": self.port, "password": _record(_PASSWORD)},
            "wifi": {"ssid": "Zuhause"},
            "meter": {name: (getattr(self.meter, name) or b"").hex() for name in _KEYS},
        }
        if self._broker:
            settings["mqtt"] = {"host": _HERE, "port": self._broker}
        (tree / "settings.json").write_text(json.dumps(settings) + "\n")
        for name in ("line.json", "sessions.json"):
            (tree / name).unlink(missing_ok=True)
        self._meter_end, self._line_end = os.openpty()
        tty.setraw(self._line_end)
        (tree / _C_MODULES).mkdir(exist_ok=True)
        for path in _STANDINS.glob("*.py"):
            compile_script(path, tree / _C_MODULES / f"{path.stem}.mpy")
        self._log = open(self._folder / "firmware.log", "w+b")
        command = [sys.executable, "-m", "meterling_tools.rig_meter", self.meter.name]
        self._start([*command, self._folder / "stamps", str(self._interval)], self._meter_end)
        self._start(
            interpreters.command(self._interpreter, "-c", "import main", heapsize=self._heapsize),
            self._log,
            # As on a dongle: each module keeps the path that it came from, in heap.
            interpreters.environment(
                self._interpreter,
                ("", "lib", _C_MODULES),
                METERLING_UART=os.ttyname(self._line_end),
            ),
        )
        try:
            self._log_in()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self, command, output, env=None):
        self._processes.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output is self._log else None,
                cwd=self._tree,
                env=env,
            )
        )

    def __exit__(self, *exception):
        for process in self._processes:
            process.kill()
            process.wait(_PATIENCE)
        self._log.close()
        os.close(self._meter_end)
        os.close(self._line_end)

    def _log_in(self):
        end = time.monotonic() + _START
        while True:
            try:
                _, headers, _ = self.ask("POST", "/api/login", {"password": _PASSWORD})
                break
            except ConnectionError:
                if time.monotonic() > end or self._processes[1].poll() is not None:
                    raise CommandError(
                        f"the page does not answer: {self.last_words()}", 1
                    ) from None
                time.sleep(0.05)
        self.cookie = headers["Set-Cookie"].split(";")[0]

    def last_words(self):
        """What the firmware printed last."""
        lines = (self._folder / "firmware.log").read_text(errors="replace").split("\n")
        return ([line.strip() for line in lines if line.strip()] or ["it said nothing"])[-1]

    def ask(self, method, path, document=None):
        """(bytes, headers, s until the first byte). CommandError if it is refused."""
        connection = http.client.HTTPConnection(_HERE, self.port, timeout=_PATIENCE)
        headers = {"X-Meterling": "1", "Cookie": self.cookie, **_OF_BROWSER}
        if document is not None:
            headers["Content-Type"] = "application/json"
        body = None if document is None else json.dumps(document)
        started = time.monotonic()
        try:
            connection.request(method, path, body, headers)
            with connection.getresponse() as response:
                first_byte = time.monotonic() - started
                data = response.read()
                if response.status != 200:
                    raise CommandError(f"{path}: {response.status} {data[:80]}", 1)
                return data, response.headers, first_byte
        except (http.client.HTTPException, TimeoutError) as error:
            raise CommandError(f"{path}: {error!r}", 1) from error
        finally:
            connection.close()

    def get(self, path):
        """What it answers with (JSON)."""
        return json.loads(self.ask("GET", path)[0])

    def key_check(self):
        """Its code for the meter's own key (str)."""
        answer = self.ask("POST", "/api/key", {"text": self.meter.key.hex()})
        return json.loads(answer[0])["check"]

    def free(self):
        """Bytes of heap that are free after a collection: a request that is asked rarely ends
        with one, and the next tells. The most of some: what came since is garbage."""

        def once():
            self.get("/api/hello")
            return self.get("/api/status")["heap"]

        return max(once() for _ in range(_LOOKS))


class Viewer:
    """One who looks at the live view, from `with` on. counters: the invocation counters of the
    telegrams that were shown."""

    def __init__(self, page):
        self._page = page
        self.counters = []
        self.opened = threading.Event()  # all that there was at the start is there

    def __enter__(self):
        self._socket = socket.create_connection((_HERE, self._page.port), _PATIENCE)
        headers = {"Host": _HERE, **_OF_BROWSER, "Cookie": self._page.cookie}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._socket.sendall(f"GET /api/live HTTP/1.1\r\n{head}\r\n".encode())
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def _look(self):
        with suppress(OSError), self._socket.makefile("rb") as lines:
            event = ""
            for line in lines:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "reading":
                    self.counters.append(json.loads(value)["invocation_counter"])
                elif name == "data" and event == "last":
                    self.opened.set()

    def __exit__(self, *exception):
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(_PATIENCE)
        self._socket.close()

    def saw_all(self):
        """True if no telegram between the first and the last that was shown is missing."""
        first = self.counters[0] if self.counters else 0
        return self.counters == list(range(first, first + len(self.counters)))


def _record(password):
    salt = bytes(range(16))
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ROUNDS)
    return f"pbkdf2-sha256${_ROUNDS}${salt.hex()}${key.hex()}"
