"""The firmware as a process of its own, under MicroPython, between a terminal and a broker."""

import json
import os
import socket
import subprocess
import threading
import time
import tty
from contextlib import contextmanager

from meterling_tools import FIRMWARE, interpreters
from mqtt_brokers import CONNACK, PUBLISH, Brokers, read_packet
from mqtt_probes import STANDINS, path

# Set as a whole: it is not looked for.
LINE = {"link": "mbus", "baudrate": 2400, "framing": "8E1", "inverted": False}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Firmware:
    """`main.py` in the folder `home` (Path), which has its settings; prints to `lines`.
    tree: a built one (Path) instead of the sources; heapsize: bytes; uart: "" where the chip
    refuses the pins of the meter's line."""

    def __init__(self, interpreter, home, settings, line="", tree=None, heapsize=None, uart=None):
        self.page_port = free_port()
        page = {"address": "127.0.0.1", "port": self.page_port}
        (home / "settings.json").write_text(json.dumps({"portal": page, **settings}))
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        terminal = os.ttyname(self._slave) if uart is None else uart
        self.process = subprocess.Popen(
            interpreters.command(interpreter, (tree or FIRMWARE) / "main.py", heapsize=heapsize),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=interpreters.environment(
                interpreter,
                path() if tree is None else (tree, tree / "lib", STANDINS),
                METERLING_UART=terminal,
                METERLING_LINE=line,
            ),
        )
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for text in self.process.stdout:
            self.lines.append(text.decode().rstrip())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait(5)
        self._reader.join(5)
        os.close(self.master)
        os.close(self._slave)


@contextmanager
def kind_broker():
    """(port, list of the PUBLISH packets that came there)."""
    packets = []

    async def serve(reader, writer):
        await read_packet(reader)
        writer.write(CONNACK)
        while True:
            packet = await read_packet(reader)
            if packet.kind == PUBLISH:
                packets.append(packet)
                writer.write(packet.puback())

    with Brokers() as brokers:
        yield brokers.start(serve), packets


def wait_for(condition, seconds=8):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def latest(packets, kind):
    found = [p.payload for p in packets if p.topic == "meterling/dongle/" + kind]
    return json.loads(found[-1]) if found else None
