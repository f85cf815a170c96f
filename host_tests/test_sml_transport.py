"""SML's transport protocol, version 1, and that nothing on a line can confuse its reader.

    1B1B1B1B 01010101 | SML file | 00 .. | 1B1B1B1B 1A pp CRC (2)

1B1B1B1B inside the file is sent twice. What the files say is in test_sml.
"""

import random

import pytest
from decoding import Listener
from hypothesis import example, given, settings
from hypothesis import strategies as st
from meterling.cosem.sml import translate
from meterling.errors import Counters
from meterling.link import framer
from meterling.link.sml import link
from meterling_tools.simulate import sml_encoding as sml
from meterling_tools.simulate.sml import METERS
from streams import CHUNKS as SIZES
from streams import feed, memory, streams
from test_heap import COUNT, ON, allocations

CHUNKS = (1, 2, 7, 64, None)
SERVER = bytes.fromhex("0a01445a47000282225e")
START, END = b"\x1b" * 4 + b"\x01" * 4, b"\x1b" * 4 + b"\x1a"
EMH, DZG, HOLLEY = (METERS[name].meter(name) for name in ("de-emh-ehz", "de-dzg", "de-holley"))


class Files:
    """What the link layer alone hands on: `files` (list of bytes), `errors` (dict)."""

    def __init__(self, size=1024):
        self._counters = Counters()
        self._parts = link(self._counters.counts, size)
        self.files = []

    def hear(self, data, chunk=None):
        step = chunk or len(data) or 1
        for begin in range(0, len(data), step):
            part = data[begin : begin + step]
            position = 0
            while True:
                position = framer.feed(self._parts, part, position, len(part))
                if not self._take():
                    break
        return self

    def quiet(self):
        while True:
            framer.quiet(self._parts)
            if not self._take():
                return self

    def _take(self):
        raw, _, state = self._parts[:3]
        if state[11]:  # READY
            self.files.append(bytes(raw[state[12] : state[13]]))
            assert state[22] == 0  # a checksum protects it
        return state[11]

    @property
    def errors(self):
        return self._counters.as_dict()["errors"]


def watts(number):
    """A telegram that says so."""
    entry = sml.entry("1-0:16.7.0", sml.shortest(number, True), "W", 0)
    return sml.telegram(SERVER, [entry], number)


def hear(data, chunk=None):
    seen = Listener("sml").hear(data, chunk)
    seen.said = [int(reading.values["1-0:16.7.0"]) for reading in seen.readings]
    return seen


# ---- the file inside -----------------------------------------------------------------------------


def test_as_it_stands_on_the_wire():
    assert sml.transport(b"\x76\x00").hex() == "1b1b1b1b0101010176000000" + "1b1b1b1b1a02" + "28ce"


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("length", range(1, 40))
def test_every_padding(length, chunk):
    content = bytes(range(0x60, 0x60 + length))
    data = sml.transport(content)
    assert len(data) % 4 == 0
    seen = Files().hear(data + data, chunk)
    assert (seen.files, seen.errors) == ([content] * 2, {})


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("run", range(1, 20))
def test_runs_of_the_escape_byte(run, before, chunk):
    """At the beginning, inside and at the end, where the next sequence follows."""
    for behind in (b"", b"\x01", b"\x01\x01\x01\x01", b"\x1a\x00\x12\x34", b"x" * 5):
        content = b"v" * before + b"\x1b" * run + behind
        seen = Files().hear(sml.transport(content) + sml.transport(b"next"), chunk)
        assert (seen.files, seen.errors) == ([content, b"next"], {})


@pytest.mark.parametrize("chunk", CHUNKS)
def test_sequences_inside_the_file(chunk):
    for content in (START, END + b"\x00\x12\x34", START + b"abc" + START, START * 3, b"\x1b" * 40):
        seen = Files().hear(sml.transport(content), chunk)
        assert (seen.files, seen.errors) == ([content], {})


@given(st.lists(st.sampled_from([b"\x1b", b"\x1b" * 3, b"\x01", b"\x1a", b"v"]), max_size=40))
@settings(max_examples=300)
def test_whatever_is_in_the_file(pieces):
    content = b"v" + b"".join(pieces)
    seen = Files().hear(sml.transport(content) + sml.transport(b"next"), 3)
    assert (seen.files, seen.errors) == ([content, b"next"], {})


