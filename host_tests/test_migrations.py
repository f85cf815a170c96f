"""Settings go with the firmware from version to version, and back."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling import migrations
from meterling_tools import interpreters

PROBE = Path(__file__).parent / "migration_probe.py"


@pytest.fixture
def history(interpreter):
    """history(file, "1", "2 device=..", ..) -> what each version in turn finds and keeps."""

    def run(document, *versions):
        lines = "\n".join([json.dumps(document), *versions]) + "\n"
        result = interpreters.run(interpreter, PROBE, stdin=lines.encode())
        assert result.stderr == b"", result.stderr.decode()
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run


OLD_FILE = {"mqtt": {"host": "192.168.1.2", "port": 1884}, "device": "x"}


def test_an_update_takes_the_settings_with_it(history):
    (found,) = history(OLD_FILE, "2")
    assert found == {
        "mqtt.server": "192.168.1.2:1884",
        "mqtt.tls": False,
        "meter.link": "auto",
        "device": "x",
    }


def test_the_old_version_returns_to_its_settings(history):
    *_, found = history(OLD_FILE, "2", "1")
    assert found == {
        "mqtt.host": "192.168.1.2",
        "mqtt.port": 1884,
        "meter.link": "auto",
        "device": "x",
    }


def test_what_was_changed_in_between_is_changed_for_both(history):
    *_, found = history(OLD_FILE, '2 mqtt.server="10.0.0.1:99"', "1")
    assert (found["mqtt.host"], found["mqtt.port"]) == ("10.0.0.1", 99)
    *_, found = history(OLD_FILE, "2", '1 mqtt.host="10.0.0.7"', "2")
    assert found["mqtt.server"] == "10.0.0.7:1884"


def test_what_the_old_version_does_not_know_is_there_when_the_new_one_is_back(history):
    *_, found = history(OLD_FILE, "2 mqtt.tls=true", '1 device="y"', "1", "2")
    assert found["mqtt.tls"] is True and found["device"] == "y"


def test_a_value_that_the_old_version_does_not_know_is_its_default(history):
    _, old, new = history(OLD_FILE, '2 meter.link="wmbus"', "1", "2")
    assert old["meter.link"] == "auto"
    assert new["meter.link"] == "wmbus"


def test_what_the_owner_then_chose_stays(history):
    *_, new = history(OLD_FILE, '2 meter.link="wmbus"', '1 meter.link="mbus"', "2")
    assert new["meter.link"] == "mbus"


def test_the_file_says_in_which_schema_it_is_written():
    document = migrations.write({"mqtt.host": "x", "device": "y"}, {})
    assert document == {"schema": migrations.SCHEMA, "mqtt": {"host": "x"}, "device": "y"}


def test_one_step_for_each_schema():
    assert len(migrations.STEPS) == migrations.SCHEMA - 1


@pytest.mark.parametrize("schema", [0, -1, "2", None, True, 1.5, []])
def test_a_schema_that_is_none_is_the_first(schema):
    values, later = migrations.read({"schema": schema, "device": "x"}, lambda *_: True, {})
    assert (values, later) == ({"device": "x"}, {})


names = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(".".join)


@given(st.dictionaries(names, st.integers()), st.integers(2, 9))
def test_nothing_of_a_later_version_is_lost(values, schema):
    values = {
        name: value
        for name, value in values.items()
        if not any(other.startswith(name + ".") for other in values)
    }
    document = {"schema": schema, **migrations.nested(values)}

    def accepts(name, value):
        return name.startswith("a")

    mine, later = migrations.read(document, accepts, {})
    assert all(name.startswith("a") for name in mine)
    written = migrations.write(mine, later)
    again, still = migrations.read(written, lambda *_: True, {})
    assert again == values and still == {}
