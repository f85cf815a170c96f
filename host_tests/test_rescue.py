"""The rescue's way into a network; its page is tested with the update."""

import importlib
import sys
from types import SimpleNamespace

import pytest
from meterling_tools import FIRMWARE


class Wlan:
    """Notes what it is told; finds no network."""

    told = []

    def __init__(self, kind):
        self.kind = kind

    def __getattr__(self, name):
        def tell(*args, **more):
            self.told.append((self.kind, name, *args))
            return {"isconnected": False, "ifconfig": ("192.168.4.1",)}.get(name)

        return tell


@pytest.fixture
def rescue(monkeypatch):
    network = SimpleNamespace(WLAN=Wlan, STA_IF="home", AP_IF="own", hostname=lambda name: None)
    machine = SimpleNamespace(unique_id=lambda: b"abcdef")
    monkeypatch.setitem(sys.modules, "network", network)
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.syspath_prepend(FIRMWARE)
    monkeypatch.delitem(sys.modules, "rescue", raising=False)
    Wlan.told.clear()
    yield importlib.import_module("rescue")
    sys.modules.pop("rescue")


def test_where_the_home_is_gone_nothing_disturbs_its_own_wi_fi(rescue):
    """While MicroPython looks for a network, which it does for ever, nobody hears another."""
    for _ in rescue._steps_to_network({"wifi": {"ssid": "Gone", "password": "geheim1234"}}):
        pass
    told = Wlan.told
    assert told.index(("home", "active", False)) < told.index(("own", "active", True))
