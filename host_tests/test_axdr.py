"""A-XDR (IEC 61334-6): the data types of COSEM, as the decoder shows them.

0F | invoke id (4) | 00 or 0C date-time (12) | data
"""

import math
import random
import struct
from decimal import Decimal

import pytest
from decoding import Listener, probe
from gurux_dlms import GXByteBuffer, GXDateTime
from gurux_dlms.enums import DataType
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo
from meterling_tools import interpreters
from meterling_tools.simulate import axdr, hdlc

HEAD = bytes.fromhex("0f0000000100")
CODE = axdr.obis("1-0:1.7.0")


def frame(data, head=HEAD):
    return hdlc.frames(head + data, b"\x03\x03", max_information=1500)


def hear(data, head=HEAD, **options):
    return Listener("hdlc", **options).hear(frame(data, head))


def value(data):
    """(value as text, is it a number) of one element behind its OBIS code."""
    seen = hear(axdr.structure(CODE, data))
    assert seen.errors == {}
    (reading,) = seen.readings
    assert reading.names == ["1-0:1.7.0"]
    return reading.values["1-0:1.7.0"], reading.numbers["1-0:1.7.0"]


TYPES = [
    # tag, width, signed
    (0x03, 1, False),  # boolean
    (0x05, 4, True),  # double-long
    (0x06, 4, False),  # double-long-unsigned
    (0x0F, 1, True),  # integer
    (0x10, 2, True),  # long
    (0x11, 1, False),  # unsigned
    (0x12, 2, False),  # long-unsigned
    (0x14, 8, True),  # long64
    (0x15, 8, False),  # long64-unsigned
    (0x16, 1, False),  # enum
    (0x1C, 1, True),  # delta-integer
    (0x1D, 2, True),  # delta-long
    (0x1E, 4, True),  # delta-double-long
    (0x1F, 1, False),  # delta-unsigned
    (0x20, 2, False),  # delta-long-unsigned
    (0x21, 4, False),  # delta-double-long-unsigned
]


@pytest.mark.parametrize(("tag", "width", "signed"), TYPES)
def test_integers(tag, width, signed):
    limit = 1 << 8 * width
    for number in {0, 1, 2, 9, 10, 99, 100, 127, 128, 255, limit // 2 - 1, limit // 2, limit - 1}:
        if number < limit:
            raw = bytes([tag]) + number.to_bytes(width, "big")
            shown = number - limit if signed and number >= limit // 2 else number
            assert value(raw) == (str(shown), True)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ("00", None),  # null-data
        ("ff", None),  # dont-care
        ("0d42", "42"),  # bcd
        ("0403a0", "a0"),  # bit-string of 3 bits
        ("0408a5", "a5"),
        ("0409a580", "a580"),
        ("0470" + "a5" * 14, "a5" * 14),  # more bits than the telegram has bytes
        ("0400", None),
        ("0903414243", "ABC"),  # octet-string
        ("0903410043", "410043"),  # not printable: in hexadecimal
        ("0900", ""),
        ("0a03414243", "ABC"),  # visible-string
        ("0c03414243", "ABC"),  # utf8-string
        ("1907ea0612040a1e0000ff8880", "2026-06-18T10:30:00+02:00"),  # date-time
        ("090c07ea0612040a1e0000ff8880", "2026-06-18T10:30:00+02:00"),  # as octet-string
    ],
)
def test_other_types(data, shown):
    if shown is None:
        # Beside it stands a value: a telegram without any is none.
        seen = hear(axdr.structure(CODE, bytes.fromhex(data), axdr.obis("1-0:2.7.0"), axdr.u8(1)))
        (reading,) = seen.readings
        assert reading.values["1-0:1.7.0"] in (None, "")
        assert reading.values["1-0:2.7.0"] == "1"
    else:
        assert value(bytes.fromhex(data)) == (shown, False)


def test_date_and_time_as_their_own_types():
    for data in ("1a07ea061204", "1b0a1e0000"):
        text, number = value(bytes.fromhex(data))
        assert not number and text


FLOATS = [0.0, 1.0, -1.0, 0.5, 230.7, -0.001, 123456.78, 1e6, 1e-6, 3.25, 16777216.0, 1e9]


@pytest.mark.parametrize("number", FLOATS)
@pytest.mark.parametrize(("tag", "form"), [(0x17, ">f"), (0x18, ">d")])
def test_floats(tag, form, number):
    """Rounded to six decimals, by integers alone."""
    raw = struct.pack(form, number)
    exact = Decimal(struct.unpack(form, raw)[0])
    text, is_number = value(bytes([tag]) + raw)
    assert is_number
    assert abs(Decimal(text) - exact) <= Decimal("0.0000005")


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize(("tag", "form"), [(0x17, ">f"), (0x18, ">d")])
def test_floats_that_are_no_number(tag, form, number):
    seen = hear(axdr.structure(CODE, bytes([tag]) + struct.pack(form, number)))
    assert [reading.values["1-0:1.7.0"] for reading in seen.readings] in ([], [None])
    for reading in seen.readings:
        assert '"value":null' in reading.json


