"""HDLC frame format type 3 (IEC 62056-46), as the decoder reads it.

    7E | A s LLL (2) | destination | source | control | HCS (2) | E6 E7 00 | APDUs | FCS (2) | 7E

s is 8 in the first byte while more segments follow. HCS and FCS are CRC-16/X.25.
"""

import random

import pytest
from decoding import Listener, notification, of_meter, probe
from meterling_tools import interpreters
from meterling_tools.simulate import glo, hdlc, make_meter

ADDRESSES = bytes.fromhex("ceff03")
CHUNKS = (1, 7, 64, None)


def hear(data, chunk=None, **options):
    return Listener("hdlc", **options).hear(data, chunk)


def frames(watts, size=0, **options):
    return hdlc.frames(notification(watts, size), ADDRESSES, **options)


def segments(watts, size=300, max_information=110):
    """The frames of one segmented telegram."""
    data = frames(watts, size, max_information=max_information)
    out = []
    while data:
        length = (data[1] & 7) << 8 | data[2]
        out.append(data[: length + 2])
        data = data[length + 2 :]
    return out


@pytest.mark.parametrize("chunk", CHUNKS)
def test_one_frame(chunk):
    data = frames(230)
    assert data[:12].hex() == "7ea022ceff03134e5ae6e700"
    seen = hear(data, chunk)
    assert seen.watts == [230]
    assert seen.counters == {
        "bytes": len(data),
        "frames": 1,
        "telegrams": 1,
        "readings": 1,
        "errors": {},
    }


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize(
    "addresses",
    ["2b21", "0303", "ceff03", "cf0223", "cf00020023", "410883", "0002fe0323", "0002fe030002fe03"],
)
def test_addresses_of_one_two_and_four_bytes(addresses, chunk):
    data = hdlc.frames(notification(1), bytes.fromhex(addresses))
    seen = hear(data + data, chunk)
    assert (seen.watts, seen.errors) == ([1, 1], {})


@pytest.mark.parametrize("addresses", ["cecececece03", "00000000000001", "fefefefefefefefe"])
def test_an_address_that_never_ends(addresses):
    bad = hdlc.frames(notification(1), bytes.fromhex(addresses))
    seen = hear(bad + frames(2))
    assert seen.watts[-1] == 2
    assert hear(frames(1) + bad + frames(3)).watts[-1] == 3


@pytest.mark.parametrize("control", [0x13, 0x03, 0x10, 0x32])
def test_any_control_field(control):
    assert hear(frames(5, control=control)).watts == [5]


@pytest.mark.parametrize("chunk", CHUNKS)
def test_one_flag_between_two_frames(chunk):
    """The closing flag is the next one's opening flag."""
    seen = hear(frames(1)[:-1] + frames(2)[:-1] + frames(3), chunk)
    assert (seen.watts, seen.errors) == ([1, 2, 3], {})


def test_flags_fill_the_time_between_frames():
    seen = hear(b"\x7e" * 5 + frames(1) + b"\x7e" * 300 + frames(2))
    assert (seen.watts, seen.errors) == ([1, 2], {})


@pytest.mark.parametrize("llc", [True, False])
@pytest.mark.parametrize("checks", [True, False])
@pytest.mark.parametrize("chunk", CHUNKS)
def test_llc_and_checks_present_and_absent(chunk, checks, llc):
    """Without checks HCS and FCS are sent as 0000; such a frame is read."""
    data = frames(1, checks=checks, llc=llc) + frames(2, 200, checks=checks, llc=llc)
    seen = hear(data, chunk, lenient=True)
    assert (seen.watts, seen.errors) == ([1, 2], {})
    assert ['"unprotected":true' in reading.json for reading in seen.readings] == [not checks] * 2


def test_without_an_fcs_it_is_believed_when_it_comes_again():
    seen = hear(frames(1, checks=False) + frames(2, checks=False))
    assert (seen.watts, seen.errors) == ([2], {"unprotected": 1})


