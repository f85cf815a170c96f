"""A reading's text and JSON: exact, whatever the size of the number."""

import json
from decimal import Decimal

import pytest
from decoding import Listener, Seen, of_meter, probe
from hypothesis import given, settings
from hypothesis import strategies as st
from meterling.decoder import Decoder
from meterling.reading import decimal_text
from meterling.values import float_text
from meterling_tools import interpreters
from meterling_tools.simulate import DLMS, axdr, hdlc, make_meter

SCALERS = st.integers(-9, 9)
KINDS = {
    # bits, signed: encoder
    (8, False): axdr.u8,
    (16, False): axdr.u16,
    (32, False): axdr.u32,
    (64, False): axdr.u64,
    (8, True): axdr.i8,
    (16, True): axdr.i16,
    (32, True): axdr.i32,
    (64, True): axdr.i64,
}


def telegram(*values, unit=255):
    """values: (encoded number, scaler)."""
    elements = []
    for i, (encoded, scaler) in enumerate(values):
        elements += [axdr.obis(f"1-0:{i + 1}.128.0"), encoded]
        elements.append(axdr.structure(axdr.i8(scaler), axdr.enum(unit)))
    return hdlc.frames(axdr.data_notification(1, None, axdr.structure(*elements)), b"\x03\x03")


def read(*values):
    seen = Listener("hdlc").hear(telegram(*values))
    assert seen.errors == {}
    return seen.readings[0]


def exact(number, scaler):
    return Decimal(number).scaleb(scaler)


@pytest.mark.parametrize(
    ("number", "scaler", "text"),
    [
        (2337, -1, "233.7"),
        (0, -1, "0.0"),
        (5, -3, "0.005"),
        (-5, -3, "-0.005"),
        (12345678, 0, "12345678"),
        (7, 3, "7000"),
        (0, 3, "0"),
        (-128, -2, "-1.28"),
        (1000, -3, "1.000"),
    ],
)
def test_decimal_text(number, scaler, text):
    assert decimal_text(number, scaler) == text


@given(st.integers(-(1 << 63), 1 << 64), SCALERS)
def test_decimal_text_is_exact(number, scaler):
    text = decimal_text(number, scaler)
    assert Decimal(text) == exact(number, scaler)
    # Every digit that the meter sent is there.
    assert len(text.partition(".")[2]) == max(0, -scaler)
    assert json.loads(text, parse_float=Decimal) == exact(number, scaler)


