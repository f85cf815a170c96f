"""Starts `mqtt_probe.py` under MicroPython, each with a terminal that a meter never stops
to write to."""

import json
import os
import subprocess
import threading
import time
import tty
from pathlib import Path

from meterling_tools import FIRMWARE, dependencies, interpreters

HERE = Path(__file__).parent
STANDINS = Path(interpreters.__file__).parent / "standins"
_LENGTH = 16  # bytes, of a telegram
_PERIOD = 0.005  # s, between writes
_TELEGRAMS = 4  # each time: 12800 bytes a second, more than 115200 baud


def path():
    return FIRMWARE, dependencies.fetch(), STANDINS


class Probe:
    """One probe. `task`: as `mqtt_probe.py` takes it. It ends after task["milliseconds"]."""

    def __init__(self, interpreter, **task):
        self._master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        self._slave = slave
        task.setdefault("reading_every", 100)
        self.process = subprocess.Popen(
            interpreters.command(interpreter, HERE / "mqtt_probe.py", json.dumps(task)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=interpreters.environment(interpreter, path(), METERLING_UART=os.ttyname(slave)),
        )
        self.sent = self.overruns = 0
        self.lines = []
        self._started = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._feed, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode().rstrip())
            self._started.set()

    def _feed(self):
        """As a meter does: what the other side does not take in time is gone."""
        self._started.wait(20)
        while self.process.poll() is None:
            data = b"".join(
                number.to_bytes(4, "big") + bytes([number & 0xFF]) * (_LENGTH - 4)
                for number in range(self.sent, self.sent + _TELEGRAMS)
            )
            self.sent += _TELEGRAMS
            try:
                if os.write(self._master, data) < len(data):
                    self.overruns += 1
            except BlockingIOError:
                self.overruns += 1
            time.sleep(_PERIOD)

    def result(self):
        """What it prints last (dict), once it has ended."""
        self.process.wait(30)
        time.sleep(0.1)
        os.close(self._master)
        os.close(self._slave)
        try:
            return json.loads(self.lines[-1])
        except (ValueError, IndexError):
            raise AssertionError("\n".join(self.lines)) from None

    def kill(self):
        """As if the plug were pulled."""
        self.process.kill()
        self.process.wait(5)
        os.close(self._master)
        os.close(self._slave)
