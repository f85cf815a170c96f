"""The invocation counter must rise: what was heard once is never believed again."""

from datetime import datetime, timedelta

import pytest
from decoding import Listener, probe
from meterling_tools import interpreters
from meterling_tools.simulate import axdr, clock, glo, mbus
from meterling_tools.simulate.base import DEMO_AUTH_KEY, DEMO_KEY

TITLE = b"KFM\x12\x00\x00\x00\x01"
OTHER = b"KFM\x12\x00\x00\x00\x02"
START = datetime(2026, 6, 18, 7, 30)


def telegram(counter, seconds=None, title=TITLE, security=0x30, watts=None):
    """One that says its counter as watts; with the clock at START + seconds, or without."""
    stamp = None
    if seconds is not None:
        stamp = clock.date_time(START + timedelta(seconds=seconds), deviation=False)
    body = axdr.structure(axdr.obis("1-0:1.7.0"), axdr.u32(counter if watts is None else watts))
    apdu = axdr.data_notification(1, stamp, body)
    return mbus.frames(glo.cipher(apdu, security, DEMO_KEY, DEMO_AUTH_KEY, title, counter))


def hear(*telegrams):
    return Listener("mbus", DEMO_KEY, DEMO_AUTH_KEY).hear(b"".join(telegrams))


def counters(listener):
    return [reading.invocation_counter for reading in listener.readings]


@pytest.mark.parametrize("security", [0x10, 0x20, 0x30])
def test_repeated(security):
    once = telegram(5, security=security)
    seen = hear(once, once, once)
    assert counters(seen) == [5]
    assert seen.errors == {"replay": 2}


def test_older():
    seen = hear(telegram(5), telegram(4), telegram(6))
    assert counters(seen) == [5, 6]
    assert seen.errors == {"replay": 1}


@pytest.mark.parametrize(
    "rising",
    [
        (1, 2, 3, 100, 1000),  # a gap is no fault
        (0xFE, 0xFF, 0x100, 0x101),
        (0xFFFE, 0xFFFF, 0x10000),
        (0x00FFFFFF, 0x01000000),
        (0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF),
    ],
)
def test_newer(rising):
    """All 32 bits count, as an unsigned number."""
    seen = hear(*(telegram(n, watts=1) for n in rising))
    assert counters(seen) == list(rising)
    assert seen.errors == {}
    for older, newer in zip(rising, rising[1:], strict=False):
        assert counters(hear(telegram(newer, watts=1), telegram(older, watts=1))) == [newer]


def test_the_first_counter_is_believed_whatever_it_is():
    for first in (0, 1, 0x80000000, 0xFFFFFFFF):
        assert counters(hear(telegram(first, watts=1))) == [first]


def test_a_refused_telegram_does_not_move_the_counter():
    """Neither a wrong tag nor a wrong text may shut the meter out."""
    forged = bytearray(telegram(1000))
    forged[20] ^= 1  # in the counter
    forged[-2] = sum(forged[4:-2]) & 0xFF
    seen = hear(telegram(1), bytes(forged), telegram(2))
    assert counters(seen) == [1, 2]
    assert seen.errors == {"tag": 1}


def test_another_meter():
    """A replaced meter has another system title: its counter is its own."""
    seen = hear(telegram(50), telegram(3, title=OTHER), telegram(4, title=OTHER))
    assert counters(seen) == [50, 3, 4]
    assert seen.errors == {}


def test_what_two_meters_sent_is_not_played_back_in_turn():
    recorded = [
        *(telegram(1), telegram(50, title=OTHER)),
        *(telegram(2), telegram(51, title=OTHER)),
    ]
    seen = hear(*recorded, *recorded, *recorded)
    assert counters(seen) == [1, 50, 2, 51]
    assert seen.errors == {"replay": 8}
    seen.hear(telegram(3)).hear(telegram(52, title=OTHER))
    assert counters(seen)[4:] == [3, 52]


def test_the_counters_of_a_few_titles_are_kept():
    recorded = [telegram(7, title=TITLE[:7] + bytes((n,))) for n in range(4)]
    seen = hear(*recorded, *recorded, *recorded[::-1], *recorded)
    assert counters(seen) == [7] * 4
    assert seen.errors == {"replay": 12}


def test_a_restart_between_another_meters_telegrams():
    """Each has a series and a clock of its own."""
    order = [telegram(100, 100), telegram(50, 0, OTHER)]
    for n in range(1, 6):
        order += [telegram(n, 200 + n), telegram(50 + n, n, OTHER)]
    assert counters(hear(*order)) == [100, 50, 51, 52, 3, 53, 4, 54, 5, 55]
    # The clock of TITLE's last reading counts, not that of the last.
    old = [telegram(n, n) for n in range(90, 100)]
    seen = hear(telegram(100, 100), telegram(50, 0, OTHER), *old)
    assert counters(seen) == [100, 50]


