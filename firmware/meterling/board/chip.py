"""The chip itself: its name, why it started, and its watchdog."""

import asyncio

import machine

from ..python import const, unload

_WATCHDOG = const(60_000)  # ms; far above every wait, and a person would pull the plug later
_FEED = const(5)  # s


def unique_name():
    """ "meterling-" and the last 6 hex digits of the chip's number (str)."""
    return "meterling-" + "".join("%02x" % byte for byte in machine.unique_id()[-3:])


def restart():
    """Start anew, at once."""
    machine.reset()


def reset_cause():
    """Why the chip started (str, one of starts.CAUSES). To be asked once a start."""
    try:
        from .cause import find

        return find()
    finally:
        find = None
        unload("meterling.board", "cause")


async def feed_watchdog(is_alive=lambda: True, every=_FEED):
    """Start the watchdog, and feed it as long as is_alive(), which is asked every 5 s. If that
    says no, or the event loop stands still, the chip starts anew a minute later."""
    watchdog = machine.WDT(timeout=_WATCHDOG)
    while True:
        if is_alive():
            watchdog.feed()
        await asyncio.sleep(every)
