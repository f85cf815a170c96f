"""A dongle as USB shows it: the whole firmware at a terminal of its own."""

import fcntl
import json
import os
import subprocess
import termios
import threading
import time
import tty
from pathlib import Path

from meterling_tools import FIRMWARE, interpreters, npm
from mqtt_probes import path
from running import free_port, wait_for

HERE = Path(__file__).parent

AIR = {
    "networks": [
        {"ssid": "Zuhause", "rssi": -61, "channel": 6, "password": "geheim12"},
        {"ssid": "Zuhause", "rssi": -80, "channel": 1, "password": "geheim12"},
        {"ssid": "Café Österreich", "rssi": -70, "channel": 11},
    ],
    "address": "127.0.0.1",
}


class Dongle:
    """The whole firmware at a terminal of its own, in the folder `home` (Path). air: what Wi-Fi
    there is; interrupts: the terminal treats Ctrl-C as the ESP32's; repl: what comes after the
    program ended is MicroPython's prompt."""

    def __init__(self, interpreter, home, air=AIR, settings=None, interrupts=False, repl=False):
        self.home = home
        self.port = free_port()
        page = {"address": "127.0.0.1", "port": self.port}
        document = {"device": "dongle", "portal": page, **(settings or {})}
        (home / "settings.json").write_text(json.dumps(document))
        (home / "air.json").write_text(json.dumps(air))
        self.master, slave = os.openpty()
        self._meter, self._line = os.openpty()
        for terminal in (slave, self._line):
            tty.setraw(terminal)
        script = (HERE / "console_of_esp32.py") if interrupts else FIRMWARE / "main.py"
        command = interpreters.command(interpreter, script)
        if repl:
            command.insert(1, "-i")
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=home,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
            env=interpreters.environment(
                interpreter,
                path(),
                METERLING_UART=os.ttyname(self._line),
                METERLING_WIFI=str(home / "air.json"),
            ),
        )
        os.close(slave)
        self.heard = b""
        self._sink = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            try:
                data = os.read(self.master, 4096)
            except OSError:
                return
            self.heard += data
            if self._sink is not None:
                try:
                    os.write(self._sink, data)
                except OSError:
                    self._sink = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait(5)
        self._reader.join(5)
        for descriptor in (self.master, self._meter, self._line):
            os.close(descriptor)

    def send(self, data):
        os.write(self.master, data)

    def is_up(self):
        """Wait until it runs: its last words before it listens."""
        wait_for(lambda: b"mqtt: no broker is set" in self.heard and b"wifi: " in self.heard, 20)
        time.sleep(0.2)

    def settings(self):
        return json.loads((self.home / "settings.json").read_text())

    def pass_on(self, sink):
        """Write what is heard to the descriptor `sink`, too, until that is closed."""
        self._sink = sink

    def talk(self, client, *calls):
        """What comes of the `calls` (list of name and arguments) of Improv's JavaScript."""
        node = subprocess.Popen(
            [*npm.node(), str(client), json.dumps(calls)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        sending = threading.Thread(target=self._send_all, args=(node.stdout,), daemon=True)
        sending.start()
        self.pass_on(node.stdin.fileno())
        try:
            lines = node.stderr.read().decode()
            assert node.wait(5) == 0, lines
        finally:
            self.pass_on(None)
            node.kill()
            sending.join(5)
        return [json.loads(line) for line in lines.splitlines()]

    def _send_all(self, source):
        while data := os.read(source.fileno(), 4096):
            self.send(data)
