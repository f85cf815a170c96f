"""From the reading to the broker and back: heap, writes, and time against a real mosquitto."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from .. import FIRMWARE, CommandError, dependencies, interpreters
from . import corpus
from .figure import Figure
from .heap import last_line

_SCRIPT = Path(__file__).parent / "scripts" / "publish.py"
_STANDINS = Path(interpreters.__file__).parent / "standins"
_COUNT = 101  # telegrams: the first one is not counted
_HEAP = 1 << 23  # bytes: the collector is off while a telegram is on its way
_METERS = ("tinetz-kaifa", "kamstrup-dk")


def figures(args):
    program = mosquitto_program()
    found = [interpreters.find(name) for name in ("micropython", "micropython32")]
    missing = "" if program else "no mosquitto on this machine"
    if not any(found):
        missing = f"no micropython: {found[0].reason}"
    if missing:
        for name, unit, target in _rows():
            yield Figure(f"MQTT: {name}", unit=unit, target=target, missing=missing)
        return
    with tempfile.TemporaryDirectory(prefix="meterling-") as folder:
        with mosquitto(program, Path(folder)) as port:
            for interpreter in filter(None, found):
                for meter in _METERS:
                    yield from _measure(interpreter, meter, port, Path(folder))


def _rows(result=None):
    """(name, unit, target[, value]) of what is measured."""
    rows = (
        ("heap from the reading to the socket", "B", 1024),
        ("writes to the socket", "", 1),
        ("QoS 1 publish, median", "ms", 5),
    )
    if result is None:
        return rows
    values = (result["heap"], result["sends"], result["median"] / 1000)
    return [(*row, value) for row, value in zip(rows, values, strict=True)]


def _measure(interpreter, name, port, folder):
    result = publish(interpreter, corpus.meter(name), port, folder)
    where = f"{name}, {interpreter.name}"
    for text, unit, target, value in _rows(result):
        note = f"longest {result['most'] / 1000:.2f} ms" if unit == "ms" else ""
        if unit == "B":
            note = f"{result['text']} of them for {result['bytes']} bytes of JSON"
        yield Figure(f"MQTT: {text} ({where})", value, unit, target, note=note)


def publish(interpreter, meter, port, folder, count=_COUNT):
    """What `scripts/publish.py` prints (dict), of `count` telegrams of `meter`."""
    file = corpus.write(folder / "telegrams", map(meter.telegram, range(count)))
    args = [file, meter.link, *corpus.keys(meter), "127.0.0.1", port]
    path = FIRMWARE, dependencies.fetch(), _STANDINS
    result = interpreters.run(interpreter, _SCRIPT, args, heapsize=_HEAP, path=path)
    try:
        return json.loads(result.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        raise CommandError(f"publishing with {interpreter.name}: {last_line(result)}", 1) from None


def mosquitto_program():
    """The path of the broker, None if there is none."""
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")


@contextmanager
def mosquitto(program, folder):
    """A mosquitto on a free port of this machine; yields the port (int)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = folder / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen(
        [program, "-c", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        else:
            raise CommandError("mosquitto does not start.", 1)
        yield port
    finally:
        process.terminate()
        process.wait()
