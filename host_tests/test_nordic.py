"""Lists of Norway, Sweden, Denmark and Switzerland: what each value is, and in which unit."""

from datetime import UTC, datetime

import pytest
from decoding import Listener, notification, of_meter, probe
from meterling_tools import interpreters
from meterling_tools.simulate import axdr, clock, hdlc, make_meter
from meterling_tools.simulate.nordic import METERS
from test_simulate import read_by_gurux

# By list: 1, 2, 3.
LAYOUTS = {
    "kaifa-no": ["kaifa-1", "kaifa-3-phases", "kaifa-3-phases"],
    "kaifa-no-1": ["kaifa-1", "kaifa-1-phase", "kaifa-1-phase"],
    "kaifa-se": [None, None, "flat"],
    "kamstrup-no-1": [None, None, "kamstrup"],
    "aidon-no-3": ["aidon", "aidon", "aidon"],
    "aidon-se": [None, None, "aidon"],
    "e570-ch": [None, None, "g-push-list"],
    "am550-ch": [None, None, "g-push-list"],
}

# The last minute of an hour and what follows: all three lists.
START = datetime(2026, 11, 22, 16, 59, 30, tzinfo=UTC)
COUNT = 20


def meter_of(name, seed=0):
    return METERS[name].meter(name, seed=seed, start=START)


def test_every_meter_is_here():
    assert set(LAYOUTS) == set(METERS)


@pytest.mark.parametrize("seed", [0, 1, 20])
@pytest.mark.parametrize("name", METERS)
def test_round_trip(name, seed):
    """What the simulator says is what is read: every value, its scaler, its unit."""
    meter = meter_of(name, seed)
    seen = of_meter(meter)
    for n in range(COUNT):
        seen.hear(meter.telegram(n))
    assert seen.errors == {}
    assert len(seen.readings) == COUNT
    lists = set()
    for n, reading in enumerate(seen.readings):
        lists.add(meter.list_of(n))
        assert reading.layout == LAYOUTS[name][meter.list_of(n) - 1]
        expected = meter.expected(n)
        for code, wanted in expected.items():
            if isinstance(wanted, str):
                assert reading.values[code] == wanted
            else:
                raw, scaler, unit = wanted
                assert reading.raw[code] == (raw, scaler), code
                assert reading.units[code] == (unit or ""), code
        assert not [code for code in set(reading.names) - set(expected) if reading.numbers[code]]
        assert reading.meter == meter.number_of(n)
        if reading.time:
            local = clock.local_time(meter.utc(n)).strftime("%Y-%m-%dT%H:%M:%S")
            assert reading.time == local
        else:  # Aidon's lists 1 and 2 have no clock at all
            assert name == "aidon-no-3" and meter.list_of(n) < 3
    assert lists == {3} if LAYOUTS[name][0] is None else {1, 2, 3}


@pytest.mark.parametrize("name", METERS)
def test_gurux_finds_the_same_numbers(name):
    """Another's decoder, as second opinion. It takes no tag in the head; see below."""
    meter = meter_of(name)
    seen = of_meter(meter)
    for n in (0, 1, 12):
        seen.hear(meter.telegram(n))
        reading = seen.readings[-1]
        telegram = meter.telegram(n)
        if METERS[name].tagged:
            apdu = meter.apdu(n)
            telegram = hdlc.frames(apdu[:5] + apdu[6:], METERS[name].addresses)
        _, items = read_by_gurux(meter, telegram)
        left = [int(item) for item in items if isinstance(item, int)]
        for code in reading.names:
            if reading.numbers[code]:
                assert reading.raw[code][0] in left, code
                left.remove(reading.raw[code][0])


def test_every_interpreter_reads_the_same(interpreter):
    jobs = []
    for name in METERS:
        meter = meter_of(name)
        raw = b"".join(meter.telegram(n) for n in range(COUNT))
        for chunk in (0, 1, 7):
            keys = {"key": meter.key, "auth_key": meter.auth_key}
            jobs.append({"link": meter.link, "raw": raw, "chunk": chunk, **keys})
    printed = probe(interpreter, jobs)
    assert printed == probe(interpreters.find("cpython"), jobs)
    assert "1-1:31.7.0" in printed and "kaifa-1-phase" in printed


# ---- one by one ------------------------------------------------------------------------------


def read(apdu):
    seen = Listener("hdlc").hear(hdlc.frames(apdu, b"\x03\x03"))
    assert seen.errors == {}
    return seen.readings[0]


def in_structure(*elements):
    return axdr.data_notification(0, None, axdr.structure(*elements))


STAMP = bytes.fromhex("07ea0b16071127 0affffc400".replace(" ", ""))


def test_one_number_alone_is_power_only_behind_kaifas_head():
    """From anybody else it is a number."""
    body = axdr.structure(axdr.u32(607))
    head = bytes.fromhex("0f40000000")
    assert read(head + b"\x09\x0c" + STAMP + body).units == {"1-0:1.7.0": "W"}
    assert read(head + b"\x0c" + STAMP + body).values == {"?0": "607"}
    assert read(head + b"\x00" + body).values == {"?0": "607"}


