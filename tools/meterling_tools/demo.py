"""`meterling demo`: the main job without hardware, from the meter's bytes to an MQTT client.

Exit code: 0 if a reading arrived, 1 with the reason if none did, 130 after Ctrl-C.
"""

import argparse
import asyncio
import re
import signal
import sys
import time

from . import CommandError, build, live, rig, site
from .sentences import sentence
from .simulate import METERS
from .simulate.cli import interval

_PATIENCE = 40  # s without any reading: the firmware names the cause after 30
_METER = "tinetz-kaifa"
_TICK = 1  # s between two looks at the values' ages


def add_arguments(parser):
    parser.add_argument("--meter", metavar="METER", help=f"default: {_METER}")
    parser.add_argument(
        "--broker", type=_address, metavar="HOST[:PORT]", help="instead of one of its own"
    )
    parser.add_argument(
        "--key", metavar="HEX", help="what the owner types in, instead of the meter's key"
    )
    parser.add_argument("--interval", type=interval, metavar="S", help="between two telegrams")
    parser.add_argument(
        "--seconds",
        type=interval,
        metavar="S",
        help="end after that time; of a scenario: after that time with live values",
    )
    parser.add_argument("--readings", type=int, metavar="N", help="end after so many readings")
    parser.add_argument(
        "--scenario",
        choices=("schwaz",),
        help="instead: from the box to live values, as an owner there; you are the owner",
    )


def _address(text):
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = text, "1883"
    host = host.strip("[]")
    try:
        host.encode("idna")  # as whoever looks it up will: not every text can be a name
    except UnicodeError:
        host = ""
    if not host or not re.fullmatch("[0-9]{1,5}", port):
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT")
    if not 1 <= int(port) <= 65535:
        raise argparse.ArgumentTypeError(f"port {port} is not from 1 to 65535")
    return host, int(port)


def run(args):
    if args.meter not in (None, *METERS):
        raise CommandError(f"there is no meter {args.meter!r}; there are: {', '.join(METERS)}.")
    site.build_or_say(build.SITE)
    if args.scenario:
        from . import scenario

        if args.meter or args.broker or args.key or args.interval or args.readings:
            raise CommandError("--scenario has its own meter, key and end: only --seconds fits.")
        return _run_to_its_end(scenario.play(args.seconds))
    journal = live.Journal()
    status = _run_to_its_end(_play(args, journal))
    if status:
        return status
    if not journal.readings:
        raise CommandError(f"no reading arrived. {sentence(journal.code)}", 1)
    print(f"{journal.count()}; from last byte to broker: {journal.timing()}.")
    return 0


def _run_to_its_end(work):
    """Run the coroutine `work`. 0 if it came to its end, 143 if somebody ended it."""

    async def main():
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, asyncio.current_task().cancel)
        await work

    try:
        asyncio.run(main())
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    return 0


async def _play(args, journal):
    """Show what arrives until the time is over, or the readings that were asked for are there."""
    async with rig.Rig(args.meter or _METER, args.broker, args.key, args.interval) as line:
        host, port = line.broker
        meter = line.meter
        title = (
            f"{meter.description} ({meter.line}) at mqtt://{host}:{port}/meterling/{line.device}\n"
            f"The dongle's own page: {line.page}"
        )
        screen = live.Table if sys.stdout and sys.stdout.isatty() else live.Lines
        start = time.monotonic()
        with screen(title, journal) as view:
            while not _over(args, journal, time.monotonic() - start):
                message = await line.message(_TICK)
                if message:
                    journal.add(message)
                    view.show(message)
                view.tick()


def _over(args, journal, elapsed):
    if args.readings and journal.readings >= args.readings:
        return True
    if args.seconds:
        return elapsed >= args.seconds
    return not journal.readings and elapsed >= _PATIENCE


async def latencies(count, meter="tinetz-kaifa", interval=None):
    """Times (list of int, ns) from the last byte on the line to the client, of `count`
    readings in the demo's own set-up. CommandError if they do not come."""
    result = []
    async with rig.Rig(meter, interval=interval) as line:
        while len(result) < count:
            message = await line.message(_PATIENCE)
            if message is None:
                raise CommandError(f"after {len(result)} readings no further one came.", 1)
            if message.kind == "reading":
                result.append(message.latency)
    return result
