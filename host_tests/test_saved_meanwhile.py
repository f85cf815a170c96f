"""What is saved while a request waits stays saved."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from meterling import config
from meterling.portal import (
    api_account,
    api_mqtt,
    api_operators,
    api_wifi,
    gate,
    house,
    mdns,
)


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
    beside(portal, api_wifi._test(portal, "Zuhause", "geheim12"))
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


def test_a_key_that_found_no_memory_is_taken_when_it_is_saved_again(monkeypatch, tmp_path):
    taken = []

    def keys_changed(key, auth_key):
        if not taken:
            taken.append(None)
            raise MemoryError
        taken.append(key)

    settings = config.defaults()
    one = house.House(str(tmp_path / "settings.json"), settings, "", *[None] * 5)
    one.keys_changed = keys_changed
    key = bytes(range(16))
    with pytest.raises(MemoryError):
        one.save({**settings, "meter.key": key})
    one.save({**settings, "meter.key": key})
    assert taken == [None, key] and settings["meter.key"] == key


def test_of_two_tests_of_a_broker_the_first_takes_nothing_from_the_second(monkeypatch):
    unloaded = []
    monkeypatch.setattr(api_mqtt, "unload", lambda *args: unloaded.append(args[1]))

    async def try_broker(house, settings):
        await asyncio.sleep(0.05 if settings["mqtt.host"] == "quick" else 0.2)
        return "ok" if "simple" not in unloaded else "mqtt-timeout"

    monkeypatch.setattr(api_mqtt, "_try_broker", try_broker)
    portal = make_portal()
    portal.house.publisher = None
    portal.broker_tests = 0

    def ask(host):
        body = json.dumps({"host": host}).encode()
        request = SimpleNamespace(content_type="application/json", body=body)
        return api_mqtt.test(portal, request)

    async def run():
        return await asyncio.gather(ask("quick"), ask("slow"))

    assert asyncio.run(run()) == [{"result": "ok"}] * 2
    assert unloaded[-1] == "simple" and portal.broker_tests == 0


def test_no_module_stays_loaded_where_memory_ends_in_the_list_of_operators(monkeypatch):
    unloaded = []
    monkeypatch.setattr(api_operators, "unload", lambda *args: unloaded.append(args[1]))

    def no_memory(pieces):
        next(pieces)
        raise MemoryError

    monkeypatch.setattr(api_operators, "parts_of", no_memory)
    with pytest.raises(MemoryError):
        asyncio.run(api_operators.index(None, None))
    assert unloaded == ["operators"]


def test_the_uptime_goes_on_where_the_ticks_begin_anew(monkeypatch):
    """Every 12.4 days on 32 bits, whose integers end there, too."""
    real = [5000]
    monkeypatch.setattr(house, "ticks_ms", lambda: real[0] & 0x3FFFFFFF)
    monkeypatch.setattr(
        house, "ticks_diff", lambda a, b: ((a - b + (1 << 29)) & 0x3FFFFFFF) - (1 << 29)
    )
    one = house.House("", config.defaults(), "", *[None] * 5)
    for _ in range(20 * 24 * 60):
        real[0] += 60_007
        one.tick()
        assert one._ticks < 1 << 30
    assert one.uptime() == (real[0] - 5000) // 1000


@pytest.mark.parametrize("problem", [OSError, MemoryError, IndexError])
def test_what_could_not_be_saved_is_no_success(monkeypatch, problem):
    def save(settings):
        raise problem

    async def is_taken(*args):
        return False

    monkeypatch.setattr(mdns, "is_taken", is_taken)
    portal = make_portal(save)
    asyncio.run(api_wifi._test(portal, "Zuhause", "geheim12"))
    assert (portal.wifi_test["result"], portal.wifi_test["saved"]) == ("not-saved", False)
