"""Runs on every interpreter: the LED and the button on hardware that writes down what is done
to it. Told by one line of JSON, answers with one.

    {"led.kind": .., "led.pin": .., "led.brightness": .., "button.pin": ..,
     "colours": [0xRRGGBB, ..]      shown one after the other
     "presses": [[ms, down], ..]}   looks at a button
"""

import asyncio
import json
import sys


class Machine:
    log = []

    class Pin:
        IN = 0
        OUT = 1
        PULL_UP = 2
        down = False

        def __init__(self, number, mode=None, pull=None):
            if number > 33 and mode == self.OUT:
                raise ValueError("pin can only be input")
            self.number = number
            self.pull = pull

        def value(self):
            return 0 if self.pull == self.PULL_UP and Machine.Pin.down else 1

    class PWM:
        def __init__(self, pin, freq, duty_u16):
            Machine.log.append(duty_u16)

        def duty_u16(self, duty):
            Machine.log.append(duty)


class Neopixel:
    class NeoPixel:
        """As the stock image's: takes anything with three numbers, keeps green first."""

        def __init__(self, pin, count):
            self.buf = bytearray(3 * count)

        def __setitem__(self, i, colour):
            for j in range(3):
                self.buf[3 * i + (1, 0, 2)[j]] = colour[j]

        def write(self):
            Machine.log.append(list(self.buf))


class Silent:
    """A LED that keeps nothing."""

    def light(self, colour):
        pass


sys.modules["machine"] = Machine
sys.modules["neopixel"] = Neopixel

from meterling import signals  # noqa: E402
from meterling.board.button import open_button  # noqa: E402
from meterling.board.led import open_led  # noqa: E402

task = json.loads(sys.stdin.readline())
answer = {}

led = open_led(task)
for colour in task["colours"]:
    led.light(colour)
answer["led"] = led is not None
answer["log"] = list(Machine.log)

press = signals.Press()
answer["asked"] = [press.sample(elapsed, down) for elapsed, down in task["presses"]]

button = open_button(task)
answer["button"] = button is not None


class Count:
    ticks = setups = 0


def read_state():
    Count.ticks += 1
    return signals.find(False, "wrong-key", 0, False)


def on_setup():
    Count.setups += 1


def never():
    raise AssertionError


def read_state_without_memory():
    Count.ticks += 1
    if lock is not None:
        if Count.ticks == _LOCKED:
            lock.heap_lock()
        elif Count.ticks == _UNLOCKED:
            lock.heap_unlock()
    return signals.KEY


async def loop():
    """The real loop, for some of its ticks where there is no memory to be had."""
    Count.ticks = 0
    state = read_state_without_memory
    task = asyncio.create_task(signals.Signals(Silent(), None, state, never, never).run())
    await asyncio.sleep(1)
    answer["loop_lives"] = Count.ticks > _UNLOCKED and not task.done()
    task.cancel()


_LOCKED, _UNLOCKED = 3, 15
lock = __import__("micropython") if sys.implementation.name == "micropython" else None
if led is not None and button is not None:
    silent = signals.Signals(Silent(), button, read_state, on_setup, never)
    if lock is not None:
        lock.heap_lock()
    try:
        for i in range(2000):
            Machine.Pin.down = 300 <= i < 600  # 6 s
            silent.tick(20)
            if i == 200:
                silent.flash()
    finally:
        if lock is not None:
            lock.heap_unlock()
    asyncio.run(loop())
answer["setups"] = Count.setups
print(json.dumps(answer))
