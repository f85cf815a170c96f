"""Lets the meter's reader find a line, and prints what is loaded, and how much heap it took.

Its argument is a number of bytes by which all else lies elsewhere in the heap.

Standard input: one JSON object: "telegram" (hex), "setting" that it is heard at, "key".
"""

import gc
import json
import os
import sys
from binascii import unhexlify

pushed_on = bytearray(int(sys.argv[1]))  # all that follows

from meterling import config, meter  # noqa: E402


class Uart:
    def readinto(self, buffer):
        return 0


class Port:
    def __init__(self):
        self.uart = Uart()
        self.setting = None

    def tune(self, *setting):
        self.setting = setting

    def drain(self, buffer):
        pass

    def idle_level(self):
        return None

    def write(self, data):
        print("written", data)


class Clock:
    now = 0


def pause(ms):
    yield


def loaded():
    head = "meterling.link."
    return " ".join(sorted(name[len(head) :] for name in sys.modules if name.startswith(head)))


def main():
    job = json.loads(sys.stdin.readline())
    telegram = unhexlify(job["telegram"])
    known = {}
    known["baudrate"], known["framing"], known["inverted"] = job["setting"]
    known["key"] = job["key"]
    clock = Clock()
    meter.ticks_ms = lambda: clock.now
    meter.sleep_ms = pause
    port = Port()
    readings = []
    gc.collect()
    before = gc.mem_alloc()
    reader = meter.MeterReader(
        port, config.check({"meter": known}), lambda reading: readings.append(len(reading))
    )
    quiet = reader.watch_quiet()  # as a task: it must not hold what it has looked at
    quiet.send(None)
    print("searching", loaded())
    gc.collect()
    searching = gc.mem_alloc() - before
    decode, deciding = reader.decode, []

    def collect_and_decode(link):
        gc.collect()
        deciding.append(gc.mem_alloc() - before)
        decode(link)

    reader.decode = collect_and_decode
    buffer = bytearray(512)
    clock.now = 500

    def search():
        most = 0
        for _push in range(3):
            for begin in range(0, len(telegram), 64):
                part = telegram[begin : begin + 64]
                buffer[: len(part)] = part
                clock.now += 5
                reader._hear(buffer, len(part))
                if reader._sniffer is not None:
                    gc.collect()
                    most = max(most, gc.mem_alloc() - before)
            if reader._sniffer is None:
                break
            for _ in range(4):
                clock.now += 250
                if reader._sniffer is not None:
                    quiet.send(None)
        return most

    most = search()
    gc.collect()
    print("found", reader.link, loaded())
    print("readings", len(readings))
    print("heap", searching, most, deciding[0], gc.mem_alloc() - before)
    for _ in range(2):
        reader.rarely("find")
        clock.now += 500
        search()
        print("again", reader._sniffer is None, loaded())
    os.remove("line.json")


main()
