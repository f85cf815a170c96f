"""The Wi-Fi of `network` on a PC, where METERLING_WIFI names a JSON file with what is in the air:

    {"networks": [{"ssid": "Zuhause", "rssi": -61, "channel": 6, "password": "geheim12",
                   "delay": 1000, "address": true, "hidden": false}],
     "address": "127.0.0.1", "access_point": "127.0.0.2", "scan": 0}

Nothing is joined until `connect`; `delay`: ms until it is; without `address`, no address
comes; `scan`: ms that looking around takes. The file is read again for each look, so that a
test can switch networks on and off.

As the driver of the ESP32: it tries again for ever, unless `reconnects` says how often; finds
nothing in the air while it tries; and why it failed stands there until there is an address.
"""

import json
import os
import sys
import time

from network import (
    AP_IF,
    AUTH_OPEN,
    AUTH_WPA2_PSK,
    STA_IF,
    STAT_CONNECTING,
    STAT_GOT_IP,
    STAT_IDLE,
    STAT_NO_AP_FOUND,
    STAT_WRONG_PASSWORD,
    guests,
    nameserver,
)

_DELAY = 300  # ms
_NOBODY = ("127.0.0.1", 9)  # who answers mDNS in this air: the PC's neighbours are not in it
_states = {}


def _scene():
    with open(os.getenv("METERLING_WIFI")) as file:
        return json.load(file)


class WLAN:
    """Both interfaces; each object of one stands for the same."""

    PM_POWERSAVE = 2

    def __init__(self, interface=STA_IF):
        house = sys.modules.get("meterling.portal.house")
        if house is not None:
            house.House.mdns = _NOBODY
        self._interface = interface
        fresh = {"active": False, "wanted": None, "since": 0, "failed": None, "reconnects": -1}
        self._state = _states.setdefault(interface, fresh)

    def active(self, on=None):
        if on is not None:
            self._state["active"] = on
            if not on:
                self._state["wanted"] = None
        return self._state["active"]

    def config(self, **settings):
        self._state.update(settings)

    def scan(self):
        """[(ssid, bssid, channel, rssi, security, hidden)]"""
        scene = _scene()
        time.sleep(scene.get("scan", 0) / 1000)
        if self._is_trying(scene):
            return []
        return [
            (
                b"" if net.get("hidden") else net["ssid"].encode(),
                bytes(6),
                net.get("channel", 1),
                net.get("rssi", -50),
                AUTH_WPA2_PSK if net.get("password") else AUTH_OPEN,
                net.get("hidden", False),
            )
            for net in scene.get("networks", [])
        ]

    def connect(self, ssid, password=""):
        self._state["wanted"] = (ssid, password)
        self._state["since"] = time.time_ns() // 1_000_000

    def disconnect(self):
        self._state["wanted"] = None

    def isconnected(self):
        return self.status() == STAT_GOT_IP

    def status(self, what=None):
        scene = _scene()
        status, found = self._status(scene)
        if what == "rssi":
            if not found or found.get("password", "") != self._state["wanted"][1]:
                raise OSError
            return found.get("rssi", -50)
        return status

    def _status(self, scene):
        state = self._state
        if state["wanted"] is None:
            return state["failed"] or STAT_IDLE, None
        found = self._find(scene)
        if self._elapsed() < self._delay(found):
            return state["failed"] or STAT_CONNECTING, None
        if not found:
            state["failed"] = STAT_NO_AP_FOUND
        elif found.get("password", "") != state["wanted"][1]:
            state["failed"] = STAT_WRONG_PASSWORD
        elif found.get("address", True):
            state["failed"] = None
            return STAT_GOT_IP, found
        return state["failed"] or STAT_CONNECTING, found

    def _is_trying(self, scene):
        state = self._state
        if state["wanted"] is None or self._status(scene)[0] == STAT_GOT_IP:
            return False
        tries = self._elapsed() // self._delay(self._find(scene))
        return state["reconnects"] < 0 or tries <= state["reconnects"]

    def _find(self, scene):
        ssid = self._state["wanted"][0]
        return next((net for net in scene["networks"] if net["ssid"] == ssid), None)

    def _delay(self, found):
        return (found or {}).get("delay", _DELAY) or 1

    def _elapsed(self):
        return time.time_ns() // 1_000_000 - self._state["since"]

    def ifconfig(self):
        """(address, netmask, gateway, name server), as strings; the name server is the PC's."""
        scene = _scene()
        if self._interface == AP_IF:
            return guests(scene.get("access_point", "127.0.0.2"))
        if not self.isconnected():
            return "0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0"
        return scene.get("address", "127.0.0.1"), "255.0.0.0", "127.0.0.1", nameserver()
