"""The home's Wi-Fi: joined in the background, and joined again for ever; and the dongle's
own, for setting it up.

There is one radio: while it looks for other networks or joins one on another channel, who
is on the access point hears nothing for a while.
"""

import asyncio
import sys

import network

from ..python import const

_CHECK = const(1)  # s
_JOIN_AGAIN_AFTER = const(15)  # s without connection
_TEST_TIME = const(20)  # s to join a network and get an address
_TEST_CHECK = const(100)  # ms
_WEAK = const(-82)  # dBm: joining fails more often than not
_MOST_GUESTS = const(4)
_SECURE = const(3)  # network.AUTH_WPA2_PSK
_OPEN = const(0)
_NAME = "meterling"

# What the driver says, where it says anything: names of `network`'s constants
_REASONS = {
    "STAT_NO_AP_FOUND": "wifi-not-found",
    "STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY": "wifi-refused",
    "STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD": "wifi-refused",
    "STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD": "wifi-too-weak",
    "STAT_WRONG_PASSWORD": "wifi-password",
    "STAT_ASSOC_FAIL": "wifi-refused",
    "STAT_BEACON_TIMEOUT": "wifi-lost",
    "STAT_HANDSHAKE_TIMEOUT": "wifi-password",
}
_PATIENT = ("wifi-joining", "wifi-lost")  # may still become a connection


class Wifi:
    """`settings`: "wifi.ssid" and "wifi.password". Joins nothing if ssid is empty.

    silent: s without connection.
    """

    def __init__(self, settings):
        self._ssid = settings["wifi.ssid"]
        self._password = settings["wifi.password"]
        self._wlan = network.WLAN(network.STA_IF)
        self._guests = None  # the access point, while it is open
        self._busy = False
        self.silent = 0

    def is_up(self):
        """True if there is a connection and an address."""
        return self._wlan.isconnected()

    def nameserver(self):
        """Dotted address of the name server that the network named, "" if none."""
        return self._wlan.ifconfig()[3]

    def name(self):
        """The name (str) under which we are found, without ".local"."""
        try:
            return network.hostname()
        except (AttributeError, OSError):
            return _NAME

    def address(self):
        """Our dotted address in the home's network, None if there is none."""
        return self._wlan.ifconfig()[0] if self.is_up() else None

    def problem(self):
        """What the driver says is wrong: "wifi-..", or "wifi-joining"."""
        status = self._wlan.status()
        for name, code in _REASONS.items():
            if status == getattr(network, name, None):
                return code
        return "wifi-joining"

    def rssi(self):
        """Strength of the network we are on (int, dBm), None if on none, or unknown."""
        try:
            return self._wlan.status("rssi")
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
            "access_point": self._guests is not None,
        }

    async def run(self):
        """Join, watch and join again. Nothing here waits for the radio."""
        try:
            network.hostname(_NAME)
        except (AttributeError, OSError):
            pass
        self._wlan.active(True)
        if not self._ssid:
            print("wifi: no network is set")
        was_up = False
        silent = _JOIN_AGAIN_AFTER
        while True:
            up = self.is_up()
            if up and not was_up:
                print("wifi: connected as {}".format(self._wlan.ifconfig()[0]))
            silent = 0 if up else silent + _CHECK
            self.silent = 0 if up else self.silent + _CHECK
            if self._ssid and silent > _JOIN_AGAIN_AFTER and not self._busy:
                if was_up or self._wlan.status() != getattr(network, "STAT_IDLE", None):
                    print("wifi: {}".format(self.problem()))
                self._join(self._ssid, self._password)
                silent = 0
            was_up = up
            await asyncio.sleep(_CHECK)

    def _join(self, ssid, password):
        try:
            self._wlan.disconnect()
        except OSError:
            pass  # it was not connected
        if password:
            self._wlan.connect(ssid, password)
        else:
            self._wlan.connect(ssid)

    # The access point

    def open_access_point(self, ssid, password):
        """Open our own network: WPA2 with `password` (8 to 63 characters), or open if that
        is "". Its address is fixed by the driver."""
        guests = network.WLAN(network.AP_IF)
        guests.active(True)
        if password:
            guests.config(ssid=ssid, security=_SECURE, key=password)
        else:
            guests.config(ssid=ssid, security=_OPEN)
        try:
            guests.config(max_clients=_MOST_GUESTS)
        except (OSError, ValueError):
            pass
        self._guests = guests
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
        if self.is_up():
            found.append(self._wlan.ifconfig()[0])
        return found

    # Other networks

    def is_busy(self):
        """True while there is a scan or a test."""
        return self._busy

    async def scan(self):
        """[(ssid, channel, rssi, whether it wants a password)] of what is in the air; some
        seconds. OSError if the radio does not want to."""
        self._busy = True
        try:
            found = await _beside(self._wlan.scan)
        finally:
            self._busy = False
        return [
            (_text(ssid), channel, rssi, security != _OPEN)
            for ssid, _, channel, rssi, security, *_ in found
        ]

    async def test(self, ssid, password):
        """(code, address, rssi): join that network, and use it from now on if that is
        "ok"; address: dotted, or None; rssi: int or None. Else the former one is joined
        again. Codes: API.md of the portal."""
        self._busy = True
        address = None
        try:
            self._join(ssid, password)
            code = await self._joined()
            rssi = self.rssi()
            if code == "ok":
                address = self._wlan.ifconfig()[0]
                self._ssid = ssid
                self._password = password
            elif code == "wifi-timeout":
                # Where there is a strength there is a network: only the address is missing.
                if rssi is not None:
                    code = "wifi-no-address" if rssi > _WEAK else "wifi-too-weak"
            elif code in ("wifi-not-found", "wifi-password", "wifi-refused"):
                code, rssi = await self._look_closer(ssid, code)
        finally:
            self._busy = False
            if address is None:
                try:
                    self._wlan.disconnect()  # `run` joins the former network again
                except OSError:
                    pass
        return code, address, rssi

    async def _joined(self):
        for _ in range(_TEST_TIME * 1000 // _TEST_CHECK):
            await asyncio.sleep(_TEST_CHECK / 1000)
            if self.is_up():
                return "ok"
            problem = self.problem()
            if problem not in _PATIENT:
                return problem
        return "wifi-timeout"

    async def _look_closer(self, ssid, code):
        # A network at the edge of what can be heard fails in any of these ways.
        try:
            found = await _beside(self._wlan.scan)
        except OSError:
            return code, None
        strengths = [rssi for name, _, _, rssi, *_ in found if _text(name) == ssid]
        if not strengths:
            return code, None
        if max(strengths) <= _WEAK:
            return "wifi-too-weak", max(strengths)
        return code, max(strengths)


def _text(name):
    try:
        return name.decode()
    except UnicodeError:
        return ""


def _number(dotted):
    number = 0
    for part in dotted.split("."):
        number = number << 8 | int(part)
    return number


async def _beside(work):
    """What `work()` returns. Where threads share the interpreter (ESP32), in one of its own:
    a scan takes seconds, and lets the others run meanwhile."""
    if getattr(sys.implementation, "_thread", "") != "GIL":
        return work()
    import _thread

    result = []

    def thread():
        try:
            result.append(work())
        except OSError as error:
            result.append(error)

    _thread.start_new_thread(thread, ())
    while not result:
        await asyncio.sleep(_TEST_CHECK / 1000)
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]
