"""The firmware as a whole, under MicroPython, from a terminal to a broker; and its wiring."""

import asyncio
import importlib
import json
import os
import sys
import time
import urllib.request

import mqtt_brokers
import pytest
from meterling import config, line
from meterling import decoder as decoding
from meterling.errors import Counters
from meterling_tools import FIRMWARE, build, interpreters
from meterling_tools.simulate import make_meter
from mqtt_brokers import Brokers
from mqtt_probes import HERE, path
from mqtt_telegram import FRAMES, KEY
from running import LINE, Firmware, free_port, kind_broker, latest, wait_for

HARDWARE = ("machine", "network", "esp32")


@pytest.fixture
def app(monkeypatch):
    """`meterling.app` under CPython, with no hardware behind it."""
    for name in HARDWARE:
        monkeypatch.setitem(sys.modules, name, type(sys)(name))
    sys.modules["machine"].UART = sys.modules["machine"].Pin = None
    yield importlib.import_module("meterling.app")
    for name in [name for name in sys.modules if name.startswith("meterling.")]:
        if name.startswith(("meterling.board", "meterling.app", "meterling.meter")):
            del sys.modules[name]


@pytest.mark.parametrize("room", ["uart", "wifi", "chip"])
def test_without_the_hardware_s_modules_the_missing_one_is_named(room):
    name = "meterling.board." + room
    sys.modules.pop(name, None)
    with pytest.raises(ImportError) as caught:
        importlib.import_module(name)
    assert caught.value.name in HARDWARE


def test_only_the_board_knows_the_hardware():
    for file in (FIRMWARE / "meterling").rglob("*.py"):
        if file.parent.name != "board":
            words = {line.strip() for line in file.read_text().splitlines()}
            assert not words & {"import " + name for name in HARDWARE}, file


def test_a_task_that_fails_is_started_again_and_tells_no_secret(app, capsys):
    calls = []

    async def work():
        calls.append(1)
        if len(calls) < 3:
            raise ValueError("S3cret")

    asyncio.run(app.keep_running("mqtt", work, restart_after=1))
    assert len(calls) == 3
    printed = capsys.readouterr().out
    assert printed.count("mqtt: failed: ValueError") == 2
    assert "S3cret" not in printed


@pytest.mark.parametrize("has_auth_key", [True, False])
def test_what_could_be_checked_and_was_not_is_not_published(app, has_auth_key):
    meter = make_meter("burgenland-e450")
    verdicts = []
    decoder = decoding.Decoder(
        "hdlc",
        meter.key,
        meter.auth_key if has_auth_key else None,
        lambda reading: verdicts.append(app.may_be_published(reading)),
    )
    telegram = meter.telegram(0)
    decoder.feed(telegram, len(telegram))
    assert verdicts == [has_auth_key]


class Hardware:
    """`machine` of a chip: writes down what its UART and its pins are set to."""

    def __init__(self):
        self.uart = {}
        self.pins = {}
        hardware = self

        class UART:
            INV_RX = 32

            def __init__(self, number, **settings):
                hardware.uart = dict(settings, number=number)

            def init(self, **settings):
                hardware.uart.update(settings)

            def readinto(self, buffer):
                hardware.reads += 1
                return len(buffer) if hardware.reads < 4 else None

        class Pin:
            OUT = "out"

            def __init__(self, number, mode=None, value=None):
                if mode:
                    hardware.pins[number] = (mode, value)
                self.number = number

            def value(self):
                return hardware.pins[self.number]

        self.reads = 0
        self.UART, self.Pin = UART, Pin