@pytest.mark.parametrize(("bits", "signed"), KINDS)
def test_every_integer_type(bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    @given(st.lists(st.tuples(st.integers(low, high), SCALERS), min_size=1, max_size=5))
    @settings(max_examples=60)
    def check(values):
        reading = read(*((KINDS[bits, signed](number), scaler) for number, scaler in values))
        document = json.loads(reading.json, parse_float=Decimal)
        for i, (number, scaler) in enumerate(values):
            code = f"1-0:{i + 1}.128.0"
            assert reading.raw[code] == (number, scaler)
            assert Decimal(reading.values[code]) == exact(number, scaler)
            assert document["values"][code]["value"] == exact(number, scaler)
            assert f'"{code}":{{"value":{reading.values[code]}}}' in reading.json

    check()


def edge(bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    powers = [10**n + d for n in range(20) for d in (-1, 0)]
    return [
        n for n in {low, low + 1, -10, -9, -1, 0, 1, high - 1, high, *powers} if low <= n <= high
    ]


def test_every_interpreter_writes_the_same_digits(interpreter):
    """All widths, at the edges, where 31, 32 and 64 bits differ."""
    jobs, wanted = [], []
    for (bits, signed), encoder in KINDS.items():
        for number in edge(bits, signed):
            for scaler in (-9, -4, -1, 0, 1, 9):
                jobs.append({"link": "hdlc", "raw": telegram((encoder(number), scaler))})
                wanted.append(f'"1-0:1.128.0":{{"value":{decimal_text(number, scaler)}}}')
    printed = probe(interpreter, jobs)
    lines = [line for line in printed.splitlines() if '"values"' in line]
    assert len(lines) == len(wanted)
    for line, text in zip(lines, wanted, strict=True):
        assert text in line
    assert printed == probe(interpreters.find("cpython"), jobs)


@given(st.floats(width=32, min_value=-1e9, max_value=1e9), st.integers(-3, 3))
def test_single_floats(number, scaler):
    import struct

    text = float_text(struct.pack(">f", number), scaler)
    # Rounded to six decimals of the result; below that nothing is promised.
    assert abs(Decimal(text) - Decimal(number).scaleb(scaler)) <= Decimal("0.000001")


# ---- JSON ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DLMS)
def test_json_says_what_the_reading_says(name):
    meter = make_meter(name, seed=5)
    seen = of_meter(meter)
    for n in range(3):
        seen.hear(meter.telegram(n))
    assert len(seen.readings) == 3
    for reading in seen.readings:
        document = json.loads(reading.json, parse_float=Decimal)
        assert list(document) == [
            *("meter", "system_title", "time", "invocation_counter", "authenticated", "values")
        ]
        assert document["meter"] == reading.meter
        assert document["system_title"] == reading.system_title
        assert document["time"] == reading.time
        assert document["invocation_counter"] == reading.invocation_counter
        assert document["authenticated"] is reading.authenticated
        assert list(document["values"]) == reading.names
        for code, entry in document["values"].items():
            value = reading.values[code]
            assert entry["value"] == (Decimal(value) if reading.numbers[code] else value)
            assert entry.get("unit", "") == reading.units[code]
            assert set(entry) == ({"value", "unit"} if reading.units[code] else {"value"})
        assert " " not in reading.json.replace("Kamstrup V", "")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
@settings(max_examples=60)
def test_texts_are_escaped(text):
    """Quotes and backslashes, too."""
    body = axdr.structure(axdr.obis("0-0:96.13.0"), axdr.octets(text))
    apdu = axdr.data_notification(1, None, body)
    (reading,) = Listener("hdlc").hear(hdlc.frames(apdu, b"\x03\x03")).readings
    value = json.loads(reading.json)["values"]["0-0:96.13.0"]["value"]
    assert value == reading.values["0-0:96.13.0"]
    if len(text) != 12:  # twelve characters could be a clock
        assert value == text


@given(st.binary(min_size=1, max_size=40))
@settings(max_examples=60)
def test_any_octets_make_json(data):
    body = axdr.structure(axdr.obis("0-0:96.13.0"), axdr.octets(data))
    apdu = axdr.data_notification(1, None, body)
    (reading,) = Listener("hdlc").hear(hdlc.frames(apdu, b"\x03\x03")).readings
    assert (
        json.loads(reading.json)["values"]["0-0:96.13.0"]["value"]
        == (reading.values["0-0:96.13.0"])
    )


SCALED = st.one_of(
    *(
        st.integers(-(1 << bits - 1), (1 << bits - 1) - 1).map(KINDS[bits, True])
        if signed
        else st.integers(0, (1 << bits) - 1).map(KINDS[bits, False])
        for bits, signed in KINDS
    ),
    st.binary(min_size=4, max_size=4).map(lambda data: b"\x17" + data),  # float32
    st.binary(min_size=8, max_size=8).map(lambda data: b"\x18" + data),  # float64
)
UNSCALED = st.one_of(
    st.just(axdr.null()),
    st.booleans().map(axdr.boolean),
    st.integers(0, 255).map(axdr.enum),
    st.binary(max_size=20).map(axdr.octets),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(axdr.visible),
    st.integers(0, 255).map(lambda byte: bytes((0x0D, byte))),  # BCD
    st.binary(max_size=3).map(lambda data: bytes((0x04, 8 * len(data))) + data),  # bit string
    st.binary(min_size=12, max_size=12).map(lambda data: b"\x19" + data),  # date-time
    st.binary(min_size=5, max_size=5).map(lambda data: b"\x1a" + data),  # date
    st.binary(min_size=4, max_size=4).map(lambda data: b"\x1b" + data),  # time
    st.just(axdr.octets(bytes.fromhex("07ea0612040a1e0000ff8880"))),  # the same as octet string
)
CODES = st.sampled_from(["1-0:1.8.0", "0-0:96.13.0", "1-0:2.7.0", "0-1:24.2.1"])
ENTRIES = st.one_of(
    st.tuples(CODES.map(axdr.obis), SCALED, SCALERS.map(lambda s: axdr.scaler_unit(s, "Wh"))),
    st.tuples(CODES.map(axdr.obis), UNSCALED),
)


def of_entries(entries):
    """A telegram of entries, each a tuple: code, value, and scaler with unit or none."""
    body = axdr.structure(*(element for entry in entries for element in entry))
    return hdlc.frames(axdr.data_notification(1, None, body), b"\x03\x03")


def written(reading):
    """What the JSON of a reading must be: of its accessors; texts stand in quotes."""
    wanted = {}
    for i in range(len(reading)):
        value, number = reading.value(i), reading.is_number(i)
        entry = {"value": Decimal(value) if number and value is not None else value}
        if reading.unit(i):
            entry["unit"] = reading.unit(i)
        wanted.setdefault(reading.name(i), []).append(entry)
    return {
        name: entries[0] if len(entries) == 1 else {"values": entries}
        for name, entries in wanted.items()
    }


def unequal_keys(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), "a key twice"
    return dict(pairs)


def check_json(reading):
    out = bytearray(8192)
    text = out[: reading.put_json(out, 0)].decode()
    document = json.loads(
        text, parse_float=Decimal, parse_int=Decimal, object_pairs_hook=unequal_keys
    )
    assert document["values"] == written(reading)
    assert (document["meter"], document["time"]) == (reading.meter, reading.time)


@given(st.lists(ENTRIES, min_size=1, max_size=8))
@settings(max_examples=300)
def test_json_says_what_the_accessors_say_of_every_kind(entries):
    """Whatever comes, in whatever order, a code several times among it."""
    seen = []

    def on_reading(reading):
        check_json(reading)
        seen.append(reading)

    decoder = Decoder("hdlc", on_reading=on_reading)
    data = of_entries(entries)
    decoder.feed(data, len(data))
    assert seen or decoder.counters.as_dict()["errors"] == {"empty": 1}


EVERY_KIND = [
    (axdr.obis("1-0:1.8.0"), axdr.u32(5), axdr.scaler_unit(-1, "Wh")),
    (axdr.obis("0-0:96.5.0"), b"\x04\x08\xa5"),
    (axdr.obis("0-0:96.5.1"), b"\x04\x0dAB"),
    (axdr.obis("0-0:96.5.2"), b"\x0d\x42"),
    (axdr.obis("0-0:0.9.2"), bytes.fromhex("1a07ea061204")),
    (axdr.obis("0-0:0.9.1"), bytes.fromhex("1b0a1e0000")),
    (axdr.obis("1-0:1.8.0"), axdr.u64(1 << 63), axdr.scaler_unit(0, "Wh")),
    (axdr.obis("1-0:2.8.0"), axdr.null()),
    (axdr.obis("1-0:32.7.0"), bytes.fromhex("17435f8000")),
    (axdr.obis("1-0:52.7.0"), bytes.fromhex("177fc00000")),
    (axdr.obis("0-0:96.5.2"), axdr.visible('a"b')),
    (axdr.obis("1-0:1.8.0"), axdr.i8(-3)),
]


def test_every_interpreter_writes_every_kind(interpreter):
    jobs = [{"link": "hdlc", "raw": of_entries(EVERY_KIND)}]
    printed = probe(interpreter, jobs)
    assert printed == probe(interpreters.find("cpython"), jobs)
    document = json.loads(printed[printed.index("{") : printed.index("\n")])
    assert document["values"] == {
        "1-0:1.8.0": {
            "values": [
                {"value": 0.5, "unit": "Wh"},
                {"value": 1 << 63, "unit": "Wh"},
                {"value": -3},
            ]
        },
        "0-0:96.5.0": {"value": "a5"},
        "0-0:96.5.1": {"value": "4142"},
        "0-0:96.5.2": {"values": [{"value": "42"}, {"value": 'a"b'}]},
        "0-0:0.9.2": {"value": "07ea061204"},
        "0-0:0.9.1": {"value": "0a1e0000"},
        "1-0:2.8.0": {"value": None},
        "1-0:32.7.0": {"value": 223.5},
        "1-0:52.7.0": {"value": None},
    }


class Squeezed:
    """Writes each reading into buffers of every size."""

    def __init__(self):
        self.results = []

    def __call__(self, reading):
        room = bytearray(4096)
        end = reading.put_json(room, 0)
        text = bytes(room[:end])
        for size in range(0, 2 * end + 700, 3):
            guarded = bytearray(b"\xa5" * size)
            position = reading.put_json(guarded, 0)
            self.results.append((size, end, position))
            assert position in (-1, end)
            if position == end:
                assert guarded[:end] == text
                assert guarded[end:] == b"\xa5" * (size - end)
            assert len(guarded) == size


@pytest.mark.parametrize("name", ["netznoe-kaifa", "kamstrup-dk", "tinetz-kaifa", "aidon-no"])
def test_a_buffer_that_is_too_small(name):
    """-1, without an exception, and it is never longer afterwards. A little room more than
    the text itself is asked for."""
    meter = make_meter(name)
    squeezed = Squeezed()
    decoder = Decoder(meter.link, meter.key, meter.auth_key, squeezed)
    for n in range(2):
        data = meter.telegram(n)
        decoder.feed(data, len(data))
    decoder.quiet()
    assert squeezed.results
    for size, end, position in squeezed.results:
        if size < end:
            assert position == -1
        elif size >= end + 300:
            assert position == end


def test_json_at_a_position():
    meter = make_meter("netznoe-kaifa")
    found = []

    def check(reading):
        seen = Seen(reading)
        out = bytearray(b"\xa5" * 3000)
        end = reading.put_json(out, 1234)
        assert out[:1234] == b"\xa5" * 1234 and out[end:] == b"\xa5" * (3000 - end)
        found.append(out[1234:end].decode() == seen.json)

    decoder = Decoder("mbus", meter.key, None, check)
    data = meter.telegram(0)
    decoder.feed(data, len(data))
    assert found == [True]


def test_numbers_beyond_the_buffer_are_noticed_for_every_width():
    """A u32 with 9 zeros behind it is the longest that is written in one go."""
    values = [(axdr.u32(0xFFFFFFFF), 9)] * 20 + [(axdr.i32(-(1 << 31)), -9)] * 20
    squeezed = Squeezed()
    decoder = Decoder("hdlc", on_reading=squeezed)
    data = telegram(*values)
    decoder.feed(data, len(data))
    assert squeezed.results


def test_one_reading_is_used_again():
    """It is valid during the call; what came before is gone afterwards."""
    objects = []
    meter = make_meter("netznoe-kaifa")
    decoder = Decoder("mbus", meter.key, None, lambda reading: objects.append(reading))
    for n in range(2):
        data = meter.telegram(n)
        decoder.feed(data, len(data))
    assert objects[0] is objects[1]


def test_without_a_listener():
    meter = make_meter("netznoe-kaifa")
    decoder = Decoder("mbus", meter.key)
    data = meter.telegram(0)
    decoder.feed(data, len(data))
    assert decoder.counters.as_dict()["readings"] == 1
    assert decoder.counters["readings"] == 1


def test_counters_by_name_and_number():
    decoder = Decoder("mbus")
    decoder.feed(b"\x00" * 10, 10)
    assert decoder.counters["bytes"] == decoder.counters[0] == 10
    assert decoder.counters["noise"] == 1
    with pytest.raises(KeyError):
        decoder.counters["no such counter"]


def test_an_unknown_link():
    with pytest.raises(ValueError, match="usb"):
        Decoder("usb")
