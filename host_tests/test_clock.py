"""COSEM date-time, against Python's datetime.

year (2) | month | day | weekday | hour | minute | second | hundredths |
deviation (2, signed, minutes) | status              UTC = local + deviation
"""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from decoding import Listener, probe
from hypothesis import given, settings
from hypothesis import strategies as st
from meterling.cosem import clock
from meterling_tools import interpreters
from meterling_tools.simulate import axdr, hdlc

STAMP = bytes.fromhex("07ea0612040a1e3b00ff8880")  # Thursday, 18.06.2026 10:30:59 +02:00


def put(stamp, utc=False):
    out = bytearray(clock.DATE_TIME_TEXT)
    end = clock.put(out, 0, stamp, 0, utc)
    return None if end < 0 else out[:end].decode()


def stamp_of(local, deviation=None, hundredths=0):
    minutes = 0x8000 if deviation is None else deviation & 0xFFFF
    return (
        local.year.to_bytes(2, "big")
        + bytes([local.month, local.day, local.isoweekday()])
        + bytes([local.hour, local.minute, local.second, hundredths])
        + minutes.to_bytes(2, "big")
        + b"\x00"
    )


def changed(position, value, stamp=STAMP):
    return stamp[:position] + bytes(value) + stamp[position + len(value) :]


def test_as_sent_and_in_utc():
    assert put(STAMP) == "2026-06-18T10:30:59+02:00"
    assert put(STAMP, utc=True) == "2026-06-18T08:30:59Z"


MOMENTS = st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2099, 12, 30))


@given(MOMENTS, st.integers(-840, 840))
def test_every_deviation(local, deviation):
    local = local.replace(microsecond=0)
    stamp = stamp_of(local, deviation)
    # A zone of datetime's: local minus UTC, less than a day either way.
    aware = local.replace(tzinfo=timezone(timedelta(minutes=-deviation)))
    assert put(stamp) == aware.isoformat()
    assert put(stamp, utc=True) == aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@given(MOMENTS)
def test_without_a_deviation(local):
    local = local.replace(microsecond=0)
    assert put(stamp_of(local)) == local.isoformat()
    assert put(stamp_of(local), utc=True) is None


@given(MOMENTS, MOMENTS, st.integers(-840, 840), st.integers(-840, 840))
@settings(max_examples=200)
def test_seconds_between(one, other, deviation, other_deviation):
    """Between 2020 and 2053; other years compare with nothing."""
    first, second = one.replace(microsecond=0), other.replace(microsecond=0)
    counted = [
        clock.seconds(stamp_of(*each), 0)
        for each in ((first, deviation), (second, other_deviation))
    ]
    if all(2020 < each.year < 2054 for each in (first, second)):
        apart = (second - first) + timedelta(minutes=other_deviation - deviation)
        assert counted[1] - counted[0] == apart.total_seconds()
        assert all(0 <= each < 1 << 31 for each in counted)
    for each, number in zip((first, second), counted, strict=True):
        if not 2020 <= each.year <= 2053:
            assert number == -1


@pytest.mark.parametrize(
    ("local", "deviation", "utc"),
    [
        ("2026-01-01T00:30:00", -60, "2025-12-31T23:30:00Z"),
        ("2025-12-31T23:30:00", 60, "2026-01-01T00:30:00Z"),
        ("2024-02-28T23:59:59", 1, "2024-02-29T00:00:59Z"),
        ("2024-03-01T00:00:00", -1, "2024-02-29T23:59:00Z"),
        ("2023-03-01T00:00:00", -1, "2023-02-28T23:59:00Z"),
        ("2000-02-29T12:00:00", 720, "2000-03-01T00:00:00Z"),
        ("2026-05-01T13:59:00", -840, "2026-04-30T23:59:00Z"),
        ("2026-04-30T10:00:00", 840, "2026-05-01T00:00:00Z"),
    ],
)
def test_days_months_and_years_roll_over(local, deviation, utc):
    assert put(stamp_of(datetime.fromisoformat(local), deviation), utc=True) == utc


@pytest.mark.parametrize(("year", "leap"), [(2000, 1), (2023, 0), (2024, 1), (2026, 0), (2096, 1)])
def test_leap_years(year, leap):
    day = stamp_of(datetime(year, 2, 28, 12), 0)
    assert (put(changed(3, [29], day)) is not None) == bool(leap)
    assert put(changed(3, [30], day)) is None


