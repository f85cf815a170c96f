"""Back to what was in the box: nothing that the owner has said is left on the flash."""

import json
from types import SimpleNamespace

import pytest
from meterling import config
from meterling.portal.factory_reset import forget_everything
from meterling.portal.house import House

SECRET = "S3cret"


def test_what_still_runs_saves_nothing_that_was_forgotten(tmp_path, monkeypatch):
    """A test of the Wi-Fi, say, ends within the second before the restart."""
    monkeypatch.chdir(tmp_path)
    settings = {**config.defaults(), "mqtt.password": SECRET}
    house = House("settings.json", settings, "", *[None] * 5)
    house.save(settings)
    house.forget_everything()
    with pytest.raises(OSError):
        house.save({**settings, "wifi.ssid": "Zuhause"})
    assert config.load("settings.json") == config.defaults()


def test_what_a_later_version_wrote_is_forgotten_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = {
        "schema": 99,
        "mqtt": {"password": SECRET, "client_key": SECRET},
        "ap": {"password": "printed-on-it"},
        "later": {"wifi.second_password": SECRET},
    }
    (tmp_path / "settings.json").write_text(json.dumps(document) + "\n")
    (tmp_path / "line.json").write_text("{}")
    forget_everything(SimpleNamespace(path="settings.json", settings=config.load("settings.json")))
    assert config.load("settings.json") == {**config.defaults(), "ap.password": "printed-on-it"}
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]
    assert SECRET not in (tmp_path / "settings.json").read_text()