@pytest.fixture
def hardware(app, monkeypatch):
    hardware = Hardware()
    board = sys.modules["meterling.board.uart"]
    monkeypatch.setattr(board, "UART", hardware.UART)
    monkeypatch.setattr(board, "Pin", hardware.Pin)
    return hardware, board.Port


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ((2400, "8E1", False), {"baudrate": 2400, "bits": 8, "parity": 0, "stop": 1, "invert": 0}),
        ((300, "7E1", False), {"baudrate": 300, "bits": 7, "parity": 0, "stop": 1, "invert": 0}),
        (
            (115200, "8N1", True),
            {"baudrate": 115200, "bits": 8, "parity": None, "stop": 1, "invert": 32},
        ),
    ],
)
def test_the_port_can_be_set_to_another_line_at_any_time(hardware, setting, expected):
    chip, make_port = hardware
    port = make_port(settings_of(rx_pin=5, tx_pin=6))
    uart = port.uart
    port.tune(9600, "8O2", False)
    assert (chip.uart["parity"], chip.uart["stop"]) == (1, 2)
    port.tune(*setting)
    assert port.uart is uart, "asyncio polls that one"
    assert {name: chip.uart[name] for name in expected} == expected
    assert (chip.uart["rx"], chip.uart["tx"]) == (5, 6)
    port.drain(bytearray(512))
    assert chip.reads == 4


def test_p1_s_data_request_line_is_high_where_there_is_one(hardware):
    chip, make_port = hardware
    make_port(settings_of())
    assert chip.pins == {}
    make_port(settings_of(request_pin=4))
    assert chip.pins == {4: ("out", 1)}


def test_the_idle_level_is_that_of_the_pin(hardware):
    chip, make_port = hardware
    port = make_port(settings_of(rx_pin=5))
    for level in (0, 1):
        chip.pins[5] = level
        assert port.idle_level() == level


class Port:
    """A port whose UART yields `chunks`, one a read, b"" for a read that finds nothing."""

    def __init__(self, chunks=()):
        self.chunks = list(chunks)
        self.uart = self
        self.settings = []
        self.written = []

    async def readinto(self, buffer):
        if not self.chunks:
            await asyncio.sleep(60)
        chunk = self.chunks.pop(0)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def tune(self, baudrate, framing, inverted):
        self.settings.append((baudrate, framing, inverted))

    def drain(self, buffer):
        pass

    def idle_level(self):
        return None

    def write(self, data):
        self.written.append(data)


class Decoder:
    """Writes down what it is given, and answers "a"."""

    def __init__(self, link, key, auth_key, on_reading, own_layouts=""):
        self.link = link
        self.events = []
        self.counters = Counters()

    def feed(self, buffer, length):
        self.events.append(bytes(buffer[:length]))

    def take_answer(self):
        return b"\xe5" if b"a" in self.events[-1] else b""

    def quiet(self):
        self.events.append("quiet")


@pytest.fixture
def meter(app, monkeypatch):
    """`meterling.meter`, whose decoder is the one above."""
    module = sys.modules["meterling.meter"]
    monkeypatch.setattr(module.asyncio, "StreamReader", lambda uart: uart, raising=False)
    monkeypatch.setattr(module, "Decoder", Decoder)
    return module


def settings_of(**meter):
    return config.check({"meter": meter})


def play(reader, seconds):
    """Let `reader` run for so long."""

    async def run():
        tasks = [asyncio.create_task(work()) for work in (reader.run, reader.watch_quiet)]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()

    asyncio.run(run())


def test_bytes_go_to_the_decoder_its_answer_to_the_meter_and_silence_is_told_once(meter):
    port = Port([b"ab", b"", b"c"])
    reader = meter.MeterReader(port, settings_of(**LINE), None)
    play(reader, 0.4)
    assert reader._decoder.events == [b"ab", b"c", "quiet"]
    assert port.written == [b"\xe5"]


def test_a_line_that_the_owner_has_set_is_not_looked_for(meter):
    port = Port()
    known = {"link": "hdlc", "baudrate": 115200, "framing": "8N1", "inverted": True}
    reader = meter.MeterReader(port, settings_of(**known), None)
    assert reader.link == "hdlc"
    assert port.settings == [(115200, "8N1", True)]


def test_what_the_owner_knows_is_where_the_search_is_not(meter, tmp_path):
    port = Port()
    known = settings_of(baudrate=2400, framing="8N1", inverted=True)
    reader = meter.MeterReader(port, known, None, str(tmp_path / "line.json"))
    assert reader.link is None
    assert port.settings == [(2400, "8N1", True)]