@pytest.mark.parametrize(
    ("position", "unspecified", "as_sent", "utc"),
    [
        pytest.param(0, b"\xff\xff", None, None, id="year"),
        pytest.param(2, b"\xff", None, None, id="month"),
        pytest.param(2, b"\xfd", None, None, id="end of daylight saving"),
        pytest.param(2, b"\xfe", None, None, id="begin of daylight saving"),
        pytest.param(3, b"\xff", None, None, id="day"),
        pytest.param(3, b"\xfd", None, None, id="second last day of the month"),
        pytest.param(3, b"\xfe", None, None, id="last day of the month"),
        pytest.param(4, b"\xff", "2026-06-18T10:30:59+02:00", "2026-06-18T08:30:59Z", id="weekday"),
        pytest.param(5, b"\xff", "2026-06-18", None, id="hour"),
        pytest.param(6, b"\xff", "2026-06-18", None, id="minute"),
        pytest.param(7, b"\xff", "2026-06-18T10:30+02:00", "2026-06-18T08:30Z", id="second"),
        pytest.param(8, b"\xff", "2026-06-18T10:30:59+02:00", "2026-06-18T08:30:59Z", id="1/100"),
        pytest.param(9, b"\x80\x00", "2026-06-18T10:30:59", None, id="deviation"),
        pytest.param(11, b"\xff", "2026-06-18T10:30:59+02:00", "2026-06-18T08:30:59Z", id="status"),
    ],
)
def test_unspecified_fields(position, unspecified, as_sent, utc):
    stamp = changed(position, unspecified)
    assert (put(stamp), put(stamp, utc=True)) == (as_sent, utc)


@pytest.mark.parametrize(
    ("position", "value"),
    [(2, 0), (2, 13), (3, 0), (3, 31), (5, 24), (6, 60), (7, 60), (7, 99)],
)
def test_fields_out_of_range(position, value):
    assert put(changed(position, [value])) is None


@pytest.mark.parametrize("minutes", [-841, 841, -1440, 1440, 32767, -32767])
def test_a_deviation_out_of_range_is_none(minutes):
    stamp = changed(9, (minutes & 0xFFFF).to_bytes(2, "big"))
    assert put(stamp) == "2026-06-18T10:30:59"
    assert put(stamp, utc=True) is None


@given(st.binary(min_size=12, max_size=12))
@settings(max_examples=500)
def test_any_bytes(stamp):
    """Nothing is raised, whatever they are, and what comes out is a time."""
    for utc in (False, True):
        text = put(stamp, utc)
        assert text is None or datetime.fromisoformat(text.replace("Z", "+00:00"))
    assert clock.seconds(stamp, 0) >= -1


def hear(stamp, header=None):
    body = axdr.structure(
        axdr.obis("0-0:1.0.0"), axdr.octets(stamp), axdr.obis("1-0:1.7.0"), axdr.u32(1)
    )
    apdu = axdr.data_notification(1, header, body)
    return Listener("hdlc").hear(hdlc.frames(apdu, b"\x03\x03"))


@given(MOMENTS, st.none() | st.integers(-840, 840))
@settings(max_examples=50)
def test_a_reading_tells_the_time(local, deviation):
    local = local.replace(microsecond=0)
    (reading,) = hear(stamp_of(local, deviation)).readings
    assert reading.time_as_sent == reading.values["0-0:1.0.0"]
    if deviation is None:
        assert reading.time == reading.time_as_sent == local.isoformat()
    else:
        utc = local + timedelta(minutes=deviation)
        assert reading.time == utc.isoformat() + "Z"


def test_a_reading_whose_clock_tells_no_day():
    (reading,) = hear(b"\xff" * 12).readings
    assert (reading.time, reading.time_as_sent) == (None, None)
    assert '"time":null' in reading.json


def test_the_time_of_the_values_counts_before_that_of_the_header():
    """The header says when it was sent, the values when they were measured: as a rule the
    same. One of them is told."""
    (reading,) = hear(STAMP, header=STAMP).readings
    assert reading.time == "2026-06-18T08:30:59Z"


def test_every_interpreter_tells_the_same_time(interpreter):
    jobs = []
    for position in range(12):
        for value in (0, 1, 12, 13, 23, 24, 29, 30, 31, 32, 59, 60, 0x7F, 0x80, 0xFD, 0xFE, 0xFF):
            stamp = changed(position, [value])
            body = axdr.structure(axdr.octets(stamp), axdr.obis("1-0:1.7.0"), axdr.u32(1))
            apdu = axdr.data_notification(1, stamp, body)
            jobs.append({"link": "hdlc", "raw": hdlc.frames(apdu, b"\x03\x03")})
    assert probe(interpreter, jobs) == probe(interpreters.find("cpython"), jobs)
