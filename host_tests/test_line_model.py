"""The wire, bit by bit: what a UART hears of bytes that were sent at other settings."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling_tools import interpreters
from meterling_tools.simulate import Line, make_meter
from meterling_tools.simulate import uart as model
from meterling_tools.simulate.uart import TICKS, Receiver, Wire

LINES = [
    Line(baud, bits, parity)
    for baud in (300, 2400, 9600, 115200)
    for bits, parity in ((8, "N"), (8, "E"), (7, "E"), (8, "O"))
]
ANY = bytes(range(256))


def heard(data, sent_at, heard_at, **options):
    """What a UART at `heard_at` hears of `data` (bytes), sent without gaps at `sent_at`."""
    edges = []
    end = Wire(sent_at, options.pop("skew", 0)).send(data, 0, edges)
    return bytes(Receiver(heard_at, **options).hear(edges, end + TICKS))


@pytest.mark.parametrize("line", LINES, ids=str)
@pytest.mark.parametrize("strict", [False, True])
def test_at_the_same_settings_every_byte_arrives(line, strict):
    data = bytes(range(1 << line.bits)) * 2
    assert heard(data, line, line, strict=strict) == data


@pytest.mark.parametrize("skew", [-0.03, 0.03])
def test_clocks_may_differ_by_three_percent(skew):
    line = Line(2400, parity="E")
    assert heard(ANY, line, line, skew=skew, strict=True) == ANY


@given(st.binary(max_size=60), st.sampled_from(LINES), st.sampled_from(LINES), st.booleans())
def test_it_does_not_matter_in_which_pieces_the_bits_come(data, sent_at, heard_at, flipped):
    edges = []
    end = int(Wire(sent_at).send(data, 0, edges)) + TICKS
    whole = Receiver(heard_at, flipped).hear(list(edges), end)
    receiver = Receiver(heard_at, flipped)
    pieces = bytearray()
    for until in range(0, end + 1, max(1, end // 50)):
        new = [edge for edge in edges if edge <= until]
        del edges[: len(new)]
        pieces += receiver.hear(new, until)
    assert pieces + receiver.hear(edges, end) == whole


def test_a_fast_receiver_hears_only_zeros_and_then_ones_of_a_slow_line():
    telegram = make_meter("tinetz-kaifa").telegram(0)
    slow = Line(2400, parity="E")
    assert set(heard(telegram, slow, Line(115200))) == {0}
    # Four bits are one: zeros in fours, then ones in fours.
    assert set(heard(telegram, slow, Line(9600))) == {0x00, 0x78, 0x80, 0xF8}
    # Those have no stop bit: other hardware drops them.
    assert set(heard(telegram, slow, Line(9600), strict=True)) == {0x80, 0xF8}


def test_a_slow_receiver_hears_something_of_a_fast_line():
    telegram = make_meter("kaernten-im350").telegram(0)
    assert len(heard(telegram, Line(115200), Line(9600))) > 8
    assert len(heard(telegram, Line(115200), Line(9600), strict=True)) > 2


def test_8n1_hears_7e1_with_the_parity_in_bit_7():
    assert heard(b"/A1", Line(9600, 7, "E"), Line(9600)) == bytes((0xAF, 0x41, 0xB1))


def test_8n1_hears_8e1_but_where_the_parity_bit_is_no_stop_bit_there_is_an_error():
    assert heard(ANY, Line(2400, parity="E"), Line(2400)) == ANY
    odd = bytes(byte for byte in ANY if byte.bit_count() & 1)
    assert heard(ANY, Line(2400, parity="E"), Line(2400), strict=True) == odd


def test_8e1_takes_the_stop_bit_of_8n1_for_parity_and_loses_what_follows():
    found = heard(ANY, Line(2400), Line(2400, parity="E"))
    assert found[0] == ANY[0]
    assert found != ANY


@pytest.mark.parametrize("flipped", [False, True])
def test_a_wrong_polarity_is_heard_and_not_understood(flipped):
    line = Line(115200)
    assert (heard(ANY, line, line, flipped=flipped) == ANY) == (not flipped)


def test_what_was_before_the_receiver_was_switched_on_is_not_heard():
    line = Line(9600)
    edges = []
    wire = Wire(line)
    wire.send(b"before", 0, edges)
    since = wire.free + 5
    end = wire.send(b"after", since + 100, edges)
    assert Receiver(line, since=since).hear(edges, end) == b"after"


_ON_MICROPYTHON = """
import json, sys
from uart import Receiver, Wire
class Line:
    def __init__(self, baud, bits, parity, stop):
        self.baud, self.bits, self.parity, self.stop = baud, bits, parity, stop
data = bytes(range(256))
for sent, heard, flipped in json.loads(sys.stdin.readline()):
    edges = []
    end = Wire(Line(*sent)).send(data, 0, edges)
    print(bytes(Receiver(Line(*heard), flipped).hear(edges, end + 1000)))
"""


def test_the_same_on_every_interpreter(interpreter):
    def fields(line):
        return line.baud, line.bits, line.parity, line.stop

    cases = [(a, b, flipped) for a in LINES[4:] for b in LINES[4:] for flipped in (False, True)]
    argument = json.dumps([(fields(a), fields(b), flipped) for a, b, flipped in cases])
    folder = interpreters.ROOT / "tools" / "meterling_tools" / "simulate"
    run = interpreters.run(
        interpreter, "-c", [_ON_MICROPYTHON], argument.encode() + b"\n", path=(folder,)
    )
    assert run.stderr == b""
    for (sent, got, flipped), line in zip(cases, run.stdout.splitlines(), strict=True):
        edges = []
        end = Wire(sent).send(ANY, 0, edges)
        expected = bytes(model.Receiver(got, flipped).hear(edges, end + 1000))
        assert eval(line) == expected, (sent, got, flipped)