def test_the_tagged_head_tells_the_time():
    """FFC4: an hour ahead of UTC."""
    reading = read(bytes.fromhex("0f40000000090c") + STAMP + axdr.structure(axdr.u32(607)))
    assert reading.time == "2026-11-22T16:39:10Z"


@pytest.mark.parametrize("cut", range(5, 22))
def test_a_head_that_breaks_off(cut):
    apdu = bytes.fromhex("0f40000000090c") + STAMP + axdr.structure(axdr.u32(607))
    seen = Listener("hdlc").hear(hdlc.frames(apdu[:cut], b"\x03\x03"))
    assert seen.readings == [] and sum(seen.errors.values()) == 1


def kamstrup(meter_type, *rows, version="Kamstrup_V0001"):
    elements = [axdr.visible(version), axdr.obis("1-1:0.0.5"), axdr.visible("5706567000000000")]
    elements += [axdr.obis("1-1:96.1.1"), axdr.visible(meter_type)]
    for code, value in rows:
        elements += [axdr.obis(code), value]
    return in_structure(*elements)


ROWS = [
    ("1-1:1.7.0", axdr.u32(1520)),
    ("1-1:31.7.0", axdr.u32(564)),
    ("1-1:32.7.0", axdr.u16(232)),
    ("1-1:1.8.0", axdr.u32(123456)),
]


def test_kamstrups_scalers_are_those_of_its_document():
    reading = read(kamstrup("684112100000000001", *ROWS))
    assert [(reading.values[code], reading.units[code]) for code, _ in ROWS] == [
        ("1520", "W"),
        ("5.64", "A"),
        ("232", "V"),
        ("1234560", "Wh"),
    ]


@pytest.mark.parametrize(
    ("meter_type", "version"),
    [("685112100000000001", "Kamstrup_V0001"), ("684112100000000001", "Kamstrup_V0002")],
)
def test_what_the_document_does_not_speak_of_is_shown_as_sent(meter_type, version):
    """Meters with current transformers, and lists of another version."""
    reading = read(kamstrup(meter_type, *ROWS, version=version))
    assert [(reading.values[code], reading.units[code]) for code, _ in ROWS] == [
        ("1520", ""),
        ("564", ""),
        ("232", ""),
        ("123456", ""),
    ]


def test_kamstrup_may_leave_elements_empty():
    elements = [axdr.visible("Kamstrup_V0001"), axdr.obis("1-1:1.7.0"), axdr.u32(7), axdr.null()]
    reading = read(in_structure(*elements, axdr.obis("1-1:2.7.0"), axdr.u32(8)))
    assert reading.layout == "kamstrup"
    assert reading.values == {"1-1:0.2.129": "Kamstrup_V0001", "1-1:1.7.0": "7", "1-1:2.7.0": "8"}


def test_voltages_of_a_push_list_are_volts_only_from_landis_gyr():
    """The AM550's have tenths elsewhere, and here nobody says it: never ten times too much,
    and never refused as implausible."""
    meter = meter_of("am550-ch")
    reading = of_meter(meter).hear(meter.telegram(0)).readings[0]
    assert int(reading.values["1-0:32.7.0"]) > 2000 and reading.units["1-0:32.7.0"] == ""
    klagenfurt = make_meter("klagenfurt-e450")
    reading = of_meter(klagenfurt).hear(klagenfurt.telegram(0)).readings[0]
    assert 200 < int(reading.values["1-0:32.7.0"]) < 260
    assert reading.units["1-0:32.7.0"] == "V"


def test_the_lists_do_not_disturb_others():
    assert read(notification(500)).layout == "flat"


# Lists of an AM550 that begin with its name: a letter an element, `t` text, `h` u16, `w` u32.
ISKRA = {
    "iskra-3-phases": "tt wwww hhh hhh www www",
    "iskra-voltages": "tt hhh hhh wwww",
    "iskra-energies": "tt bb www www ww",
    "iskra-1-phase": "tt wwww hh ww",
    "iskra-1-voltage": "tt hh wwww",
}
ENCODERS = {
    "t": lambda n: axdr.octets(f"ISK{n:013}"),
    "b": lambda n: axdr.boolean(n % 2),
    "h": axdr.u16,
    "w": axdr.u32,
}


@pytest.mark.parametrize("name", ISKRA)
def test_iskraemeco_by_position(name):
    letters = ISKRA[name].replace(" ", "")
    elements = [ENCODERS[letter](n + 100) for n, letter in enumerate(letters)]
    reading = read(in_structure(*elements))
    assert (reading.layout, reading.meter) == (name, "ISK0000000000100")
    for n, code in enumerate(reading.names):
        if letters[n] in "hw":
            assert reading.raw[code][0] == n + 100
    shown = {code: (reading.values[code], reading.units[code]) for code in reading.names}
    at = letters.index("h") if "h" in letters else None
    if at is not None:
        assert shown["1-0:32.7.0"] == (f"{(at + 100) / 10}", "V")
        current = letters.count("h") // 2 + at + 100
        assert shown["1-0:31.7.0"] == (f"{current / 100:.2f}", "A")
    else:
        assert shown["1-0:1.8.0"] == ("104", "Wh") and shown["1-0:4.8.0"] == ("111", "varh")
    other = [axdr.octets("LGZ0000000000100"), *elements[1:]]
    assert read(in_structure(*other)).layout == ""
