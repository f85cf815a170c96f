"""How meters lay their values out: A to G, and what nobody has described yet."""

import pytest
from decoding import Listener, of_meter
from meterling_tools.simulate import DLMS, axdr, clock, glo, hdlc, layouts, make_meter

LAYOUTS = {
    "tinetz-kaifa": ["a-kaifa-nested"],
    "schwaz": ["a-kaifa-nested"],
    "salzburg-honeywell": ["a-kaifa-nested", "b-netz-noe"],
    "netznoe-kaifa": ["b-netz-noe"],
    "netznoe-sagemcom": ["b-netz-noe"],
    "burgenland-e450": ["d-burgenland"],
    "steiermark-e450": ["c-lg-flat"],
    "klagenfurt-e450": ["g-push-list"],
    "kaernten-im350": ["e-siemens-iskra"],
    "wels-am550": ["e-siemens-iskra"],
    "wien-im150": ["f-wiener-netze"],
    "wien-im350": ["f-wiener-netze"],
    "kamstrup-dk": ["kamstrup"],
    "kamstrup-no": ["kamstrup"],
    "aidon-no": ["aidon"],
}


VOLTAGES = [f"1-{b}:{c}.7.0" for b in (0, 1) for c in (32, 52, 72)]
SHORT_LIST = ["1-0:1.8.0", "1-0:3.8.0"]


def test_every_simulated_meter_is_here():
    assert set(LAYOUTS) == set(DLMS)


@pytest.mark.parametrize("seed", [0, 1, 20, 300])
@pytest.mark.parametrize("name", DLMS)
def test_round_trip(name, seed):
    """What the simulator says is what is read: every value, its unit, nothing more."""
    meter = make_meter(name, seed=seed)
    seen = of_meter(meter)
    for n in range(5):
        seen.hear(meter.telegram(n))
    seen.quiet()
    assert seen.errors == {}
    assert len(seen.readings) == 5
    for n, reading in enumerate(seen.readings):
        expected = meter.expected(n)
        for code, wanted in expected.items():
            if isinstance(wanted, str):
                assert reading.values[code] == wanted
                assert not reading.numbers[code]
            else:
                raw, scaler, unit = wanted
                assert reading.raw[code] == (raw, scaler)
                # Nothing says the unit; a voltage's is in the name of its code.
                allowed = (unit,) if unit is not None else ("", "V") if code in VOLTAGES else ("",)
                assert reading.units[code] in allowed, code
                assert reading.numbers[code]
        # What is beyond that are clocks and texts that stand alone.
        assert not [code for code in set(reading.names) - set(expected) if reading.numbers[code]]
        # Honeywell's short list, every other telegram, does not tell it.
        assert reading.meter == (None if reading.names == SHORT_LIST else meter.number)
        assert reading.layout == LAYOUTS[name][n % len(LAYOUTS[name])]
        assert reading.invocation_counter == meter.invocation_counter(n)
        assert reading.authenticated == bool(meter.auth_key)
        assert reading.system_title == (meter.system_title.hex().upper() or None)
        if meter.time(n):
            assert reading.time == meter.time(n)
        elif reading.time:  # the clock does not tell how far it is from UTC
            local = clock.local_time(meter.utc(n)).strftime("%Y-%m-%dT%H:%M:%S")
            assert reading.time == reading.time_as_sent == local


def test_the_hourly_list_of_kamstrup():
    """Once an hour another shape comes; both are read whenever they come."""
    meter = make_meter("kamstrup-no")
    seen = of_meter(meter)
    numbers = [0, 1, 2, 180, 181, 182, 540, 541]
    for n in numbers:
        seen.hear(meter.telegram(n))
    assert [
        set(meter.expected(n)) <= set(r.names) for n, r in zip(numbers, seen.readings, strict=True)
    ]
    assert len({len(reading.names) for reading in seen.readings}) == 2
    assert seen.errors == {}


# ---- one by one ------------------------------------------------------------------------------

