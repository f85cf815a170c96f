"""The wiring: which part hands what to which, and what happens when one fails.

Port -> MeterReader -> Decoder -> Outbox -> Publisher -> broker
         `-> Sniffer      `-> Counters -> Diagnosis -^
"""

import asyncio
import gc
import io
import sys

# Early and often: what stays is packed together, and what is free stays in one piece.
if hasattr(gc, "threshold"):
    gc.threshold(4096)

from . import config
from .board.chip import feed_watchdog, restart, unique_name
from .board.uart import Port
from .board.wifi import Wifi
from .meter import MeterReader
from .portal.house import House
from .portal.log import Log
from .portal.sample import Sample
from .publish.diagnosis import Diagnosis
from .publish.loop import sleep_ms
from .publish.outbox import Outbox
from .python import const

_RESTART_AFTER = const(1000)  # ms

SETTINGS = "settings.json"
LINE = "line.json"  # what was found out about the meter's line; see line
LAYOUTS = "layouts.txt"  # an owner's own; see cosem.layouts
_LONGEST_LAYOUTS = const(4096)  # bytes
# Bytes of heap: the page takes 45 kB, and must leave enough to search the line, to learn a
# telegram's shape, and to publish it. A dongle fresh from the box has no MQTT yet, and room.
_ROOM = const(80_000)


async def keep_running(name, work, restart_after=_RESTART_AFTER):
    """Run `work()` for ever: what it raises is printed, and it starts anew."""
    while True:
        try:
            await work()
            return
        except Exception as error:
            try:
                print("{}: failed: {}".format(name, type(error).__name__))
                _print_where(error)
            except MemoryError:
                gc.collect()
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


def open_portal(house, log):
    """(Portal, GuestNetwork, their tasks); (None, None, []) where the portal's framework is
    missing, or would leave too little memory: the meter is read, and published, all the same."""
    gc.collect()
    if hasattr(gc, "mem_free") and gc.mem_free() < _ROOM:
        print("portal: left out, {} bytes are free".format(gc.mem_free()))
        return None, None, []
    try:
        from .portal.guest_network import GuestNetwork
        from .portal.pages import find_folder
        from .portal.server import Portal

        portal = Portal(house, log, find_folder())
        guests = GuestNetwork(house)
        return portal, guests, portal.tasks() + [("guests", guests.run)]
    except (ImportError, MemoryError) as error:
        print("portal: {}: {}".format(type(error).__name__, error))
    return None, None, []


def open_signals(house, guests):
    """The LED and the button (signals.Signals), None if the settings name no pin of theirs."""
    if house.settings["led.pin"] < 0 and house.settings["button.pin"] < 0:
        return None
    from .board.button import open_button
    from .board.led import open_led
    from .signals import Signals, find

    def read_state():
        wifi, publisher = house.wifi, house.publisher
        away = publisher is not None and not publisher.connected and publisher.error is not None
        return find(wifi.access_point_is_open(), house.diagnosis.code, wifi.silent, away)

    def on_setup():
        if guests is not None:
            guests.ask_for()

    def on_factory_reset():
        house.forget_everything()
        house.restart()

    led, button = open_led(house.settings), open_button(house.settings)
    return Signals(led, button, read_state, on_setup, on_factory_reset)


async def main(settings, path=SETTINGS):
    """All of the firmware, from the settings (as the file `path` has them) on; returns
    never."""
    log = Log()
    log.install()
    device = settings["device"] or unique_name()
    network = Wifi(settings)
    outbox = Outbox()
    publisher = portal = signals = None

    def on_reading(reading):
        if not may_be_published(reading):
            return
        outbox.put(reading)
        if portal is not None:
            portal.live.put(reading)
        if publisher is not None:
            publisher.wake()
        elif signals is not None:
            signals.flash()

    asyncio.gather, asyncio.wait_for, asyncio.Event  # loaded now, while there is room
    sample = Sample()
    port = Port(settings)
    reader = MeterReader(port, settings, on_reading, LINE, own_layouts(), sample.take)
    diagnosis = Diagnosis(reader.counters)
    house = House(path, settings, device, network, diagnosis, restart, sample)
    house.keys_changed = reader.set_keys
    house.sniffer_state = reader.line
    if settings["mqtt.host"]:
        from .publish.mqtt import Publisher

        publisher = house.publisher = Publisher(settings, device, outbox, diagnosis, network)
    else:
        print("mqtt: no broker is set")
    # Last: where memory is short, it is the page that is done without.
    portal, guests, tasks = open_portal(house, log)
    signals = open_signals(house, guests)

    async def diagnose():
        while True:
            if diagnosis.update():
                print("meter: {}".format(diagnosis.code))
                if publisher is not None:
                    publisher.wake()
            await asyncio.sleep(1)

    tasks += [
        ("meter", reader.run),
        ("quiet", reader.watch_quiet),
        ("diagnosis", diagnose),
        ("wifi", network.run),
        ("watchdog", feed_watchdog),
    ]
    if publisher is not None:
        tasks.append(("mqtt", publisher.run))
    if signals is not None:
        tasks.append(("signals", signals.run))
        if publisher is not None:
            publisher.on_published = signals.flash
    await asyncio.gather(*[keep_running(name, work) for name, work in tasks])


def run(path=SETTINGS):
    """Start. ConfigError, naming the setting, if one is wrong."""
    asyncio.run(main(config.load(path), path))
