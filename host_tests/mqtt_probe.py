"""Runs under MicroPython: the real reader and publisher, between a terminal and a broker.

Told by one JSON object as argument what to do, prints one as its last line: how long
the event loop was held, what the reader lost, and how the publisher fared.

A telegram here is 16 bytes: its number in four, and twelve that repeat the last.
"""

import asyncio
import json
import sys
import time

from meterling import config, meter
from meterling.board.uart import Port
from meterling.errors import BYTES, FRAMES, READINGS, Counters
from meterling.publish.diagnosis import Diagnosis
from meterling.publish.mqtt import Publisher
from meterling.publish.outbox import Outbox

LENGTH = 16


class Reading:
    number = 0

    def put_json(self, buffer, position):
        text = json.dumps({"number": self.number, "filler": "x" * 500}).encode()
        if position + len(text) > len(buffer):
            return -1
        buffer[position : position + len(text)] = text
        return position + len(text)


class Decoder:
    """Joins telegrams and finds out whether one is missing."""

    def __init__(self, on_reading):
        self.counters = Counters()
        self.received = 0
        self.lost = 0
        self._on_reading = on_reading
        self._rest = b""
        self._expected = None
        self._reading = Reading()

    def feed(self, buffer, length):
        self.counters.add(BYTES, length)
        data = self._rest + bytes(buffer[:length])
        while len(data) >= LENGTH:
            number = int.from_bytes(data[:4], "big")
            if self._expected is not None and number != self._expected:
                self.lost += 1
            self._expected = number + 1
            self.received += 1
            self.counters.add(FRAMES)
            self.counters.add(READINGS)
            self._reading.number = number
            if number % task["reading_every"] == 0:
                self._on_reading(self._reading)
            data = data[LENGTH:]
        self._rest = data

    def take_answer(self):
        return b""

    def quiet(self):
        pass


class Network:
    def is_up(self):
        return True

    def nameserver(self):
        return "127.0.0.1"


async def watch(held):
    """The longest time the loop was held (ms), as a task on it sees it."""
    while True:
        before = time.ticks_us()
        await asyncio.sleep_ms(2)
        held[0] = max(held[0], time.ticks_diff(time.ticks_us(), before) / 1000 - 2)


async def main():
    line = {"link": "mbus", "baudrate": 2400, "framing": "8E1", "inverted": False}
    settings = config.check({"mqtt": task["mqtt"], "meter": line})
    outbox = Outbox()

    def on_reading(reading):
        outbox.put(reading)
        publisher.wake()

    decoder = Decoder(on_reading)
    diagnosis = Diagnosis(decoder.counters)
    publisher = Publisher(settings, "probe", outbox, diagnosis, Network())
    for name in ("connect_timeout", "answer_timeout", "ping_after", "stale_after"):
        if name in task:
            setattr(publisher, name, task[name])
    meter.Decoder = lambda *_, **options: decoder
    reader = meter.MeterReader(Port(settings), settings, on_reading)
    held = [0]
    for work in (reader.run(), publisher.run(), watch(held)):
        asyncio.create_task(work)
    print("ready")
    end = time.ticks_add(time.ticks_ms(), task["milliseconds"])
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        await asyncio.sleep_ms(100)
        diagnosis.update()
    result = {
        "held": held[0],
        "received": decoder.received,
        "lost": decoder.lost,
        "connects": publisher.connects,
        "error": publisher.error,
        "waiting": outbox.waiting,
        "dropped": outbox.dropped,
    }
    print(json.dumps(result))


task = json.loads(sys.argv[1])
asyncio.run(main())
