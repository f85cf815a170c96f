"""Telegrams of text on the line: where they begin and end, and whether their check fits.

/XXXZ ident CR LF  CR LF  code(value) CR LF ..  ! CRC CR LF          DSMR
[/XXXZ ident CR LF]  STX  code(value) CR LF ..  ! CR LF  ETX BCC     IEC 62056-21
/XXXZ ident CR LF  CR LF  DB ..                                      ciphered
"""

import random

import pytest
from decoding import Listener, notification, probe
from hypothesis import given, settings
from hypothesis import strategies as st
from meterling.link.crc_arc import crc_arc, crc_written
from meterling.link.framer import feed, quiet
from meterling.link.p1 import link
from meterling_tools import interpreters
from meterling_tools.simulate import dsmr, glo
from meterling_tools.simulate.base import DEMO_AUTH_KEY, DEMO_KEY
from streams import streams

CHUNKS = (1, 2, 7, 64, None)
UNPROTECTED = 22
NAMES = {4: "noise", 5: "truncated", 6: "checksum", 8: "too-long"}

METER = dsmr.METERS["nl-dsmr5"].meter("nl-dsmr5")
HEAD = b"/ISk5\\2MT382-1000\r\n\r\n"


class Line:
    """The link alone: `payloads` (bytes, and whether nothing protects them), `errors`."""

    def __init__(self):
        self.counts = [0] * 22
        self.parts = link(self.counts, 2048)
        self.payloads = []

    def hear(self, data, chunk=None):
        step = chunk or len(data) or 1
        for begin in range(0, len(data), step):
            part = data[begin : begin + step]
            position = 0
            while True:
                position = feed(self.parts, part, position, len(part))
                if not self._take():
                    break
        return self

    def quiet(self):
        quiet(self.parts)
        while self._take():
            quiet(self.parts)
        return self

    def _take(self):
        state = self.parts[2]
        if not state[11]:
            return False
        payload = bytes(self.parts[0][state[12] : state[13]])
        self.payloads.append((payload, bool(state[UNPROTECTED])))
        return True

    @property
    def errors(self):
        return {NAMES[i]: count for i, count in enumerate(self.counts) if count and i > 3}


def lines(*watts, head=HEAD, end=b"!"):
    return head + b"".join(b"1-0:1.7.0(%06d*W)\r\n" % each for each in watts) + end


def with_crc(text, form=b"%04X"):
    return text + form % dsmr.crc16_arc(text) + b"\r\n"


def with_bcc(block):
    """STX block ETX BCC."""
    block += b"\r\n\x03"
    check = 0
    for byte in block:
        check ^= byte
    return b"\x02" + block + bytes([check])


GOOD = [with_crc(lines(n)) for n in range(1, 5)]
PLAIN = [lines(n) + b"\r\n" for n in range(1, 5)]


def texts(line):
    return [payload for payload, _ in line.payloads]


def test_crc_of_the_check_string():
    """As its catalogue says: CRC-16/ARC of "123456789" is BB3D."""
    assert crc_arc(b"x123456789x", 1, 10) == 0xBB3D
    assert crc_written(b"bb3D", 0) == crc_written(b"-BB3d", 1) == 0xBB3D
    assert crc_written(b"BB3G", 0) == crc_written(b" B3D", 0) == 0x10000


@given(st.binary(max_size=80))
def test_crc_of_anything(data):
    assert crc_arc(data, 0, len(data)) == dsmr.crc16_arc(data)


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("name", [n for n, spec in dsmr.METERS.items() if spec.link == "p1"])
def test_telegrams_of_a_meter(name, chunk):
    meter = dsmr.METERS[name].meter(name)
    line = Line().hear(b"".join(meter.telegram(n) for n in range(4)), chunk)
    found = [meter.text(n)[: meter.text(n).rindex(b"!") + 1] for n in range(4)]
    assert line.payloads == [(each, not dsmr.METERS[name].crc) for each in found]
    assert line.errors == {}


@pytest.mark.parametrize(
    "telegram", [GOOD[0], PLAIN[0], with_bcc(lines(1, head=b"")), b"\x02!\r\n\x03\x0d"]
)
def test_it_is_read_with_its_last_byte(telegram):
    if telegram[-1] != 0x0A:
        telegram = telegram[:-1] + with_bcc(telegram[1:-4])[-1:]
    line = Line().hear(telegram[:-1], 1)
    assert line.payloads == []
    assert len(line.hear(telegram[-1:]).payloads) == 1


