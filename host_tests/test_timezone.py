"""Time zones as POSIX writes them, against CPython's zoneinfo and the C library."""

import json
import os
import time
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

import decoding  # noqa: F401 (hypothesis profile)
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling import timezone
from meterling_tools import interpreters

PROBE = Path(__file__).parent / "zone_probe.py"
# What the page offers, and what it stands for
ZONES = {
    "Europe/Vienna": "CET-1CEST,M3.5.0,M10.5.0/3",
    "Europe/London": "GMT0BST,M3.5.0/1,M10.5.0",
    "Europe/Dublin": "IST-1GMT0,M10.5.0,M3.5.0/1",
    "Europe/Lisbon": "WET0WEST,M3.5.0/1,M10.5.0",
    "Europe/Helsinki": "EET-2EEST,M3.5.0/3,M10.5.0/4",
    "Europe/Istanbul": "<+03>-3",
    "Atlantic/Azores": "<-01>1<+00>,M3.5.0/0,M10.5.0/1",
    "Atlantic/Reykjavik": "GMT0",
}
YEARS = range(2020, 2050)


def fields(moment):
    ahead = int(moment.utcoffset().total_seconds())
    return (*moment.timetuple()[:6], ahead)


def moments_of_change(year):
    """Every quarter of an hour of the days around the changes, and one moment of each month."""
    for month in (3, 10):
        begin = int(datetime(year, month, 24, tzinfo=UTC).timestamp())
        yield from range(begin, begin + 8 * 86_400, 900)
    for month in range(1, 13):
        yield int(datetime(year, month, 7, 12, 34, 56, tzinfo=UTC).timestamp())
    yield int(datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


@pytest.mark.parametrize("name", ZONES)
def test_the_zones_of_europe_as_zoneinfo_has_them(name):
    zone, known = timezone.parse(ZONES[name]), zoneinfo.ZoneInfo(name)
    for year in YEARS:
        for moment in moments_of_change(year):
            expected = datetime.fromtimestamp(moment, known)
            assert timezone.local(zone, moment) == fields(expected), expected


def test_every_python_says_the_same(interpreter):
    asked = {
        text: [moment for year in (2026, 2041) for moment in list(moments_of_change(year))[::7]]
        for text in [*ZONES.values(), "AEST-10AEDT,M10.1.0,M4.1.0/3", "<-0330>3:30NDT,J60/1,300/1"]
    }
    lines = [
        json.dumps([text, [*moments, "2026-03-29T01:00:00Z"]]) for text, moments in asked.items()
    ]
    lines += [json.dumps([text, []]) for text in WRONG]
    run = interpreters.run(interpreter, PROBE, stdin="\n".join(lines).encode() + b"\n")
    assert run.returncode == 0, run.stderr.decode()
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    for (text, moments), found in zip(asked.items(), answers, strict=False):
        zone = timezone.parse(text)
        assert [tuple(each) for each in found[:-1]] == [
            timezone.local(zone, each) for each in moments
        ]
        assert found[-1] == timezone.in_zone(zone, "2026-03-29T01:00:00Z")
    assert answers[len(asked) :] == [None] * len(WRONG)


def test_a_reading_s_time_by_the_owner_s_clock():
    zone = timezone.parse("CET-1CEST,M3.5.0,M10.5.0/3")
    assert timezone.in_zone(zone, "2026-03-29T00:59:59Z") == "2026-03-29T01:59:59"
    assert timezone.in_zone(zone, "2026-03-29T01:00:00Z") == "2026-03-29T03:00:00"
    assert timezone.in_zone(zone, "2026-12-31T23:30Z") == "2027-01-01T00:30"
    assert timezone.in_zone(zone, "2026-03-29T01:00:00") == "2026-03-29T01:00:00", "local already"


WRONG = [
    "",
    "CET",
    "CE-1",
    "Europe/Vienna",
    "CET-1CEST",  # summer time, and nobody says when
    "CET-1CEST,",
    "CET-1CEST,M3.5.0",
    "CET-1CEST,M3.5.0,M10.5.0/3,",
    "CET-1CEST,M3.5.0,M10.5.0/3 ",
    "CET-1CEST,M13.5.0,M10.5.0",
    "CET-1CEST,M0.5.0,M10.5.0",
    "CET-1CEST,M3.6.0,M10.5.0",
    "CET-1CEST,M3.0.0,M10.5.0",
    "CET-1CEST,M3.5.7,M10.5.0",
    "CET-1CEST,M3.5,M10.5.0",
    "CET-1CEST,M3.5.0/,M10.5.0",
    "CET-1CEST,M3.5.0/168,M10.5.0",
    "CET-1CEST,J0,J300",
    "CET-1CEST,J366,J300",
    "CET-1CEST,366,300",
    "CET-25",
    "CET-1:60",
    "<+03-3",
    "<+3>-3",
    "<a b>-3",
    "ČET-1",
    ":CET-1",
    "CET--1",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_zone_is_refused(text):
    with pytest.raises(ValueError):
        timezone.parse(text)


@given(st.text(alphabet="CETS<>+-,.:/MJ0123456789 é²", max_size=30))
def test_nothing_else_is_raised(text):
    try:
        zone = timezone.parse(text)
    except ValueError:
        return
    timezone.local(zone, 1_790_000_000)


# Any rule at all, as the C library understands it


def _days():
    month = st.builds("M{}.{}.{}".format, st.integers(1, 12), st.integers(1, 5), st.integers(0, 6))
    julian = st.builds("J{}".format, st.integers(1, 365))
    return st.one_of(month, julian, st.integers(0, 364).map(str))


TIMES = st.one_of(
    st.just(""), st.builds("/{}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
)
OFFSETS = st.builds(
    "{}{}:{:02}".format, st.sampled_from(["", "-"]), st.integers(0, 12), st.integers(0, 59)
)


@pytest.fixture(scope="module")
def clock():
    """clock(zone, moment): what the C library's says."""
    before = os.environ.get("TZ")

    def ask(text, moment):
        os.environ["TZ"] = text
        time.tzset()
        found = time.localtime(moment)
        return (*found[:6], found.tm_gmtoff)

    yield ask
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@given(
    st.builds(
        "AAA{}BBB{},{}{},{}{}".format,
        OFFSETS,
        st.just("") | OFFSETS,
        _days(),
        TIMES,
        _days(),
        TIMES,
    ),
    st.integers(1_577_923_200, 2_524_521_600),  # 2020-01-02 to 2049-12-31
)
def test_any_rule(clock, text, moment):
    begin, end = timezone.parse(text)[2:]
    year = time.gmtime(moment).tm_year
    days = sorted(timezone._moment(rule, year) // 86_400 for rule in (begin, end))
    first = timezone._days(year, 1, 1)
    # What begins and ends within a day, or at a turn of the year, no two understand alike.
    if days[1] - days[0] > 2 and days[0] - first > 2 and first + 365 - days[1] > 2:
        assert timezone.local(timezone.parse(text), moment) == clock(text, moment)