def test_a_ciphered_telegram_needs_no_fcs():
    meter = make_meter("kaernten-im350")
    apdu = glo.cipher(meter.apdu(0), 0x20, meter.key, None, meter.system_title, 1)
    seen = of_meter(meter).hear(hdlc.frames(apdu, ADDRESSES, checks=False))
    assert (len(seen.readings), seen.errors) == (1, {})
    assert "unprotected" not in seen.readings[0].json


def test_the_llc_of_a_command():
    data = hdlc.frames(b"\xe6\xe6\x00" + notification(3), ADDRESSES, llc=False)
    assert hear(data).watts == [3]


def test_a_frame_without_information_says_nothing():
    empty = hdlc.frame(b"", ADDRESSES)
    seen = hear(empty + frames(1) + empty)
    assert (seen.watts, seen.errors) == ([1], {})
    assert seen.counters["frames"] == 3


# ---- what is wrong with a frame ----------------------------------------------------------------


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("bit", [0, 3, 7])
@pytest.mark.parametrize("position", range(1, 35))
def test_a_changed_byte_is_seen(position, bit, chunk):
    """Whatever it is, nothing of that frame is believed and the next one is read."""
    bad = bytearray(frames(1))
    assert len(bad) == 36
    bad[position] ^= 1 << bit
    seen = hear(bytes(bad) + frames(2) + frames(3), chunk).quiet()
    assert seen.watts == [2, 3]
    assert seen.errors


def test_a_wrong_hcs_shows_before_the_frame_ends():
    bad = bytearray(frames(1, 200))
    bad[7] ^= 1
    assert hear(bytes(bad[:12])).errors == {"checksum": 1}


def test_a_wrong_fcs():
    bad = bytearray(frames(1))
    bad[-3] ^= 1
    seen = hear(bytes(bad) + frames(2))
    assert (seen.watts, seen.errors) == ([2], {"checksum": 1})


def test_only_one_of_the_two_checks_may_be_missing():
    """HCS 0000 with a right FCS, and the other way round."""
    whole = frames(1)
    header = whole[1:7]
    no_hcs = header + b"\x00\x00" + whole[9:-3]
    assert hear(b"\x7e" + no_hcs + hdlc.crc16_x25(no_hcs) + b"\x7e").watts == [1]
    assert hear(without_fcs(whole), lenient=True).watts == [1]
    bad = bytearray(without_fcs(whole))
    bad[7] ^= 1
    assert hear(bytes(bad), lenient=True).watts == []


def without_fcs(data):
    return data[:-3] + b"\x00\x00\x7e"


@pytest.mark.parametrize("chunk", CHUNKS)
def test_on_a_line_with_an_fcs_a_frame_with_0000_has_lost_it(chunk):
    """Until three in a row say that it is another meter's line."""
    altered = bytearray(without_fcs(frames(2)))
    altered[-8] ^= 0x10
    data = frames(1) + bytes(altered) + frames(3)
    seen = hear(data, chunk)
    assert (seen.watts, seen.errors) == ([1, 3], {"checksum": 1})
    seen.hear(b"".join(without_fcs(frames(n)) for n in range(4, 9)), chunk)
    assert (seen.watts, seen.errors) == ([1, 3, 7, 8], {"checksum": 4})
    assert ["unprotected" in reading.json for reading in seen.readings] == [0, 0, 1, 1]


def test_every_interpreter_believes_the_same_of_0000(interpreter):
    fine, lost, short = frames(1), without_fcs(frames(2)), frames(3, checks=False)
    one, two, three = segments(1)
    lines = (lost * 3, fine + lost * 5 + fine, fine + short * 4 + fine + short, frames(10139) * 2)
    lines += (without_fcs(one) + two + three, one + without_fcs(two) + three + fine)
    jobs = [
        {"link": "hdlc", "raw": line * 2, "chunk": chunk, "lenient": lenient}
        for line in lines
        for chunk in (0, 7)
        for lenient in (False, True)
    ]
    assert probe(interpreter, jobs) == probe(interpreters.find("cpython"), jobs)


def test_an_fcs_that_is_0000_by_right():
    whole = frames(10139)
    assert whole == without_fcs(whole)
    seen = hear(frames(1) + whole + frames(2))
    assert (seen.watts, seen.errors) == ([1, 10139, 2], {})
    assert not any("unprotected" in reading.json for reading in seen.readings)


