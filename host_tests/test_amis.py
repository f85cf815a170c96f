"""Siemens AMIS on its optical port (Netz OÖ), from the line to the normal form.

10 40 F0 30 16                                     SND_NKE: is there a device 240?
68 L L 68 | C F0 5B | long header, records | CS 16    SND_UD: a telegram; C is 53 or 73
E5                                                 our answer to either
"""

import json
import os
import random
import threading
import time
import tty
from array import array
from pathlib import Path

import pytest
from decoding import DATA
from hypothesis import example, given
from hypothesis import strategies as st
from meterling.ciphering.mode5 import make, open_telegram
from meterling.errors import NAMES
from meterling.link.amis import link
from meterling.link.framer import feed, quiet
from meterling_tools import interpreters
from meterling_tools.simulate.amis import (
    DEMO_KEY,
    METERS,
    SND_NKE,
    Amis,
    frame,
    header,
    sealed,
    serve,
)
from meterling_tools.simulate.clock import local_time
from streams import streams
from test_records import read, telegram

PROBE = Path(__file__).with_name("amis_probe.py")
METER = METERS["netzooe-amis"].meter("netzooe-amis")
CHUNKS = (1, 7, 64, None)
STATE, READY, BEGIN, STOP, ANSWER = 2, 11, 12, 13, 23  # see framer


def capture(name):
    return json.loads((DATA / f"{name}.json").read_text())


DOCUMENT = capture("at-netzooe-amis-td3511-doc")
SEARCH = bytes.fromhex(capture("at-netzooe-amis-td3511-doc-sndnke")["raw_hex"])


class Line:
    """A link layer: `payloads` (list of bytes) so far, `answers` owed, `errors`, `frames`."""

    def __init__(self):
        self.counts = array("I", bytes(4 * len(NAMES)))
        self.parts = link(self.counts, 1024)
        self.payloads = []

    def hear(self, data, chunk=None):
        step = chunk or len(data) or 1
        for begin in range(0, len(data), step):
            part = bytes(data[begin : begin + step])
            position = 0
            while True:
                position = feed(self.parts, part, position, len(part))
                if not self._take():
                    break
        return self

    def quiet(self):
        while True:
            quiet(self.parts)
            if not self._take():
                return self

    def _take(self):
        state = self.parts[STATE]
        if state[READY]:
            self.payloads.append(bytes(self.parts[0][state[BEGIN] : state[STOP]]))
        return state[READY]

    @property
    def answers(self):
        return self.parts[STATE][ANSWER]

    @property
    def frames(self):
        return self.counts[1]

    @property
    def errors(self):
        return {NAMES[i]: n for i, n in enumerate(self.counts) if i > 3 and n}


# ---- the operator's example, from the line to its values ------------------------------------


def test_the_documents_telegram():
    line = Line().hear(SEARCH + bytes.fromhex(DOCUMENT["raw_hex"]))
    assert (line.answers, line.frames, line.errors) == (2, 2, {})
    (payload,) = line.payloads
    parts = make(bytes.fromhex(DOCUMENT["key_hex"]))
    assert open_telegram(parts, payload, 0, len(payload)) == 0
    name, number, found = read(bytes(parts[1][parts[0][1] : parts[0][0]]))
    assert (name.hex(), number) == ("000000002d4c010e", None)  # id, maker, version, medium
    expected = {code.replace(".255", ""): want for code, want in DOCUMENT["expected"].items()}
    del expected["cp48_raw"]
    clock = expected.pop("0-0:1.0.0")["value"]
    assert clock == "2014-07-01T08:12:31"
    # Tuesday; no hundredths; distance from UTC unknown; summer time.
    assert found.pop("0-0:1.0.0") == bytes.fromhex("07de0701 02 080c1f ff 8000 80")
    assert {code: (want["value"], want["unit"]) for code, want in expected.items()} == found


@pytest.mark.parametrize("chunk", CHUNKS)
def test_what_the_simulated_meter_says(chunk):
    line = Line().hear(b"".join(METER.telegram(n) for n in range(62)), chunk)
    assert (line.answers, line.frames, line.errors) == (64, 64, {})
    parts = make(METER.key)
    for n, payload in enumerate(line.payloads):
        assert open_telegram(parts, payload, 0, len(payload)) == 0
        _, number, found = read(bytes(parts[1][parts[0][1] : parts[0][0]]))
        local = local_time(METER.utc(n))
        clock = found.pop("0-0:1.0.0")
        assert clock[5:8] == bytes((local.hour, local.minute, local.second))
        assert number == METER.number == "10000001"
        assert found == {code: (raw, unit) for code, (raw, _, unit) in METER.expected(n).items()}


