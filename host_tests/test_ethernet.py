"""Boards with a cable: the firmware takes it, and Wi-Fi where it is not plugged in."""

import asyncio
import sys
from types import SimpleNamespace

import pytest
from board_modules import forget_board
from meterling import config
from meterling_tools import boards


class Way:
    """network.WLAN, or network.LAN"""

    def __init__(self, address, **given):
        self.address = address
        self.given = given
        self.connected = False
        self.switched_on = False

    def active(self, on):
        self.switched_on = on

    def isconnected(self):
        return self.connected

    def ifconfig(self):
        address = self.address if self.connected else "0.0.0.0"
        return address, "255.255.255.0", "192.168.1.1", "192.168.1.1"

    def status(self, what=None):
        if what:
            raise OSError
        return 1001

    def config(self, **settings):
        pass

    def disconnect(self):
        pass

    def connect(self, *network):
        pass


@pytest.fixture
def chip(monkeypatch):
    """`network` of a chip with Ethernet; `machine`, which has all pins but 48."""

    def pin(number):
        if number == 48:
            raise ValueError("invalid pin")
        return number

    names = []

    def lan(**given):
        assert names  # the cable's DHCP is told the name that there is when it is switched on
        return Way("192.168.1.30", **given)

    network = SimpleNamespace(
        hostname=names.append,
        STA_IF=0,
        PHY_LAN8720=1,
        WLAN=lambda interface: Way("192.168.1.20"),
        LAN=lan,
    )
    forget_board()
    monkeypatch.setitem(sys.modules, "network", network)
    monkeypatch.setitem(sys.modules, "machine", SimpleNamespace(Pin=pin))
    yield network
    forget_board()


def opened(**changes):
    from meterling import opening
    from meterling.board.wifi import Wifi

    document = boards.settings(boards.load("wt32-eth01"))
    document["ethernet"].update(changes)
    settings = config.check(document)
    wifi = Wifi(settings)
    opening.open_cable(wifi, settings)
    return wifi


def test_it_is_wired_as_the_kit_says(chip):
    wifi = opened()
    assert wifi.lan.switched_on
    assert wifi.lan.given == {"mdc": 23, "mdio": 18, "power": 16, "phy_type": 1, "phy_addr": 1}


def test_the_cable_goes_before_the_radio(chip):
    wifi = opened()
    assert not wifi.is_up() and wifi.address() is None and wifi.addresses() == []
    wifi.wlan.connected = True
    assert wifi.is_up() and wifi.address() == "192.168.1.20"
    wifi.lan.connected = True
    assert wifi.address() == "192.168.1.30" and wifi.nameserver() == "192.168.1.1"
    assert wifi.addresses() == ["192.168.1.20", "192.168.1.30"]
    wifi.wlan.connected = False
    assert wifi.is_up() and wifi.status()["up"] and wifi.status()["cable"]


def test_a_wifi_is_tested_although_there_is_a_cable(chip):
    wifi = opened()
    wifi.test_time = 1
    wifi.lan.connected = True
    assert asyncio.run(wifi.test("Zuhause", "geheim12"))[0] != "ok"


@pytest.mark.parametrize("changes", [{"mdc": 48}, {"mdc": -1}])
def test_without_it_there_is_wifi(chip, changes):
    assert opened(**changes).lan is None


def test_an_image_without_it_says_so(chip, capsys):
    del chip.LAN
    assert opened().lan is None
    assert "ethernet: " in capsys.readouterr().out


def test_other_boards_have_none():
    for name in set(boards.names()) - {"wt32-eth01"}:
        assert config.check(boards.settings(boards.load(name)))["ethernet.mdc"] == -1
