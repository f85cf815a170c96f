"""M-Bus long frames (EN 13757-2) with the DLMS transport layer, as the decoder reads them.

    68 L L 68 | C A CI STSAP DTSAP | data .. | CS 16
              `----------- L bytes ---------'

CI: bit 4 marks the last segment, bits 0-3 count the segments. CS: sum modulo 256.
"""

import random

import pytest
from decoding import Listener, notification, of_meter
from meterling_tools.simulate import make_meter, mbus

CHUNKS = (1, 7, 64, None)


def hear(data, chunk=None):
    return Listener("mbus").hear(data, chunk)


def cut(frames):
    """The single frames of a telegram."""
    out = []
    while frames:
        size = next(n for n in (frames[1], frames[1] + 256) if n > 4 and frames[n + 5] == 0x16)
        out.append(frames[: size + 6])
        frames = frames[size + 6 :]
    return out


def test_one_frame_byte_by_byte():
    frame = mbus.frames(notification(230))
    assert frame[:9].hex() == "681a1a6853ff100167"  # CI 10: the first and the last segment
    seen = hear(frame, 1)
    assert seen.watts == [230]
    assert seen.counters == {
        "bytes": len(frame),
        "frames": 1,
        "telegrams": 1,
        "readings": 1,
        "errors": {},
    }


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("segments", range(2, 17))
def test_segments(segments, chunk):
    apdu = notification(segments, size=55 * segments)
    frames = mbus.frames(apdu, max_data=-(-len(apdu) // segments))
    cis = [frame[6] for frame in cut(frames)]
    assert cis == [*range(segments - 1), 0x10 | segments - 1]
    seen = hear(frames, chunk)
    assert seen.watts == [segments]
    assert (seen.counters["frames"], seen.errors) == (segments, {})


def test_a_frame_of_its_own_between_two_segmented_ones():
    long = mbus.frames(notification(1, 300)), mbus.frames(notification(3, 300))
    assert hear(long[0] + mbus.frames(notification(2)) + long[1]).watts == [1, 2, 3]


# ---- lengths --------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("count", [257, 260, 264, 300, 400, 511])
def test_a_length_that_lost_its_ninth_bit(count, chunk):
    """Older Sagemcom meters send 68 01 01 68 where 257 bytes follow."""
    apdu = notification(count, size=count - 5)
    assert len(apdu) == count - 5
    frame = mbus.frame(apdu, 0x10)
    assert frame[:4] == bytes([0x68, count - 256, count - 256, 0x68])
    seen = hear(frame + mbus.frames(notification(1)), chunk)
    assert seen.watts == [count, 1]
    assert seen.errors == {}


@pytest.mark.parametrize("chunk", CHUNKS)
def test_sagemcom_as_it_comes(chunk):
    meter = make_meter("netznoe-sagemcom")
    seen = of_meter(meter).hear(b"".join(meter.telegram(n) for n in range(3)), chunk)
    assert [r.invocation_counter for r in seen.readings] == [
        meter.invocation_counter(n) for n in range(3)
    ]
    assert seen.errors == {}


@pytest.mark.parametrize("count", range(5, 256, 10))
def test_every_short_length(count):
    """A frame of less than a telegram is one, too: its APDU is what is wrong with it."""
    apdu = notification(7, size=count - 5)
    if len(apdu) + 5 == count:
        assert hear(mbus.frames(apdu, 250)).watts == [7]
    seen = hear(mbus.frame(bytes(count - 5), 0x10) + mbus.frames(notification(8)))
    assert seen.watts == [8]
    assert seen.counters["frames"] == 2


# ---- what is wrong with a frame ----------------------------------------------------------------


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_wrong_checksum(chunk):
    bad = bytearray(mbus.frames(notification(1)))
    bad[-2] ^= 1
    seen = hear(bytes(bad) + mbus.frames(notification(2)), chunk)
    assert seen.watts == [2]
    assert seen.errors == {"checksum": 1}


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_wrong_stop_byte(chunk):
    bad = bytearray(mbus.frames(notification(1)))
    bad[-1] ^= 1
    seen = hear(bytes(bad) + mbus.frames(notification(2)), chunk)
    assert seen.watts == [2]
    assert seen.errors == {"checksum": 1}


@pytest.mark.parametrize("position", range(4, 32))
def test_a_changed_byte_is_seen(position):
    """Anything from C to the stop byte."""
    bad = bytearray(mbus.frames(notification(1)))
    bad[position] ^= 0x20
    seen = hear(bytes(bad) + mbus.frames(notification(2)))
    assert seen.watts == [2]
    assert seen.errors == {"checksum": 1}


@pytest.mark.parametrize("position", range(4))
def test_a_changed_header_is_noise(position):
    bad = bytearray(mbus.frames(notification(1)))
    bad[position] ^= 0x20
    seen = hear(bytes(bad) + mbus.frames(notification(2)))
    assert seen.watts == [2]
    assert seen.errors == {"noise": 1}


def test_a_control_information_of_another_kind():
    """CI 72: a gas meter's answer, not DLMS."""
    seen = hear(mbus.frame(notification(1), 0x72) + mbus.frames(notification(2)))
    assert seen.watts == [2]
    assert seen.errors == {"apdu": 1}


def test_the_kaifa_that_says_ff():
    assert hear(mbus.frame(notification(1), 0xFF)).watts == [1]


# ---- what happens to segments ----------------------------------------------------------------


def three(watts):
    frames = cut(mbus.frames(notification(watts, 300), 120))
    assert [frame[6] for frame in frames] == [0x00, 0x01, 0x12]
    return frames


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize(("lost", "errors"), [(0, {"segment": 2}), (1, {"segment": 1})])
def test_a_lost_segment(lost, errors, chunk):
    """Each segment that cannot be placed counts; of a lost middle one, what is behind it."""
    first = three(1)
    del first[lost]
    seen = hear(b"".join(first + three(2)), chunk)
    assert seen.watts == [2]
    assert seen.errors == errors


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_lost_last_segment_shows_with_the_next_telegram(chunk):
    first = three(1)[:2]
    seen = hear(b"".join(first), chunk)
    assert (seen.watts, seen.errors) == ([], {})
    seen.hear(b"".join(three(2)), chunk)
    assert seen.watts == [2]
    assert seen.errors == {"segment": 1}


def test_a_lost_last_segment_shows_with_silence():
    seen = hear(b"".join(three(1)[:2])).quiet()
    assert seen.errors == {"truncated": 1}
    assert seen.hear(b"".join(three(2))).watts == [2]


@pytest.mark.parametrize("repeated", [0, 1, 2])
def test_a_repeated_segment(repeated):
    """A first segment that comes twice begins twice; of the others, the repetition is wrong."""
    frames = three(1)
    frames.insert(repeated, frames[repeated])
    seen = hear(b"".join(frames + three(2)))
    assert seen.watts == {0: [1, 2], 1: [2], 2: [1, 2]}[repeated]
    assert seen.errors == {"segment": {0: 1, 1: 2, 2: 1}[repeated]}


def test_swapped_segments():
    first, middle, last = three(1)
    seen = hear(first + last + middle + b"".join(three(2)))
    assert seen.watts == [2]


def test_segments_of_two_telegrams_are_never_mixed():
    one, two = three(1), three(2)
    seen = hear(one[0] + two[1] + two[2] + b"".join(three(3)))
    # Nothing in a frame tells that these are of two telegrams, but the data does.
    assert seen.watts in ([3], [1, 3])


def test_a_telegram_that_is_too_long_for_its_buffer():
    seen = Listener("mbus", size=400).hear(
        mbus.frames(notification(1, 500)) + mbus.frames(notification(2, 390))
    )
    assert seen.watts == [2]
    # What still comes of it belongs to nothing.
    assert seen.errors == {"too-long": 1, "segment": 1}


# ---- noise -----------------------------------------------------------------------------------

NOISES = [
    pytest.param(b"\x00", id="a zero"),
    pytest.param(b"\x68", id="a start byte"),
    pytest.param(b"\x68\x68", id="start bytes"),
    pytest.param(b"\x16" * 9, id="stop bytes"),
    pytest.param(b"\xff" * 300, id="a long noise"),
    pytest.param(bytes.fromhex("681f"), id="half a header"),
]
HEADERS = [
    pytest.param(bytes.fromhex("681f1f"), id="header with the next start byte"),
    pytest.param(bytes.fromhex("681f1f68"), id="short header"),
    pytest.param(bytes.fromhex("68fafa68"), id="long header"),
    pytest.param(bytes.fromhex("68ffff68"), id="longest header"),
    pytest.param(bytes.fromhex("68010168"), id="sagemcom header"),
    pytest.param(bytes.fromhex("68686868"), id="header of headers"),
    pytest.param(bytes.fromhex("681f1f68681f1f68681f1f68"), id="three headers"),
]


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("noise", NOISES + HEADERS)
def test_noise_before_and_between_frames(noise, chunk):
    """A false header may hide what follows until its length has passed, never longer."""
    frames = [mbus.frames(notification(n, 300)) for n in range(5)]
    seen = hear(noise + noise.join(frames), chunk)
    assert seen.quiet().watts == [0, 1, 2, 3, 4]
    assert set(seen.errors) <= {"noise", "checksum", "truncated", "segment"}


@pytest.mark.parametrize("noise", NOISES)
def test_noise_between_frames_is_counted_by_stretches(noise):
    frames = [mbus.frames(notification(n)) for n in range(3)]
    seen = hear(noise + noise.join(frames))
    assert seen.watts == [0, 1, 2]
    assert seen.errors == {"noise": 3}


@pytest.mark.parametrize("noise", NOISES + HEADERS)
def test_noise_between_the_segments(noise):
    first, middle, last = three(1)
    seen = hear(first + noise + middle + noise + last + b"".join(three(2))).quiet()
    assert seen.watts == [1, 2]


@pytest.mark.parametrize("position", range(2, 31, 3))
@pytest.mark.parametrize("noise", NOISES + HEADERS)
def test_noise_inside_a_frame_costs_that_frame(noise, position):
    frame = mbus.frames(notification(1))
    seen = hear(frame[:position] + noise + frame[position:] + mbus.frames(notification(2))).quiet()
    assert seen.watts == [2]
    assert seen.errors


def test_what_is_waited_for_inside_a_false_header_is_released_by_its_end():
    """No silence is needed: more telegrams are enough."""
    false = bytes.fromhex("68ffff68")
    frames = [mbus.frames(notification(n)) for n in range(20)]
    seen = hear(false + b"".join(frames), 1)
    assert seen.watts == list(range(20))


# ---- telegrams cut short -----------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, None])
def test_a_truncated_telegram_never_takes_the_next_with_it(chunk):
    """At every position, of two segments of Kaifa's sizes."""
    first, good = mbus.frames(notification(1, 290)), mbus.frames(notification(2, 290))
    end = len(cut(first)[0])
    for stop in range(1, len(first)):
        seen = hear(first[:stop] + good, chunk)
        assert seen.watts == [2], stop
        errors = seen.errors
        if stop < 3:  # three bytes are a header with the next start byte
            assert errors == {"noise": 1}, stop
        elif stop < end:
            assert errors == {"checksum": 1}, stop
        elif stop == end:
            assert errors == {"segment": 1}, stop
        else:
            wanted = {"noise": 1} if stop < end + 3 else {"checksum": 1}
            assert errors == {"segment": 1, **wanted}, stop


def test_truncated_telegrams_of_a_meter_in_every_chunking():
    meter = make_meter("tinetz-kaifa")
    bad, good = meter.telegram(0), meter.telegram(1)
    draw = random.Random(1)
    for stop in range(1, len(bad), 3):
        data = bad[:stop] + good
        seen = of_meter(meter)
        while data:
            size = draw.choice([1, 2, 5, 16, 61, 300])
            seen.hear(data[:size])
            data = data[size:]
        assert [r.invocation_counter for r in seen.readings] == [meter.invocation_counter(1)], stop


@pytest.mark.parametrize("stop", range(4, 256, 9))
def test_a_long_truncated_telegram_before_short_ones(stop):
    """What it claimed is over after the next few: none of them is lost."""
    bad = mbus.frames(notification(1, 245))
    good = [mbus.frames(notification(n)) for n in range(2, 18)]
    assert hear(bad[:stop] + b"".join(good), 1).watts == list(range(2, 18))


def test_silence_frees_what_waits_behind_a_truncated_telegram():
    bad = mbus.frames(notification(1, 245))
    for stop in range(1, len(bad)):
        seen = hear(bad[:stop] + mbus.frames(notification(2)) + mbus.frames(notification(3)))
        assert seen.quiet().watts == [2, 3], stop


def test_a_truncated_telegram_after_good_ones():
    good, bad = mbus.frames(notification(1)), mbus.frames(notification(2))
    for stop in range(4, len(bad)):
        seen = hear(good + bad[:stop])
        assert (seen.watts, seen.errors) == ([1], {})
        assert seen.quiet().errors == {"truncated": 1}
        assert seen.hear(good).watts == [1, 1]
