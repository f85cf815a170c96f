"""The cable to the home's network, on boards that have one."""

import network
from machine import Pin


def open_lan(settings):
    """network.LAN, switched on, of a LAN8720 at the pins that the settings "ethernet.mdc",
    ".mdio" and ".power" name (-1: always on), with the address "ethernet.address"; its clock
    (50 MHz) comes in at GPIO0. None where the chip or the image has none."""
    power = settings["ethernet.power"]
    try:
        lan = network.LAN(
            mdc=Pin(settings["ethernet.mdc"]),
            mdio=Pin(settings["ethernet.mdio"]),
            power=Pin(power) if power >= 0 else None,
            phy_type=network.PHY_LAN8720,
            phy_addr=settings["ethernet.address"],
        )
        lan.active(True)
        return lan
    except (AttributeError, OSError, ValueError) as error:
        print("ethernet: {}".format(error))
        return None