# ---- checksums -----------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", CHUNKS)
def test_both_checksums(chunk):
    for crc in (sml.crc16_x25, sml.crc16_kermit):
        assert Files().hear(sml.transport(b"v12345", crc), chunk).files == [b"v12345"]
    for wrong in (b"\x00\x00", b"\xff\xff", sml.crc16_x25(b"v12345")):
        seen = Files().hear(sml.transport(b"v12345", lambda _: wrong), chunk)  # noqa: B023
        assert (seen.files, seen.errors) == ([], {"checksum": 1})


@pytest.mark.parametrize("meter", [DZG, HOLLEY], ids=lambda meter: meter.name)
def test_every_changed_bit(meter):
    """Whatever it is, nothing of that telegram is believed and the next one is read."""
    good = meter.telegram(0)
    for position in range(len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[position] ^= 1 << bit
            seen = Files().hear(bytes(bad) + good).quiet()
            assert seen.files == [meter.sml_file(0)], (position, bit)
            assert sum(seen.errors.values()) == 1, (position, bit)
            # Where its begin or end cannot be seen, it is not even a telegram.
            if 8 <= position < len(good) - 8:
                assert seen.errors == {"checksum": 1}, (position, bit)


def test_a_false_padding():
    bad = bytearray(sml.transport(b"v12345")[:-2])
    for padding in (4, 200, 255):
        bad[-1] = padding
        seen = Files().hear(bytes(bad) + sml.crc16_x25(bad) + sml.transport(b"next"))
        assert (seen.files, seen.errors) == ([b"next"], {"checksum": 1})
    short = START + END + b"\x03"
    assert Files().hear(short + sml.crc16_x25(short)).errors == {"checksum": 1}


# ---- lines that begin, end and break anywhere ----------------------------------------------------


@pytest.mark.parametrize("chunk", [1, None])
def test_a_line_that_begins_in_the_middle(chunk):
    first, rest = watts(1), watts(2) + watts(3)
    for begin in range(1, len(first)):
        seen = hear(first[begin:] + rest, chunk)
        assert seen.said == [2, 3], begin
        assert seen.errors == {"noise": 1}, begin


@pytest.mark.parametrize("chunk", [1, None])
def test_a_telegram_cut_short_never_takes_the_next_with_it(chunk):
    bad, good = watts(1), watts(2)
    for stop in range(1, len(bad)):
        seen = hear(bad[:stop] + good, chunk)
        assert seen.said == [2], stop
        # Cut inside its end, it takes bytes of the next start for its own, at first.
        expected = {"noise": 1} if stop < 8 else {"truncated": 1}
        if stop >= len(bad) - 4:
            expected = {"checksum": 1}
        assert seen.errors == expected, stop


def test_what_lies_inside_a_telegram_that_lost_its_end_is_found():
    """Also where the end is there again, of a telegram that lost its beginning."""
    bad, good = watts(1), watts(2)
    for stop in range(9, len(bad) - 9, 5):
        for begin in range(9, len(bad) - 9, 5):
            assert hear(bad[:stop] + bad[begin:] + good).said[-1] == 2


def test_silence_gives_up_what_was_cut_short():
    for stop in range(8, len(watts(1))):
        seen = hear(watts(1)[:stop]).quiet()
        assert seen.errors == {"truncated": 1}, stop
        assert seen.hear(watts(2)).readings, stop


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize(
    "noise", [b"\x00", b"\x1b", b"\x1b" * 4, b"\x1b" * 9, START[:7], b"\x01" * 9, b"\xff" * 5000]
)
def test_noise_between_telegrams(noise, chunk):
    data = noise.join(watts(n) for n in range(1, 9))
    seen = hear(noise + data + noise, chunk)
    assert seen.said == list(range(1, 9))
    assert set(seen.errors) <= {"noise"}


@pytest.mark.parametrize("chunk", [5, 64, 4000, None])
def test_a_start_without_an_end(chunk):
    """Held for 4 kB at most, and what follows is read."""
    seen = hear(START + b"v" * 9000 + watts(1) + watts(2), chunk)
    assert seen.said == [1, 2]
    assert seen.errors == {"too-long": 1, "noise": 1}
    assert memory(seen) < 12_000


def test_the_longest_telegram():
    content = random.Random(1).randbytes(4096 - 16)
    assert Files().hear(sml.transport(content), 100).files == [content]
    seen = Files().hear(sml.transport(content + b"more") + sml.transport(b"next"), 100)
    assert seen.files == [b"next"]
    assert seen.errors == {"too-long": 1, "noise": 1}


# ---- any bytes -----------------------------------------------------------------------------------


TELEGRAMS = [meter.telegram(n) for meter in (EMH, DZG, HOLLEY) for n in range(4)]
MARKS = (START, END, b"\x1b" * 5, b"\x1b" * 12, START * 2)


@given(streams(st.sampled_from(TELEGRAMS), st.sampled_from(MARKS)), SIZES, st.booleans())
@settings(max_examples=300)
@example(b"", [1], False)
def test_any_stream_in_any_chunks(data, sizes, silence):
    one, other = Listener("sml"), Listener("sml")
    feed(one, data, [len(data) or 1])
    feed(other, data, sizes)
    if silence:
        one.quiet()
        other.quiet()
    # The first may complete what was cut short.
    for n in (101, 102):
        one.hear(watts(n))
        feed(other, watts(n), sizes)
    for seen in (one, other):
        said = [reading.values["1-0:16.7.0"] for reading in seen.readings]
        assert said[-1] == "102"
        assert not silence or said[-2] == "101"
        assert memory(seen) < 16_000
    assert [r.json for r in one.readings] == [r.json for r in other.readings]
    errors = [{**each.errors, "noise": 0} for each in (one, other)]
    assert errors[0] == errors[1]


FILES = [meter.sml_file(n) for meter in (EMH, DZG, HOLLEY) for n in range(2)]


@given(st.sampled_from(FILES), st.data())
@settings(max_examples=600)
def test_any_file(content, data):
    """Under a right checksum, as a meter with a defect would send it."""
    bad = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(bad) - 1))
        if data.draw(st.booleans()):
            bad[at] = data.draw(st.integers(0, 255))
        else:
            del bad[at : at + data.draw(st.integers(0, 9))]
            bad.append(0)
    checked(bytes(bad))


