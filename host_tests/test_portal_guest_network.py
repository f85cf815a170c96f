"""When the dongle opens its own Wi-Fi, and when it closes it again."""

import asyncio

import pytest
from meterling.portal import dns_responder
from meterling.portal.guest_network import GuestNetwork


class Wifi:
    silent = 0
    up = True
    opened = None

    def is_up(self):
        return self.up

    def access_point_is_open(self):
        return self.opened is not None

    def access_point_address(self):
        return "127.0.0.1"

    def open_access_point(self, ssid, password):
        self.opened = ssid, password

    def close_access_point(self):
        self.opened = None


class House:
    device = "meterling-a1b2c3"
    done = False

    def __init__(self, **changes):
        self.settings = {
            "portal.password": "kept",
            "wifi.ssid": "Zuhause",
            "ap.password": "printed-on-it",
            "ap.open": False,
            "portal.setup_done": True,
        }
        for name, value in changes.items():
            self.settings[name.replace("_", ".", 1).replace("__", "_")] = value
        self.wifi = Wifi()
        self.wifi.up = bool(self.settings["wifi.ssid"])


@pytest.fixture
def looks(monkeypatch):
    """looks(house, seconds, network=None) -> what was open after each second."""

    async def responder(host, port):
        await asyncio.sleep(3600)

    monkeypatch.setattr(dns_responder, "run", responder)

    def look(house, seconds, network):
        async def run():
            for _ in range(seconds):
                network.look()
                await asyncio.sleep(0)
            return house.wifi.opened

        return asyncio.run(run())

    return look


@pytest.mark.parametrize("changes", [{"portal_password": ""}, {"wifi_ssid": ""}])
def test_it_is_open_until_everything_is_set_up(looks, changes):
    house = House(**changes)
    network = GuestNetwork(house)
    assert looks(house, 1, network) == ("Meterling-B2C3", "printed-on-it")
    assert looks(house, 100, network)
    house.settings.update({"portal.password": "kept", "wifi.ssid": "Zuhause"})
    house.wifi.up = True
    assert looks(house, 60, network)
    assert looks(house, 1, network) is None


@pytest.fixture
def joined(looks):
    """(House, GuestNetwork) just after the Wi-Fi step of the setup."""
    house = House(wifi_ssid="", portal_setup__done=False)
    network = GuestNetwork(house)
    looks(house, 1, network)
    house.settings["wifi.ssid"] = "Zuhause"
    house.wifi.up = True
    return house, network


def test_it_stays_open_after_the_wifi_step_until_the_setup_is_finished(looks, joined):
    house, network = joined
    assert looks(house, 900, network)
    house.settings["portal.setup_done"] = house.done = True
    assert looks(house, 60, network)
    assert looks(house, 1, network) is None


def test_a_setup_that_nobody_finishes_leaves_it_open_for_half_an_hour(looks, joined):
    house, network = joined
    assert looks(house, 1800, network)
    assert looks(house, 1, network) is None


def test_a_cable_does_without_a_wifi(looks):
    house = House(wifi_ssid="")
    network = GuestNetwork(house)
    assert looks(house, 1, network)
    house.wifi.up = True
    assert looks(house, 61, network) is None
    assert looks(house, 5, network) is None


def test_it_opens_when_the_home_s_wifi_was_away_for_long_and_closes_when_it_is_back(looks):
    house = House()
    network = GuestNetwork(house)
    assert looks(house, 5, network) is None
    house.wifi.up, house.wifi.silent = False, 300
    assert looks(house, 1, network) is None
    house.wifi.silent = 301
    assert looks(house, 1, network)
    house.wifi.up, house.wifi.silent = True, 0
    assert looks(house, 61, network) is None


def test_the_button_opens_it_until_the_owner_is_done(looks):
    house = House()
    network = GuestNetwork(house)
    network.ask_for()
    assert looks(house, 300, network)
    house.done = True
    assert looks(house, 61, network) is None
    assert looks(house, 5, network) is None


def test_it_is_never_open_to_everybody_unless_the_owner_chose_that(looks):
    house = House(wifi_ssid="", ap_password="")
    assert looks(house, 3, GuestNetwork(house)) is None
    house = House(wifi_ssid="", ap_password="", ap_open=True)
    assert looks(house, 3, GuestNetwork(house)) == ("Meterling-B2C3", "")