# ---- the line -------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", CHUNKS)
def test_each_frame_that_came_whole_is_answered(chunk):
    """Also the one that comes again with the same frame count bit: our E5 was lost."""
    assert SEARCH == SND_NKE
    data = SND_NKE + METER.user_data(0) + METER.user_data(0) + SND_NKE + METER.user_data(1)
    line = Line().hear(data, chunk)
    assert (line.answers, len(line.payloads), line.errors) == (5, 3, {})
    assert line.payloads[0] == line.payloads[1] == METER.user_data(0)[6:-2]


def test_it_is_answered_with_its_last_byte():
    for data in (SND_NKE, METER.user_data(0)):
        line = Line().hear(data[:-1])
        assert line.answers == 0
        assert line.hear(data[-1:]).answers == 1


@pytest.mark.parametrize("data", [SND_NKE, METER.user_data(0)], ids=["short", "long"])
def test_a_frame_with_a_flipped_bit_is_never_answered(data):
    for bit in range(8 * len(data)):
        bad = bytearray(data)
        bad[bit >> 3] ^= 1 << (bit & 7)
        line = Line().hear(bad).quiet()
        assert (line.answers, line.payloads, line.frames) == (0, [], 0), bit
        assert line.errors, bit
        line.hear(SND_NKE + METER.user_data(1))
        assert (line.answers, len(line.payloads)) == (2, 1), bit


def test_a_wrong_checksum_is_counted():
    assert Line().hear(bytes.fromhex("1040f03116")).errors == {"checksum": 1}
    bad = bytearray(METER.user_data(0))
    bad[50] ^= 1
    assert Line().hear(bad).errors == {"checksum": 1}


def test_the_echo_of_our_answers_is_no_noise():
    data = b"\xe5" + SND_NKE + b"\xe5\xe5" + METER.user_data(0) + b"\xe5"
    for chunk in CHUNKS:
        line = Line().hear(data, chunk).quiet()
        assert (line.answers, line.errors) == (2, {})
    assert Line().hear(b"\xe5\x00" + SND_NKE).errors == {"noise": 1}


@pytest.mark.parametrize(
    ("data", "answers", "errors"),
    [
        (bytes.fromhex("1040fe3e16"), 0, {}),  # SND_NKE to any other address
        (bytes.fromhex("105bf04b16"), 0, {}),  # REQ_UD2: nothing that we could tell
        (frame(bytes(20), address=0xFF), 0, {"apdu": 1}),
        (frame(bytes(20), c_field=0x08), 0, {"apdu": 1}),
        (frame(b"\x10" + bytes(20)), 1, {"apdu": 1}),  # to us, of another kind
    ],
)
def test_what_is_not_for_us(data, answers, errors):
    line = Line().hear(data)
    assert (line.answers, line.payloads, line.frames) == (answers, [], 1)
    assert line.errors == errors


def test_a_truncated_telegram_does_not_cost_the_next():
    whole = METER.user_data(0)
    for size in range(1, len(whole)):
        line = Line().hear(whole[:size]).quiet()
        assert line.errors == {"truncated" if size > 3 else "noise": 1}, size
        line.hear(METER.user_data(1))
        assert (line.answers, len(line.payloads)) == (1, 1)
        # Nor without the silence between them.
        line = Line().hear(whole[:size] + METER.user_data(1) + METER.user_data(2))
        assert line.payloads[-1] == METER.user_data(2)[6:-2]


TELEGRAMS = st.sampled_from((0, 1, 2)).map(METER.telegram)
STARTS = st.sampled_from((b"\x10\x40", b"\x68\xff\xff\x68", b"\xe5\x16"))


@given(streams(TELEGRAMS, STARTS), st.integers(1, 50))
@example(b"\x68\x40\x68\x10\x40\xf0\x30\x16", 1)
def test_any_stream_in_any_chunks(data, chunk):
    one, other = Line().hear(data).quiet(), Line().hear(data, chunk).quiet()
    assert one.payloads == other.payloads
    assert one.answers == other.answers >= len(one.payloads)
    assert {**one.errors, "noise": 0} == {**other.errors, "noise": 0}
    assert len(one.parts[0]) <= 264
    for n in (7, 8):
        other.hear(METER.telegram(n), chunk)
    assert other.payloads[-2:] == [METER.user_data(n)[6:-2] for n in (7, 8)]


# ---- every interpreter ----------------------------------------------------------------------


def probe(interpreter, jobs, *arguments):
    lines = [json.dumps(job) for job in jobs]
    run = interpreters.run(interpreter, PROBE, arguments, stdin="\n".join(lines).encode() + b"\n")
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode()