def test_the_line_is_found_its_telegram_counts_and_the_next_start_begins_there(
    meter, tmp_path, capsys
):
    path = str(tmp_path / "line.json")
    telegram = make_meter("wien-im150").telegram(0)
    port = Port([b"", b"", b"", b"", b"", b"", telegram[:100], telegram[100:]])
    reader = meter.MeterReader(port, settings_of(), None, path)
    play(reader, 0.4)
    assert reader.link == "hdlc"
    assert b"".join(reader._decoder.events[:-1]) == telegram
    assert reader.counters["bytes"] == len(telegram)
    assert line.recall(path) == ("hdlc", 9600, "8N1", False, None)
    assert "line: hdlc at 9600 8N1\n" in capsys.readouterr().out

    again = Port()
    meter.MeterReader(again, settings_of(), None, path)
    assert again.settings == [(9600, "8N1", False)]


def test_after_the_search_a_telegram_that_waits_is_not_given_up(meter, tmp_path, monkeypatch):
    """To learn the first telegram takes a second on a dongle: what came meanwhile waits, and is
    no silence."""
    telegram = make_meter("wien-im150").telegram(0)
    reader = meter.MeterReader(Port([]), settings_of(), None, str(tmp_path / "line.json"))
    feed = Decoder.feed

    def slow(self, buffer, length):
        time.sleep(0.3)
        feed(self, buffer, length)

    monkeypatch.setattr(Decoder, "feed", slow)
    for _ in range(3):  # silence: what comes now was heard from its beginning
        time.sleep(0.06)
        reader._look()
    reader._hear(telegram, len(telegram))
    assert reader.link == "hdlc"
    reader._look()
    assert "quiet" not in reader._decoder.events
    time.sleep(0.15)
    reader._look()
    assert reader._decoder.events[-1] == "quiet"


def test_when_nothing_fits_any_more_the_search_begins_anew(meter, tmp_path, monkeypatch):
    path = str(tmp_path / "line.json")
    line.remember(path, ("hdlc", 9600, "8N1", False, None))
    telegram = make_meter("wien-im150").telegram(0)
    reader = meter.MeterReader(Port([b""] * 6 + [telegram]), settings_of(), None, path)
    play(reader, 0.4)
    first = reader._decoder
    monkeypatch.setattr(reader._watch, "burst", lambda now, good: not good)
    reader._hear(b"x" * 50, 50)
    play(reader, 0.3)
    assert reader._sniffer is not None
    assert reader._sniffer.setting == (9600, "8N1", False)
    reader._hear(telegram, len(telegram))
    assert reader._sniffer is None
    assert reader._decoder is first, "it knows the last invocation counter"


# The firmware itself


@pytest.fixture
def broker():
    """(port, list of the PUBLISH packets that came there)."""
    with kind_broker() as found:
        yield found


@pytest.fixture(params=["micropython", "micropython32"])
def dongle(request):
    interpreter = interpreters.find(request.param)
    if not interpreter:
        pytest.skip(interpreter.reason)
    return interpreter


def settings_for(port, key=KEY):
    return {
        "device": "dongle",
        "meter": {**LINE, "key": key},
        "mqtt": {"host": "127.0.0.1", "port": port, "user": "me", "password": "S3cret"},
    }


def test_a_telegram_becomes_a_reading_at_the_broker(dongle, broker, tmp_path):
    port, packets = broker
    with Firmware(dongle, tmp_path, settings_for(port)) as firmware:
        wait_for(lambda: packets or firmware.process.poll() is not None)
        assert firmware.process.poll() is None, firmware.lines
        os.write(firmware.master, FRAMES)
        reading = wait_for(lambda: latest(packets, "reading"))
        wait_for(lambda: latest(packets, "status") == {"state": "online"})
    assert reading["values"]["1-0:1.8.0"] == {"value": 12937, "unit": "Wh"}
    assert reading["values"]["1-0:32.7.0"] == {"value": 233.7, "unit": "V"}
    assert reading["system_title"] == "4B464D6750000009"
    assert reading["time"] == "2021-09-27T07:47:15Z"