@pytest.mark.parametrize("tag", sorted({*range(0x22, 0xFF), 0x07, 0x08, 0x0B, 0x0E}))
def test_unknown_tags(tag):
    seen = hear(axdr.structure(CODE, bytes([tag]) + bytes(8)))
    assert (seen.readings, seen.errors) == ([], {"data-type": 1})


# ---- lengths, nesting, bounds --------------------------------------------------------------------


@pytest.mark.parametrize("form", ["05", "8105", "820005", "83000005", "8400000005"])
def test_forms_of_length(form):
    assert value(b"\x09" + bytes.fromhex(form) + b"12345") == ("12345", False)


@pytest.mark.parametrize("form", ["80", "850000000005", "84ffffffff", "847fffffff", "82ffff", "7f"])
def test_lengths_that_lie(form):
    seen = hear(axdr.structure(CODE, b"\x09" + bytes.fromhex(form) + b"12345"))
    assert (seen.readings, seen.errors) == ([], {"decode": 1})


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 700])
def test_strings_of_any_length(size):
    assert value(axdr.octets("x" * size))[0] == "x" * size


@pytest.mark.parametrize("form", [axdr.structure, axdr.array])
def test_depth(form):
    """Eight levels are more than any meter sends; there is an end to it."""
    data = axdr.structure(CODE, axdr.u32(7))
    for _ in range(7):
        data = form(data)
    assert hear(data).watts == [7]
    for _ in range(100):
        data = form(data)
    assert hear(data).errors == {"decode": 1}


def test_number_of_elements():
    """128 values (one is the invoke id) fit into a reading; 512 elements are too many for
    anybody."""

    def rows(count):
        codes = (axdr.obis(f"1-{i // 200}:{i % 200}.7.0") + axdr.u32(i) for i in range(count))
        return b"\x02" + axdr.length(2 * count) + b"".join(codes)

    assert len(hear(rows(127)).readings[0].names) == 127
    assert hear(rows(128)).errors == {"too-long": 1}
    assert hear(rows(255), size=8000).errors == {"too-long": 1}
    assert hear(rows(256), size=8000).errors == {"decode": 1}
    assert hear(b"\x01\x82\xff\xff" + bytes(900)).errors == {"decode": 1}


def test_more_values_than_a_byte_can_count(interpreter):
    """Without codes each element is a value of its own."""
    jobs = [
        {"link": "hdlc", "raw": frame(form(*[axdr.u8(1)] * count))}
        for count in (127, 128, 255, 256, 300, 511)
        for form in (axdr.structure, axdr.array)
    ]
    printed = probe(interpreter, jobs)
    assert printed.count('{"meter"') == 2 and printed.count("[('too-long', 1)]") == 10
    assert printed == probe(interpreters.find("cpython"), jobs)


def test_structures_that_say_more_than_there_is():
    whole = axdr.structure(CODE, axdr.u32(7), axdr.obis("1-0:2.7.0"), axdr.u32(8))
    for stop in range(1, len(whole)):
        assert hear(whole[:stop]).errors == {"decode": 1}, stop


def test_nothing_at_all():
    for data in (b"\x00", axdr.structure(), axdr.array(), axdr.structure(axdr.null())):
        assert hear(data).errors == {"empty": 1}


def test_a_compact_array():
    """13 | type description | length in bytes | the values without their tags."""
    # A structure of an OBIS code and a long-unsigned.
    rows = b"\x06" + bytes([1, 0, 32, 7, 0, 255]) + (2307).to_bytes(2, "big")
    rows += b"\x06" + bytes([1, 0, 52, 7, 0, 255]) + (2311).to_bytes(2, "big")
    data = bytes.fromhex("1302020912") + bytes([len(rows)]) + rows
    (reading,) = hear(data).readings
    assert reading.values == {"1-0:32.7.0": "2307", "1-0:52.7.0": "2311"}


def test_a_compact_array_of_numbers_and_of_arrays():
    (reading,) = hear(bytes.fromhex("131206000100020003")).readings
    assert list(reading.values.values()) == ["1", "2", "3"]
    (reading,) = hear(bytes.fromhex("13010002110401020304")).readings
    assert list(reading.values.values()) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("13", id="only the tag"),
        pytest.param("131205000100020003", id="a length that cuts a value"),
        pytest.param("1312ff0001", id="a length beyond the end"),
        pytest.param("13000400000000", id="values without width"),
        pytest.param("1302000400000000", id="structures without elements"),
        pytest.param("130100000400000000", id="arrays without elements"),
        pytest.param("1301ffff000400000000", id="arrays of many nulls"),
        pytest.param("13" + "02" * 60, id="deep description"),
        pytest.param("13" + "010001" * 60, id="deep arrays"),
        pytest.param("1302ff" + "01ffff" * 9, id="wide and deep"),
        pytest.param("1301ffff01ffff01ffff01ffff01ffff0004000000", id="a product of counts"),
        pytest.param("13027f" + "027f" * 6 + "00" * 90, id="a tree of descriptions"),
    ],
)
def test_compact_arrays_that_are_none(data):
    """None of them takes long, and none is believed."""
    seen = hear(bytes.fromhex(data))
    assert seen.readings == []
    assert seen.errors in ({"decode": 1}, {"data-type": 1}, {"empty": 1})


