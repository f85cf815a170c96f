"""Finding out what the meter speaks: proven on the wire's model, in virtual time."""

import json
import random
from pathlib import Path

import pytest
from decoding import CAPTURES, DATA, Listener
from decoding import of_meter as listener_for
from meterling.decoder import LINKS, make_link
from meterling.errors import Counters
from meterling.link.sniffer import LOCKED, NOTHING, RETUNE, Sniffer
from meterling_tools import interpreters
from meterling_tools.simulate import METERS, Line, make_meter
from sniffing import Bench, line_of, of_meter

PROBE = Path(__file__).with_name("sniffer_probe.py")

# Until it is locked, in push intervals of the meter
_AVERAGE = 3
_WORST = 5
_SEEDS = 8
_PATIENCE = 8  # push intervals, in the simulation


def can_be_made(link):
    try:
        make_link(link, Counters().counts, 1024)
    except (ImportError, ValueError, IndexError):
        return False
    return True


def pushing():
    """The names of the meters that speak without being asked."""
    return [name for name, spec in METERS.items() if spec.line.baud > 300]


@pytest.fixture(scope="module")
def table():
    """Lines of the table of all meters; printed at the end (pytest -s)."""
    lines = []
    yield lines
    print("\n" + "\n".join(lines))


@pytest.mark.parametrize("inverted", [False, True], ids=["normal", "inverted"])
@pytest.mark.parametrize("strict", [False, True], ids=["esp32", "strict"])
@pytest.mark.parametrize("name", pushing())
def test_every_meter_is_found(table, name, strict, inverted):
    """`strict`: the UART drops bytes that have errors. The board sees the idle line."""
    meter = make_meter(name)
    if not can_be_made(meter.link):
        pytest.skip(f"there is no link layer {meter.link} yet")
    times = []
    for seed in range(_SEEDS):
        bench = of_meter(meter, seed, strict=strict, inverted=inverted)
        bench.run(_PATIENCE * bench.interval)
        assert bench.time is not None, (seed, bench.steps)
        times.append(bench.intervals)
        sniffer = bench.sniffer
        assert sniffer.link == meter.link, (seed, bench.steps)
        assert line_of(sniffer.setting) == meter.line, (seed, bench.steps)
        assert sniffer.setting[2] == inverted
    average = sum(times) / len(times)
    table.append(
        f"{name:22}{meter.line!s:12} {meter.link:5}{'strict' if strict else 'esp32':7}"
        f"{'inverted' if inverted else 'normal':9}{average:5.2f}{max(times):6.2f} intervals"
    )
    assert average <= _AVERAGE, times
    assert max(times) <= _WORST, times


@pytest.mark.parametrize("name", ["tinetz-kaifa", "kaernten-im350", "wien-im150", "kamstrup-dk"])
@pytest.mark.parametrize("inverted", [False, True])
def test_where_the_board_cannot_tell_the_polarity_both_are_tried(name, inverted):
    for seed in range(4):
        bench = of_meter(make_meter(name), seed, inverted=inverted, levels=False)
        bench.run(20 * bench.interval)
        assert bench.intervals and bench.intervals < 12, (seed, bench.steps)
        assert bench.sniffer.setting[2] == inverted


@pytest.mark.parametrize("skew", [-0.02, 0.02])
def test_a_meter_s_clock_may_be_off(skew):
    for name in ("tinetz-kaifa", "burgenland-e450", "wels-am550"):
        meter = make_meter(name)
        for seed in range(4):
            bench = of_meter(meter, seed, skew=skew).run(8 * meter.interval_ms / 1000)
            assert line_of(bench.sniffer.setting) == meter.line, bench.steps


# What it takes for a frame