@pytest.mark.parametrize("chunk", CHUNKS)
class TestEnds:
    """What may stand behind the exclamation mark."""

    @pytest.mark.parametrize("form", [b"%04X", b"%04x"])
    def test_a_crc(self, form, chunk):
        line = Line().hear(with_crc(lines(7), form), chunk)
        assert line.payloads == [(lines(7), False)]

    @pytest.mark.parametrize(
        "crc", [b"0000", b"ZZZZ", b"12", b"12345", b"\xb1234", b"1234567890123"]
    )
    def test_a_wrong_crc(self, crc, chunk):
        line = Line().hear(lines(7) + crc + b"\r\n" + GOOD[0], chunk)
        assert texts(line) == [lines(1)]
        assert line.errors == {"checksum": 1}

    @pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b""])
    def test_nothing_but_the_next_telegram(self, end, chunk):
        line = Line().hear(lines(7) + end + PLAIN[0], chunk)
        assert line.payloads == [(lines(7), True), (lines(1), True)]
        assert line.errors == {}

    @pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b""])
    def test_silence(self, end, chunk):
        line = Line().hear(lines(7) + end, chunk).quiet()
        assert (line.payloads, line.errors) == ([(lines(7), True)], {})

    def test_a_bcc(self, chunk):
        line = Line().hear(with_bcc(lines(1, 2, head=b"")) * 2, chunk)
        assert line.payloads == [(b"\x02" + lines(1, 2, head=b""), False)] * 2
        assert line.errors == {}

    def test_a_bcc_behind_an_identification(self, chunk):
        block = with_bcc(lines(1, 2, head=b""))
        line = Line().hear(b"/ESY5Q3D\r\n" + block, chunk)
        assert line.payloads == [(b"/ESY5Q3D\r\n\x02" + lines(1, 2, head=b""), False)]

    def test_a_wrong_bcc(self, chunk):
        good = with_bcc(lines(1, head=b""))
        line = Line().hear(good[:-1] + bytes([good[-1] ^ 1]) + good, chunk)
        assert (len(line.payloads), line.errors) == (1, {"checksum": 1})

    def test_a_bcc_that_was_lost(self, chunk):
        """What stands in its place may be the next telegram's first byte."""
        block = with_bcc(lines(1, head=b""))
        line = Line().hear(block[:-1] + GOOD[0] + GOOD[1], chunk)
        assert texts(line) == [lines(1), lines(2)]
        assert line.errors == {"checksum": 1}

    def test_no_bcc(self, chunk):
        block = with_bcc(lines(1, head=b""))
        line = Line().hear(block[:-2] + block[:-1], chunk).quiet()
        assert line.payloads == [(b"\x02" + lines(1, head=b""), True)] * 2

    def test_no_exclamation_mark(self, chunk):
        line = Line().hear(lines(7, end=b"") + GOOD[0], chunk)
        assert texts(line) == [lines(1)]
        assert line.errors == {"truncated": 1}


def test_a_meter_that_loses_its_crc_is_not_believed():
    """Where telegrams have a CRC, one without is a broken one; but a new meter is heard."""
    line = Line().hear(GOOD[0] + PLAIN[1] + GOOD[2])
    assert texts(line) == [lines(1), lines(3)]
    assert line.errors == {"checksum": 1}
    line.hear(PLAIN[0] * 3 + PLAIN[3])
    assert line.payloads[2:] == [(lines(4), True)]


@pytest.mark.parametrize("bad", [0x80, 0xFF, 0x00, 0x08, 0x7F])
def test_what_nothing_protects_must_be_text(bad):
    """A byte with bit 7 set shows that the line is disturbed; a CRC would have said so."""
    text = lines(7).replace(b"00007", bytes([48, 48, bad, 48, 55]))
    line = Line().hear(text + b"\r\n" + PLAIN[0])
    assert texts(line) == [lines(1)]
    assert line.errors == {"checksum": 1}
    assert texts(Line().hear(with_crc(text))) == [text]


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("kept", [5, 12, 21, 25, 30, 38, 41, 42])
@pytest.mark.parametrize("telegrams", [GOOD, PLAIN], ids=["CRC", "none"])
def test_a_truncated_telegram_takes_none_with_it(telegrams, kept, chunk):
    """Wherever it was cut, also in the middle of a line, and without its ends."""
    line = Line().hear(telegrams[0][:kept] + telegrams[1] + telegrams[2], chunk)
    assert texts(line) == [lines(2), lines(3)]
    assert set(line.errors) <= {"truncated", "noise"} and line.errors


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"\0", id="a zero"),
        pytest.param(b"\r\n\r\n", id="empty lines"),
        pytest.param(b"/", id="a slash"),
        pytest.param(b"//?!\r\n", id="a request"),
        pytest.param(b"/12\r\n", id="no identification"),
        pytest.param(b"/ABCD(EF)\r\n", id="brackets"),
        pytest.param(b"\x02\x02", id="STX"),
        pytest.param(b"\x02ABC", id="STX and no code"),
        pytest.param(b"!12AB\r\n", id="an end"),
        pytest.param(b"1-0:1.8.0(000123*kWh)\r\n!\r\n", id="the end of a telegram"),
        pytest.param(b"\xdb\x08ABCDEFGH\x20\x20\0\0\0\1", id="a ciphered APDU without a line"),
        pytest.param(bytes(range(0x80, 0x100)) * 9, id="a long noise"),
    ],
)
def test_noise_before_and_between(noise, chunk):
    line = Line().hear(noise + noise.join(GOOD), chunk)
    assert texts(line) == [lines(n) for n in range(1, 5)]
    assert line.errors == {"noise": 4}


