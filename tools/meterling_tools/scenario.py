"""`meterling demo --scenario schwaz`: from the box to live values, as an owner there.

The owner is whoever sits before the screen, with two pages: the dongle's own, from the real
firmware, and a stand-in for the operator's portal. We tell what to do now, see by the dongle
and the portal that it was done, and let hours pass in seconds.
"""

import asyncio
import http.client
import json
import textwrap
import time
from urllib.parse import urlsplit

from . import rig, scenario_portal

_METER = "schwaz"
_TICK = 0.5  # s
_HOURS = 20  # s for "some hours", and for the night
_LIVE = 60  # s to look at the live values
_WIDTH = 79


async def play(seconds=None):
    """Tell the story to its end; `seconds`: how long live values are shown then, 60 if None.
    CommandError if a part of the line is missing, or ends by itself."""
    async with rig.Rig(_METER, bare=True, silent=True) as line:
        with scenario_portal.ScenarioPortal(line.meter.key) as portal:
            await _Story(line, portal, _LIVE if seconds is None else seconds).tell()


class _Story:
    def __init__(self, line, portal, seconds):
        self._line = line
        self._portal = portal
        self._seconds = seconds
        self._chapters = 0
        self._active = False

    async def tell(self):
        line, portal = self._line, self._portal
        start = time.monotonic()
        print(f"You live in Schwaz, and have a new dongle ({line.meter.description}).")
        print(f"The dongle's page:     {line.page}")
        print(f"The operator's portal: {portal.url} (a stand-in)")

        self._chapter(
            "The dongle",
            "It hangs on the meter and has opened its own Wi-Fi; this PC is in it already. Open the"
            " dongle's page and follow it to the end.",
            f"Your Wi-Fi at home is {rig.HOME}, its password {rig.HOME_PASSWORD}. You have no key"
            " yet, and want no broker.",
        )
        await self._until(self._is_set_up)
        self._chapter(
            "The portal",
            "All is set up, but the meter is silent: its interface is not active. Open the"
            " operator's portal and activate it.",
        )
        await self._until(lambda: portal.step >= scenario_portal.ACTIVATED)
        self._chapter("Some hours", f"They pass in {_HOURS} s, or by the portal's button.")
        await self._pass(scenario_portal.ACTIVATED)
        self._chapter(
            "Telegrams",
            "The meter sends. See how the dongle's page finds out what, and then asks for the key.",
        )
        await self._until(lambda: line.diagnosis() in ("no-key", "wrong-key", "ok"))
        self._chapter("The night", f"It passes in {_HOURS} s, or by the portal's button.")
        await self._pass(scenario_portal.HOURS_LATER)
        self._chapter(
            "The key",
            'It stands in the portal now. In the dongle\'s page open "Settings", "Key"'
            ' ("Einstellungen", "Schlüssel").',
            "Paste the customer number first, by mistake; and then the key.",
        )
        await self._until(lambda: line.diagnosis() == "ok")
        minutes, rest = divmod(round(time.monotonic() - start), 60)
        self._chapter(
            "Live values",
            f"From the box to here: {minutes} min {rest} s. Look at them: {line.page}#live",
            f"The demo ends in {self._seconds:.0f} s.",
        )
        await self._until(lambda: False, self._seconds)

    def _chapter(self, title, *sentences):
        self._chapters += 1
        print(f"\n{self._chapters}. {title}")
        for text in sentences:
            print(textwrap.indent(textwrap.fill(text, _WIDTH - 3, break_on_hyphens=False), "   "))
        print(end="", flush=True)

    async def _pass(self, step):
        await self._until(lambda: self._portal.step > step, _HOURS)
        self._portal.leave(step)

    async def _until(self, condition, seconds=None):
        """Wait until `condition()` is true, at most so long; and let the meter speak as soon as
        its interface is active, whatever the owner does first."""
        end = None if seconds is None else time.monotonic() + seconds
        while not await _value(condition) and (end is None or time.monotonic() < end):
            if not self._active and self._portal.step >= scenario_portal.HOURS_LATER:
                self._active = True
                await self._line.start_meter()
            await self._line.message(_TICK)

    async def _is_set_up(self):
        return await asyncio.to_thread(_hello, self._line.page)


async def _value(condition):
    found = condition()
    return await found if asyncio.iscoroutine(found) else found


def _hello(page):
    """Whether the owner has finished the setup, as the dongle tells everybody."""
    connection = http.client.HTTPConnection(urlsplit(page).netloc, timeout=5)
    try:
        connection.request("GET", "/api/hello")
        return json.loads(connection.getresponse().read()).get("setup_done", False)
    except (OSError, http.client.HTTPException, ValueError):
        return False  # it starts anew, or is changing its network
    finally:
        connection.close()
