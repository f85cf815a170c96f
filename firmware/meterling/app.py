"""The wiring: which part hands what to which, and what happens when one fails.

Port -> MeterReader -> Decoder -> Outbox -> Publisher -> broker
         `-> Sniffer      `-> Counters -> Diagnosis -^
"""

import asyncio
import io
import sys

from . import config
from .board.chip import feed_watchdog, unique_name
from .board.uart import Port
from .board.wifi import Wifi
from .meter import MeterReader
from .publish.diagnosis import Diagnosis
from .publish.loop import sleep_ms
from .publish.outbox import Outbox
from .python import const

_RESTART_AFTER = const(1000)  # ms

SETTINGS = "settings.json"
LINE = "line.json"  # what was found out about the meter's line; see line
LAYOUTS = "layouts.txt"  # an owner's own; see cosem.layouts
_LONGEST_LAYOUTS = const(4096)  # bytes


async def keep_running(name, work, restart_after=_RESTART_AFTER):
    """Run `work()` for ever: what it raises is printed, and it starts anew."""
    while True:
        try:
            await work()
            return
        except Exception as error:
            print("{}: failed: {}".format(name, type(error).__name__))
            _print_where(error)
        await sleep_ms(restart_after)


def _print_where(error):
    """The traceback's lines; the error's own text may hold what nobody may see."""
    if hasattr(sys, "print_exception"):  # MicroPython
        text = io.StringIO()
        sys.print_exception(error, text)
        for line in text.getvalue().split("\n"):
            if line.startswith("  File "):
                print(line)


def may_be_published(reading):
    """False if the telegram has a tag and there is no key to check it: nobody is to
    believe what could have been checked and was not."""
    return not reading.unchecked


def own_layouts(path=LAYOUTS):
    """The owner's layouts (str), "" if there are none."""
    try:
        with open(path) as file:
            return file.read(_LONGEST_LAYOUTS)
    except (OSError, ValueError):
        return ""


async def main(settings):
    """All of the firmware, from the settings on; returns never."""
    device = settings["device"] or unique_name()
    network = Wifi(settings)
    outbox = Outbox()
    publisher = None

    def on_reading(reading):
        if not may_be_published(reading):
            return
        outbox.put(reading)
        if publisher is not None:
            publisher.wake()

    reader = MeterReader(Port(settings), settings, on_reading, LINE, own_layouts())
    diagnosis = Diagnosis(reader.counters)
    if settings["mqtt.host"]:
        from .publish.mqtt import Publisher

        publisher = Publisher(settings, device, outbox, diagnosis, network)
    else:
        print("mqtt: no broker is set")

    async def diagnose():
        while True:
            if diagnosis.update():
                print("meter: {}".format(diagnosis.code))
                if publisher is not None:
                    publisher.wake()
            await asyncio.sleep(1)

    tasks = [
        ("meter", reader.run),
        ("quiet", reader.watch_quiet),
        ("diagnosis", diagnose),
        ("wifi", network.run),
        ("watchdog", feed_watchdog),
    ]
    if publisher is not None:
        tasks.append(("mqtt", publisher.run))
    await asyncio.gather(*[keep_running(name, work) for name, work in tasks])


def run(path=SETTINGS):
    """Start. ConfigError, naming the setting, if one is wrong."""
    asyncio.run(main(config.load(path)))
