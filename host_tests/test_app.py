"""The firmware as a whole, under MicroPython, from a terminal to a broker; and its wiring."""

import asyncio
import importlib
import json
import os
import subprocess
import sys
import threading
import time
import tty

import mqtt_brokers
import pytest
from meterling import decoder as decoding
from meterling_tools import FIRMWARE, interpreters
from meterling_tools.simulate import make_meter
from mqtt_brokers import CONNACK, PUBLISH, Brokers, read_packet
from mqtt_probes import path
from mqtt_telegram import FRAMES, KEY

HARDWARE = ("machine", "network", "esp32")


@pytest.fixture
def app(monkeypatch):
    """`meterling.app` under CPython, with no hardware behind it."""
    for name in HARDWARE:
        monkeypatch.setitem(sys.modules, name, type(sys)(name))
    sys.modules["machine"].UART = None
    yield importlib.import_module("meterling.app")
    for name in [name for name in sys.modules if name.startswith("meterling.")]:
        if name.startswith(("meterling.board", "meterling.app")):
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


class Line:
    """A UART that yields `chunks`, one a read, b"" for a read that finds nothing."""

    def __init__(self, chunks):
        self.chunks = chunks

    async def readinto(self, buffer):
        if not self.chunks:
            await asyncio.sleep(60)
        chunk = self.chunks.pop(0)
        buffer[: len(chunk)] = chunk
        return len(chunk)


class Decoder:
    def __init__(self):
        self.events = []

    def feed(self, buffer, length):
        self.events.append(bytes(buffer[:length]))

    def quiet(self):
        self.events.append("quiet")


def test_bytes_go_to_the_decoder_and_silence_is_told_once(app, monkeypatch):
    monkeypatch.setattr(app.asyncio, "StreamReader", lambda uart: uart, raising=False)
    decoder = Decoder()

    async def run():
        reader = app.MeterReader(Line([b"ab", b"", b"c"]), decoder)
        tasks = [asyncio.create_task(work()) for work in (reader.run, reader.watch_quiet)]
        await asyncio.sleep(0.4)
        for task in tasks:
            task.cancel()

    asyncio.run(run())
    assert decoder.events == [b"ab", b"c", "quiet"]


# The firmware itself


class Firmware:
    """`main.py` in the folder `home` (Path), which has its settings; prints to `lines`."""

    def __init__(self, interpreter, home, settings):
        (home / "settings.json").write_text(json.dumps(settings))
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.process = subprocess.Popen(
            interpreters.command(interpreter, FIRMWARE / "main.py"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=interpreters.environment(
                interpreter, path(), METERLING_UART=os.ttyname(self._slave)
            ),
        )
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode().rstrip())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait(5)
        self._reader.join(5)
        os.close(self.master)
        os.close(self._slave)


@pytest.fixture
def broker():
    """(port, list of the PUBLISH packets that came there)."""
    packets = []

    async def serve(reader, writer):
        await read_packet(reader)
        writer.write(CONNACK)
        while True:
            packet = await read_packet(reader)
            if packet.kind == PUBLISH:
                packets.append(packet)
                writer.write(packet.puback())

    with Brokers() as brokers:
        yield brokers.start(serve), packets


@pytest.fixture(params=["micropython", "micropython32"])
def dongle(request):
    interpreter = interpreters.find(request.param)
    if not interpreter:
        pytest.skip(interpreter.reason)
    return interpreter


def wait_for(condition, seconds=8):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def settings_for(port, key=KEY):
    return {
        "device": "dongle",
        "meter": {"link": "mbus", "key": key},
        "mqtt": {"host": "127.0.0.1", "port": port, "user": "me", "password": "S3cret"},
    }


def latest(packets, kind):
    found = [p.payload for p in packets if p.topic == "meterling/dongle/" + kind]
    return json.loads(found[-1]) if found else None


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


def test_no_broker_and_no_meter_do_not_end_it(dongle, tmp_path):
    with Brokers() as brokers:
        port = brokers.start(mqtt_brokers.closes_at_once)
        with Firmware(dongle, tmp_path, settings_for(port)) as firmware:
            wait_for(lambda: any("mqtt-closed" in line for line in firmware.lines))
            assert firmware.process.poll() is None