def test_a_slash_inside_a_text_is_no_beginning():
    for inside in (b"a/b", b"see http://ABC5.example", b"/ISk5", b"2/ISk5\\2MT382-1000"):
        text = HEAD + b"0-0:96.13.0(" + inside + b")\r\n!"
        assert texts(Line().hear(with_crc(text), 1)) == [text]


def test_the_longest():
    """4096 bytes; what goes on for longer is given up, and the next one read."""
    text = lines(*range(193))
    assert 4070 < len(with_crc(text)) <= 4096
    line = Line().hear(with_crc(text) + with_crc(lines(*range(220))) + GOOD[0], 64)
    assert texts(line) == [text, lines(1)]
    assert line.errors == {"too-long": 1, "noise": 1}


def sealed(counter, head=b"/EGM5G35\r\n\r\n", title=b"EGM\0\0\0\0\1", watts=1):
    apdu = notification(watts, 100)
    body = glo.cipher(apdu, 0x30, DEMO_KEY, DEMO_AUTH_KEY, title or bytes(8), counter)
    if not title:
        body = b"\xdb\0" + body[10:]
    return head + body


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("head", [b"/KFM5", b"/KFM5KAIFA-METER\r\n\r\n", b"/EGM5G35\r\n"])
def test_ciphered_behind_an_identification_line(head, chunk):
    data = b"".join(sealed(n, head) for n in range(1, 5))
    line = Line().hear(data, chunk).quiet()
    assert line.payloads == [(sealed(n, b""), False) for n in range(1, 5)]
    assert line.errors == {}


def test_ciphered_without_a_system_title():
    """Its nonce begins with what nobody knows: zeros are put in place of the title."""
    line = Line().hear(sealed(5, title=b""))
    (payload,) = texts(line)
    assert payload[:10] == b"\xdb\x08" + bytes(8)
    seen = Listener("p1", DEMO_KEY, DEMO_AUTH_KEY).hear(sealed(5, title=b""), 7)
    assert (seen.watts, seen.errors) == ([1], {})
    # There is no room for it: it is delivered as it stands, and refused by name.
    seen = Listener("p1", DEMO_KEY, DEMO_AUTH_KEY).hear(sealed(5, b"/EGM5", title=b""))
    assert (seen.watts, seen.errors) == ([], {"ciphering": 1})


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("kept", [3, 9, 14, 25, 60, -1])
def test_ciphered_and_truncated(kept, chunk):
    line = Line().hear(sealed(1)[:kept] + sealed(2) + sealed(3), chunk)
    assert texts(line) == [sealed(2, b""), sealed(3, b"")]
    assert set(line.errors) <= {"truncated", "noise"} and line.errors


TELEGRAMS = (*GOOD, *PLAIN, with_bcc(lines(5, head=b"")), sealed(6), METER.telegram(0))
ASCII = st.text("/!()\r\n\x02\x03AZ5.:-*09", max_size=60).map(str.encode)


@given(streams(st.sampled_from(TELEGRAMS), ASCII, 60), st.integers(1, 300))
@settings(max_examples=500)
def test_any_stream_in_any_chunks(data, chunk):
    """Chunks change nothing, and behind whatever came, good telegrams are read."""
    data += b"".join(GOOD[:2])
    whole = Line().hear(data)
    parted = Line().hear(data, chunk)
    assert parted.payloads == whole.payloads
    # A stretch of noise next to a broken telegram may count for itself.
    assert parted.errors | {"noise": 0} == whole.errors | {"noise": 0}
    # A ciphered body that was cut short ends with the next of its own kind, or in silence.
    assert lines(2) in texts(whole.quiet()) or b"\xdb" in data
    assert len(whole.parts[0]) <= 4096
    # What a CRC protects came as it is.
    sent = {telegram[: telegram.index(b"!") + 1] for telegram in (*GOOD, METER.telegram(0))}
    for text, unprotected in whole.payloads:
        assert unprotected or text in sent or b"\x02" in text or text[:1] == b"\xdb"


def test_every_interpreter_finds_the_same(interpreter):
    """Byte for byte, in every chunking, broken or whole."""
    draw = random.Random(3)
    jobs = []
    for name, spec in dsmr.METERS.items():
        meter = spec.meter(name)
        data = bytearray().join(meter.telegram(n) for n in range(4))
        for _ in range(3):
            data[draw.randrange(len(data))] = draw.randrange(256)
        del data[: draw.randrange(40)]
        data += b"".join(meter.telegram(n) for n in (4, 5))
        keys = {"key": meter.key, "auth_key": meter.auth_key}
        jobs += [{"link": meter.link, "raw": bytes(data), "chunk": c, **keys} for c in (1, 64, 0)]
    printed = probe(interpreter, jobs)
    assert printed == probe(interpreters.find("cpython"), jobs)
    assert printed.count('"meter"') >= 40
