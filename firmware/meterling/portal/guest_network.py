"""When the dongle opens its own Wi-Fi, and when it closes it again.

It is open while there is no way to the page but this: nothing is set up, the home's
Wi-Fi was away for five minutes, or somebody pressed the button. It closes a minute after the
home's Wi-Fi is there and the setup was finished; or after half an hour, where it never is.
"""

import asyncio

from ..publish.loop import sleep_ms
from ..python import const, unload

_CHECK = const(1000)  # ms
_AWAY = const(300)  # s without the home's Wi-Fi
_LINGER = const(60)  # s: the phone still shows where the page is now
_UNFINISHED = const(1800)  # s
_SHORTEST_PASSWORD = const(8)


class GuestNetwork:
    """`house`: House; dns_port: int (for tests).

    The name is Meterling-XXXX, the password the setting "ap.password" (printed on the
    dongle); without one it is only opened if the owner chose "ap.open". power: has `publish`
    (bool: there is energy for it), or None.
    """

    def __init__(self, house, dns_port=53):
        self._house = house
        self._dns_port = dns_port
        self._asked_for = False
        self._left = 0  # s until it closes
        self._responder = None
        self.power = None

    def ask_for(self):
        """Somebody held the button."""
        self._asked_for = True
        self._house.done = False

    async def run(self):
        """Open and close, for ever."""
        while True:
            self.look()
            await sleep_ms(_CHECK)

    def look(self):
        """To be called once a second."""
        house = self._house
        wifi = house.wifi
        if not wifi.access_point_is_open():
            if self._is_needed() and self._may_send():
                self._open()
        elif not self._may_send():
            self._close()
        elif self._is_needed() or (self._asked_for and not house.done):
            self._left = _UNFINISHED
        else:
            if house.done or house.settings["portal.setup_done"]:
                self._left = min(self._left, _LINGER)
            self._left -= 1
            if self._left < 0:
                self._close()

    def _may_send(self):
        return self.power is None or self.power.publish

    def _is_needed(self):
        house = self._house
        if not house.settings["portal.password"]:
            return True
        if not house.settings["wifi.ssid"] and not house.wifi.is_up():
            return True
        away = not house.wifi.is_up() and house.wifi.silent > _AWAY
        return away or (self._asked_for and not house.wifi.access_point_is_open())

    def _open(self):
        house = self._house
        password = house.settings["ap.password"]
        if house.settings["ap.open"]:
            password = ""
        elif len(password) < _SHORTEST_PASSWORD:
            return
        name = "Meterling-" + house.device[-4:].upper()
        from . import dns_responder

        house.wifi.open_access_point(name, password)
        self._left = _UNFINISHED
        self._responder = asyncio.create_task(
            dns_responder.run(house.wifi.access_point_address(), self._dns_port)
        )

    def _close(self):
        self._asked_for = False
        self._responder.cancel()
        self._responder = None
        unload("meterling.portal", "dns_responder")
        self._house.wifi.close_access_point()
