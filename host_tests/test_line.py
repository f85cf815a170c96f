"""What is remembered of the meter's line, when it is doubted, and how the firmware lives with a
meter that is exchanged: in virtual time, on the wire's model."""

import asyncio
import importlib
import json
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling import config, line
from meterling.watch import Watch
from meterling_tools.simulate import make_meter
from meterling_tools.simulate.uart import TICKS, Receiver, Wire
from sniffing import line_of

KNOWN = ("mbus", 2400, "8E1", False, None)
BARE = ("apdu", 115200, "8N1", True, b"\xdb\x08SAG\x05\x20\x00\x00\x02")


@pytest.mark.parametrize("known", [KNOWN, BARE])
def test_what_is_remembered_is_recalled(tmp_path, known):
    path = str(tmp_path / "line.json")
    assert line.recall(path) is None
    assert line.remember(path, known)
    assert line.recall(path) == known
    assert os.listdir(tmp_path) == ["line.json"]


def test_it_is_written_only_when_it_has_changed(tmp_path):
    path = tmp_path / "line.json"
    line.remember(str(path), KNOWN)
    os.utime(path, (1, 1))
    line.remember(str(path), KNOWN)
    assert path.stat().st_mtime == 1
    line.remember(str(path), BARE)
    assert path.stat().st_mtime > 1


def test_a_power_cut_leaves_the_old_or_the_new(tmp_path):
    path = tmp_path / "line.json"
    line.remember(str(path), KNOWN)
    old = path.read_bytes()
    line.remember(str(path), BARE)
    new = path.read_bytes()
    for length in range(len(new) + 1):
        path.write_bytes(old)
        (tmp_path / "line.json.new").write_bytes(new[:length])
        assert line.recall(str(path)) == KNOWN
        path.unlink()
        found = line.recall(str(path))
        assert found == (BARE if length == len(new) else None)


