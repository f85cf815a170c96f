"""Back to what was in the box. What is printed on the dongle stays, and what its board is like."""

import os

from .. import config

_FORGOTTEN = ("line.json", "layouts.txt", "sessions.json")  # beside the settings
OF_BOARD = (
    "meter.rx_pin",
    "meter.tx_pin",
    "meter.request_pin",
    "meter.optical",
    "ethernet.mdc",
    "ethernet.mdio",
    "ethernet.power",
    "ethernet.address",
    "led.pin",
    "led.kind",
    "button.pin",
    "power.supply",
    "power.sense_pin",
    "portal.address",
    "portal.port",
)


def _too_late(settings):
    raise OSError


def forget_everything(house):
    """House.forget_everything"""
    settings = config.defaults()
    for name in OF_BOARD + ("ap.password",):
        settings[name] = house.settings[name]
    config.save(house.path, settings, False)  # not even what only a later version understands
    # Until the restart: whatever still runs has the old ones in mind.
    house.save = _too_late
    for name in os.listdir():
        if name in _FORGOTTEN:
            os.remove(name)
