"""Any bytes, in any chunks: nothing is raised, nothing is believed, nothing grows, and after
it a good telegram is read."""

import random

import pytest
from decoding import Listener, bare_meter, of_meter
from hypothesis import example, given, settings
from hypothesis import strategies as st
from meterling_tools import interpreters
from meterling_tools.simulate import make_meter
from meterling_tools.simulate.faults import Faults
from streams import CHUNKS, feed, memory, streams

METERS = {
    "mbus": make_meter("tinetz-kaifa"),
    "hdlc": make_meter("kamstrup-dk"),
    "apdu": bare_meter(),
}
E450 = make_meter("steiermark-e450")  # HDLC, and block transfer
LINKS = pytest.mark.parametrize("link", METERS)
EVERY = [*METERS.values(), E450, make_meter("kaernten-im350"), make_meter("aidon-no")]


def meter_of(link, n):
    return E450 if link == "hdlc" and n % 2 else METERS[link]


STARTS = st.sampled_from(
    (b"\x68\xfa\xfa\x68", b"\x7e\xa0\x10", b"\x7e\xa8", b"\xdb\x08", b"\xe0\xc0\0\1")
)


def streams_of(link):
    return streams(st.integers(0, 3).map(lambda n: meter_of(link, n).telegram(n)), STARTS)


@LINKS
def test_any_stream_in_any_chunks(link):
    meter = METERS[link]

    @given(streams_of(link), CHUNKS, st.booleans())
    @settings(max_examples=150)
    @example(b"", [1], False)
    def check(data, sizes, key):
        seen = Listener(link, meter.key if key else None, meter.auth_key if key else None)
        feed(seen, data, sizes)
        # A telegram and one behind it: what was half there is over by then, or with silence.
        good = [meter.telegram(100 + n) for n in range(2)]
        seen.quiet()
        for telegram in good:
            feed(seen, telegram, sizes)
        seen.quiet()
        if key:
            counters = [reading.invocation_counter for reading in seen.readings]
            # The first may complete what was cut short; never both are lost.
            assert counters[-1] == meter.invocation_counter(101)
            assert meter.invocation_counter(100) in counters
            known = {m.invocation_counter(n) for m in (meter, E450) for n in (0, 1, 2, 3, 100, 101)}
            assert set(counters) <= known
        assert memory(seen) < 12_000
        assert seen.counters["bytes"] == len(data) + sum(map(len, good))

    check()


@LINKS
def test_any_chunks_read_the_same(link):
    """How the bytes are cut makes no difference to the readings, nor to what is counted; only
    a stretch of noise may be counted twice, or as part of the broken frame behind it."""

    @given(streams_of(link), CHUNKS)
    @settings(max_examples=150)
    def check(data, sizes):
        meter = METERS[link]
        one, other = (Listener(link, meter.key, meter.auth_key) for _ in range(2))
        feed(one, data, [len(data) or 1])
        feed(other, data, sizes)
        one.quiet()
        other.quiet()
        assert [r.json for r in one.readings] == [r.json for r in other.readings]
        errors = [{**each.errors, "noise": 0} for each in (one, other)]
        assert errors[0] == errors[1]

    check()


@LINKS
def test_after_garbage_a_good_telegram_is_read(link):
    """Without silence: three telegrams are more than any false header may claim of them."""
    meter = METERS[link]

    @given(st.binary(max_size=600))
    @settings(max_examples=200)
    def check(garbage):
        seen = of_meter(meter).hear(garbage)
        for n in range(8):
            seen.hear(meter.telegram(n))
        counters = [reading.invocation_counter for reading in seen.readings]
        assert counters[-1:] == [meter.invocation_counter(7)] or counters[-2:] == [
            meter.invocation_counter(5),
            meter.invocation_counter(6),
        ]
        seen.quiet()
        counters = [reading.invocation_counter for reading in seen.readings]
        # At most the one that the garbage ran into.
        assert counters[-7:] == [meter.invocation_counter(n) for n in range(1, 8)]

    check()


