"""Opening the dongle's own Wi-Fi. Loaded for that, and dropped again."""

import network

from ..python import const

_MOST_GUESTS = const(4)
_SECURE = const(3)  # network.AUTH_WPA2_PSK
_OPEN = const(0)


def open_access_point(ssid, password):
    """See Wifi.open_access_point; the interface (network.WLAN)."""
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
    return guests
