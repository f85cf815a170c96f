"""Ciphered APDUs that stand bare on the line, as Sagemcom's P1 port sends them.

    DB | 08 | system title (8) | BER length | security control | counter (4) | text | [tag 12]

No checksum and no length that could be trusted: what is found in the wrong place is looked
at again from its second byte.
"""

import random

import pytest
from decoding import Listener, notification, of_meter
from meterling_tools.simulate import glo, make_meter

METER = make_meter("steiermark-t210d")
TITLE = METER.system_title
CHUNKS = (1, 7, 64, None)


def sealed(watts, counter=None, size=0, title=TITLE, security=0x30, tag=glo.GENERAL_GLO):
    arguments = security, METER.key, METER.auth_key, title
    return glo.cipher(notification(watts, size), *arguments, counter or watts, tag=tag)


def hear(data, chunk=None, **options):
    return Listener("apdu", METER.key, METER.auth_key, **options).hear(data, chunk)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_telegrams_of_a_meter(chunk):
    seen = of_meter(METER).hear(b"".join(METER.telegram(n) for n in range(5)), chunk)
    assert [r.invocation_counter for r in seen.readings] == [
        METER.invocation_counter(n) for n in range(5)
    ]
    assert all(reading.authenticated for reading in seen.readings)
    assert (seen.counters["frames"], seen.errors) == (5, {})


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("tag", [glo.GENERAL_GLO, glo.GENERAL_DED])
def test_both_general_cipherings(tag, chunk):
    seen = hear(sealed(1, tag=tag) + sealed(2, tag=tag), chunk)
    assert (seen.watts, seen.errors) == ([1, 2], {})


@pytest.mark.parametrize("size", [0, 60, 90, 110, 120, 130, 200, 240, 260, 500, 900])
def test_every_form_of_length(size):
    """Up to 7F one byte, 81 xx, 82 xx xx."""
    seen = hear(sealed(1, size=size) + sealed(2), 7)
    assert (seen.watts, seen.errors) == ([1, 2], {})


def test_it_is_read_with_its_last_byte():
    data = sealed(1)
    seen = hear(data[:-1])
    assert seen.watts == []
    assert seen.hear(data[-1:]).watts == [1]


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"\x00", id="a zero"),
        pytest.param(b"\xdb", id="a tag"),
        pytest.param(b"\xdb\x08", id="a tag and a length"),
        pytest.param(b"\xdb\x07" + TITLE, id="another length"),
        pytest.param(b"\xdb\x08" + bytes(8) + b"\x84", id="a length of four bytes"),
        pytest.param(b"\xdb\x08" + bytes(8) + b"\x20\x00", id="no ciphering"),
        pytest.param(b"\xdb\x08" + bytes(8) + b"\x20\xff", id="security control FF"),
        pytest.param(b"\xff" * 400, id="a long noise"),
        pytest.param(b"/SAG5SAG-METER\r\n\r\n", id="text"),
    ],
)
def test_noise_before_and_between(noise, chunk):
    seen = hear(noise + noise.join(sealed(n) for n in range(1, 5)), chunk)
    assert seen.watts == [1, 2, 3, 4]
    # Each stretch counts; a single tag byte may have to wait for the next byte to be noise.
    assert seen.errors == {"noise": 4}


@pytest.mark.parametrize("length", [6, 20, 60, 0x7F])
def test_a_false_header_hides_nothing(length):
    """It is complete, its tag is wrong: so what stands in it is looked at, too."""
    false = b"\xdb\x08ABCDEFGH" + bytes([length, 0x30, 0, 0, 0, 1])
    seen = hear(false + sealed(1) + sealed(2) + sealed(3), 1)
    assert seen.watts == [1, 2, 3]
    assert set(seen.errors) <= {"noise", "tag", "ciphering"}


@pytest.mark.parametrize("length", [6, 20, 60, 0x7F])
def test_a_false_header_without_a_tag(length):
    false = b"\xdb\x08ABCDEFGH" + bytes([length, 0x20, 0, 0, 0, 1])
    data = b"".join(sealed(n, security=0x20) for n in range(1, 6))
    seen = Listener("apdu", METER.key).hear(false + data, 1)
    assert seen.watts == [1, 2, 3, 4, 5]


