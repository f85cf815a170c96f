"""The wiring: which part hands what to which, and what happens when one fails.

Port -> MeterReader -> Decoder -> Outbox -> Publisher -> broker
         `-> Sniffer      `-> Counters -> Diagnosis -^
"""

import asyncio
import gc

# Early and often: what stays is packed together, and what is free stays in one piece.
if hasattr(gc, "threshold"):
    gc.threshold(4096)

from . import config
from .board.chip import feed_watchdog, reset_cause, restart, unique_name
from .board.uart import Port
from .board.wifi import Wifi
from .health import Health
from .meter import MeterReader
from .portal.house import House
from .portal.log import Log
from .portal.sample import Sample
from .publish.diagnosis import Diagnosis
from .publish.loop import sleep_ms
from .python import const, unload

_RESTART_AFTER = const(1000)  # ms
_READINGS = const(3)  # errors

SETTINGS = "settings.json"
LINE = "line.json"  # what was found out about the meter's line; see line


async def keep_running(name, work, restart_after=_RESTART_AFTER, health=None):
    """Run `work()` for ever: what it raises is noted (health: Health), and it starts anew."""
    health = health or Health()
    while True:
        try:
            await work()
            work = None  # asyncio keeps the task, and this frame
            return
        except Exception as error:
            health.crashed(name, error)
        await sleep_ms(restart_after)


def may_be_published(reading):
    """False if the telegram has a tag and there is no key to check it: nobody is to
    believe what could have been checked and was not."""
    return not reading.unchecked


async def main(settings, path=SETTINGS, health=None):
    """All of the firmware, from the settings (as the file `path` has them) on; returns
    never. health: Health, begun."""
    from . import opening

    health = health or Health()
    log = Log()
    log.install()
    device = settings["device"] or unique_name()
    network = Wifi(settings)
    opening.open_cable(network, settings)
    outbox = publisher = portal = signals = power = None
    if settings["power.supply"] != "usb":
        from .board.supply import Supply

        power = network.power = Supply(settings, health.brown_outs)

    def on_reading(reading):
        if not may_be_published(reading):
            return
        if publisher is not None:
            outbox.put(reading)
            publisher.wake()
        elif signals is not None:
            signals.flash()
        if portal is not None:
            portal.live.put(reading)

    asyncio.gather, asyncio.wait_for, asyncio.Event  # loaded now, while there is room
    sample = Sample()
    port = opening.open_port(Port, settings)
    layouts = opening.own_layouts()
    reader = MeterReader(port, settings, on_reading, LINE, layouts, sample.take)
    diagnosis = Diagnosis(reader.counters)
    house = House(path, settings, device, network, diagnosis, restart, sample, health)
    house.keys_changed = reader.set_keys
    house.sniffer_state = reader.line
    if settings["mqtt.host"]:
        from .publish.mqtt import Publisher
        from .publish.outbox import Outbox

        outbox = Outbox()
        publisher = house.publisher = Publisher(settings, device, outbox, diagnosis, network)
        publisher.power = power
    else:
        print("mqtt: no broker is set")
    # Last: where memory is short, it is the page that is done without.
    portal, guests, tasks = opening.open_portal(house, log)
    signals = opening.open_signals(house, guests)
    opening.open_console(house, keep_running)
    opening = None
    unload("meterling", "opening")

    async def diagnose():
        while True:
            if diagnosis.update():
                print("meter: {}".format(diagnosis.code))
                if publisher is not None:
                    publisher.wake()
            await asyncio.sleep(1)

    loops = [loop for loop in (reader, network, publisher) if loop is not None]

    def watch():
        return feed_watchdog(lambda: health.look([loop.beats for loop in loops]))

    async def decide():
        # Whether this version stays, or the old one comes back.
        try:
            import boot_slots
        except ImportError:
            return  # started from nothing that has slots
        del boot_slots  # `forget` is to find nobody who holds it
        from .update import forget
        from .update.trial import judge

        await judge(lambda: reader.counters[_READINGS], network.is_up, restart)
        forget()

    tasks += [
        ("update", decide),
        ("meter", reader.run),
        ("quiet", reader.watch_quiet),
        ("diagnosis", diagnose),
        ("wifi", network.run),
        ("watchdog", watch),
    ]
    if power is not None:
        tasks.append(("power", power.run))
        if guests is not None:
            guests.power = power
    if publisher is not None:
        tasks.append(("mqtt", publisher.run))
    if signals is not None:
        tasks.append(("signals", signals.run))
        if publisher is not None:
            publisher.on_published = signals.flash
    await asyncio.gather(*[keep_running(name, work, health=health) for name, work in tasks])


def run(path=SETTINGS):
    """Start. ConfigError, naming the setting, if one is wrong."""
    health = Health()
    health.begin(reset_cause())
    try:
        asyncio.run(main(config.load(path), path, health))
    except Exception as error:
        health.crashed("start", error)
        raise
