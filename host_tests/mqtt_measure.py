"""Runs under MicroPython: what one publish costs, from the reading to the socket and back.

    mqtt_measure.py HOST PORT COUNT

Prints one JSON object: for COUNT readings of 700 bytes, `heap` (bytes allocated from
`Outbox.put` to the socket's `send`, most), `sends` (calls of `send`, most), `median`
and `most` (us from `put` to PUBACK).
"""

import asyncio
import gc
import json
import sys
import time

from meterling import config
from meterling.errors import Counters
from meterling.publish import connection, loop
from meterling.publish.diagnosis import Diagnosis
from meterling.publish.mqtt import Publisher
from meterling.publish.outbox import Outbox

_TEXT = json.dumps({"filler": "x" * 700}).encode()


class Reading:
    def put_json(self, buffer, position):
        for i in range(len(_TEXT)):
            buffer[position + i] = _TEXT[i]
        return position + len(_TEXT)


class Network:
    def is_up(self):
        return True

    def nameserver(self):
        return ""


class CountingSocket:
    """Stands before the real one in `loop.send` and nowhere else."""

    calls = 0
    allocated = 0

    def send(self, view):
        if not self.calls:
            self.allocated = gc.mem_alloc()
        self.calls += 1
        return self.socket.send(view)


counting = CountingSocket()


def counted_send(socket, view):
    counting.socket = socket
    return loop.send(counting, view)


async def main(host, port, count):
    settings = config.check({"mqtt": {"host": host, "port": port}})
    outbox = Outbox()
    diagnosis = Diagnosis(Counters())
    publisher = Publisher(settings, "measure", outbox, diagnosis, Network())
    connection.send = counted_send
    asyncio.create_task(publisher.run())
    reading = Reading()
    heap = []
    sends = []
    times = []
    for i in range(count + 1):
        # In between: no tick, no diagnostics, no status; the loop is at rest.
        await asyncio.sleep_ms(20 if i > 1 else 1000)
        gc.collect()
        counting.calls = 0
        start = time.ticks_us()
        before = gc.mem_alloc()
        outbox.put(reading)
        publisher.wake()
        while outbox.waiting:
            await asyncio.sleep_ms(0)
        if i:  # the first one also changes the status to "online"
            times.append(time.ticks_diff(time.ticks_us(), start))
            heap.append(counting.allocated - before)
            sends.append(counting.calls)
    times.sort()
    result = {"heap": max(heap), "sends": max(sends), "median": times[count // 2]}
    result["most"] = times[-1]
    print(json.dumps(result))


gc.collect()
gc.disable()
asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
