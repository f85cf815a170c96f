"""The home's Wi-Fi: joined in the background, and joined again for ever, unless there is a cable;
and the dongle's own, for setting it up.

There is one radio: while it looks for other networks or joins one on another channel, who
is on the access point hears nothing for a while.
"""

import asyncio

import network

from ..python import const, unload

_CHECK = const(1)  # s
_JOIN_AGAIN_AFTER = const(15)  # s without connection
_WITH_GUESTS = const(60)  # s: for as long as it joins they hear nothing
# The driver's own, after the first; by default it tries for ever: then it scans nothing else,
# the access point can hardly be heard, and most reasons are never told.
_MORE_TRIES = const(1)
_NAME = "meterling"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_JOINING = "wifi-joining"


def host_name(device):
    """What a device (str) is called in the network: in letters, digits and dashes (RFC 1123,
    2.1). "meterling" if nothing is left, or it has no name of its own."""
    name = "".join(c if c in _LETTERS else "-" for c in device.lower()).strip("-")
    return name or _NAME


class Wifi:
    """`settings`: "wifi.ssid", "wifi.password", "device". Joins nothing if ssid is empty.

    wlan: network.WLAN; lan: network.LAN, None without; silent: s without connection. beats: int,
    another one whenever the loop went on. power: board.supply.Supply, which says when the radio
    may run; None: always.
    """

    test_time = 20  # s, int: how long a network may take to let us in and give an address

    def __init__(self, settings):
        self._ssid = settings["wifi.ssid"]
        self._password = settings["wifi.password"]
        self._name = host_name(settings["device"])
        try:
            network.hostname(self._name)  # before the first connection: mDNS keeps that one
        except (AttributeError, OSError):
            pass
        self.wlan = network.WLAN(network.STA_IF)
        self.lan = None
        self._guests = None  # the access point, while it is open
        self._busy = False
        self._again = False  # it left the network, to look for others
        self._status = None  # what the driver said last, and what that means
        self._problem = _JOINING
        self.silent = 0
        self.beats = 0
        self.power = None

    def is_up(self):
        """True if there is a connection and an address."""
        return self._way().isconnected()

    def _way(self):
        return self.lan if self.lan is not None and self.lan.isconnected() else self.wlan

    def nameserver(self):
        """Dotted address of the name server that the network named, "" if none."""
        return self._way().ifconfig()[3]

    def name(self):
        """The name (str) under which we are found, without ".local"."""
        try:
            return network.hostname()
        except (AttributeError, OSError):
            return self._name

    def address(self):
        """Our dotted address in the home's network, None if there is none."""
        way = self._way()
        return way.ifconfig()[0] if way.isconnected() else None

    def problem(self):
        """What the driver says is wrong: "wifi-..", or "wifi-joining"."""
        status = self.wlan.status()
        if status != self._status:
            try:
                from . import wifi_problem

                self._problem = wifi_problem.find(status)
                self._status = status
            except (MemoryError, ImportError):
                return _JOINING
            finally:
                unload("meterling.board", "wifi_problem")
        return self._problem

    def rssi(self):
        """Strength of the network we are on (int, dBm), None if on none, or unknown."""
        try:
            return self.wlan.status("rssi")
        except (OSError, TypeError, ValueError):
            return None

    def status(self):
        """What the page shows (dict)."""
        up = self.is_up()
        return {
            "up": up,
            "ssid": self._ssid or None,
            "address": self.address(),
            "rssi": self.rssi() if up else None,
            "problem": None if up or not self._ssid else self.problem(),
            "cable": up and self._way() is self.lan,
            "access_point": self._guests is not None,
        }

    async def run(self):
        """Join, watch and join again. Nothing here waits for the radio."""
        if self.power is None:
            self.wlan.active(True)
        if not self._ssid:
            print("wifi: no network is set")
        was_up = False
        silent = _WITH_GUESTS  # nobody is there yet: it joins at once
        while True:
            self.beats = self.beats + 1 & 0xFFFF
            if self.power is not None and not self.power.allows(self.wlan):
                was_up = False
                silent = _WITH_GUESTS  # once it may, it joins at once
                await asyncio.sleep(_CHECK)
                continue
            up = self.is_up()
            if up and not was_up:
                print("wifi: connected as {}".format(self.address()))
            silent = 0 if up else silent + _CHECK
            self.silent = 0 if up else self.silent + _CHECK
            pause = _JOIN_AGAIN_AFTER if self._guests is None else _WITH_GUESTS
            due = silent > pause or was_up or self._again
            if due and not up and self._ssid and not self._busy:
                if was_up or self.wlan.status() != getattr(network, "STAT_IDLE", None):
                    print("wifi: {}".format(self.problem()))
                try:
                    self.join(self._ssid, self._password)
                except OSError as error:
                    print("wifi: {}".format(error))
                silent = 0
                self._again = False
            was_up = up
            await asyncio.sleep(_CHECK)

    def use(self, ssid, password):
        """Another network from now on."""
        self._ssid = ssid
        self._password = password

    def join(self, ssid, password):
        """Ask the radio to join that network; nothing waits for it. OSError if it will not."""
        self.leave()
        try:
            self.wlan.config(reconnects=_MORE_TRIES)
        except (OSError, ValueError, TypeError):
            pass  # an older driver
        if password:
            self.wlan.connect(ssid, password)
        else:
            self.wlan.connect(ssid)

    def leave(self):
        """Ask the radio to be on no network, and to join none."""
        try:
            self.wlan.disconnect()
        except OSError:
            pass  # it was not connected

    # The access point

    def open_access_point(self, ssid, password):
        """Open our own network: WPA2 with `password` (8 to 63 characters), or open if that
        is "". Its address is fixed by the driver."""
        try:
            from . import access_point

            self._guests = access_point.open_access_point(ssid, password)
        finally:
            unload("meterling.board", "access_point")
        print("wifi: access point {} at {}".format(ssid, self.access_point_address()))

    def close_access_point(self):
        """Close it; nothing if it is not open."""
        if self._guests is not None:
            self._guests.active(False)
            self._guests = None
            print("wifi: access point closed")

    def access_point_is_open(self):
        return self._guests is not None

    def access_point_address(self):
        """Our dotted address for guests, "" if the access point is not open."""
        return self._guests.ifconfig()[0] if self._guests is not None else ""

    def is_guest(self, client):
        """True if `client` (dotted) is on the access point."""
        if self._guests is None:
            return False
        own, mask = self._guests.ifconfig()[:2]
        own, mask, client = _number(own), _number(mask), _number(client)
        return own & mask == client & mask

    def addresses(self):
        """Our dotted addresses (list of str)."""
        found = []
        if self._guests is not None:
            found.append(self.access_point_address())
        for way in (self.wlan, self.lan):
            if way is not None and way.isconnected():
                found.append(way.ifconfig()[0])
        return found

    # Other networks

    def is_busy(self):
        """True while there is a scan or a test."""
        return self._busy

    async def scan(self):
        """[(ssid, channel, rssi, whether it wants a password)] of what is in the air; some
        seconds. OSError if the radio does not want to."""
        return await self._search("scan")

    async def test(self, ssid, password):
        """(code, address, rssi): join that network, and use it from now on if that is
        "ok"; address: dotted, or None; rssi: int or None. Else the former one is joined
        again. Codes: API.md of the portal."""
        return await self._search("test", ssid, password)

    async def _search(self, what, *args):
        self._busy = True
        try:
            from . import wifi_search

            return await getattr(wifi_search, what)(self, *args)
        finally:
            self._busy = False
            self._again = True
            unload("meterling.board", "wifi_search")


def _number(dotted):
    number = 0
    for part in dotted.split("."):
        number = number << 8 | int(part)
    return number
