"""Runs on every interpreter: the real portal, with a simulated meter and stand-ins for Wi-Fi.

Its argument is a folder, with the settings, the pages in site/, and what to do in task.json
(an argument of more than 255 bytes ends MicroPython before it begins):

    telegrams       [path of a file with telegrams, how many]; each behind its length (2 bytes)
    interval        ms between them
    link            of the telegrams
    access_point    true: open it
    mdns            [address, port]: where the network is asked what there is in it, instead of
                    all that it reaches
    milliseconds    how long to run

Prints "ready" once it listens (where the settings say), "port taken" and ends if it cannot,
and what the firmware prints. Told "heap" or "held" by a line in the file
ask, it answers with a number in the file answer: free heap after a collection, and
the longest time (ms) that the event loop was held since it was asked last.
"""

import asyncio
import gc
import json
import os
import sys

if sys.implementation.name == "micropython":
    # Early and often: what stays is packed together, and what is free stays in one piece.
    gc.threshold(4096)

if sys.implementation.name == "cpython":
    import umqtt_on_cpython  # noqa: F401

from meterling import config
from meterling.board.wifi import Wifi
from meterling.decoder import Decoder
from meterling.health import Health
from meterling.portal.house import House
from meterling.portal.log import Log
from meterling.portal.sample import Sample
from meterling.portal.server import Portal
from meterling.publish.diagnosis import Diagnosis
from meterling.publish.loop import sleep_ms, ticks_diff, ticks_ms

FOLDER = sys.argv[1]
with open(FOLDER + "/task.json") as file:
    task = json.load(file)


def restart():
    print("restart")


async def play(decoder, path, count, interval):
    number = 0
    with open(path, "rb") as file:
        while number < count:
            length = int.from_bytes(file.read(2), "big")
            decoder.feed(file.read(length), length)
            number += 1
            await sleep_ms(interval)


async def diagnose(diagnosis):
    while True:
        diagnosis.update()
        await sleep_ms(200)


async def watch(held):
    while True:
        before = ticks_ms()
        await sleep_ms(5)
        held[0] = max(held[0], ticks_diff(ticks_ms(), before) - 5)


async def answer(held, live):
    ask = FOLDER + "/ask"
    while True:
        await sleep_ms(20)
        try:
            os.stat(ask)
        except OSError:
            continue
        with open(ask) as file:
            question = file.read()
        if not question.endswith("\n"):
            continue
        os.remove(ask)
        if question.strip() == "heap":
            gc.collect()
            gc.collect()
            number = gc.mem_free() if hasattr(gc, "mem_free") else 0
        else:
            number = held[0]
            held[0] = 0
        with open(FOLDER + "/answer.new", "w") as file:
            file.write(str(number))
        os.rename(FOLDER + "/answer.new", FOLDER + "/answer")


async def main():
    path = FOLDER + "/settings.json"
    settings = config.load(path)
    wifi = Wifi(settings)
    wifi.test_time = task.get("test_time", wifi.test_time)

    def on_reading(reading):
        portal.live.put(reading)

    decoder = Decoder(
        task.get("link", "mbus"), settings["meter.key"], settings["meter.auth_key"], on_reading
    )
    diagnosis = Diagnosis(decoder.counters)
    house = House(path, settings, "meterling-a1b2c3", wifi, diagnosis, restart, Sample(), Health())
    house.mdns = tuple(task.get("mdns", ("127.0.0.1", 5353)))
    decoder.on_ciphered = house.sample.take
    house.keys_changed = decoder.set_keys
    log = Log()
    log.install()
    portal = Portal(house, log, FOLDER + "/site")
    held = [0]
    if task.get("access_point"):
        wifi.open_access_point("Meterling-A1B2", "geheim12")
    work = [run() for _, run in portal.tasks()]
    work += [wifi.run(), diagnose(diagnosis), watch(held), answer(held, portal.live)]
    if "telegrams" in task:
        work.append(play(decoder, *task["telegrams"], task.get("interval", 1000)))
    tasks = [asyncio.create_task(one) for one in work]
    await sleep_ms(50)
    if tasks[0].done():  # the listener's
        print("port taken")
        return
    print("ready")
    await sleep_ms(task.get("milliseconds", 600_000))
    del tasks


asyncio.run(main())
