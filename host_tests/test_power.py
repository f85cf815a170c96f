"""Dongles that live on what the meter gives: a simulated capacitor, and the policy that keeps
it full enough."""

import importlib
import json
import os
import sys
import time

import capacitor
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meterling import config
from meterling.power import TRANSMIT_POWER, Policy
from meterling_tools import FIRMWARE, boards, interpreters
from mqtt_probes import HERE
from mqtt_telegram import FRAMES, KEY
from power_probe import SOURCES
from running import Firmware, kind_broker, latest, wait_for


def play(interpreter, source, seconds=900, measured=True, careless=False):
    job = {"source": source, "seconds": seconds, "measured": measured, "careless": careless}
    run = interpreters.run(
        interpreter,
        HERE / "power_probe.py",
        stdin=json.dumps(job).encode() + b"\n",
        path=(FIRMWARE, HERE),
    )
    assert run.returncode == 0, run
    return json.loads(run.stdout)


@pytest.mark.parametrize("source", SOURCES)
def test_with_the_policy_the_voltage_never_falls_too_low_and_telegrams_are_published(
    interpreter, source
):
    found = play(interpreter, source)
    assert found["brown_outs"] == 0
    assert found["least"] >= capacitor.LEAST + 50
    assert found["starts"] and found["published"]
    assert found["published"][0] < 300


@pytest.mark.parametrize("source", ["p1", "p1, 47 ohms", "mbus"])
def test_without_it_the_dongle_never_gets_as_far_as_a_network(interpreter, source):
    found = play(interpreter, source, seconds=300, careless=True)
    assert found["by_radio"] > 10
    assert found["least"] < capacitor.LEAST
    assert found["published"] == []


@pytest.mark.parametrize("source", ["p1", "mbus"])
def test_where_nothing_measures_the_voltage_time_does(interpreter, source):
    found = play(interpreter, source, measured=False)
    assert found["brown_outs"] == 0 and found["published"]
    # Before it starts there is a long rest, as nobody knows how empty the capacitor was.
    assert found["starts"][0] >= {"p1": 60, "mbus": 300}[source]


def test_each_brown_out_in_a_row_is_answered_with_a_pause_twice_as_long():
    # 47 ohms do not feed a radio that stays on, and nothing measures that it does not.
    found = play(interpreters.find("cpython"), "p1, 47 ohms", 1800, measured=False)
    assert found["by_radio"] == found["brown_outs"] > 2
    starts = found["starts"]
    pauses = [later - earlier for earlier, later in zip(starts, starts[1:], strict=False)]
    # Between two starts there are some 20 to 60 s of radio as well.
    assert all(pause > 60 << i + 1 for i, pause in enumerate(pauses))


@settings(max_examples=60)
@given(
    st.one_of(
        st.builds(capacitor.p1, st.integers(10, 100), st.integers(60, 250)),
        st.builds(capacitor.mbus, st.integers(1, 4), st.integers(21, 32)),
        st.just(capacitor.nothing),
    ),
    st.integers(800, 3000),  # mF
    st.integers(0, 300),  # milliohms
    st.integers(0, 5000),  # mV
    st.sampled_from(sorted(TRANSMIT_POWER)),
)
def test_no_supply_however_weak_lets_the_radio_pull_the_voltage_down(
    source, farads, ohms, at, supply
):
    found = capacitor.simulate(lambda n: Policy(supply, n), source, 400, farads, ohms, at=at)
    assert found["by_radio"] == 0


# The rules, one by one


def look(policy, seconds, millivolts=None):
    for _ in range(seconds):
        policy.look(1000, millivolts)
    return policy.radio, policy.publish


def test_the_radio_starts_when_the_capacitor_is_full_after_a_moment():
    policy = Policy("p1")
    assert look(policy, 9, 5000) == (False, False)
    assert look(policy, 1, 5000) == (True, True)


def test_a_capacitor_that_rises_is_waited_for():
    policy = Policy("mbus")
    for millivolts in range(3000, 4490, 21):
        assert look(policy, 30, millivolts) == (False, False)
    assert look(policy, 1, 4500) == (True, True)


def test_one_that_does_not_rise_any_more_is_as_good_as_full_if_it_is_enough():
    policy = Policy("p1")
    assert look(policy, 60, 3800) == (False, False)
    assert look(policy, 1, 3800) == (True, True)
    assert look(Policy("p1"), 3600, 3690) == (False, False)


def test_publishing_waits_for_energy_and_the_radio_stops_before_there_is_none():
    policy = Policy("p1")
    look(policy, 10, 4600)
    assert look(policy, 1, 3440) == (True, False)
    assert look(policy, 1, 3460) == (True, True)
    assert look(policy, 1, 3340) == (False, False)
    # It rests, and is charged again.
    assert look(policy, 5, 4600) == (False, False)
    assert look(policy, 5, 4600) == (True, True)


@pytest.mark.parametrize(
    ("brown_outs", "pause"), [(0, 10), (1, 20), (3, 80), (9, 3600), (60, 3600)]
)
def test_the_pause_after_brown_outs(brown_outs, pause):
    policy = Policy("p1", brown_outs)
    assert look(policy, pause - 1, 5000) == (False, False)
    assert look(policy, 1, 5000) == (True, True)