@pytest.mark.parametrize("key", [True, False])
@LINKS
def test_a_million_random_bytes_are_no_reading(link, key):
    meter = METERS[link]
    data = random.Random(f"{link} {key}").randbytes(1_000_000)
    seen = Listener(link, meter.key if key else None)
    for begin in range(0, len(data), 1000):
        seen.decoder.feed(data[begin : begin + 1000], 1000)
    seen.quiet()
    assert seen.readings == []
    assert seen.counters["bytes"] == 1_000_000
    assert seen.errors


@pytest.mark.parametrize("meter", EVERY, ids=lambda meter: meter.name)
@pytest.mark.parametrize(
    "faults",
    [
        Faults(seed=1, flip_bits=0.0002),
        Faults(seed=2, drop_bytes=0.002),
        Faults(seed=3, noise=0.003),
        Faults(seed=4, truncate=0.3),
        Faults(seed=5, flip_bits=0.00005, drop_bytes=0.0005, noise=0.0005, truncate=0.1),
    ],
    ids=["bits", "lost bytes", "noise", "truncated", "all"],
)
def test_a_bad_cable(meter, faults):
    """What is read is what was sent; every telegram that came whole is among it."""
    seen = of_meter(meter)
    whole = []
    for n in range(60):
        data = meter.telegram(n)
        spoiled = faults.spoil(n, data)
        if data == spoiled:
            whole.append(n)
        seen.hear(spoiled, 50)
    seen.quiet()
    assert 0 < len(whole) < 60 or faults.seed == 5
    texts = [repr(reading.values) for reading in seen.readings]
    reference = of_meter(meter)
    for n in range(60):
        reference.hear(meter.telegram(n))
    sent = [repr(reading.values) for reading in reference.quiet().readings]
    for text in texts:
        assert text in sent, "something that was never sent"
    for n in whole:
        assert sent[n] in texts, f"telegram {n} came whole and was not read"


@LINKS
@pytest.mark.parametrize("interpreter", interpreters.NAMES, indirect=True)
def test_memory_and_results_everywhere(interpreter, link, tmp_path):
    """Some hundred kB of garbage and telegrams in turn: memory in use does not grow, and every
    interpreter reads the same."""
    draw = random.Random(link)
    parts, good = [], []
    for n in range(400):
        meter = METERS[link]
        data = meter.telegram(n)
        kind = n % 4
        if kind == 0:
            parts.append(draw.randbytes(draw.randrange(1200)))
        elif kind == 1:
            parts.append(data[: draw.randrange(len(data))])
        elif kind == 2:
            bad = bytearray(data)
            bad[draw.randrange(len(bad))] ^= 1 << draw.randrange(8)
            parts.append(bytes(bad))
        if kind != 2:
            good.append(n)
        parts += [data, bytes(5)] if kind != 2 else []
    path = tmp_path / "stream"
    path.write_bytes(b"".join(parts))
    assert path.stat().st_size > 100_000
    meter = METERS[link]
    arguments = [link, meter.key.hex(), meter.auth_key.hex() if meter.auth_key else "-", path, 61]
    script = interpreters.ROOT / "host_tests" / "fuzz_probe.py"
    run = interpreters.run(interpreter, script, arguments)
    assert run.returncode == 0, run.stderr.decode()
    _, first_half, second_half = run.stderr.decode().split()
    # The collector takes what lies on the stack for pointers: a block or two more or less. One
    # block for each telegram would be 3 kB.
    assert int(second_half) <= int(first_half) + 256
    reference = interpreters.run(interpreters.find("cpython"), script, arguments)
    assert run.stdout == reference.stdout
    readings = [line for line in run.stdout.decode().splitlines() if "counters" not in line]
    counters = {int(line.split()[0]) - meter.invocation_counter(0) for line in readings}
    assert counters <= set(range(400))
    # Each of the eight silences may have cut one short.
    assert len(counters & set(good)) >= len(good) - 8
