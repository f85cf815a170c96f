"""The home's Wi-Fi: joined in the background, and joined again for ever."""

import asyncio

import network

from ..python import const

_CHECK = const(1)  # s
_JOIN_AGAIN_AFTER = const(15)  # s without connection

# What the driver says, where it says anything: names of `network`'s constants
_REASONS = {
    "STAT_NO_AP_FOUND": "wifi-not-found",
    "STAT_WRONG_PASSWORD": "wifi-password",
    "STAT_ASSOC_FAIL": "wifi-refused",
    "STAT_BEACON_TIMEOUT": "wifi-lost",
    "STAT_HANDSHAKE_TIMEOUT": "wifi-password",
}


class Wifi:
    """`settings`: "wifi.ssid" and "wifi.password". Joins nothing if ssid is empty."""

    def __init__(self, settings):
        self._ssid = settings["wifi.ssid"]
        self._password = settings["wifi.password"]
        self._wlan = network.WLAN(network.STA_IF)

    def is_up(self):
        """True if there is a connection and an address."""
        return self._wlan.isconnected()

    def nameserver(self):
        """Dotted address of the name server that the network named, "" if none."""
        return self._wlan.ifconfig()[3]

    def problem(self):
        """What the driver says is wrong: "wifi-..", or "wifi-joining"."""
        status = self._wlan.status()
        for name, code in _REASONS.items():
            if status == getattr(network, name, None):
                return code
        return "wifi-joining"

    async def run(self):
        """Join, watch and join again. Nothing here waits for the radio."""
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
            if self._ssid and silent > _JOIN_AGAIN_AFTER:
                if was_up or self._wlan.status() != getattr(network, "STAT_IDLE", None):
                    print("wifi: {}".format(self.problem()))
                self._join()
                silent = 0
            was_up = up
            await asyncio.sleep(_CHECK)

    def _join(self):
        try:
            self._wlan.disconnect()
        except OSError:
            pass  # it was not connected
        self._wlan.connect(self._ssid, self._password)