def test_of_several_segments_each_must_have_its_fcs():
    one, two, three = segments(1)
    data = without_fcs(one) + two + three
    seen = hear(data + b"".join(segments(2)), lenient=True)
    assert (seen.watts, seen.errors) == ([1, 2], {})
    assert ["unprotected" in reading.json for reading in seen.readings] == [1, 0]


def test_a_flag_inside_the_data_is_data():
    """There is no byte stuffing: the length says where a frame ends."""
    data = frames(0x7E7E7E)
    assert data.count(b"\x7e") == 5
    assert hear(data, 1).watts == [0x7E7E7E]


@pytest.mark.parametrize(
    "noise",
    [b"\x00", b"\x7e\xa0", b"\x7e\xa0\x22", b"\x7e\xa7\xff", b"\x7e\xa8\x10\x03", b"\x7e" * 2],
)
@pytest.mark.parametrize("chunk", CHUNKS)
def test_noise_before_and_between_frames(noise, chunk):
    """A false header of up to 2047 bytes shows by its HCS."""
    data = [frames(n, 120) for n in range(1, 30)]
    seen = hear(noise + noise.join(data), chunk).quiet()
    assert seen.watts == list(range(1, 30))


@pytest.mark.parametrize("position", range(2, 35, 4))
@pytest.mark.parametrize("noise", [b"\x00", b"\x7e", b"\x7e\xa0\x22", b"\xff" * 99])
def test_noise_inside_a_frame_costs_that_frame(position, noise):
    data = frames(1)
    seen = hear(data[:position] + noise + data[position:] + frames(2) + frames(3)).quiet()
    assert seen.watts == [2, 3]


# ---- several APDUs in a frame ------------------------------------------------------------------


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("between", [b"", hdlc.LLC])
@pytest.mark.parametrize("llc", [True, False])
def test_several_apdus_in_one_frame(llc, between, chunk):
    apdus = between.join(notification(n, 30 * n) for n in range(1, 5))
    seen = hear(hdlc.frames(apdus, ADDRESSES, llc=llc) + frames(9), chunk)
    assert seen.watts == [1, 2, 3, 4, 9]
    assert (seen.counters["telegrams"], seen.errors) == (5, {})


@pytest.mark.parametrize("between", [b"", hdlc.LLC])
def test_several_ciphered_apdus_in_one_frame(between):
    meter = make_meter("kaernten-im350")
    arguments = 0x20, meter.key, None, meter.system_title
    apdus = [glo.cipher(notification(n), *arguments, 100 + n) for n in range(3)]
    seen = of_meter(meter).hear(hdlc.frames(between.join(apdus), ADDRESSES))
    assert (seen.watts, seen.errors) == ([0, 1, 2], {})


def test_an_apdu_that_cannot_be_opened_does_not_hide_the_one_behind_it():
    """Its length is known, whatever is wrong inside."""
    meter = make_meter("kamstrup-dk")
    keys = meter.key, meter.auth_key, meter.system_title
    bad = bytearray(glo.cipher(notification(1), 0x30, *keys, 1))
    bad[-1] ^= 1
    good = glo.cipher(notification(2), 0x30, *keys, 2)
    seen = of_meter(meter).hear(hdlc.frames(bytes(bad) + good, ADDRESSES))
    assert (seen.watts, seen.errors) == ([2], {"tag": 1})


def test_an_unknown_apdu_ends_the_frame():
    data = hdlc.frames(b"\xc0\x01\x02" + notification(1), ADDRESSES)
    seen = hear(data + frames(2))
    assert (seen.watts, seen.errors) == ([2], {"apdu": 1})


# ---- segments ----------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("checks", [True, False])
@pytest.mark.parametrize("step", [20, 33, 100, 250])
def test_segmented(step, checks, chunk):
    data = frames(1, 500, max_information=step, checks=checks)
    assert data[1] & 0xF8 == 0xA8
    seen = hear(data + data, chunk, lenient=True)
    assert (seen.watts, seen.errors) == ([1, 1], {})


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_segment(lost, chunk):
    """Segments carry no number: whatever is missing, nothing wrong comes of the rest."""
    bad = segments(1)
    assert len(bad) == 3
    del bad[lost]
    seen = hear(b"".join(bad + segments(2) + segments(3)), chunk)
    assert seen.watts == [2, 3]
    assert set(seen.errors) <= {"segment", "decode", "apdu", "data-type"}
    assert sum(seen.errors.values()) == 1