TITLE = b"LGZ\x00\x00\x00\x00\x01"
KEY = bytes(range(16))
STAMP = bytes.fromhex("07ea0612040a1e0000ff8880")


def read(body, title=None, **options):
    """The reading of one notification with this body, ciphered if there is a title."""
    apdu = axdr.data_notification(1, None, body)
    if title:
        apdu = glo.cipher(apdu, 0x20, KEY, None, title, 1)
    seen = Listener("hdlc", KEY, **options).hear(hdlc.frames(apdu, b"\x03\x03"))
    assert seen.errors == {}
    return seen.readings[0]


def test_d_burgenland_by_position():
    numbers = [axdr.u16(n) for n in (231, 232, 233, 150, 250, 350)]
    numbers += [axdr.u32(n) for n in (500, 0, 123456, 789)]
    numbers += [axdr.u16(n) for n in (0, 120, 240)]
    reading = read(axdr.structure(*numbers, axdr.octets("56810001")))
    assert reading.layout == "d-burgenland"
    assert reading.meter == "56810001"
    assert {code: (reading.values[code], reading.units[code]) for code in reading.names} == {
        "1-0:32.7.0": ("231", "V"),
        "1-0:52.7.0": ("232", "V"),
        "1-0:72.7.0": ("233", "V"),
        "1-0:31.7.0": ("1.50", "A"),
        "1-0:51.7.0": ("2.50", "A"),
        "1-0:71.7.0": ("3.50", "A"),
        "1-0:1.7.0": ("500", "W"),
        "1-0:2.7.0": ("0", "W"),
        "1-0:1.8.0": ("123456", "Wh"),
        "1-0:2.8.0": ("789", "Wh"),
        "?10": ("0", ""),
        "?11": ("120", ""),
        "?12": ("240", ""),
    }


def test_e_date_and_time_in_two_pieces():
    elements = [
        axdr.octets(bytes.fromhex("0006190900ff")),
        axdr.octets("1121270000001"),
        axdr.octets(bytes.fromhex("0a1e3b00")),
        axdr.octets(bytes.fromhex("07ea061204")),
        *(axdr.u32(n) for n in (1, 2, 3, 4, 5, 6)),
    ]
    reading = read(axdr.structure(*elements))
    assert reading.layout == "e-siemens-iskra"
    assert (reading.meter, reading.time) == ("1121270000001", "2026-06-18T10:30:59")
    assert reading.values["1-0:1.8.0"] == "1" and reading.values["1-0:2.7.0"] == "6"
    with_texts = read(axdr.structure(*elements, axdr.octets("Hallo"), axdr.octets("7")))
    assert with_texts.values["0-0:96.13.0"] == "Hallo"
    assert with_texts.values["0-0:96.13.1"] == "7"


def test_a_units_from_the_code_belong_to_one_maker():
    """Landis+Gyr's flat list says its units by its codes; another maker's is left alone."""
    body = axdr.structure(axdr.obis("1-0:1.7.0"), axdr.u32(7), axdr.obis("1-0:1.8.0"), axdr.u32(8))
    assert read(body, TITLE).units == {"1-0:1.7.0": "W", "1-0:1.8.0": "Wh"}
    assert read(body, b"SAG" + TITLE[3:]).units == {"1-0:1.7.0": "", "1-0:1.8.0": ""}


def test_b_without_a_meter_number():
    rows = [axdr.obis("1-0:1.8.0"), axdr.u32(5), axdr.scaler_unit(0, "Wh")]
    reading = read(axdr.structure(axdr.octets(STAMP), *rows))
    assert (reading.layout, reading.meter) == ("b-netz-noe", None)
    assert reading.time == "2026-06-18T08:30:00Z"


def test_g_attributes_that_are_no_value_say_so():
    snapshot = layouts.Snapshot(
        local=clock.local_time(make_meter("klagenfurt-e450").utc(0)),
        values=make_meter("klagenfurt-e450")._registers.at(0)[1],
        number="56815930",
        deviation=False,
    )
    body, _ = layouts.KLAGENFURT(snapshot)
    reading = read(body, TITLE)
    assert reading.values["0-8:25.9.0/1"] == "0008190900ff"
    assert reading.units["1-0:3.7.0"] == "var"


