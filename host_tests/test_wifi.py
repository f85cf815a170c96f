"""The home's Wi-Fi, where the driver is as the ESP32's: see standins/network_scene.py."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from board_modules import forget_board
from meterling_tools import interpreters

STANDINS = Path(interpreters.__file__).parent / "standins"
HOME = {"ssid": "Zuhause", "rssi": -61, "password": "geheim12", "delay": 300}
SETTINGS = {"wifi.ssid": "", "wifi.password": "", "device": ""}


@pytest.fixture
def wifi(tmp_path, monkeypatch):
    """wifi(networks, **settings) -> Wifi with those in the air."""
    air = tmp_path / "air.json"
    monkeypatch.setenv("METERLING_WIFI", str(air))
    monkeypatch.syspath_prepend(STANDINS)
    forget_board()

    def make(networks, **settings):
        from meterling.board.wifi import Wifi

        air.write_text(json.dumps({"networks": networks}))
        made = Wifi(SETTINGS | {name.replace("_", "."): text for name, text in settings.items()})
        made.test_time = 2
        return made

    yield make
    forget_board()


async def running(wifi, work, seconds=0.0):
    """What `work` (a coroutine) returns, beside `wifi.run`, which goes on for `seconds`."""
    task = asyncio.create_task(wifi.run())
    try:
        await asyncio.sleep(seconds)
        return await work
    finally:
        task.cancel()


def test_what_is_in_the_air_is_found_although_the_home_s_network_is_gone(wifi):
    found = wifi([HOME], wifi_ssid="Verkauft", wifi_password="geheim12")
    networks = asyncio.run(running(found, found.scan(), seconds=0.2))
    assert networks == [("Zuhause", 1, -61, True)]


def test_a_wrong_password_says_nothing_about_the_next(wifi):
    found = wifi([HOME])

    async def ask():
        assert (await found.test("Zuhause", "falsch12"))[0] == "wifi-password"
        return await found.test("Zuhause", "geheim12")

    assert asyncio.run(ask()) == ("ok", "127.0.0.1", -61)


def test_a_network_that_lets_us_in_but_gives_no_address(wifi):
    found = wifi([HOME | {"address": False}])

    async def ask():
        assert (await found.test("Zuhause", "falsch12"))[0] == "wifi-password"
        return await found.test("Zuhause", "geheim12")

    assert asyncio.run(ask()) == ("wifi-no-address", None, -61)


def test_after_a_look_around_it_goes_home_at_once(wifi):
    found = wifi([HOME], wifi_ssid="Zuhause", wifi_password="geheim12")

    async def ask():
        assert (await found.test("Nachbar", "geheim12"))[0] == "wifi-not-found"
        for _ in range(30):
            await asyncio.sleep(0.1)
            if found.is_up():
                return True
        return False

    assert asyncio.run(running(found, ask(), seconds=0.5))


def test_a_dongle_that_is_set_up_but_has_no_login_joins_as_soon_as_it_starts(wifi):
    """Its own Wi-Fi is open then, from the start on: with guests it would join once a minute."""
    found = wifi([HOME], wifi_ssid="Zuhause", wifi_password="geheim12")

    async def ask():
        for _ in range(30):
            await asyncio.sleep(0.1)
            if found.is_up():
                return True
        return False

    found.open_access_point("Meterling-A1B2", "geheim12")
    assert asyncio.run(running(found, ask()))


@pytest.mark.parametrize("problem", [OSError(5), MemoryError(), ValueError("x")])
def test_a_scan_that_fails_leaves_nothing_busy(wifi, monkeypatch, problem):
    found = wifi([HOME])
    monkeypatch.setattr(sys.implementation, "_thread", "GIL", raising=False)

    def scan():
        raise problem

    found.wlan.scan = scan
    with pytest.raises(type(problem)):
        asyncio.run(asyncio.wait_for(found.scan(), 5))
    assert not found.is_busy()
