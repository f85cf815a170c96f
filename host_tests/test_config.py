"""The settings file: checked as a whole, wrong ones named, and safe against power cuts."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling import config, fields, migrations
from meterling_tools import interpreters

KEY = "36C66639E48A8CA4D6BC8B282A793BBB"


def test_without_a_file_there_are_defaults(tmp_path):
    settings = config.load(str(tmp_path / "settings.json"))
    assert settings == config.defaults()
    assert settings["meter.link"] == settings["meter.baudrate"] == "auto"
    assert settings["meter.key"] is None


def test_the_template_is_a_settings_file():
    assert config.check(json.loads(json.dumps(fields.template()))) == config.defaults()


def test_what_is_saved_is_loaded(tmp_path):
    path = str(tmp_path / "settings.json")
    settings = config.defaults()
    settings["meter.key"] = bytes(range(16))
    settings["wifi.ssid"] = "Zuhause ü"
    settings["mqtt.host"] = "192.168.1.2"
    config.save(path, settings)
    assert config.load(path) == settings
    assert os.listdir(tmp_path) == ["settings.json"]


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        KEY.lower(),
        "36 C6 66 39 E4 8A 8C A4 D6 BC 8B 28 2A 79 3B BB ",
        "36:c6:66:39:e4:8a:8c:a4:d6:bc:8b:28:2a:79:3b:bb",
        "36C66639-E48A8CA4-D6BC8B28-2A793BBB",
    ],
)
def test_a_key_is_taken_however_the_operator_prints_it(text):
    assert config.check({"meter": {"key": text}})["meter.key"] == bytes.fromhex(KEY)


@pytest.mark.parametrize("text", ["", None])
def test_no_key_is_no_key(text):
    assert config.check({"meter": {"key": text}})["meter.key"] is None


@pytest.mark.parametrize("name", ["baudrate", "framing"])
@pytest.mark.parametrize("value", ["auto", 0])
def test_what_the_owner_does_not_know_is_found_out(name, value):
    assert config.check({"meter": {name: value}})["meter." + name] == "auto"


SECRET = "S3cret"


@pytest.mark.parametrize(
    ("document", "code", "setting"),
    [
        ({"meter": {"key": KEY[:-2]}}, "key-length", "meter.key"),
        ({"meter": {"key": "X" + KEY[1:]}}, "not-hex", "meter.key"),
        ({"meter": {"auth_key": KEY + "00"}}, "key-length", "meter.auth_key"),
        ({"meter": {"key": 36}}, "not-text", "meter.key"),
        ({"meter": {"link": "p2"}}, "not-a-choice", "meter.link"),
        ({"meter": {"link": {}}}, "not-a-choice", "meter.link"),
        ({"meter": {"baudrate": "2400"}}, "not-in-range", "meter.baudrate"),
        ({"meter": {"baudrate": True}}, "not-in-range", "meter.baudrate"),
        ({"meter": {"framing": "9E1"}}, "not-a-choice", "meter.framing"),
        ({"meter": {"baudrate": False}}, "not-in-range", "meter.baudrate"),
        ({"meter": {"inverted": 1}}, "not-a-flag", "meter.inverted"),
        ({"meter": {"inverted": 0}}, "not-a-flag", "meter.inverted"),
        ({"meter": {"request_pin": -2}}, "not-in-range", "meter.request_pin"),
        ({"mqtt": {"port": 70000}}, "not-in-range", "mqtt.port"),
        ({"mqtt": {"host": "mqtt://broker"}}, "forbidden-character", "mqtt.host"),
        ({"mqtt": {"topic": "home/#"}}, "forbidden-character", "mqtt.topic"),
        ({"mqtt": {"topic": ""}}, "empty", "mqtt.topic"),
        ({"mqtt": {"password": SECRET * 30}}, "too-long", "mqtt.password"),
        ({"wifi": {"password": SECRET + "\n"}}, "forbidden-character", "wifi.password"),
        ({"device": "a/b"}, "forbidden-character", "device"),
        ({"timezone": "Europe/Vienna"}, "not-a-time-zone", "timezone"),
        ({"timezone": 1}, "not-text", "timezone"),
        ({"ap": {"password": "S3cret7"}}, "too-short", "ap.password"),
        ({"portal": {"address": "localhost"}}, "not-an-address", "portal.address"),
        ({"portal": {"address": ""}}, "not-an-address", "portal.address"),
        ({"wifi": {"pasword": SECRET}}, "unknown-setting", "wifi.pasword"),
        ({"wifi": SECRET}, "unknown-setting", "wifi"),
        ({"colour": 1}, "unknown-setting", "colour"),
        ({'device ""': "text"}, "unknown-setting", 'device ""'),  # as a row of fields begins
        ([], "not-an-object", None),
    ],
)
def test_a_wrong_setting_names_itself_and_not_its_value(document, code, setting):
    with pytest.raises(config.ConfigError) as caught:
        config.check(document)
    assert (caught.value.code, caught.value.setting) == (code, setting)
    assert str(caught.value).startswith(setting + ": " if setting else "the settings")
    for secret in (SECRET, KEY[:8]):
        assert secret not in str(caught.value)


def test_a_damaged_file_is_said_to_be(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"mqtt": {"password": "S3cr')
    with pytest.raises(config.ConfigError) as caught:
        config.load(str(path))
    assert caught.value.code == "damaged"
    assert "S3cr" not in str(caught.value)


def test_a_file_that_is_no_text_is_damaged_and_can_be_written_over(tmp_path):
    path = tmp_path / "settings.json"
    path.write_bytes(b'{"device": "k\xfcche"}\n')
    with pytest.raises(config.ConfigError) as caught:
        config.load(str(path))
    assert caught.value.code == "damaged"
    config.save(str(path), config.defaults())
    assert config.load(str(path)) == config.defaults()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(config.defaults())), json_values)
def test_any_value_of_any_setting_is_taken_or_refused_by_name(name, value):
    room, _, inner = name.partition(".")
    document = {room: {inner: value}} if inner else {room: value}
    try:
        settings = config.check(document)
    except config.ConfigError as error:
        assert error.setting.startswith(room)
    else:
        assert set(settings) == set(config.defaults())


class PowerCut(Exception):
    pass


def states_of_a_power_cut(folder):
    """Saves new settings over old ones and yields the folder's files as they would be found
    if the power failed: at each byte of the second file, before and after the renaming, and
    on a file system that removes the old file before it renames."""
    old = config.defaults()
    new = dict(old, **{"mqtt.host": "new"})
    path = folder / "settings.json"
    config.save(str(path), old)
    before = path.read_bytes()
    config.save(str(path), new)
    after = path.read_bytes()
    for length in range(len(after) + 1):
        yield {"settings.json": before, "settings.json.new": after[:length]}
    yield {"settings.json.new": after}
    yield {"settings.json": after}


def test_a_power_cut_at_any_step_leaves_the_old_or_the_new_settings(tmp_path):
    path = tmp_path / "settings.json"
    old = config.defaults()
    new = dict(old, **{"mqtt.host": "new"})
    for files in list(states_of_a_power_cut(tmp_path)):
        for name in os.listdir(tmp_path):
            (tmp_path / name).unlink()
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        assert config.load(str(path)) in (old, new)
        # And the next save starts from there: the only copy is not the one written over.
        assert path.exists()


def test_the_very_first_save_cut_off_is_as_if_it_never_was(tmp_path):
    path = tmp_path / "settings.json"
    (tmp_path / "settings.json.new").write_text('{"device": "x", ')
    assert config.load(str(path)) == config.defaults()


@pytest.mark.parametrize("failing", ["open", "rename"])
def test_a_save_that_fails_leaves_the_old_settings(tmp_path, monkeypatch, failing):
    path = str(tmp_path / "settings.json")
    config.save(path, config.defaults())

    def fail(*_):
        raise PowerCut

    def fail_to_write(path, mode="r"):
        return fail() if mode == "w" else open(path, mode)

    if failing == "open":
        monkeypatch.setattr(config, "open", fail_to_write, raising=False)
    else:
        monkeypatch.setattr(config.os, "rename", fail)
    with pytest.raises(PowerCut):
        config.save(path, dict(config.defaults(), device="new"))
    monkeypatch.undo()
    assert config.load(path) == config.defaults()


def test_what_a_later_version_wrote_is_kept_for_its_return(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"schema": 99, "device": "cellar", "meter": {"colour": "red"}}\n')
    settings = config.load(str(path))
    assert settings == dict(config.defaults(), device="cellar")
    config.save(str(path), dict(settings, device="attic"))
    assert config.load(str(path))["device"] == "attic"
    document = json.loads(path.read_text())
    assert document["schema"] == migrations.SCHEMA
    assert document["later"] == {"meter.colour": "red"}


def test_a_setting_that_this_version_should_know_is_refused(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"meter": {"colour": "red"}}')
    with pytest.raises(config.ConfigError) as caught:
        config.load(str(path))
    assert (caught.value.code, caught.value.setting) == ("unknown-setting", "meter.colour")


def test_over_a_damaged_file_new_settings_are_saved(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text("damaged")
    config.save(str(path), config.defaults())
    assert config.load(str(path)) == config.defaults()


def test_wrong_settings_are_not_saved(tmp_path):
    path = str(tmp_path / "settings.json")
    with pytest.raises(config.ConfigError):
        config.save(path, dict(config.defaults(), **{"mqtt.port": 0}))
    assert not os.listdir(tmp_path)


_ON_THE_DONGLE = """
import json, os, sys
from meterling import config
path = sys.argv[1]
settings = config.defaults()
settings["meter.key"] = bytes(range(16))
settings["device"] = "new"
config.save(path, config.defaults())
old = open(path).read()
config.save(path, settings)
whole = open(path).read()
wrong = 0
for length in range(len(whole)):
    with open(path, "w") as file:
        file.write(old)
    with open(path + ".new", "w") as file:
        file.write(whole[:length])
    wrong += config.load(path) != config.defaults()
    os.remove(path)
    wrong += config.load(path) != config.defaults()
with open(path + ".new", "w") as file:
    file.write(whole)
wrong += config.load(path) != settings
try:
    config.check({"meter": {"key": "12"}})
except config.ConfigError as error:
    print(wrong, error.code, error)
for name in ("fields", "migrations"):
    print("meterling." + name in sys.modules, hasattr(sys.modules["meterling"], name))
"""


def test_the_same_on_every_interpreter(interpreter, tmp_path):
    arguments = [_ON_THE_DONGLE, tmp_path / "settings.json"]
    result = interpreters.run(interpreter, "-c", arguments)
    assert result.stderr == b""
    first, *loaded = result.stdout.decode().splitlines()
    assert first == "0 key-length meter.key: must have 32 digits, not 2"
    # The table of the settings takes 7 kB of the dongle's heap: not while nobody asks.
    assert (
        loaded
        == [str(interpreter.name == "cpython") + " " + str(interpreter.name == "cpython")] * 2
    )