@given(st.binary(max_size=400))
@settings(max_examples=400)
def test_any_bytes_as_a_file(content):
    checked(content)


def checked(content):
    """Nothing is raised, read or written beyond the ends, whatever the room."""
    whole = bytearray(8192)
    end = translate(content, 0, len(content), whole)
    assert end in (-17, -19) or 20 < end < 8192
    framed = b"\x76\x01" + content + b"\x00\x62\x01"
    again = bytearray(8192)
    assert translate(framed, 2, 2 + len(content), again) == end
    assert again == whole or end < 0
    for room in {0, 1, 14, max(end, 0) // 2, max(end - 1, 0), max(end, 0)}:
        small = bytearray(room)
        assert translate(content, 0, len(content), small) in (0, end)
        assert len(small) == room
    Listener("sml").hear(sml.transport(content))


# ---- heap ----------------------------------------------------------------------------------------


@ON
@pytest.mark.parametrize("name", METERS)
def test_nothing_is_allocated(name, interpreter, tmp_path):
    meter = METERS[name].meter(name)
    telegrams = [meter.telegram(n) for n in range(COUNT)]
    assert allocations(interpreter, tmp_path, "sml", telegrams) == (COUNT, 0, 0)


@ON
def test_what_is_refused_costs_nothing(interpreter, tmp_path):
    """Wrong checksums, cut telegrams, files that are broken."""
    telegrams = []
    for n in range(COUNT):
        good = EMH.telegram(n)
        bad = bytearray(good)
        bad[100] ^= 1
        broken = sml.transport(EMH.sml_file(n)[:-9])
        telegrams.append(bytes(bad) * 2 + broken + good[:200] + good)
    assert allocations(interpreter, tmp_path, "sml", telegrams) == (COUNT, 0, 0)
