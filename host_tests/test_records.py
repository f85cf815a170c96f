"""M-Bus data records (EN 13757-3) and what becomes of them in the normal form.

    DIF DIFE* | VIF VIFE* | data        04 83 3C 14000000: 20 Wh that flowed backward, 2.8.0

`read` takes the normal form apart again, by its own means.
"""

from datetime import UTC, datetime
from decimal import Decimal

import meterbus
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from meterling.cosem.records import translate
from meterling_tools.simulate.amis import METERS, cp48, header
from meterling_tools.simulate.clock import local_time

METER = METERS["netzooe-amis"].meter("netzooe-amis")
UNITS = {27: "W", 28: "VA", 29: "var", 30: "Wh", 31: "VAh", 32: "varh"}
DECODE, EMPTY = -17, -19


def read(payload, size=1024):
    """What a plain payload says: the code of translate, or (identification, meter's number,
    {code: value}); a value is a date-time (bytes) or (number, unit)."""
    out = bytearray(size)
    end = translate(payload, 0, len(payload), out)
    if end <= 0:
        return end
    assert out[:8] == b"\x0f" + bytes(5) + b"\x02\x82"
    elements, at = [], 10
    while at < end:
        tag = out[at]
        if tag == 0x01:  # the array around the number
            assert out[at : at + 3] == b"\x01\x01\x09"
            at += 2
            elements.append([out[at + 2 : at + 2 + out[at + 1]].decode()])
            at += 2 + out[at + 1]
        elif tag == 0x02:
            assert out[at : at + 3] == b"\x02\x02\x0f" and out[at + 4] == 0x16
            elements.append((int.from_bytes(out[at + 3 : at + 4], signed=True), out[at + 5]))
            at += 6
        elif tag == 0x09:
            elements.append(bytes(out[at + 2 : at + 2 + out[at + 1]]))
            at += 2 + out[at + 1]
        else:
            width = {0x05: 4, 0x14: 8}[tag]
            elements.append(int.from_bytes(out[at + 1 : at + 1 + width], signed=True))
            at += 1 + width
    assert at == end
    assert len(elements) == out[8] << 8 | out[9]
    name = elements.pop(0)
    number = elements.pop(0)[0] if isinstance(elements[0], list) else None
    values = {}
    while elements:
        code = "{}-{}:{}.{}.{}".format(*elements.pop(0)[:5])
        value = elements.pop(0)
        if isinstance(value, int):
            scaler, unit = elements.pop(0)
            value = Decimal(value).scaleb(scaler), UNITS[unit]
        assert code not in values
        values[code] = value
    return name, number, values


def telegram(*records, number="00000000"):
    """A plain payload with these records (hex)."""
    return header(number, 0, 0) + bytes.fromhex("".join(records))


def values(*records):
    said = read(telegram(*records))
    return said if isinstance(said, int) else said[2]


def one(record):
    """The only value of a record, as text: `1-0:1.8.0 20 Wh`; None if it has none."""
    said = values(record)
    if isinstance(said, int):
        assert said == EMPTY
        return None
    ((code, (number, unit)),) = said.items()
    return f"{code} {number:f} {unit}"


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ("04 03 14000000", "1-0:1.8.0 20 Wh"),
        ("04 00 14000000", "1-0:1.8.0 0.020 Wh"),
        ("04 07 14000000", "1-0:1.8.0 200000 Wh"),
        ("04 83 3b 14000000", "1-0:1.8.0 20 Wh"),  # forward
        ("04 83 3c 14000000", "1-0:2.8.0 20 Wh"),  # backward
        ("84 10 03 14000000", "1-0:1.8.1 20 Wh"),  # tariff 1
        ("84 30 03 14000000", "1-0:1.8.3 20 Wh"),
        ("84 90 10 03 14000000", "1-0:1.8.5 20 Wh"),  # 1 + 4
        ("04 fb 00 14000000", "1-0:1.8.0 2000000 Wh"),  # 0.1 MWh
        ("04 fb 82 73 14000000", "1-0:3.8.0 20 varh"),  # kvarh / 1000
        ("04 fb 03 14000000", "1-0:3.8.0 200000 varh"),
        ("04 fb 82 f3 3c 14000000", "1-0:4.8.0 20 varh"),
        ("04 fb 84 73 14000000", "1-0:9.8.0 20 VAh"),
        ("04 83 ff 04 14000000", "1-0:1.128.0 20 Wh"),  # Siemens' own
        ("04 2b 14000000", "1-0:1.7.0 20 W"),
        ("04 2a 14000000", "1-0:1.7.0 2.0 W"),
        ("04 ab 7d 14000000", "1-0:1.7.0 20000 W"),
        ("04 fb 29 14000000", "1-0:1.7.0 20000000 W"),  # MW
        ("04 fb 14 14000000", "1-0:3.7.0 20 var"),
        ("04 fb 97 3c 14000000", "1-0:4.7.0 20000 var"),
        ("04 fb 34 14000000", "1-0:9.7.0 20 VA"),
    ],
)
def test_quantities(record, value):
    assert one(record) == value


