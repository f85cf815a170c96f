"""Back to what was in the box: nothing that the owner has said is left on the flash."""

import json
from types import SimpleNamespace

from meterling import config
from meterling.portal.factory_reset import forget_everything

SECRET = "S3cret"


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