def test_the_dongle_finds_out_what_the_meter_speaks(dongle, broker, tmp_path):
    port, packets = broker
    settings = settings_for(port)
    settings["meter"] = {"key": KEY}
    with Firmware(dongle, tmp_path, settings, "2400 8E1 inverted") as firmware:
        wait_for(lambda: packets or firmware.process.poll() is not None)
        time.sleep(0.5)  # what it hears at once might be the rest of a burst
        for _ in range(10):  # two, unless this machine is busy
            at_2400_baud(firmware.master, FRAMES)
            time.sleep(0.4)
            if latest(packets, "reading"):
                break
        reading = wait_for(lambda: latest(packets, "reading"))
    assert reading["values"]["1-0:1.8.0"] == {"value": 12937, "unit": "Wh"}
    steps = [text for text in firmware.lines if text.startswith("line: ")]
    assert steps[:2] == ["line: 9600 8N1 (start)", "line: 9600 8N1 inverted (idle-low)"]
    assert steps[-1] == "line: mbus at 2400 8E1 inverted"
    assert json.loads((tmp_path / "line.json").read_text()) == {
        "link": "mbus",
        "baudrate": 2400,
        "framing": "8E1",
        "inverted": True,
        "head": "",
    }


def at_2400_baud(terminal, data):
    begin = time.monotonic()
    for i in range(0, len(data), 4):
        time.sleep(max(0, begin + i * 11 / 2400 - time.monotonic()))
        os.write(terminal, data[i : i + 4])


def test_what_an_owner_with_a_wrong_key_sees(dongle, broker, tmp_path):
    port, packets = broker
    wrong = "00112233445566778899AABBCCDDEEFF"
    with Firmware(dongle, tmp_path, settings_for(port, wrong)) as firmware:
        wait_for(lambda: packets or firmware.process.poll() is not None)
        os.write(firmware.master, FRAMES)
        wait_for(lambda: (latest(packets, "diagnostics") or {}).get("code") == "wrong-key")
        assert latest(packets, "status") == {"state": "offline"}
        assert latest(packets, "reading") is None
    everything = (
        b"\n".join(packet.payload for packet in packets) + "\n".join(firmware.lines).encode()
    )
    for secret in (wrong, wrong.lower(), "S3cret"):
        assert secret.encode() not in everything


def test_a_wrong_setting_stops_the_firmware_and_names_itself(dongle, tmp_path):
    with Firmware(dongle, tmp_path, {"meter": {"key": "S3cret"}}) as firmware:
        assert firmware.process.wait(10) != 0
        wait_for(lambda: firmware.lines and "meter.key" in firmware.lines[-1])
    assert "S3cret" not in "\n".join(firmware.lines)


def test_pins_that_the_chip_refuses_leave_a_page_to_put_them_right(dongle, tmp_path):
    settings = {"meter": {"rx_pin": 9}}
    with Firmware(dongle, tmp_path, settings, uart="") as firmware:
        wait_for(lambda: any("meter.rx_pin" in line for line in firmware.lines))
        wait_for(lambda: _answers(firmware.page_port))
        time.sleep(2)  # the search goes on, and finds nothing
        assert firmware.process.poll() is None and _answers(firmware.page_port)
    assert not any("failed" in line for line in firmware.lines), firmware.lines


def _answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/hello", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_no_broker_and_no_meter_do_not_end_it(dongle, tmp_path):
    with Brokers() as brokers:
        port = brokers.start(mqtt_brokers.closes_at_once)
        with Firmware(dongle, tmp_path, settings_for(port)) as firmware:
            wait_for(lambda: any("mqtt-closed" in line for line in firmware.lines))
            assert firmware.process.poll() is None


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("tinetz-kaifa", "framer mbus"),
        ("wien-im150", "crc framer hdlc"),
        ("nl-dsmr5", "crc_arc framer p1 p1_lines"),
        ("de-emh-ehz", "crc framer sml"),
        ("lu-smarty-ciphered", "apdu crc_arc framer"),  # the text inside has a CRC
    ],
)
def test_of_the_search_nothing_stays_loaded(interpreter, tmp_path, monkeypatch, name, link):
    monkeypatch.chdir(tmp_path)
    meter = make_meter(name)
    setting = meter.line
    job = {
        "telegram": meter.telegram(0).hex(),
        "setting": (setting.baud, f"{setting.bits}{setting.parity}{setting.stop}", False),
        "key": (meter.key or b"").hex(),
    }
    held = True
    for pushed_on in (0, 100, 200):
        lines = find_line(interpreter, job, pushed_on)
        searching, found, readings, heap, again, once_more = lines
        assert searching == "searching burst candidates framer signature sniffer"
        assert set(found.split()[2:]) <= set(link.split()) >= {meter.link}
        assert found.split()[1] == meter.link
        # The memory of machine code comes back only with a restart: it is loaded twice at most.
        assert once_more == again
        assert again.startswith("again True ") and {"burst", "signature"} <= set(again.split())
        assert not {"sniffer", "candidates"} & set(again.split())
        # Its key is known for all but one: what was heard in the search counts.
        assert readings == "readings 1" or meter.auth_key
        print(interpreter.name, name, heap)
        _, most, deciding, after = map(int, heap.split()[1:])
        held = after >= most + 6000 or deciding >= most - 2000
        if not held:
            break
    # A sniffer that somebody holds is twice as much. Nor is it held while the decoder is made, and
    # while that learns its first telegram. Seen: 6000 to 8000 less than `most`, 4000 more when
    # somebody held it. MicroPython itself may hold what happens to lie behind the names of a module
    # that has no constants, and what its collector finds on the stack: but not wherever that lies.
    assert not held