def test_without_a_measured_voltage_m_bus_has_a_burst_and_a_rest():
    policy = Policy("mbus")
    for _ in range(2):
        assert look(policy, 299) == (False, False)
        assert look(policy, 1) == (True, True)
        assert look(policy, 14) == (True, True)
        assert look(policy, 1) == (False, False)


def test_p1_without_a_measured_voltage_stays_on():
    assert look(Policy("p1"), 24 * 3600) == (True, True)


# The board's part


class Radio:
    PM_POWERSAVE = 2

    def __init__(self):
        self.on = False
        self.told = []

    def active(self, on=None):
        if on is not None:
            self.on = on
            self.told.append(on)
        return self.on

    def config(self, **settings):
        self.told.append(settings)


@pytest.fixture
def board(monkeypatch):
    """`meterling.board.supply` on a chip whose pin 3 has the voltage [0] (mV)."""
    voltage = [0]

    class ADC:
        ATTN_11DB = 3

        def __init__(self, pin, atten):
            assert (pin, atten) == (3, 3)

        def read_uv(self):
            return voltage[0] * 1000

    machine = type(sys)("machine")
    machine.ADC, machine.Pin = ADC, int
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.delitem(sys.modules, "meterling.board.supply", raising=False)
    module = importlib.import_module("meterling.board.supply")
    yield module, voltage
    sys.modules.pop("meterling.board.supply")


@pytest.mark.parametrize(("supply", "decibels"), [("p1", 13), ("mbus", 8)])
def test_the_radio_is_switched_and_told_to_save(board, supply, decibels):
    module, voltage = board
    found = module.Supply({"power.supply": supply, "power.sense_pin": 3}, 0)
    radio = Radio()
    voltage[0] = 2400
    assert found.millivolts() == 4800, "half of it is at the pin"
    for _ in range(9):
        found._policy.look(1000, found.millivolts())
        assert not found.allows(radio) and not found.publish
    found._policy.look(1000, found.millivolts())
    assert found.allows(radio) and found.publish
    assert radio.told == [True, {"txpower": decibels, "pm": 2}]
    voltage[0] = 1600
    found._policy.look(1000, found.millivolts())
    assert not found.allows(radio)
    assert radio.told[2:] == [False]


def test_a_radio_that_cannot_save_is_switched_all_the_same(board, capsys):
    module, voltage = board
    found = module.Supply({"power.supply": "p1", "power.sense_pin": 3}, 0)
    radio = Radio()
    radio.config = lambda **settings: radio.nothing
    voltage[0] = 2400
    found._policy.look(10_000, found.millivolts())
    assert found.allows(radio) and radio.on
    assert capsys.readouterr().out == "power: this radio cannot be told to save\n"


def test_without_a_pin_nothing_is_measured(board):
    found = board[0].Supply({"power.supply": "p1", "power.sense_pin": -1}, 0)
    assert found.millivolts() is None


@pytest.mark.parametrize("name", boards.names())
def test_a_board_tells_the_dongle_what_feeds_it(name):
    board = boards.load(name)
    found = config.check(boards.settings(board))
    assert found["power.supply"] == board["supply"]["from"]
    assert found["power.sense_pin"] == board["supply"].get("sense_pin", -1)


def test_the_divider_of_a_board_is_the_one_that_the_firmware_expects():
    board = boards.load("lolin-s2-mini")
    board["supply"]["sense_ratio"] = 3.0
    assert [code for code, _ in boards.check(board)] == ["supply"]


# The whole firmware


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
def test_the_dongle_joins_when_its_capacitor_is_charged(interpreter, tmp_path, monkeypatch):
    home = {"ssid": "Zuhause", "rssi": -50, "password": "geheim12"}
    (tmp_path / "air.json").write_text(json.dumps({"networks": [home]}))
    volts = tmp_path / "millivolts"

    def charge(millivolts):  # at the capacitor
        (tmp_path / "new").write_text(str(millivolts // 2))
        (tmp_path / "new").rename(volts)

    charge(4800)
    monkeypatch.setenv("METERLING_WIFI", str(tmp_path / "air.json"))
    monkeypatch.setenv("METERLING_MILLIVOLTS", str(volts))
    document = {
        "wifi": {"ssid": "Zuhause", "password": "geheim12"},
        "device": "dongle",
        "meter": {"link": "mbus", "key": KEY},
        "mqtt": {"host": "127.0.0.1"},
        "power": {"supply": "p1", "sense_pin": 3},
    }

    def news(firmware):
        return [line for line in firmware.lines if line.startswith(("power: ", "wifi: "))]

    with kind_broker() as (port, packets):
        document["mqtt"]["port"] = port
        with Firmware(interpreter, tmp_path, document) as firmware:
            wait_for(lambda: latest(packets, "status"), 20)
            charge(3400)  # too little to publish
            time.sleep(2)
            os.write(firmware.master, FRAMES)
            time.sleep(2)
            assert latest(packets, "reading") is None
            charge(3600)
            wait_for(lambda: latest(packets, "reading"))
            charge(3200)
            wait_for(lambda: "power: radio off, 3200 mV" in firmware.lines)
            charge(4600)
            wait_for(lambda: len(news(firmware)) > 4, 20)
    assert news(firmware) == [
        "power: radio on, 4800 mV",
        "wifi: connected as 127.0.0.1",
        "power: radio off, 3200 mV",
        "power: radio on, 4600 mV",
        "wifi: connected as 127.0.0.1",
    ]
