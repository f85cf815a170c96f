"""General block transfer (IEC 62056-5-3), as Landis+Gyr's E450 sends it, a block a frame.

E0 | control (80 last, 40 streaming) | number (2) | acknowledged (2) | length | data
"""

from itertools import permutations

import pytest
from decoding import Listener, notification, of_meter
from meterling_tools.simulate import hdlc, make_meter

SENDER = bytes.fromhex("ceff03")
OTHER = bytes.fromhex("ceff05")
CHUNKS = (1, 7, 64, None)


def blocks(watts, count, addresses=SENDER, size=None):
    """The frames of one transfer in `count` blocks."""
    apdu = notification(watts, size or 60 * count)
    step = -(-len(apdu) // count)
    parts = [apdu[i : i + step] for i in range(0, len(apdu), step)]
    assert len(parts) == count
    return [
        hdlc.frame(hdlc.LLC * (n == 0) + hdlc.block(part, n + 1, n == count - 1), addresses)
        for n, part in enumerate(parts)
    ]


def hear(frames, chunk=None, **options):
    return Listener("hdlc", **options).hear(b"".join(frames), chunk)


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("count", range(1, 9))
def test_in_order(count, chunk):
    seen = hear(blocks(1, count) + blocks(2, count), chunk)
    assert seen.watts == [1, 2]
    assert (seen.counters["frames"], seen.errors) == (2 * count, {})


def test_a_block_of_more_than_127_and_255_bytes():
    seen = hear(blocks(1, 2, size=300) + blocks(2, 2, size=700), size=1024)
    assert (seen.watts, seen.errors) == ([1, 2], {})


def test_several_blocks_in_one_frame():
    apdu = notification(4, 200)
    information = hdlc.LLC + hdlc.block(apdu[:90], 1, False) + hdlc.block(apdu[90:], 2, True)
    seen = hear([hdlc.frame(information, SENDER)])
    assert (seen.watts, seen.errors) == ([4], {})


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("count", range(2, 7))
def test_a_lost_block(count, chunk):
    """Whichever it is, the transfer is given up and the next is read."""
    for lost in range(count):
        bad = blocks(1, count)
        del bad[lost]
        seen = hear(bad + blocks(2, count) + blocks(3, count), chunk)
        assert seen.watts == [2, 3], lost
        assert seen.errors["segment"] >= 1, lost
        assert set(seen.errors) == {"segment"}, lost


@pytest.mark.parametrize("count", range(2, 7))
def test_a_repeated_block(count):
    for repeated in range(1, count):
        bad = blocks(1, count)
        bad.insert(repeated, bad[repeated])
        seen = hear(bad + blocks(2, count)).quiet()
        assert seen.watts[-1] == 2, repeated
        assert set(seen.watts) <= {1, 2}


@pytest.mark.parametrize("count", range(2, 7))
def test_a_transfer_cut_short_never_takes_the_next_with_it(count):
    """From the same sender, and nothing but the next transfer is needed to see it."""
    for stop in range(1, count):
        seen = hear(blocks(1, count)[:stop] + blocks(2, count) + blocks(3, count))
        seen.quiet()
        assert seen.watts == [2, 3], stop
        assert seen.errors == {"segment": 1}, stop


@pytest.mark.parametrize("count", range(2, 7))
def test_the_last_transfer_is_freed_by_silence(count):
    for stop in range(1, count):
        seen = hear(blocks(1, count)[:stop] + blocks(2, count)).quiet()
        assert seen.watts == [2], stop


def test_telegrams_of_a_meter_cut_short_at_every_frame_and_byte():
    meter = make_meter("steiermark-e450")
    bad, good, after = (meter.telegram(n) for n in range(3))
    wanted = [meter.invocation_counter(1), meter.invocation_counter(2)]
    for stop in range(1, len(bad), 4):
        seen = of_meter(meter).hear(bad[:stop] + good + after)
        assert [r.invocation_counter for r in seen.readings] == wanted, stop


def merge(order, **transfers):
    """The frames of the transfers in the order of their letters: "AABABB"."""
    waiting = {name: list(frames) for name, frames in transfers.items()}
    return [waiting[name].pop(0) for name in order]


@pytest.mark.parametrize("count", range(2, 7))
@pytest.mark.parametrize("other", [SENDER, OTHER], ids=["same sender", "other sender"])
def test_two_transfers_that_take_turns(count, other):
    seen = hear(merge("AB" * count, A=blocks(1, count), B=blocks(2, count, other))).quiet()
    assert sorted(seen.watts) == [1, 2]
    assert seen.errors == {}


@pytest.mark.parametrize("count", range(3, 7))
@pytest.mark.parametrize("other", [SENDER, OTHER], ids=["same sender", "other sender"])
def test_two_transfers_that_take_turns_after_a_lead(count, other):
    """AABABB: A has sent some blocks before B begins, and B sends its last blocks alone."""
    for lead in range(2, count):
        order = "A" * lead + "BA" * (count - lead) + "B" * lead
        seen = hear(merge(order, A=blocks(1, count), B=blocks(2, count, other))).quiet()
        assert sorted(seen.watts) == [1, 2], order
        assert seen.errors == {}, order


def orders(count):
    """Every order of two transfers' blocks in which A begins, and both are under way at once."""
    for order in sorted(set(permutations("A" * count + "B" * count))):
        order = "".join(order)
        if order[0] == "A" and "BA" in order:
            yield order


@pytest.mark.parametrize("order", [*orders(2), *orders(3), *orders(4)])
def test_two_transfers_from_two_senders_in_any_order(order):
    count = len(order) // 2
    seen = hear(merge(order, A=blocks(1, count), B=blocks(2, count, OTHER)))
    assert sorted(seen.watts) == [1, 2]
    assert seen.errors == {}


@pytest.mark.parametrize("order", ["ABAB", "ABABAB", "AABABB", "AAABABBB", "AABABABB", "AAABBABB"])
def test_two_transfers_from_one_sender(order):
    """Nothing in a block says to which it belongs, but its number. A block is given to the
    transfer that waits for this number."""
    count = len(order) // 2
    seen = hear(merge(order, A=blocks(1, count), B=blocks(2, count))).quiet()
    assert sorted(seen.watts) == [1, 2]
    assert seen.errors == {}


@pytest.mark.parametrize("order", [*orders(3)])
def test_two_tagged_transfers_from_one_sender_are_never_mixed(order):
    """Some orders cannot be told apart. Then the tag refuses what was put together wrongly."""
    meter = make_meter("steiermark-e450")
    one, two = cut(meter.telegram(0)), cut(meter.telegram(1))
    assert len(one) == len(two) == 3
    seen = of_meter(meter).hear(b"".join(merge(order, A=one, B=two) + cut(meter.telegram(2))))
    seen.quiet()
    counters = [reading.invocation_counter for reading in seen.readings]
    assert counters[-1] == meter.invocation_counter(2)
    for reading in seen.readings:
        n = reading.invocation_counter - meter.invocation_counter(0)
        for code, (raw, _, _) in list(meter.expected(n).items())[1:]:
            assert reading.raw[code][0] == raw


def cut(data):
    """The single frames of a telegram."""
    out = []
    while data:
        length = (data[1] & 7) << 8 | data[2]
        out.append(data[: length + 2])
        data = data[length + 2 :]
    return out


def test_two_transfers_of_different_length_that_take_turns():
    for order in ("ABABB", "ABBAB", "AABBB", "BABAB"[::-1]):
        a, b = order.count("A"), order.count("B")
        seen = hear(merge(order, A=blocks(1, a), B=blocks(2, b, OTHER))).quiet()
        assert sorted(seen.watts) == [1, 2], order


def test_a_third_transfer_gives_up_the_oldest():
    a, b, c = blocks(1, 3), blocks(2, 3, OTHER), blocks(3, 3, bytes.fromhex("ceff07"))
    seen = hear([a[0], b[0], c[0], b[1], c[1], b[2], c[2]])
    assert sorted(seen.watts) == [2, 3]
    assert seen.errors == {"segment": 1}


def test_after_four_that_were_cut_short_none_take_turns_any_more():
    meter = make_meter("steiermark-e450")
    sent = [cut(meter.telegram(n)) for n in range(7)]
    spoiled = sent[1][:2] + sent[2][:1] + sent[3][:2] + sent[4][1:2]
    seen = of_meter(meter).hear(b"".join(sent[0] + spoiled + sent[5] + sent[6])).quiet()
    wanted = [meter.invocation_counter(n) for n in (0, 5, 6)]
    assert [reading.invocation_counter for reading in seen.readings] == wanted
    assert set(seen.errors) == {"segment"}


def test_a_transfer_that_is_too_long():
    seen = hear(blocks(1, 5, size=500) + blocks(2, 3), size=400).quiet()
    assert seen.watts == [2]
    assert seen.errors["too-long"] == 1


def test_a_transfer_without_end():
    """Blocks that go on for ever fill one buffer, once."""
    block = bytes(100)
    endless = [hdlc.frame(hdlc.block(block, n, False), SENDER) for n in range(1, 300)]
    seen = hear(endless + blocks(2, 3)).quiet()
    assert seen.watts == [2]
    assert seen.errors["too-long"] == 1


@pytest.mark.parametrize(
    "information",
    [
        pytest.param("e0", id="only the tag"),
        pytest.param("e04000010000", id="no length"),
        pytest.param("e0400001000005aabb", id="length beyond the frame"),
        pytest.param("e0400001000082", id="half a length"),
        pytest.param("e0400001000084ffffffff", id="a length of four bytes"),
        pytest.param("e0c00001000000", id="an empty block"),
        pytest.param("e0c000010000030f0000", id="half a notification"),
        pytest.param("e0c0000100000fe0c000010000080f00000001000011", id="a block in a block"),
    ],
)
def test_blocks_that_are_none(information):
    seen = hear([hdlc.frame(bytes.fromhex(information), SENDER)] + blocks(2, 3)).quiet()
    assert seen.watts == [2]


def test_blocks_within_blocks_end_somewhere():
    """A block that holds a block that holds a block: no deeper than a meter would."""
    data = notification(1)
    for _ in range(40):
        data = hdlc.block(data, 1, True)
    seen = hear([hdlc.frame(data, SENDER)] + blocks(2, 3)).quiet()
    assert seen.watts[-1] == 2