def feed(sniffer, data, now, piece=64):
    """What `hear` said last of `data` that comes from `now` on, in pieces, 10 ms each."""
    result = NOTHING
    for begin in range(0, len(data), piece):
        part = data[begin : begin + piece]
        result = sniffer.hear(part, len(part), now + begin // piece * 10)
        if result != NOTHING:
            break
    return result


def silence(sniffer, now, milliseconds):
    results = [sniffer.tick(t) for t in range(now, now + milliseconds + 1, 50)]
    return max(results)


@pytest.mark.parametrize("name", ["tinetz-kaifa", "wien-im150", "steiermark-e450"])
def test_the_burst_that_shows_it_is_kept_and_its_telegram_counts(name):
    meter = make_meter(name)
    telegram = meter.telegram(0)
    sniffer = Sniffer(make_link, meter.line.baud, f"8{meter.line.parity}1")
    silence(sniffer, 0, 200)
    for begin in range(0, len(telegram), 32):
        part = telegram[begin : begin + 32]
        if feed(sniffer, part, 200 + begin) == LOCKED:
            break
    whole = bytes(sniffer.burst()) + telegram[begin + 32 :]
    assert whole == telegram
    assert len(listener_for(meter).hear(whole).readings) == 1


@pytest.mark.parametrize("link", ["mbus", "hdlc"])
def test_a_frame_whose_check_fails_locks_nothing(link):
    meter = make_meter({"mbus": "netznoe-sagemcom", "hdlc": "kaernten-im350"}[link])
    for seed in range(20):
        telegram = bytearray(meter.telegram(seed))
        second = telegram.find(bytes.fromhex("680d0d68"))  # of M-Bus: would do by itself
        if second > 0:
            del telegram[second:]
        telegram[random.Random(seed).randrange(len(telegram))] ^= 0x10
        sniffer = Sniffer(make_link, meter.line.baud)
        silence(sniffer, 0, 200)
        assert feed(sniffer, telegram, 200) != LOCKED
        assert sniffer.link is None


def bare(title=b"SAG\x05\x20\x00\x00\x02", counter=1):
    """A ciphered APDU without any link layer: nothing checks it."""
    body = b"\x30" + counter.to_bytes(4, "big") + bytes(range(1, 120))
    return b"\xdb\x08" + title + bytes((0x81 if len(body) > 127 else len(body),)) + body


def test_what_nothing_checks_must_come_twice_from_the_same_sender_in_two_pushes():
    apdu = bare()
    other = bare(b"LGZ\x05\x20\x00\x00\x02")
    sniffer = Sniffer(make_link, 115200, "8N1", False)
    silence(sniffer, 0, 200)
    assert feed(sniffer, apdu, 200) == NOTHING
    assert silence(sniffer, 210, 300) == NOTHING
    assert feed(sniffer, apdu, 600) == NOTHING, "too near: no other push"
    silence(sniffer, 610, 300)
    assert feed(sniffer, other, 2000) == NOTHING, "another sender"
    silence(sniffer, 2010, 300)
    assert feed(sniffer, apdu, 3000) == NOTHING, "the one before was another"
    silence(sniffer, 3010, 300)
    assert feed(sniffer, apdu, 4000) == LOCKED
    assert (sniffer.link, sniffer.head) == ("apdu", apdu[:10])
    assert bytes(sniffer.burst()) == apdu

    again = Sniffer(make_link, first=(115200, "8N1", False), head=sniffer.head)
    silence(again, 0, 200)
    assert feed(again, apdu, 200) == LOCKED, "what was believed before a restart"


@pytest.mark.parametrize("segments", [1, 2])
def test_hdlc_without_a_frame_check_must_come_twice_as_well(segments):
    def frame(payload, more):
        # 7E A0 LL 41 03 13, HCS 0000 | payload | FCS 0000 | 7E
        body = bytes((0xA8 if more else 0xA0, len(payload) + 9, 0x41, 0x03, 0x13, 0, 0))
        return b"\x7e" + body + payload + b"\0\0\x7e"

    telegram = b"".join(
        frame(
            b"\xe6\xe7\0" + bytes(range(40)) if n == 0 else bytes(range(50, 80)), n + 1 < segments
        )
        for n in range(segments)
    )
    sniffer = Sniffer(make_link, 2400, "8N1", False)
    silence(sniffer, 0, 200)
    assert feed(sniffer, telegram, 200) == NOTHING
    assert sniffer.link == "hdlc"
    silence(sniffer, 300, 300)
    assert feed(sniffer, telegram, 5200) == LOCKED
    assert len(sniffer.head) == 5


def test_an_apdu_inside_of_a_broken_frame_is_no_bare_one():
    meter = make_meter("tinetz-kaifa")
    sniffer = Sniffer(make_link, 2400, "8E1", False)
    for n in range(6):
        telegram = bytearray(meter.telegram(n))
        telegram[-20] ^= 1
        telegram[100] ^= 1
        now = 1000 * n + 500
        silence(sniffer, now - 300, 250)
        assert feed(sniffer, telegram, now) != LOCKED


def test_only_link_layers_whose_beginning_was_seen_are_asked_for():
    for name, links in (("tinetz-kaifa", {"mbus"}), ("burgenland-e450", {"hdlc"})):
        bench = of_meter(make_meter(name), 3).run(40)
        assert bench.time and bench.loaded == links


def captured():
    """Telegrams that real meters, operators and standards have shown: (id, link, bytes)."""
    for folder in (DATA, CAPTURES):
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            capture = json.loads(path.read_text())
            link = capture.get("transport")
            link = {"dsmr": "p1", "mbus-cbc": "amis", "raw-dlms": "apdu"}.get(link, link)
            if link not in LINKS or not capture.get("raw_hex"):
                continue
            # Some that are printed as examples have a CRC that is not theirs.
            heard = Listener(link).hear(bytes.fromhex(capture["raw_hex"])).quiet()
            if heard.counters["frames"]:
                yield pytest.param(link, capture["raw_hex"], id=f"{folder.name}-{path.stem}")


@pytest.mark.parametrize(("link", "telegram"), list(captured()))
def test_real_telegrams_are_known_by_what_they_are(link, telegram):
    telegram = bytes.fromhex(telegram)
    sniffer = Sniffer(make_link, 9600, "8N1", False)
    for now in (200, 5200):  # the second for those that nothing checks
        silence(sniffer, now - 200, 150)
        if feed(sniffer, telegram, now) == LOCKED:
            break
    assert sniffer.link == link


# Noise

SETTINGS = [
    (baudrate, framing)
    for baudrate in (300, 2400, 9600, 115200)
    for framing in ("8N1", "8E1", "7E1")
]


@pytest.mark.parametrize(("baudrate", "framing"), [(None, None), *SETTINGS])
def test_a_million_bytes_of_noise_lock_nothing(baudrate, framing):
    dice = random.Random(f"{baudrate}{framing}")
    sniffer = Sniffer(make_link, baudrate, framing)
    now = 0
    for burst in range(1000):
        data = dice.randbytes(1000)
        if burst & 1:
            # As it looks where hardly a bit is set, or only characters come.
            mask = dice.choice((0x7F, 0x81, 0x7E, 0xDB))
            data = bytes(byte & mask for byte in data)
        result = feed(sniffer, data, now, 125)
        assert result != LOCKED and sniffer.link is None, (burst, sniffer.link)
        now += 100 + (burst % 3) * 100
        assert silence(sniffer, now - 50, 50) != LOCKED


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_noise_locks_nothing_on_the_dongle_s_python(interpreter):
    run = interpreters.run(interpreter, PROBE, stdin=b'{"noise": 100000}\n')
    assert (run.stdout, run.stderr) == (b"done\n", b"")


# What is known, and what changes


def test_what_was_remembered_is_heard_at_once():
    meter = make_meter("kamstrup-dk")
    for seed in range(5):
        bench = of_meter(meter, seed, first=(2400, "8N1", False)).run(60)
        assert bench.intervals < 1.5
        assert bench.steps[0][2:4] == ("start", (2400, "8N1", False))


@pytest.mark.parametrize(
    "first", [(2400, "8E1", False), (115200, "8N1", True), (9600, "8N1", False)]
)
@pytest.mark.parametrize("name", ["tinetz-kaifa", "wels-am550", "wien-im150", "kamstrup-no"])
def test_a_wrong_memory_does_not_hold_it_up_for_long(first, name):
    for seed in range(4):
        bench = of_meter(make_meter(name), seed, first=first)
        bench.run(30 * bench.interval)
        assert bench.intervals and bench.intervals <= 14, (seed, bench.steps)


@pytest.mark.parametrize("interval", [13, 30, 60])
@pytest.mark.parametrize("name", ["burgenland-e450", "kaernten-im350", "wels-am550"])
def test_a_meter_that_speaks_seldom_is_found(name, interval):
    """Each setting is listened to for as long as the longest pause until then."""
    meter = make_meter(name, interval_ms=interval * 1000)
    bench = of_meter(meter, 0, step=0.02).run(12 * interval)
    assert bench.time is not None and bench.intervals < 10


def test_a_link_layer_that_found_no_memory_is_loaded_later():
    """As MicroPython says of a packed module then: ImportError."""
    bench = of_meter(make_meter("tinetz-kaifa"), 0)
    load, tries = bench.sniffer._candidates._make_link, []

    def make_link(name, *args):
        tries.append(name)
        if len(tries) == 1:
            raise ImportError
        return load(name, *args)

    bench.sniffer._candidates._make_link = make_link
    assert bench.run(120).time is not None


def test_what_the_owner_set_is_never_left():
    meter = make_meter("wien-im150")
    wrong = of_meter(meter, baudrate=2400, framing="8E1", inverted=False).run(60)
    assert wrong.time is None
    assert {setting for _, _, _, setting, _ in wrong.steps} == {(2400, "8E1", False)}
    right = of_meter(meter, baudrate=9600, framing=None, inverted=False).run(5)
    assert right.time is not None


def test_the_steps_say_why():
    bench = Bench(Line(2400, parity="E"), make_meter("tinetz-kaifa").telegram, 5, 3).run(30)
    assert [step[1:] for step in bench.steps] == [
        ("listen", "start", (9600, "8N1", False), None),
        ("listen", "too-fast", (2400, "8N1", False), None),
        ("frame", "checked", (2400, "8N1", False), "mbus"),
        ("listen", "parity", (2400, "8E1", False), "mbus"),
        ("frame", "checked", (2400, "8E1", False), "mbus"),
        ("locked", "checked", (2400, "8E1", False), "mbus"),
    ]


def test_a_silent_line_is_listened_to_at_one_setting_and_then_at_others():
    sniffer = Sniffer(make_link)
    first = sniffer.setting
    assert silence(sniffer, 0, 60_000) == NOTHING
    assert sniffer.setting == first
    assert silence(sniffer, 60_000, 20_000) == RETUNE
    assert sniffer.setting != first


# The dongle's Python hears the same


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
@pytest.mark.parametrize("name", ["tinetz-kaifa", "kamstrup-dk", "steiermark-e450", "wels-am550"])
def test_every_step_is_the_same_on_the_dongle_s_python(interpreter, name):
    bench = of_meter(make_meter(name), 1, inverted=True).run(40)
    job = {"options": {}, "events": bench.events}
    lines = []
    import sniffer_probe

    sniffer_probe.play(job, lines.append)
    assert lines[-1].startswith(bench.sniffer.link)
    run = interpreters.run(interpreter, PROBE, stdin=json.dumps(job).encode() + b"\n")
    assert run.stderr == b""
    assert run.stdout.decode().splitlines() == lines
