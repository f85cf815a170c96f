"""Meters that want to be answered or asked, and the whole firmware under MicroPython."""

import os
import threading
import time
import urllib.request

import pytest
from meterling_tools.simulate import amis, make_meter, mode_c
from mqtt_brokers import Brokers, closes_after_connect
from running import Firmware, kind_broker, latest, wait_for

ON = pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
ANSWERS = 100


@ON
def test_amis_is_answered_within_50_ms_each_time(interpreter, tmp_path):
    """While MQTT connects, is thrown out, and connects again, and a phone loads the page over
    and over. Netz OÖ's limit is 500 ms."""
    meter = make_meter("netzooe-amis")
    connects = []

    async def throws_out(reader, writer):
        connects.append(1)
        await closes_after_connect(reader, writer)

    with Brokers() as brokers:
        settings = {
            "meter": {"link": "amis", "key": meter.key.hex()},
            "mqtt": {"host": "127.0.0.1", "port": brokers.start(throws_out)},
        }
        with Firmware(interpreter, tmp_path, settings) as firmware:
            wait_for(lambda: connects or firmware.process.poll() is not None)
            served = []
            threading.Thread(target=load_pages, args=(firmware, served), daemon=True).start()
            line = amis.Amis(firmware.master, meter, search_s=0.5, interval_s=0.15)
            while len(line.delays) < ANSWERS and line.missing < ANSWERS:
                line.step()
            assert firmware.process.poll() is None, firmware.lines
    assert line.missing == 0 and line.stray == 0
    assert max(line.delays) < 0.05, sorted(line.delays)[-5:]
    assert len(connects) > 1 and len(served) > 20 and set(served) == {200}


def load_pages(firmware, served):
    while firmware.process.poll() is None:
        try:
            url = f"http://127.0.0.1:{firmware.page_port}/api/hello"
            with urllib.request.urlopen(url, timeout=5) as answer:
                answer.read()
                served.append(answer.status)
        except OSError:
            pass  # not up yet, or ended by the test
        time.sleep(0.2)


@ON
def test_amis_is_found_and_read(interpreter, tmp_path):
    meter = make_meter("netzooe-amis")
    with kind_broker() as (port, packets):
        settings = {
            "device": "dongle",
            "meter": {"key": meter.key.hex()},
            "mqtt": {"host": "127.0.0.1", "port": port},
        }
        with Firmware(interpreter, tmp_path, settings, str(meter.line)) as firmware:
            wait_for(lambda: packets or firmware.process.poll() is not None)
            amis.serve(firmware.master, meter, 8)
            reading = wait_for(lambda: latest(packets, "reading"))
    assert set(reading["values"]) >= {"1-0:1.8.0", "1-0:1.7.0"}
    assert "line: amis at 9600 8E1" in firmware.lines


@ON
@pytest.mark.parametrize("known", [True, False], ids=["set", "found"])
def test_a_meter_is_asked_and_followed_to_its_speed(interpreter, tmp_path, known):
    """IEC 62056-21 mode C. Unknown, it is asked once the line has been silent for 20 s."""
    if not known and interpreter.name == "micropython":
        pytest.skip("once is enough: it takes half a minute")
    meter = mode_c.METERS["de-iec-c"].meter("de-iec-c")
    with kind_broker() as (port, packets):
        settings = {
            "device": "dongle",
            "meter": {"link": "p1", "baudrate": 300} if known else {},
            "mqtt": {"host": "127.0.0.1", "port": port},
        }
        settings["meter"]["optical"] = True
        with Firmware(interpreter, tmp_path, settings) as firmware:
            # No checksum but the BCC: one readout is enough.
            seconds = 6 if known else 28
            assert mode_c.serve(firmware.master, meter, seconds) >= 1, firmware.lines
            reading = wait_for(lambda: latest(packets, "reading"))
    assert reading["meter"] == meter.number
    value, scaler, unit = meter.expected(0)["1-0:1.8.0"]
    assert reading["values"]["1-0:1.8.0"] == {"value": value / 10**-scaler, "unit": unit}
    assert os.path.exists(tmp_path / "line.json")