@pytest.mark.parametrize(
    ("dif", "data", "number"),
    [
        ("01", "ff", -1),
        ("01", "7f", 127),
        ("02", "fe ff", -2),
        ("02", "ff 7f", 32767),
        ("02", "01 80", -32767),
        ("03", "01 00 80", -8388607),
        ("03", "00 01 80", -8388352),
        ("04", "ff ff ff 7f", 2147483647),
        ("04", "01 00 00 80", -2147483647),
        ("06", "00 00 00 00 01 00", 4294967296),
        ("06", "ff ff ff ff ff ff", -1),
        ("07", "ff ff ff ff ff ff ff 7f", (1 << 63) - 1),
        ("07", "01 00 00 00 00 00 00 80", 1 - (1 << 63)),
        ("09", "42", 42),
        ("0a", "34 12", 1234),
        ("0b", "56 34 12", 123456),
        ("0c", "99 99 99 99", 99999999),
        ("0c", "21 43 65 f7", -7654321),  # F: negative
        ("0e", "12 90 78 56 34 12", 123456789012),
        ("0e", "99 99 99 99 99 99", 999999999999),
        ("0e", "99 99 99 99 99 f9", -99999999999),
        ("0e", "00 00 00 00 00 f0", 0),
    ],
)
def test_types_of_data(dif, data, number):
    assert one(f"{dif} 03 {data}") == f"1-0:1.8.0 {number} Wh"


@pytest.mark.parametrize(
    "record",
    [
        "04 03 00000080",  # the meter says: no value
        "01 03 80",
        "07 03 0000000000000080",
        "0a 03 ab12",  # BCD that is none
        "0e 03 0000000000aa",
        "44 03 14000000",  # storage number 1: an older value
        "84 01 03 14000000",
        "14 03 14000000",  # a maximum
        "84 40 03 14000000",  # subunit
        "05 2b 0000803f",  # a real number
        "00 03",  # no data
        "08 03",
        "0d 03 03 414243",  # variable length: text,
        "0d 03 c2 1234",  # BCD
        "0d 03 e4 01020304",  # binary
        "04 13 14000000",  # volume
        "04 0b 14000000",  # J
        "04 fd 48 14000000",  # V, of no phase
        "04 83 7f 14000000",  # the maker's own, and nothing follows
        "04 83 ff 05 14000000",
        "04 83 ff 84 00 14000000",
        "04 ab ff 04 14000000",
        "04 83 10 14000000",  # what this VIFE says is not known here
        "04 7c 03 414243 14000000",  # the quantity is a text
        "04 fc 03 414243 74 14000000",
    ],
)
def test_what_is_passed_over(record):
    assert one(record) is None
    assert values(record, "04 2b 01000000") == {"1-0:1.7.0": (1, "W")}


def test_filler_and_makers_data():
    assert values("2f2f", "042b01000000", "2f2f2f") == {"1-0:1.7.0": (1, "W")}
    for dif in ("0f", "1f"):  # nobody can know what follows
        assert values("042b01000000", dif, "04ab3c02000000") == {"1-0:1.7.0": (1, "W")}


@pytest.mark.parametrize(
    "record",
    [
        *("04", "84", "84 10", "04 83", "04 fb", "04 7c", "04 7c 09 41", "0d 03"),
        *("04 03 010203", "06 03 0102030405", "0d 03 05 41"),
        "84 " + "80 " * 10 + "00 03 01020304",  # more than ten extensions
        "04 83 " + "bb " * 10 + "3b 01020304",
        "3f 03",  # reserved types
        "7f",
        "0d 03 f4 01020304",  # lengths that have had several meanings
        "0d 03 ca 01",
    ],
)
def test_records_whose_length_nobody_knows(record):
    assert values("042b01000000", record) == DECODE


def test_no_header():
    for size in range(13):
        assert read(telegram()[:size]) == DECODE
    assert read(telegram()) == EMPTY


def clock_of(record):
    return values("042b01000000", record).get("0-0:1.0.0", b"").hex(" ")


def test_clocks():
    assert clock_of("06 6d 5f0c48c1171b") == "07 de 07 01 02 08 0c 1f ff 80 00 80"
    # Winter; no weekday.
    assert clock_of("06 6d 1f0c08c1171b") == "07 de 07 01 ff 08 0c 1f ff 80 00 00"
    # Type F: without second. 2014-07-01 08:12, summer time.
    assert clock_of("04 6d 0c88c117") == "07 de 07 01 ff 08 0c ff ff 80 00 80"
    assert clock_of("06 6d 000017bf3c00") == "07 ed 0c 1f ff 17 00 00 ff 80 00 00"


@pytest.mark.parametrize(
    "record",
    [
        "06 6d 5f8c48c1171b",  # the meter says that its clock is wrong
        "06 6d 3f0c48c1171b",  # second 63: any
        "06 6d 5f3f48c1171b",
        "06 6d 5f0c5fc1171b",
        "06 6d 5f0c48c0171b",  # no day
        "06 6d 5f0c48c1101b",  # no month
        "06 6d 5f0c48c11d1b",
        "06 6d 5f0c48e1f71b",  # year 127: none
        "46 6d 5f0c48c1171b",  # of an older value
        "02 6c c117",  # a day
    ],
)
def test_what_is_no_clock(record):
    assert clock_of(record) == ""


