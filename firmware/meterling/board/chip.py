"""The chip itself: its name, and its watchdog."""

import asyncio

import machine

from ..python import const

_WATCHDOG = const(60_000)  # ms; far above every wait, and a person would pull the plug later
_FEED = const(5)  # s


def unique_name():
    """ "meterling-" and the last 6 hex digits of the chip's number (str)."""
    return "meterling-" + "".join("%02x" % byte for byte in machine.unique_id()[-3:])


def restart():
    """Start anew, at once."""
    machine.reset()


async def feed_watchdog():
    """Start the watchdog and feed it: if the event loop ever stands still, the chip
    starts anew."""
    watchdog = machine.WDT(timeout=_WATCHDOG)
    while True:
        watchdog.feed()
        await asyncio.sleep(_FEED)
