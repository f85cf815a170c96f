"""Runs under MicroPython: what one publish costs, from the reading to the socket and back.

    publish.py FILE LINK KEY AUTH_KEY HOST PORT

Prints one JSON object: `heap` (bytes allocated from the reading to the socket's `send`, most),
`text` (those of them that went into making JSON of it, most), `sends` (calls of `send`, most),
`median` and `most` (us from the reading to PUBACK), `bytes` (the longest JSON) and `count`.

Every other telegram is timed, the ones between are weighed: looking over the whole heap for what
is allocated takes a millisecond each time, three times for a telegram.
"""

import asyncio
import gc
import json
import sys
import time

from meterling import config
from meterling.decoder import Decoder
from meterling.publish import connection, loop
from meterling.publish.diagnosis import Diagnosis
from meterling.publish.mqtt import Publisher
from meterling.publish.outbox import Outbox


class Network:
    def is_up(self):
        return True

    def nameserver(self):
        return ""


class CountingSocket:
    """Stands before the real one in `loop.send` and nowhere else."""

    calls = 0
    allocated = 0
    weighs = False

    def send(self, view):
        if self.weighs and not self.calls:
            self.allocated = gc.mem_alloc()
        self.calls += 1
        return self.socket.send(view)


_PLACES = 7  # of the outbox, with the spare one

counting = CountingSocket()


def counted_send(socket, view):
    counting.socket = socket
    return loop.send(counting, view)


def telegrams(path):
    with open(path, "rb") as file:
        while True:
            head = file.read(2)
            if not head:
                return
            yield file.read(head[0] << 8 | head[1])


def key(text):
    return None if text == "-" else bytes.fromhex(text)


async def main(path, link, encryption, authentication, host, port):
    settings = config.check({"mqtt": {"host": host, "port": int(port)}})
    outbox = Outbox()
    outbox_done = outbox.done
    marks = [0, 0, 0, 0]  # us and bytes at the reading, bytes with JSON made, us at PUBACK

    def on_reading(reading):
        counting.calls = 0
        marks[0] = time.ticks_us()
        if counting.weighs:
            marks[1] = gc.mem_alloc()
        outbox.put(reading)
        if counting.weighs:
            marks[2] = gc.mem_alloc()
        publisher.wake()

    def done(number):
        outbox_done(number)
        marks[3] = time.ticks_us()

    outbox.done = done

    decoder = Decoder(link, key(encryption), key(authentication), on_reading)
    publisher = Publisher(settings, "bench", outbox, Diagnosis(decoder.counters), Network())
    connection.send = counted_send
    asyncio.create_task(publisher.run())
    heap = []
    text = []
    sends = []
    times = []
    longest = 0
    for i, telegram in enumerate(telegrams(path)):
        # In between: no tick, no diagnostics, no status; the loop is at rest.
        await asyncio.sleep_ms(20 if i > 1 else 1000)
        gc.collect()
        counting.weighs = i & 1
        decoder.feed(telegram, len(telegram))
        longest = max(longest, len(outbox.oldest()[1]))
        while outbox.waiting:
            await asyncio.sleep_ms(10)  # long enough: nothing but the publisher runs meanwhile
        # The first one changes the status to "online", and learns the shape; in each of the
        # first, another place of the outbox grows to what this meter needs.
        if i > _PLACES:
            sends.append(counting.calls)
            if counting.weighs:
                heap.append(counting.allocated - marks[1])
                text.append(marks[2] - marks[1])
            else:
                times.append(time.ticks_diff(marks[3], marks[0]))
    times.sort()
    result = {"heap": max(heap), "sends": max(sends), "median": times[len(times) // 2]}
    result["text"] = max(text)
    result["most"] = times[-1]
    result["bytes"] = longest
    result["count"] = len(times)
    print(json.dumps(result))


gc.collect()
gc.disable()
asyncio.run(main(*sys.argv[1:]))
