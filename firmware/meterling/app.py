"""The wiring: which part hands what to which, and what happens when one fails.

UART -> read_meter -> Decoder -> Outbox -> Publisher -> broker
                         `-> Counters -> Diagnosis -^
"""

import asyncio
import io
import sys

from . import config
from .board.chip import feed_watchdog, unique_name
from .board.uart import open_uart
from .board.wifi import Wifi
from .decoder import Decoder
from .publish.diagnosis import Diagnosis
from .publish.loop import sleep_ms, ticks_diff, ticks_ms
from .publish.outbox import Outbox
from .python import const

_CHUNK = const(512)  # bytes read at once
_QUIET = const(100)  # ms without a byte: the line is quiet
_QUIET_CHECK = const(50)  # ms
_NOTHING_READ = const(20)  # ms to wait where the UART says "readable" and gives nothing
_RESTART_AFTER = const(1000)  # ms

SETTINGS = "settings.json"


class MeterReader:
    """Bytes from `uart` to `decoder` as they come, all memory taken at the start."""

    def __init__(self, uart, decoder):
        self._stream = asyncio.StreamReader(uart)
        self._decoder = decoder
        self._buffer = bytearray(_CHUNK)
        self._heard = None  # ticks_ms of the last byte, None if the line is known quiet

    async def run(self):
        readinto = self._stream.readinto
        buffer = self._buffer
        while True:
            count = await readinto(buffer)
            if count:
                self._heard = ticks_ms()
                self._decoder.feed(buffer, count)
            else:
                await sleep_ms(_NOTHING_READ)

    async def watch_quiet(self):
        """Tell the decoder when the line has become quiet."""
        while True:
            await sleep_ms(_QUIET_CHECK)
            if self._heard is not None and ticks_diff(ticks_ms(), self._heard) > _QUIET:
                self._heard = None
                self._decoder.quiet()


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

    decoder = Decoder(
        settings["meter.link"], settings["meter.key"], settings["meter.auth_key"], on_reading
    )
    diagnosis = Diagnosis(decoder.counters)
    reader = MeterReader(open_uart(settings), decoder)
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
