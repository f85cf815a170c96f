"""The last check: is this a value, or a step, that a meter can have?"""

from datetime import datetime, timedelta

import pytest
from decoding import Listener, probe
from meterling_tools import interpreters
from meterling_tools.simulate import DLMS, axdr, clock, glo, hdlc, make_meter, mbus
from meterling_tools.simulate.base import DEMO_AUTH_KEY, DEMO_KEY

START = datetime(2026, 6, 18, 7, 30)


def telegram(rows, seconds=None):
    """rows: (code, encoder, raw, scaler, unit)."""
    elements = []
    for code, encoder, raw, scaler, unit in rows:
        elements += [axdr.obis(code), encoder(raw), axdr.scaler_unit(scaler, unit)]
    stamp = None
    if seconds is not None:
        stamp = clock.date_time(START + timedelta(seconds=seconds), deviation=False)
    return hdlc.frames(axdr.data_notification(1, stamp, axdr.structure(*elements)), b"\x03\x03")


def energy(raw, seconds=None, scaler=0, unit="Wh"):
    return telegram([("1-0:1.8.0", axdr.u32, raw, scaler, unit)], seconds)


def believed(*telegrams):
    seen = Listener("hdlc").hear(b"".join(telegrams))
    refused = len(telegrams) - len(seen.readings)
    assert seen.errors == ({"implausible": refused} if refused else {})
    return [int(reading.raw["1-0:1.8.0"][0]) for reading in seen.readings]


@pytest.mark.parametrize(
    ("unit", "encoder", "scaler", "most"),
    [
        ("W", axdr.u32, 0, 10_000_000),
        ("W", axdr.i32, 0, 10_000_000),
        ("W", axdr.u32, -1, 100_000_000),
        ("W", axdr.u32, 3, 10_000),
        ("VA", axdr.u32, 0, 10_000_000),
        ("var", axdr.i32, 0, 10_000_000),
        ("V", axdr.u16, 0, 1000),
        ("V", axdr.u16, -1, 10_000),
        ("A", axdr.u32, -2, 1_000_000),
        ("A", axdr.i16, 0, 10_000),
    ],
)
def test_limits_of_a_unit(unit, encoder, scaler, most):
    """Far beyond any house: for what a flipped bit makes of a value."""

    def read(raw):
        return Listener("hdlc").hear(telegram([("1-0:1.7.0", encoder, raw, scaler, unit)]))

    assert len(read(most).readings) == 1
    assert read(most + 1).errors == {"implausible": 1}
    if encoder in (axdr.i16, axdr.i32):
        assert len(read(-most).readings) == 1
        assert read(-most - 1).errors == {"implausible": 1}


def test_no_unit_no_limit():
    seen = Listener("hdlc").hear(telegram([("1-0:1.7.0", axdr.u32, 0xFFFFFFFF, 0, "")]))
    assert seen.watts == [0xFFFFFFFF]


def test_a_register_rises():
    assert believed(*(energy(n) for n in (0, 1, 1, 5, 1000))) == [0, 1, 1, 5, 1000]


def test_a_register_never_falls():
    assert believed(energy(1000), energy(999), energy(1001)) == [1000, 1001]


@pytest.mark.parametrize(
    ("scaler", "step"), [(0, 1_000_000), (1, 100_000), (3, 1000), (-1, 10_000_000)]
)
def test_a_register_does_not_jump(scaler, step):
    """By a megawatt hour within an hour."""
    first = 5
    good = energy(first + step, scaler=scaler)
    assert believed(energy(first, scaler=scaler), good) == [first, first + step]
    assert believed(energy(first, scaler=scaler), energy(first + step + 1, scaler=scaler)) == [
        first
    ]


def test_a_step_that_stays_is_believed_in_the_end():
    """The fourth in a row: a meter may be set anew."""
    assert believed(energy(5_000_000), *(energy(n) for n in range(10, 16))) == [
        5_000_000,
        13,
        14,
        15,
    ]


def test_a_single_wrong_telegram_is_forgotten():
    order = []
    for n in range(10):
        order += [energy(1000 + n), energy(5)]
    assert believed(*order) == list(range(1000, 1010))


def test_after_a_gap_a_register_may_have_gone_on():
    """As far as in so many hours, by the meter's own clock."""
    day = 24 * 3600
    assert believed(energy(0, 0), energy(3_000_000, 10)) == [0]
    assert believed(energy(0, 0), energy(3_000_000, day)) == [0, 3_000_000]
    assert believed(energy(9, 0), energy(8, day)) == [9]


def test_registers_near_the_end_of_their_32_bits():
    rising = [0x7FFFFFF0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF]
    for older, newer in zip(rising, rising[1:], strict=False):
        wanted = [older, newer] if newer - older < 1_000_000 else [older]
        assert believed(energy(older), energy(newer)) == wanted


def test_a_register_of_another_meter_begins_anew():
    meters = [make_meter(name, seed=3) for name in ("kaernten-im350", "wels-am550")]
    seen = Listener("hdlc", meters[0].key)
    for n in range(3):
        for meter in meters:
            seen.hear(meter.telegram(n))
    # Taking turns is no restart: each change of title is another meter.
    assert len(seen.readings) == 6 and seen.errors == {}