def energy(counter, wh, title=TITLE, volt=230):
    rows = axdr.obis("1-0:1.8.0"), axdr.u32(wh), axdr.scaler_unit(0, "Wh")
    rows += axdr.obis("1-0:32.7.0"), axdr.u16(volt), axdr.scaler_unit(0, "V")
    apdu = axdr.data_notification(1, None, axdr.structure(*rows))
    return mbus.frames(glo.cipher(apdu, 0x30, DEMO_KEY, DEMO_AUTH_KEY, title, counter))


@pytest.mark.parametrize(
    ("other", "errors"),
    [
        (energy(7, 5_000_000, OTHER), {"replay": 1, "implausible": 1}),
        (energy(8, 5_000_000, OTHER, volt=9999), {"implausible": 2}),
    ],
    ids=["replay", "implausible"],
)
def test_a_refused_telegram_of_another_meter_changes_nothing(other, errors):
    """The registers are still held against those of the last reading."""
    first = energy(7, 5_000_000, OTHER), energy(1, 1000)
    seen = hear(*first, other, energy(2, 900), energy(3, 1001))
    assert counters(seen) == [7, 1, 3]
    assert seen.errors == errors


def test_two_meters_on_every_interpreter(interpreter):
    raw = [telegram(n, n, title) for n in range(1, 9) for title in (TITLE, OTHER)]
    raw += [telegram(n, 90 + n, title) for n in (2, 3, 4, 5, 1) for title in (OTHER, TITLE)]
    raw += [energy(n, 1000, title) for n in (20, 21, 20) for title in (TITLE, OTHER)]
    job = {"link": "mbus", "raw": b"".join(raw), "key": DEMO_KEY, "auth_key": DEMO_AUTH_KEY}
    printed = probe(interpreter, [job])
    assert printed.count('{"meter"') == 16 + 4 + 4
    assert printed == probe(interpreters.find("cpython"), [job])


# ---- a meter that counts from the beginning again ------------------------------------------------


def test_a_restart_is_believed_with_the_third_telegram():
    """The clock has gone on."""
    seen = hear(
        *(telegram(n, seconds=n) for n in (100, 101)),
        *(telegram(n, seconds=200 + n) for n in range(1, 6)),
    )
    assert counters(seen) == [100, 101, 3, 4, 5]
    assert seen.errors == {"replay": 2}


def test_a_restart_of_a_meter_that_tells_no_time():
    seen = hear(telegram(100), *(telegram(n) for n in range(1, 6)))
    assert counters(seen) == [100, 3, 4, 5]


def test_old_telegrams_played_back_show_an_old_time():
    """However many, and in whatever order."""
    old = [telegram(n, seconds=n) for n in range(1, 60)]
    seen = hear(*old, *old, *old[::-1], *old[10:30])
    assert counters(seen) == list(range(1, 60))
    seen.hear(telegram(60, seconds=60))
    assert counters(seen)[-1] == 60


def test_one_and_the_same_old_telegram_is_no_series():
    seen = hear(telegram(100), *([telegram(1)] * 20), telegram(101))
    assert counters(seen) == [100, 101]


def test_falling_counters_are_no_series():
    seen = hear(telegram(100, 0), *(telegram(n, 200 - n) for n in range(30, 0, -1)))
    assert counters(seen) == [100]


def test_the_same_clock_is_no_newer_one():
    seen = hear(telegram(100, 50), *(telegram(n, 50) for n in range(1, 9)))
    assert counters(seen) == [100]


def test_an_old_telegram_within_a_restart_breaks_the_series():
    seen = hear(
        telegram(100, 100),
        telegram(1, 201),
        telegram(2, 202),
        telegram(99, 99),
        telegram(3, 203),
        telegram(4, 204),
        telegram(5, 205),
    )
    assert counters(seen) == [100, 5]


def test_a_good_telegram_ends_the_suspicion():
    """Three older ones in a row are meant, not three in a week."""
    order = [(100, 100), (1, 201), (2, 202), (101, 203), (3, 204), (102, 205), (4, 206)]
    seen = hear(*(telegram(*each) for each in order))
    assert counters(seen) == [100, 101, 102]


def test_replay_on_every_link():
    from meterling_tools.simulate import make_meter

    for name in ("steiermark-e450", "steiermark-t210d", "kaernten-im350", "tinetz-kaifa"):
        meter = make_meter(name)
        seen = Listener(meter.link, meter.key, meter.auth_key)
        for n in (0, 1, 0, 1, 2):
            seen.hear(meter.telegram(n))
        seen.quiet()
        assert counters(seen) == [meter.invocation_counter(n) for n in (0, 1, 2)], name
        assert seen.errors == {"replay": 2}, name


def test_plain_telegrams_have_no_counter():
    from decoding import notification

    plain = mbus.frames(notification(1))
    assert hear(plain, plain).watts == [1, 1]
