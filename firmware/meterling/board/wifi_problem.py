"""What the driver says, where it says anything. Loaded when that changes, and dropped again."""

import network

from ..python import const

# Of the driver, and no constant of `network`: the handshake came to no end. Nearly always it
# is the password.
_HANDSHAKE = const(15)

# Names of `network`'s constants
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


def find(status):
    """The code for what WLAN.status() says: "wifi-..", or "wifi-joining"."""
    if status == _HANDSHAKE:
        return "wifi-password"
    for name, code in _REASONS.items():
        if status == getattr(network, name, None):
            return code
    return "wifi-joining"