def test_a_lost_segment_of_a_tagged_telegram():
    meter = make_meter("kamstrup-dk")

    def pieces(n):
        apdu = glo.cipher(
            meter.apdu(n),
            *(0x30, meter.key, meter.auth_key, meter.system_title, meter.invocation_counter(n)),
        )
        step = 100
        parts = [apdu[i : i + step] for i in range(0, len(apdu), step)]
        return [hdlc.frame(part, ADDRESSES, more=part is not parts[-1]) for part in parts]

    for lost in range(len(pieces(0))):
        bad = pieces(0)
        del bad[lost]
        seen = of_meter(meter).hear(b"".join(bad + pieces(1)))
        counters = [reading.invocation_counter for reading in seen.readings]
        assert counters == [meter.invocation_counter(1)], lost
        assert seen.errors, lost


def test_a_telegram_that_is_too_long_for_its_buffer():
    seen = hear(frames(1, 900, max_information=100) + frames(2, 300, max_information=100), size=400)
    assert seen.watts == [2]
    assert seen.errors["too-long"] >= 1  # segments carry no number: it may begin anew


def test_a_frame_that_is_too_long_for_its_buffer():
    seen = hear(frames(1, 900) + frames(2, 300), 16, size=400)
    assert seen.watts == [2]
    assert seen.errors["too-long"] == 1


# ---- telegrams cut short -----------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, None])
def test_a_truncated_telegram_never_takes_the_next_with_it(chunk):
    """At every position of a segmented telegram; its next one needs no silence to be read."""
    frames_of_bad = segments(1)
    bad, good = b"".join(frames_of_bad), b"".join(segments(2))
    first = len(frames_of_bad[0])
    ends = (first, 2 * first)
    for stop in range(1, len(bad) - 1):  # the next flag would close it, too
        seen = hear(bad[:stop] + good, chunk)
        assert seen.watts == [2], stop
        errors = dict(seen.errors)
        # A segment whose closing flag is missing is closed by the next flag.
        if stop >= first - 1:
            assert errors.pop("segment") == 1, stop
        if stop in (1, first - 1, first, first + 1, ends[1] - 1, ends[1], ends[1] + 1):
            assert errors == {}, stop
        else:
            assert errors == {"checksum": 1}, stop


@pytest.mark.parametrize("name", ["kaernten-im350", "wels-am550", "kamstrup-dk", "kamstrup-no"])
def test_truncated_telegrams_of_a_meter_in_every_chunking(name):
    meter = make_meter(name)
    bad, good = meter.telegram(0), meter.telegram(1)
    draw = random.Random(1)
    for stop in range(1, len(bad) - 1, 2):
        data = bad[:stop] + good
        seen = of_meter(meter)
        while data:
            size = draw.choice([1, 2, 5, 16, 61, 300])
            seen.hear(data[:size])
            data = data[size:]
        (reading,) = seen.quiet().readings
        for code, value in meter.expected(1).items():
            assert reading.values[code] == value or reading.raw[code][0] == value[0], stop


def test_a_truncated_telegram_before_the_same_again_needs_no_silence():
    """The next is read, at the latest, when one more has come."""
    bad, good, other = frames(1, 150), frames(2, 150), frames(3, 150)
    for stop in range(1, len(bad) - 1):
        seen = hear(bad[:stop] + good, 1)
        assert seen.watts == [2], stop
        assert seen.hear(other, 1).watts == [2, 3], stop


def test_silence_gives_up_what_was_cut_short():
    for stop in range(4, len(frames(1))):
        seen = hear(frames(1)[:stop]).quiet()
        assert seen.errors in ({"truncated": 1}, {"checksum": 1}), stop
        assert seen.hear(frames(2)).watts == [2], stop