def test_the_first_clock_is_the_telegrams():
    """Another time point behind it, or one of a tariff, is of something else."""
    other = "066d 000000c1171b"
    assert clock_of("066d5f0c48c1171b" + other) == "07 de 07 01 02 08 0c 1f ff 80 00 80"
    assert clock_of("86106d000000c1171b" + "066d5f0c48c1171b").endswith("08 0c 1f ff 80 00 80")


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 30)))
def test_every_second_of_a_century(moment):
    moment = local_time(moment.replace(tzinfo=UTC))
    clock = bytes.fromhex(clock_of("066d" + cp48(moment).hex()))
    assert int.from_bytes(clock[:2]) == moment.year
    assert tuple(clock[2:5]) == (moment.month, moment.day, moment.isoweekday())
    assert tuple(clock[5:8]) == (moment.hour, moment.minute, moment.second)
    assert bool(clock[11]) == (moment.utcoffset().total_seconds() == 7200)


def test_where_there_is_no_room():
    """0 until all fits, and nothing beyond the end; the last value's room is the widest's."""
    payload = header(METER.number, 0, 0) + METER.records(0) + bytes.fromhex("07030807060504030201")
    out = bytearray(1000)
    end = translate(payload, 0, len(payload), out)
    assert end > 200
    for size in range(end + 1):
        small = bytearray(size)
        found = translate(payload, 0, len(payload), small)
        assert (found, len(small)) == (0 if size < end else end, size)
    assert small == out[:end]


@given(st.binary(max_size=260), st.integers(0, 700))
@example(bytes((0, 0, 0, 0, 1, 0, 0, 0)), 36)
def test_any_records(data, size):
    """Nothing is raised, nothing written beyond the end, nothing read beyond it; and what does
    not fit is 0, whatever the size."""
    payload = header("12345678", 0, 0) + data
    out, again, small = bytearray(8000), bytearray(8000), bytearray(size)
    end = translate(payload, 0, len(payload), out)
    behind = bytes.fromhex("042b01000000") * 2
    assert translate(b"\x2f" + payload + behind, 1, 1 + len(payload), again) == end
    assert out == again
    found = translate(payload, 0, len(payload), small)
    assert len(small) == size
    if end > 0 and size < end:
        assert found == 0
    elif end < 0:
        assert found in (0, end)  # what is wrong may come behind what does not fit
    elif size >= end + 36:
        assert found == end
    if found > 0:
        assert small[:found] == out[:found]


# ---- against pymeterbus ---------------------------------------------------------------------

# What it knows: not the extension FB of electricity, and of clocks only those without second.
_THEIRS = {"MeasureUnit.WH": "Wh", "MeasureUnit.W": "W"}


def theirs(payload):
    """[(value, unit, whether it flows backward, tariff)] of a plain payload, by pymeterbus."""
    body = b"\x08\xf0\x72" + payload[1:]  # RSP_UD: what an M-Bus master reads
    raw = bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))
    parsed = meterbus.load(raw)
    found = []
    for record in parsed.records:
        said = record.interpreted
        backward = "NEGATIVE" in said.get("unit_enh", "")
        found.append((said["value"], _THEIRS.get(said["unit"]), backward, said.get("tariff", 0)))
    return found


QUANTITIES = st.sampled_from(
    [f"{n:02x}" for n in (*range(0x03, 0x08), *range(0x2B, 0x30))]
    + [f"{n:02x}3c" for n in (0x83, 0x84, 0xAB, 0xAC)]
)
INTEGERS = st.tuples(st.sampled_from((1, 2, 3, 4, 6, 8)), st.integers(0, 127))


@given(QUANTITIES, INTEGERS, st.integers(0, 3))
def test_pymeterbus_reads_the_same(quantity, integer, tariff):
    width, number = integer
    kind = {6: 6, 8: 7}.get(width, width)
    dib = f"{kind:02x}" if tariff == 0 else f"{kind | 0x80:02x}{tariff << 4:02x}"
    record = dib + quantity + number.to_bytes(width, "little").hex()
    ((value, unit, backward, their_tariff),) = theirs(telegram(record))
    code = f"1-0:{1 + backward}.{7 if unit == 'W' else 8}.{their_tariff}"
    ours = values(record)
    assert ours == {code: (value, unit)}


def test_pymeterbus_finds_the_records_of_a_telegram():
    payload = header(METER.number, 1, 0) + METER.records(3)
    found = [(int(v), u, b, t) for v, u, b, t in theirs(payload) if u]
    expected = METER.expected(3)
    assert found == [
        (expected["1-0:1.8.0"][0], "Wh", False, 0),
        (expected["1-0:2.8.0"][0], "Wh", True, 0),
        (expected["1-0:1.7.0"][0], "W", False, 0),
        (expected["1-0:2.7.0"][0], "W", True, 0),
        (expected["1-0:1.128.0"][0], "Wh", False, 0),
    ]