@given(
    st.binary(max_size=60)
    | st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.integers() | st.text(max_size=6) | st.booleans() | st.just("auto")
            for name in ("link", "baudrate", "framing", "inverted", "head")
        },
    ).map(lambda document: json.dumps(document).encode())
)
def test_a_damaged_memory_is_none(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("line") / "line.json"
    path.write_bytes(content)
    found = line.recall(str(path))
    assert found is None or len(found) == 5


def test_where_it_cannot_be_written_nothing_is_raised(tmp_path):
    assert line.remember(str(tmp_path / "no" / "line.json"), KNOWN) is False


# When it is doubted


def bursts(watch, count, good=False, start=0, every=10_000):
    """What `watch` says of `count` bursts, and the time after them."""
    says = [watch.burst(start + (n + 1) * every, good) for n in range(count)]
    return says, start + count * every


def test_five_bursts_in_a_row_and_half_a_minute_without_a_frame_are_another_meter():
    assert bursts(Watch(0), 5)[0] == [False] * 4 + [True]
    says, _ = bursts(Watch(0), 40, every=1000)
    assert says.index(True) == 29, "a meter that pushes each second is given the half minute, too"


def test_one_good_frame_starts_the_count_anew():
    watch = Watch(0)
    says, now = bursts(watch, 4)
    assert not any(says)
    says, now = bursts(watch, 1, True, now)
    says, now = bursts(watch, 4, False, now)
    assert not any(says)
    assert bursts(watch, 1, False, now)[0] == [True]


def test_after_a_minute_of_silence_two_are_enough():
    watch = Watch(0)
    _, now = bursts(watch, 3, True)
    assert watch.burst(now + 70_000, False) is False
    assert watch.burst(now + 71_000, False) is True


def test_a_silent_line_is_never_another_meter():
    watch = Watch(0)
    _, now = bursts(watch, 3, True)
    assert watch.burst(now + 3_600_000, True) is False


# The firmware's reader, in virtual time


class Clock:
    now = 0.0  # s


class WirePort:
    """board.uart.Port on a wire: `plug` a meter in, `run` the reader that hears it."""

    def __init__(self, clock):
        self.clock = clock
        self.uart = self
        self.written = []
        self.meter = None
        self.inverted = False
        self.pending = []
        self.setting = None

    def plug(self, meter, inverted=False):
        self.meter, self.inverted = meter, inverted
        self.wire = Wire(meter.line)
        self.begin = self.clock.now
        self.sent = 0
        self.pending = []
        self.tune(*self.setting)

    def tune(self, *setting):
        self.setting = setting
        self.at = 0
        if self.meter:
            self.receiver = Receiver(
                line_of(setting), setting[2] != self.inverted, since=self.clock.now * TICKS
            )

    def drain(self, buffer):
        pass

    def idle_level(self):
        return 0 if self.inverted else 1

    def write(self, data):
        self.written.append((self.clock.now, data))

    def hear(self):
        now = self.clock.now
        meter = self.meter
        every = meter.interval_ms / 1000
        while self.begin + self.sent * every <= now + 0.1:
            begin = self.begin + self.sent * every
            self.wire.send(meter.telegram(self.sent), begin * TICKS, self.pending)
            self.sent += 1
        end = sum(1 for edge in self.pending if edge <= now * TICKS)
        data = self.receiver.hear(self.pending[self.at : end], now * TICKS)
        self.at = end
        return data


@pytest.fixture
def firmware(monkeypatch, tmp_path):
    """(start, run): start(**settings) -> (reader, port, readings); run(seconds)."""
    module = importlib.import_module("meterling.meter")
    clock = Clock()
    monkeypatch.setattr(module, "ticks_ms", lambda: int(clock.now * 1000))
    monkeypatch.setattr(module.asyncio, "StreamReader", lambda uart: None, raising=False)

    class Slept(Exception):
        pass

    async def asleep(_):
        if asleep.due:
            asleep.due = False
            return
        raise Slept

    monkeypatch.setattr(module, "sleep_ms", asleep)

    def start(**settings):
        port = WirePort(clock)
        readings = []
        path = str(tmp_path / "line.json")
        reader = module.MeterReader(
            port,
            config.check({"meter": settings}),
            lambda reading: readings.append((clock.now, len(reading))),
            path,
        )
        return reader, port, readings

    def run(reader, port, seconds, until=None):
        end = clock.now + seconds
        ticked = clock.now
        while clock.now < end and not (until and until()):
            clock.now += 0.01
            data = port.hear()
            if data:
                reader._hear(data, len(data))
            if clock.now - ticked >= 0.05:
                ticked = clock.now
                asleep.due = True
                try:
                    asyncio.run(reader.watch_quiet())
                except Slept:
                    pass
        return clock.now

    yield start, run
    sys.modules.pop("meterling.meter", None)


def key_of(meter):
    return {"key": meter.key.hex(), "auth_key": (meter.auth_key or b"").hex()}


def test_a_meter_that_is_exchanged_for_another_is_found_again(firmware, tmp_path, capsys):
    start, run = firmware
    old, new = make_meter("wien-im150"), make_meter("tinetz-kaifa")
    reader, port, readings = start(**key_of(old))
    port.plug(old)
    run(reader, port, 20, until=lambda: len(readings) >= 3)
    assert reader.line() == {
        "link": "hdlc",
        "baudrate": 9600,
        "framing": "8N1",
        "inverted": False,
        "sniffing": False,
    }
    count = len(readings)
    port.plug(new, inverted=True)
    begin = port.clock.now
    run(reader, port, 120, until=lambda: len(readings) > count)
    assert len(readings) > count
    assert reader.line()["link"] == "mbus"
    assert reader.line()["inverted"] is True
    # Half a minute until it is believed, and the search.
    assert port.clock.now - begin < 30 + 5 * 5 + 15
    assert line.recall(str(tmp_path / "line.json")) == ("mbus", 2400, "8E1", True, None)
    assert "line: nothing valid any more\n" in capsys.readouterr().out


def test_amis_has_its_answer_within_50_ms_from_the_first_frame_on(firmware):
    start, run = firmware
    meter = make_meter("netzooe-amis")
    reader, port, readings = start(key=meter.key.hex())
    port.plug(meter)
    run(reader, port, 20, until=lambda: len(readings) >= 2)
    assert reader.line()["framing"] == "8E1"
    # It looks for a device (5 bytes). A real one waits for the answer; this one does not, and
    # what it says while the line is set to 8E1 is lost.
    byte = meter.line.byte_ns / 1e9
    seconds = meter.interval_ms / 1000
    ends = [5 * byte] + [n * seconds + len(meter.telegram(n)) * byte for n in range(1, 4)]
    assert len(port.written) >= 3
    for (moment, data), end in zip(port.written, ends, strict=False):
        assert data == b"\xe5"
        assert 0 <= moment - end < 0.05


def test_after_a_restart_the_first_telegram_counts(firmware):
    start, run = firmware
    meter = make_meter("kamstrup-dk")
    reader, port, readings = start(**key_of(meter))
    port.plug(meter)
    run(reader, port, 60, until=lambda: readings)
    assert readings[0][0] > meter.interval_ms / 1000
    reader, port, readings = start(**key_of(meter))
    begin = port.clock.now
    port.plug(meter)
    run(reader, port, 60, until=lambda: readings)
    # Its first telegram begins as it is switched on: not heard from the beginning for sure.
    assert readings[0][0] - begin < 2.5


# What the owner has set


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("name", ["nl-dsmr5", "nl-dsmr30", "tinetz-kaifa", "kaernten-im350"])
def test_of_a_line_whose_link_is_set_the_rest_is_found_out(firmware, name, inverted):
    start, run = firmware
    meter = make_meter(name)
    keys = key_of(meter) if meter.key else {}
    reader, port, readings = start(link=meter.link, **keys)
    port.plug(meter, inverted)
    run(reader, port, 120, until=lambda: len(readings) >= 2)
    assert len(readings) >= 2
    assert (reader.line()["link"], reader.line()["inverted"]) == (meter.link, inverted)


def test_another_link_than_the_one_that_is_set_is_never_believed(firmware, tmp_path):
    start, run = firmware
    meter = make_meter("tinetz-kaifa")
    line.remember(str(tmp_path / "line.json"), ("mbus", 2400, "8E1", False, None))
    reader, port, readings = start(link="hdlc", **key_of(meter))
    port.plug(meter)
    run(reader, port, 60)
    assert reader.line()["sniffing"] and not readings


def test_a_line_that_is_set_as_a_whole_is_not_looked_for(firmware):
    start, run = firmware
    meter = make_meter("tinetz-kaifa")
    reader, port, readings = start(
        link="mbus", baudrate=2400, framing="8E1", inverted=False, **key_of(meter)
    )
    assert reader.line()["sniffing"] is False
    port.plug(meter)
    run(reader, port, 20, until=lambda: readings)
    assert readings


def test_an_optical_meter_that_is_set_to_300_baud_is_asked_at_once(firmware):
    start, run = firmware
    reader, port, _ = start(link="p1", baudrate=300, optical=True)
    port.hear = lambda: b""
    run(reader, port, 3)
    assert port.written[0][1] == b"/?!\r\n" and not reader.line()["sniffing"]


@pytest.mark.parametrize("link, asked", [("auto", True), ("p1", True), ("hdlc", False)])
def test_who_is_silent_is_asked_unless_that_cannot_be(firmware, link, asked):
    start, run = firmware
    reader, port, _ = start(link=link, optical=True)
    port.hear = lambda: b""
    run(reader, port, 40)
    assert bool(port.written) is asked


# Without memory


@pytest.mark.parametrize("name", ["link.sniffer.Sniffer", "meter.Decoder"])
def test_where_the_search_or_the_decoder_found_no_memory_it_is_tried_again(
    firmware, monkeypatch, name
):
    start, run = firmware
    module, _, attribute = name.rpartition(".")
    module = importlib.import_module("meterling." + module)
    reader, port, _ = start(optical=True)
    port.hear = lambda: b""
    run(reader, port, 15)
    real, failed = getattr(module, attribute), []

    def no_memory_once(*args, **options):
        if not failed:
            failed.append(True)
            raise MemoryError
        return real(*args, **options)

    monkeypatch.setattr(module, attribute, no_memory_once)
    for _ in range(20):  # the app starts again what has crashed
        try:
            run(reader, port, 15)
        except MemoryError:
            pass
    assert failed and (reader.line()["sniffing"] or reader._asker is not None)
