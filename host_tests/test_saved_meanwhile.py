"""What is saved while a request waits stays saved."""

import asyncio
import sys
from types import SimpleNamespace

import pytest
from meterling_tools import dependencies

sys.path.append(str(dependencies.fetch()))  # microdot

from meterling import config  # noqa: E402
from meterling.portal import api_account, api_network, gate, mdns  # noqa: E402


class Wifi:
    def name(self):
        return "meterling"

    def addresses(self):
        return ["192.168.1.5"]

    async def test(self, ssid, password):
        return "ok", "192.168.1.5", -50


def make_portal(save=None):
    settings = config.defaults()
    house = SimpleNamespace(settings=settings, wifi=Wifi(), device="meterling-a1b2c3", mdns=None)
    save = save or settings.update
    return SimpleNamespace(house=house, save=save, wifi_test={}, tries=[0, 0, False])


def beside(portal, work):
    """Run `work` (a coroutine), and save a broker while it waits."""

    async def run():
        task = asyncio.create_task(work)
        await asyncio.sleep(0.05)
        portal.house.settings["mqtt.host"] = "broker"
        await task

    asyncio.run(run())
    assert portal.house.settings["mqtt.host"] == "broker"


def test_during_a_test_of_the_wifi(monkeypatch):
    async def slow(*args):
        await asyncio.sleep(0.2)
        return True

    monkeypatch.setattr(mdns, "is_taken", slow)
    portal = make_portal()
    beside(portal, api_network._test(portal, "Zuhause", "geheim12"))
    assert portal.house.settings["wifi.ssid"] == "Zuhause"
    assert portal.wifi_test["saved"] and portal.wifi_test["ssid"] == "Zuhause"


def test_while_a_password_is_hashed(monkeypatch):
    async def slow(self, text):
        await asyncio.sleep(0.2)
        return "hash of " + text

    monkeypatch.setattr(gate.Gate, "record", slow)
    portal = make_portal()
    beside(portal, api_account._set_password(portal, "Sonnenblume 8"))
    assert portal.house.settings["portal.password"] == "hash of Sonnenblume 8"


@pytest.mark.parametrize("problem", [OSError, MemoryError, IndexError])
def test_what_could_not_be_saved_is_no_success(monkeypatch, problem):
    def save(settings):
        raise problem

    async def is_taken(*args):
        return False

    monkeypatch.setattr(mdns, "is_taken", is_taken)
    portal = make_portal(save)
    asyncio.run(api_network._test(portal, "Zuhause", "geheim12"))
    assert (portal.wifi_test["result"], portal.wifi_test["saved"]) == ("not-saved", False)