def find_line(interpreter, job, pushed_on):
    """The lines (str) that the probe prints, but for those of the reader."""
    stdin = json.dumps(job).encode() + b"\n"
    probe = HERE / "lock_probe.py"
    run = interpreters.run(interpreter, probe, [str(pushed_on)], stdin=stdin, path=path())
    assert run.stderr == b""
    return [text for text in run.stdout.decode().splitlines() if not text.startswith("line: ")]


HOLDING = """
import asyncio, gc
from meterling.app import keep_running

class Work:
    def __init__(self):
        self.much = bytearray(20_000)

    async def run(self):
        await asyncio.sleep(0)

def start():  # what a coroutine's frame has held stays
    return asyncio.create_task(keep_running("work", Work().run))

async def main():
    gc.collect()
    before = gc.mem_alloc()
    task = start()
    await asyncio.sleep(0.05)
    gc.collect()
    print(task.done(), gc.mem_alloc() - before)

asyncio.run(main())
"""


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_a_task_that_has_ended_holds_nothing(interpreter):
    run = interpreters.run(interpreter, "-c", [HOLDING], path=path())
    done, held = run.stdout.split()
    assert done == b"True" and int(held) < 2000, run.stderr.decode()


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
def test_the_button_opens_the_access_point(interpreter, tmp_path, monkeypatch):
    button = tmp_path / "button"
    monkeypatch.setenv("METERLING_BUTTON", str(button))
    settings = {
        "led": {"pin": 2},
        "button": {"pin": 0},
        "portal": {"password": "x", "address": "127.0.0.1", "port": free_port()},
        "wifi": {"ssid": "home"},
        "ap": {"password": "12345678"},
        "meter": LINE,
    }
    home = tmp_path / "home"
    home.mkdir()
    with Firmware(interpreter, home, settings) as firmware:
        wait_for(lambda: any("connected" in line for line in firmware.lines))
        time.sleep(0.5)
        button.touch()
        time.sleep(4)
        assert "button: setup" not in firmware.lines  # letting go decides
        button.unlink()
        wait_for(lambda: any("access point Meterling" in line for line in firmware.lines))
        assert "button: setup" in firmware.lines


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
@pytest.mark.parametrize(
    ("heap", "has_page"), [(110, False), (135, False), (150, True), (220, True)]
)
def test_where_memory_is_short_it_is_the_page_that_is_done_without(
    interpreter, heap, has_page, broker, tmp_path
):
    """kB, with 8 of stand-ins that no dongle has. The meter is found, read and published."""
    port, packets = broker
    settings = settings_for(port)
    settings["meter"] = {"key": KEY}
    build.build("unix32", tmp_path / "tree")
    options = {"tree": tmp_path / "tree", "heapsize": heap * 1024}
    with Firmware(interpreter, tmp_path, settings, **options) as firmware:
        wait_for(lambda: packets or firmware.process.poll() is not None)
        for _ in range(5):
            os.write(firmware.master, FRAMES)
            time.sleep(1.5)
            if latest(packets, "reading"):
                break
        assert latest(packets, "reading"), firmware.lines
    left_out = [text for text in firmware.lines if text.startswith("portal: left out")]
    assert bool(left_out) != has_page