@pytest.mark.parametrize("name", DLMS)
def test_a_day_of_every_meter_is_plausible(name):
    """An hour apart each; nothing of it is refused."""
    meter = make_meter(name, seed=8, interval_ms=600_000)
    seen = Listener(meter.link, meter.key, meter.auth_key)
    for n in range(40):
        seen.hear(meter.telegram(n))
    seen.quiet()
    assert len(seen.readings) == 40 and seen.errors == {}


@pytest.mark.parametrize("bit", range(8, 32))
def test_a_flipped_bit_of_a_register_is_refused(bit):
    """From 2**20 on up, or if it falls: that is what can be seen of it."""
    value = 0x00A53C00
    flipped = value ^ 1 << bit
    if flipped < value or flipped - value > 1_000_000:
        assert believed(energy(value), energy(flipped), energy(value + 1)) == [value, value + 1]


# ---- two wrong bits, one of them in an OBIS code: another shape, whose registers are new ---------

TITLE = b"KFM\x12\x00\x00\x00\x01"
KEYS = {"key": DEMO_KEY, "auth_key": DEMO_AUTH_KEY}
FRAMES = {"mbus": mbus.frames, "hdlc": lambda apdu: hdlc.frames(apdu, b"\x03\x03"), "apdu": bytes}
TEXT = 16  # where it begins in an APDU of less than 128 bytes


def ciphered(counter, shape=0, security=0x20):
    """counter: also its register. Each shape has a code of its own."""
    rows = axdr.obis("1-0:1.8.0"), axdr.u32(1000 + counter), axdr.scaler_unit(0, "Wh")
    rows += axdr.obis(f"1-{shape}:32.7.0"), axdr.u16(230), axdr.scaler_unit(0, "V")
    apdu = axdr.data_notification(1, None, axdr.structure(*rows))
    return glo.cipher(apdu, security, DEMO_KEY, DEMO_AUTH_KEY, TITLE, counter)


def counters(link, *apdus):
    seen = Listener(link, **KEYS).hear(b"".join(map(FRAMES[link], apdus))).quiet()
    return [reading.invocation_counter for reading in seen.readings], seen.errors


def cancelling():
    """Telegram 3 with each pair of wrong bits, one in the last code and one in the register,
    that leaves the sum of its frame as it was."""
    good = ciphered(3)
    code = TEXT + 8 + 8 + 5 + 6  # 09 06 01 00 20 07 00 FF
    register = TEXT + 8 + 8 + 1
    for at in range(code + 2, code + 8):
        for digit in range(register, register + 4):
            for bit in (1 << n for n in range(8)):
                if (good[at] ^ good[digit]) & bit:
                    bad = bytearray(good)
                    bad[at] ^= bit
                    bad[digit] ^= bit
                    assert sum(bad) == sum(good)
                    yield bytes(bad)


def test_another_shape_is_not_believed_at_once():
    for bad in cancelling():
        read, errors = counters("mbus", ciphered(1), ciphered(2), bad, ciphered(4))
        assert (read, errors) == ([1, 2, 4], {"unprotected": 1}), bad.hex()


def test_nor_where_nothing_checks_the_line():
    bad = bytearray(ciphered(3))
    bad[TEXT + 8 + 4] ^= 4  # in the register's code
    read, errors = counters("apdu", ciphered(1), ciphered(2), bytes(bad), ciphered(4))
    assert (read, errors) == ([1, 2, 4], {"unprotected": 1})


def test_it_is_believed_when_it_comes_again():
    """Also if other shapes came in between, and if it comes at once."""
    order = [0, 0, 1, 1, 0, 2, 0, 1, 2, 0]
    apdus = [ciphered(n, shape) for n, shape in enumerate(order)]
    assert counters("mbus", *apdus) == ([0, 1, 3, 4, 6, 7, 8, 9], {"unprotected": 2})


def test_a_meter_that_begins_with_several_shapes_loses_none():
    apdus = [ciphered(n, n % 3) for n in range(30)]
    assert counters("mbus", *apdus) == (list(range(30)), {})


@pytest.mark.parametrize("shapes", [5, 7, 12])
def test_more_shapes_than_are_kept(shapes):
    """Each is doubted once, though its plan has made room for others when it comes again."""
    order = [0, 0] + [shape for n in range(5) for k in range(1, shapes) for shape in (k, 0, 0)]
    apdus = [ciphered(n, shape) for n, shape in enumerate(order)]
    read, errors = counters("mbus", *apdus)
    lost = set(range(len(apdus))) - set(read)
    assert errors == {"unprotected": len(lost)} and 0 < len(lost) <= shapes
    assert max(lost) < 3 * shapes


@pytest.mark.parametrize(("link", "security"), [("mbus", 0x30), ("apdu", 0x30), ("hdlc", 0x20)])
def test_another_shape_that_is_well_protected(link, security):
    apdus = [ciphered(n, n // 10, security) for n in range(40)]
    assert counters(link, *apdus) == (list(range(40)), {})


def test_another_shape_on_every_interpreter(interpreter):
    order = [0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0, 0, 5, 0, 0, 1, 0, 0, 2, 0, 6, 7]
    apdus = [ciphered(n, shape) for n, shape in enumerate(order)]
    bad = list(cancelling())[::7]
    jobs = [
        {"link": link, "raw": b"".join(map(FRAMES[link], each)), **KEYS, "lenient": lenient}
        for link in FRAMES
        for lenient in (False, True)
        for each in (apdus, *((*apdus[:2], each, ciphered(4)) for each in bad))
    ]
    assert probe(interpreter, jobs) == probe(interpreters.find("cpython"), jobs)