def test_the_same_on_every_interpreter(interpreter):
    draw = random.Random(48)
    jobs = []
    for n in range(60):
        stream = []
        for m in range(4):
            whole = bytearray(METER.telegram(4 * n + m))
            kind = draw.randrange(6)
            if kind == 0:
                whole = whole[: draw.randrange(len(whole))]
            elif kind == 1:
                whole[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
            elif kind == 2:
                whole = draw.randbytes(80) + whole
            elif kind == 3:
                # Records of any kind, from a meter that ciphers nothing.
                whole = frame(header("12345678", m, 0) + draw.randbytes(draw.randrange(60)))
            elif kind == 4:
                digits = "".join(f"{draw.randrange(10**12):012}")
                whole = frame(telegram("0e03", digits, "0703", draw.randbytes(8).hex()))
            stream.append(bytes(whole))
        raw = b"".join(stream)
        jobs.append({"raw": raw.hex(), "key": DEMO_KEY.hex(), "chunk": draw.choice((0, 1, 9))})
    jobs.append({"raw": DOCUMENT["raw_hex"], "key": DOCUMENT["key_hex"], "chunk": 0})
    printed = probe(interpreter, jobs)
    assert printed == probe(interpreters.find("cpython"), jobs)
    assert printed.count("0 225 0f") > 50 and printed.count("0 213 0f") == 1


@pytest.mark.parametrize("chunk", [1, 64, 1000])
@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_nothing_is_allocated(interpreter, chunk):
    records = "0703ffffffffffffff7f 0403ffffffff 0c2b21436587 0e03129078563412 042bffffff7f"
    stream = [METER.telegram(n) for n in range(24)]
    for n in (4, 9, 14):
        key = bytes(16) if n == 4 else METER.key  # a wrong one
        stream.insert(n, frame(sealed(bytes.fromhex(records) * 2, key, access=n)))
        stream.insert(n, SND_NKE + METER.user_data(n) * 2)  # a repetition
        stream.insert(n, METER.user_data(n)[:50])
        stream.insert(n, bytes(70) + frame(telegram(records, "04")))
    job = {"raw": b"".join(stream).hex(), "key": METER.key.hex(), "chunk": chunk}
    payloads, failed = map(int, probe(interpreter, [job], "heap").split())
    # Blocks of another number may be seen for the first time: a view is made once.
    assert payloads > 30 and failed == 0


# ---- both ways ------------------------------------------------------------------------------


class Dongle(threading.Thread):
    """What the firmware does at the other end: an E5 for each frame, at once."""

    def __init__(self, fd, deaf=lambda: False):
        super().__init__(daemon=True)
        self.fd = fd
        self.line = Line()
        self.deaf = deaf
        self.sent = 0
        self.stop = False

    def run(self):
        os.set_blocking(self.fd, False)
        while not self.stop:
            try:
                self.line.hear(os.read(self.fd, 64))
            except BlockingIOError:
                time.sleep(0.002)
                continue
            while self.sent < self.line.answers:
                self.sent += 1
                if not self.deaf():
                    os.write(self.fd, b"\xe5")


@pytest.fixture
def wire():
    """The two ends of a raw pseudo-terminal."""
    ends = os.openpty()
    for end in ends:
        tty.setraw(end)
    yield ends
    for end in ends:
        os.close(end)


def test_the_meter_tells_while_it_is_answered(wire):
    dongle = Dongle(wire[1])
    dongle.start()
    delays = serve(wire[0], METER, 2, search_s=0.4, interval_s=0.4)
    dongle.stop = True
    dongle.join()
    assert len(delays) == dongle.sent > 3
    assert max(delays) < 0.4
    assert dongle.line.payloads == [METER.user_data(n)[6:-2] for n in range(len(delays) - 1)]


def test_after_ten_missing_answers_it_searches_again(wire):
    heard = []

    def deaf():
        heard.append(1)
        return 3 < len(heard) <= 13

    dongle = Dongle(wire[1], deaf)
    dongle.start()
    meter = Amis(wire[0], METER, search_s=0.25, interval_s=0.3, patience_s=0.2)
    for _ in range(16):
        meter.step()
    dongle.stop = True
    dongle.join()
    # Found, told twice, ten times in vain, found again, and two more.
    assert (meter.searches, meter.sent, meter.missing) == (2, 14, 10)
    assert len(meter.delays) == 6 and meter.found


def test_nobody_answers(wire):
    meter = Amis(wire[0], METER, search_s=0.02, patience_s=0.01)
    for _ in range(12):
        meter.step()
    assert (meter.searches, meter.sent, meter.missing, meter.found) == (12, 0, 12, False)