def test_a_changed_telegram_costs_itself():
    for position in range(len(sealed(1))):
        bad = bytearray(sealed(1))
        bad[position] ^= 4
        seen = hear(bytes(bad) + sealed(2) + sealed(3)).quiet()
        assert seen.watts == [2, 3], position


def test_a_changed_length_that_reaches_into_the_next_ones():
    bad = bytearray(sealed(1))
    bad[10] = 0x7F
    assert hear(bytes(bad) + sealed(2) + sealed(3), 1).watts == [2, 3]


# ---- telegrams cut short -----------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, None])
def test_a_truncated_telegram_never_takes_the_next_with_it(chunk):
    """The next one's header, with the same title, stands inside it: no silence is needed."""
    bad, good = sealed(1, size=150), sealed(2, size=150)
    for stop in range(1, len(bad)):
        seen = hear(bad[:stop] + good, chunk)
        assert seen.watts == [2], stop
        if stop <= 12:  # up to the security control byte it is no telegram yet
            assert seen.errors == {"noise": 1}, stop
        elif stop <= len(bad) - 10:
            assert seen.errors == {"truncated": 1}, stop
        else:  # it ends within the next one's header
            assert seen.errors in ({"truncated": 1}, {"tag": 1, "noise": 1}), stop


@pytest.mark.parametrize("chunk", [1, None])
@pytest.mark.parametrize("security", [0x20, 0x30])
def test_a_truncated_telegram_that_no_tag_protects(security, chunk):
    """No authentication key, or no tag: neither is the next lost, nor is anything read of
    the first one that it did not say."""
    for padding in (0, 150):
        bad, good = (sealed(n, size=padding, security=security) for n in (1, 2))
        for stop in range(1, len(bad)):
            seen = Listener("apdu", METER.key).hear(bad[:stop] + good, chunk)
            assert seen.watts == [2], (padding, stop)


def test_truncated_telegrams_of_a_meter_in_every_chunking():
    bad, good = METER.telegram(0), METER.telegram(1)
    draw = random.Random(1)
    for stop in range(1, len(bad), 2):
        data = bad[:stop] + good
        seen = of_meter(METER)
        while data:
            size = draw.choice([1, 2, 5, 16, 61, 300])
            seen.hear(data[:size])
            data = data[size:]
        counters = [reading.invocation_counter for reading in seen.readings]
        assert counters == [METER.invocation_counter(1)], stop


def test_a_truncated_telegram_of_another_meter():
    """Another title is no sign that it was cut short; its wrong tag is."""
    bad = sealed(1, size=150, title=b"OTHER\x00\x00\x01")
    for stop in range(13, len(bad)):
        seen = hear(bad[:stop] + sealed(2, size=150) + sealed(3, size=150), 1)
        assert seen.watts == [2, 3], stop


def test_silence_frees_what_waits_behind_a_truncated_telegram():
    bad = sealed(1, size=150, title=b"OTHER\x00\x00\x01")
    for stop in range(13, len(bad)):
        assert hear(bad[:stop] + sealed(2)).quiet().watts == [2], stop


# ---- lengths -----------------------------------------------------------------------------------


def test_a_telegram_of_64_kb():
    """What it claims is more than any meter sends: it is passed over, without waiting."""
    huge = sealed(1, size=65000)
    seen = hear(huge + sealed(2), 1024)
    assert seen.watts == [2]
    assert seen.errors["too-long"] == 1


def test_a_length_that_lies():
    lie = b"\xdb\x08" + TITLE + b"\x82\xff\xff\x30\x00\x00\x00\x01"
    seen = hear(lie + sealed(2), 16)
    assert seen.watts == [2]


def test_the_longest_telegram_fits():
    data = sealed(1, size=1024)
    for size, watts in ((1100, [1]), (1000, [])):
        assert hear(data, 100, size=size).quiet().watts == watts
