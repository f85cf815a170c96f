"""`network` on a PC: a Wi-Fi that is always there, over whatever the PC is connected with.

METERLING_WIFI in the environment names a file with other air; see network_scene.
"""

import os

STA_IF = 0
AP_IF = 1
AUTH_OPEN = 0
AUTH_WPA2_PSK = 3
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202

_hostname = ["mpy-unix"]


def hostname(name=None):
    """The name that mDNS and DHCP are given."""
    if name is not None:
        _hostname[0] = name
    return _hostname[0]


class WLAN:
    PM_POWERSAVE = 2

    def __init__(self, interface=STA_IF):
        self._interface = interface

    def active(self, on=None):
        return True

    def config(self, **settings):
        pass

    def scan(self):
        return []

    def connect(self, ssid, password=None):
        pass

    def disconnect(self):
        pass

    def isconnected(self):
        return True

    def status(self, what=None):
        return -50 if what == "rssi" else STAT_GOT_IP

    def ifconfig(self):
        """(address, netmask, gateway, name server), as strings; the name server is the PC's."""
        if self._interface == AP_IF:
            return guests("127.0.0.2")
        return "127.0.0.1", "255.0.0.0", "127.0.0.1", nameserver()


def guests(address):
    """`ifconfig` of an access point where the only guest is the address after its own."""
    return address, "255.255.255.254", address, address


def nameserver():
    try:
        with open("/etc/resolv.conf") as file:
            for line in file:
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver" and "." in words[1]:
                    return words[1]
    except OSError:
        pass
    return "127.0.0.1"


if os.getenv("METERLING_WIFI"):
    from network_scene import WLAN  # noqa: F401, F811
