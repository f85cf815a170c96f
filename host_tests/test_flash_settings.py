"""With which settings a dongle begins that was flashed."""

import json

import pytest
from meterling import config
from meterling_tools import CommandError, boards, flash_settings

BOARD = boards.load("esp32-devkit-mbus")
KEY = "36C66639E48A8CA4D6BC8B282A793BBB"


def own(tmp_path, document):
    path = tmp_path / "fleet.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return flash_settings.read_own(path)


def combined(old=None, own=(), board=BOARD):
    """(the flat dict, what the file says)"""
    old = None if old is None else json.dumps(old).encode()
    data, settings = flash_settings.combine(board, old, dict(own))
    return settings, json.loads(data)


def test_a_new_dongle_has_its_wires_and_a_password():
    settings, document = combined()
    assert settings["meter.rx_pin"] == document["meter"]["rx_pin"] == 16
    assert settings["ap.password"] == document["ap"]["password"]
    assert len(settings["ap.password"]) >= 10
    assert combined()[0]["ap.password"] != settings["ap.password"]
    assert {name: settings[name] for name in ("wifi.ssid", "mqtt.host")} == {
        "wifi.ssid": "",
        "mqtt.host": "",
    }


def test_the_firmware_can_read_them(tmp_path):
    data, settings = flash_settings.combine(BOARD, None, {})
    (tmp_path / "settings.json").write_bytes(data)
    assert config.load(str(tmp_path / "settings.json")) == settings


def test_what_the_firmware_wrote_is_kept(tmp_path):
    path = tmp_path / "settings.json"
    before = config.defaults() | {
        "wifi.ssid": "Home",
        "meter.key": bytes.fromhex(KEY),
        "ap.password": "on-the-label",
    }
    config.save(str(path), before)
    _, settings = flash_settings.combine(BOARD, path.read_bytes(), {})
    changed = {name for name in before if before[name] != settings[name]}
    assert changed <= set(flash_settings._wires(BOARD))


def test_what_a_later_version_left_is_kept():
    """Whoever flashes an older version, and then the later one, loses nothing."""
    old = {"schema": 9, "wifi": {"ssid": "Home", "band": 5}, "future": 1}
    settings, document = combined(old)
    assert settings["wifi.ssid"] == "Home"
    assert "future" in json.dumps(document) and "band" in json.dumps(document)


def test_other_wires_are_said(capsys):
    combined({"meter": {"rx_pin": 4}, "wifi": {"password": "secret-secret"}})
    said = capsys.readouterr().out
    assert "meter.rx_pin is 16 on this board; was 4.\n" in said
    assert "secret" not in said


def test_own_settings_come_last(tmp_path, capsys):
    wanted = own(tmp_path, {"meter": {"rx_pin": 21, "key": KEY}, "ap": {"password": "of-a-fleet"}})
    assert set(wanted) == {"meter.rx_pin", "meter.key", "ap.password"}
    settings, document = combined({"meter": {"rx_pin": 4}, "mqtt": {"host": "broker"}}, wanted)
    assert settings["meter.rx_pin"] == 21
    assert document["meter"]["key"] == KEY
    assert settings["ap.password"] == "of-a-fleet"
    assert settings["mqtt.host"] == "broker"
    assert "rx_pin" not in capsys.readouterr().out  # it was asked for


def test_own_settings_put_right_what_was_wrong():
    old = {"wifi": {"ssid": 7, "password": 8}, "mqtt": {"host": "broker"}}
    settings, _ = combined(old, {"wifi.ssid": "Home", "wifi.password": ""})
    assert (settings["wifi.ssid"], settings["mqtt.host"]) == ("Home", "broker")
    with pytest.raises(CommandError, match=r"wifi\.password"):
        combined(old, {"wifi.ssid": "Home"})


@pytest.mark.parametrize(
    "old", [b"{", b"7", b"\xff\xfe", b'{"wifi": {"ssid": 7}}', b'{"meter": 5}']
)
def test_damaged_settings_are_a_sentence(old):
    with pytest.raises(CommandError, match="cannot be kept.*--erase") as raised:
        flash_settings.combine(BOARD, old, {})
    assert raised.value.status == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        *((text, "must be one JSON object") for text in ("7", "[]", "null")),
        ('{"meter": {"key": "short"}}', "meter.key"),
        ('{"nonsense": 1}', "nonsense"),
        ('{"ap": {"password": "short"}}', "ap.password: must have at least 8"),
    ],
)
def test_wrong_own_settings_are_a_sentence(tmp_path, text, why):
    with pytest.raises(CommandError, match=why) as raised:
        own(tmp_path, text)
    assert raised.value.status == 1
    assert "short" not in str(raised.value)


def test_an_open_network_needs_no_password():
    settings, _ = combined(own={"ap.open": True})
    assert settings["ap.password"] == ""


def test_the_label_is_what_the_firmware_calls_itself():
    mac = bytes.fromhex("a0b1c2d3e4f5")
    settings = config.defaults() | {"ap.password": "abcd-efgh"}
    label = flash_settings.label_of(settings, mac)
    assert (label.name, label.password) == ("Meterling-E4F5", "abcd-efgh")
    label = flash_settings.label_of(settings | {"device": "house-12ab", "ap.open": True}, mac)
    assert (label.name, label.password) == ("Meterling-12AB", "")