# ---- data-notification -------------------------------------------------------------------------


def test_with_and_without_date_time():
    stamp = bytes.fromhex("07ea0612040a1e0000ff8880")
    body = axdr.structure(CODE, axdr.u32(1))
    (reading,) = hear(body, head=b"\x0f\0\0\0\1\x0c" + stamp).readings
    assert (reading.time, reading.time_as_sent) == (
        "2026-06-18T08:30:00Z",
        "2026-06-18T10:30:00+02:00",
    )
    (reading,) = hear(body).readings
    assert (reading.time, reading.time_as_sent) == (None, None)


def test_the_invoke_id_may_be_anything():
    seen = Listener("hdlc")
    for number in (0, 1, 0x40000000, 0x8006870E, 0xFFFFFFFF):
        seen.hear(
            frame(axdr.structure(CODE, axdr.u32(1)), b"\x0f" + number.to_bytes(4, "big") + b"\0")
        )
    assert (len(seen.readings), seen.errors) == (5, {})


@pytest.mark.parametrize("length", [1, 5, 11, 13, 0x7F, 0xFF])
def test_a_date_time_of_another_length(length):
    seen = hear(bytes(20), head=b"\x0f\0\0\0\1" + bytes([length]))
    assert (seen.readings, seen.errors) == ([], {"decode": 1})


@pytest.mark.parametrize("tag", [0xC0, 0xC2, 0x61, 0x60, 0xD8, 0x0E, 0xFE])
def test_other_apdus(tag):
    assert hear(bytes(10), head=bytes([tag])).errors == {"apdu": 1}


# ---- a second opinion ---------------------------------------------------------------------------


def by_gurux(kind, number):
    buffer = GXByteBuffer()
    _GXCommon.setData(None, buffer, kind, number)
    return bytes(buffer.array())


@pytest.mark.parametrize(
    ("kind", "bits", "signed"),
    [
        (DataType.INT8, 8, True),
        (DataType.INT16, 16, True),
        (DataType.INT32, 32, True),
        (DataType.INT64, 64, True),
        (DataType.UINT8, 8, False),
        (DataType.UINT16, 16, False),
        (DataType.UINT32, 32, False),
        (DataType.UINT64, 64, False),
        (DataType.ENUM, 8, False),
    ],
)
def test_integers_as_gurux_writes_them(kind, bits, signed):
    draw = random.Random(bits)
    for _ in range(20):
        number = draw.randrange(1 << bits)
        if signed and number >> bits - 1:
            number -= 1 << bits
        assert value(by_gurux(kind, number)) == (str(number), True)


def test_texts_and_floats_as_gurux_writes_them():
    assert value(by_gurux(DataType.OCTET_STRING, b"KFM1100100000035"))[0] == "KFM1100100000035"
    assert value(by_gurux(DataType.STRING, "KFM1100"))[0] == "KFM1100"
    assert value(by_gurux(DataType.STRING_UTF8, "KFM1100"))[0] == "KFM1100"
    assert Decimal(value(by_gurux(DataType.FLOAT32, 230.5))[0]) == Decimal("230.5")
    assert Decimal(value(by_gurux(DataType.FLOAT64, 230.5))[0]) == Decimal("230.5")


def test_gurux_reads_the_simulators_elements():
    """What the tests encode is checked by somebody else, too."""
    elements = axdr.structure(axdr.u32(5), axdr.i8(-3), axdr.array(axdr.i64(-7), axdr.octets("a")))
    found = _GXCommon.getData(None, GXByteBuffer(elements), _GXDataInfo())
    assert found[0] == 5 and found[1] == -3 and found[2][0] == -7
    assert bytes(found[2][1]) == b"a"
    assert GXDateTime is not None


# ---- everywhere the same ------------------------------------------------------------------------


def test_every_interpreter_reads_the_same(interpreter):
    draw = random.Random(5)
    jobs = []
    for tag, width, _ in [*TYPES, (0x17, 4, True), (0x18, 8, True), (0x09, 0, False)]:
        for scaler in (-9, -3, -1, 0, 1, 4, 9):
            raw = b""
            for number in (0, 1, (1 << 8 * width - 1) if width else 0, (1 << 8 * width) - 1):
                raw += frame(
                    axdr.structure(
                        *(CODE, bytes([tag]) + number.to_bytes(width or 1, "big")),
                        axdr.scaler_unit(scaler, "W"),
                    )
                )
            jobs.append({"link": "hdlc", "raw": raw})
    for _ in range(300):  # anything at all
        data = bytearray(axdr.structure(CODE, axdr.u32(1), axdr.scaler_unit(0, "W"), axdr.array()))
        for _ in range(draw.randrange(1, 4)):
            data[draw.randrange(len(data))] = draw.choice(
                [0, 1, 2, 9, 0x13, 0xFF, draw.randrange(256)]
            )
        jobs.append({"link": "hdlc", "raw": frame(bytes(data))})
    assert probe(interpreter, jobs) == probe(interpreters.find("cpython"), jobs)
