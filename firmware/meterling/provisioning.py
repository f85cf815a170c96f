"""A browser gives the dongle its Wi-Fi over USB: Improv, from the dongle's side.

Only until there is one. Then nothing listens any more, Ctrl-C is MicroPython's again, and the
memory is free. (Not for safety: whoever holds the cable has the whole dongle.) Another network
is chosen on the page; a factory reset comes back here.
"""

import asyncio

from .board import console
from .publish.loop import sleep_ms
from .python import const, unload

_CHECK = const(50)  # ms; MicroPython keeps 260 bytes for us meanwhile
_SILENCE = const(20)  # _CHECKs, after which the rest of a packet does not come
_LINGER = const(12_000)  # _CHECKs with Wi-Fi, 10 min: the browser's window is still open
_CTRL_C = const(3)
_ONCE = const(1)  # _CHECK, where there is a Wi-Fi: for what came while the firmware started


def start(house, keep_running):
    """Listen in the background. `house`: portal.house.House; keep_running: app's."""
    linger = _ONCE if house.settings["wifi.ssid"] else _LINGER
    asyncio.create_task(keep_running("console", Listener(house, linger).run))


class Listener:
    """`linger` (int, 50 ms): how long, with a Wi-Fi."""

    def __init__(self, house, linger):
        self._house = house
        self._linger = linger
        self._silence = 0
        self._dialogue = None  # what understands packets is loaded when something comes

    async def run(self):
        """Listen, until it was long enough or there is nobody to listen to. KeyboardInterrupt
        at Ctrl-C: what came after that is left for the REPL."""
        console.interrupt_at(-1)
        try:
            await sleep_ms(_CHECK)
            # All else is done in there: a coroutine's frame holds for a long time what it has
            # called, and what is dropped is to be free.
            while self._look():
                await sleep_ms(_CHECK)
        finally:
            console.interrupt_at(_CTRL_C)
            unload("meterling", "improv improv_dialogue provisioning")
            unload("meterling.board", "console")

    def _look(self):
        self._silence += 1
        if self._dialogue and self._silence >= _SILENCE:
            self._dialogue.reset()
            if not self._dialogue.working:
                self._dialogue = None
                unload("meterling", "improv improv_dialogue")
        byte = console.take()
        while byte >= 0:
            self._silence = 0
            if not self._dialogue:
                from .improv_dialogue import Dialogue

                self._dialogue = Dialogue(self._house, console.write)
            self._dialogue.feed(byte)
            byte = console.take()
        if self._house.settings["wifi.ssid"]:
            self._linger -= 1
        return byte == -1 and self._linger > 0