def test_a_last_part_of_a_code_is_shown_if_it_says_something():
    code = axdr.octets(bytes([1, 0, 1, 8, 0, 12]))
    reading = read(axdr.structure(code, axdr.u32(5)))
    assert reading.names == ["1-0:1.8.0.12"]


# ---- what no layout describes -------------------------------------------------------------------


def test_values_that_nobody_can_name():
    """By their position, counted from 0, over all that comes."""
    reading = read(axdr.structure(axdr.u32(7), axdr.octets("abc"), axdr.i16(-5)))
    assert reading.layout == ""
    assert reading.values == {"?0": "7", "?1": "abc", "?2": "-5"}
    assert reading.units == {"?0": "", "?1": "", "?2": ""}


def test_codes_are_followed_wherever_they_stand():
    body = axdr.structure(
        axdr.u8(3),
        axdr.array(
            axdr.structure(axdr.obis("1-0:1.7.0"), axdr.u32(7), axdr.scaler_unit(-1, "W")),
            axdr.structure(axdr.obis("1-0:32.7.0"), axdr.u16(2301)),
        ),
        axdr.octets(STAMP),
    )
    reading = read(body)
    assert reading.values["1-0:1.7.0"] == "0.7" and reading.units["1-0:1.7.0"] == "W"
    assert reading.values["1-0:32.7.0"] == "2301"
    assert reading.values["?0"] == "3"
    assert reading.time == "2026-06-18T08:30:00Z"


def test_one_number_alone():
    assert read(axdr.u32(42)).values == {"?0": "42"}


# ---- an owner's own layout ----------------------------------------------------------------------


def test_own_layouts_come_first():
    body = axdr.structure(axdr.u32(7), axdr.octets("abc"), axdr.i16(-5))
    own = "mine * { 1.7.0:u32:W meter 1-0:31.7.0:i16:A:-2 }"
    reading = read(body, own_layouts=own)
    assert (reading.layout, reading.meter) == ("mine", "abc")
    assert reading.values == {"1-0:1.7.0": "7", "1-0:31.7.0": "-0.05"}
    assert reading.units == {"1-0:1.7.0": "W", "1-0:31.7.0": "A"}


def test_own_layouts_of_one_maker():
    body = axdr.structure(axdr.u32(7), axdr.u32(8))
    own = "# a comment\n\nmine KAM,LGZ { 1.7.0:u32:W ?:u32 }"
    assert read(body, TITLE, own_layouts=own).values == {"1-0:1.7.0": "7", "?1": "8"}
    assert read(body, b"SAG" + TITLE[3:], own_layouts=own).values == {"?0": "7", "?1": "8"}


def test_own_layouts_that_do_not_fit_do_not_matter():
    body = axdr.structure(axdr.u32(7), axdr.u32(8))
    own = "one * { 1.7.0:u32:W }\ntwo * { 1.7.0:u16:W 2.7.0:u16:W }\nthree * [ ( obis value )* ]"
    assert read(body, own_layouts=own).values == {"?0": "7", "?1": "8"}


def test_optional_and_repeated_parts():
    own = "mine * { meter? ( { obis value unit? } )* clock? }"
    row = axdr.structure(axdr.obis("1-0:1.7.0"), axdr.u32(7), axdr.scaler_unit(0, "W"))
    bare = axdr.structure(axdr.obis("1-0:2.7.0"), axdr.u32(8))
    for before in ([], [axdr.octets("4711")]):
        for after in ([], [axdr.octets(STAMP)]):
            reading = read(axdr.structure(*before, row, bare, *after), own_layouts=own)
            assert reading.layout == "mine"
            assert reading.meter == ("4711" if before else None)
            assert bool(reading.time) == bool(after)
            assert reading.values == {"1-0:1.7.0": "7", "1-0:2.7.0": "8"}
