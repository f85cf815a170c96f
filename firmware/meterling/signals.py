"""What the LED says, and what the button means.

A strip is 3 s of light and dark, in steps of 100 ms, repeated. Six strips blink; they are
told apart by counting, a colour is only an addition:

    STARTING      111111111111111111111111111111   power is there, nothing to say yet
    OK            ..............................   and one flash for each telegram
    NO_BYTES      11...11.......................   2 short
    NO_TELEGRAMS  11...11...11..................   3 short
    KEY           11...11...11...11.............   4 short
    WIFI          1111111111...11...............   1 long, 1 short
    BROKER        1111111111...11...11..........   1 long, 2 short
    SETUP         111111111111111...............   slow and even

Only short ones: between meter and dongle. A long one first: beyond the dongle. Of
several things that are wrong, the first on a reading's way is shown. While the
button is held:

                  ..............................   seen; let go now, and nothing happens
    LET_GO_SETUP  111111111111111111111111111111   from 3 s on: setup
    LET_GO_RESET  1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.   from 12 s on: factory reset
                  as if nobody held it             from 30 s on: nothing happens
"""

from .publish.loop import sleep_ms, ticks_diff, ticks_ms
from .python import const

STARTING = const(0)
OK = const(1)
NO_BYTES = const(2)
NO_TELEGRAMS = const(3)
KEY = const(4)
WIFI = const(5)
BROKER = const(6)
SETUP = const(7)
LET_GO_SETUP = const(8)
LET_GO_RESET = const(9)

STEP = const(100)  # ms
STEPS = const(30)

# By the numbers above. 30 bits, the first step is the highest: a small integer on 32 bits.
STRIPS = (
    0b111111111111111111111111111111,
    0b000000000000000000000000000000,
    0b110001100000000000000000000000,
    0b110001100011000000000000000000,
    0b110001100011000110000000000000,
    0b111111111100011000000000000000,
    0b111111111100011000110000000000,
    0b111111111111111000000000000000,
    0b111111111111111111111111111111,
    0b101010101010101010101010101010,
)

# 0xRRGGBB of each, for an LED that has colours
COLOURS = (
    0xFFFFFF,
    0x00FF00,
    0xFF0000,
    0xFF6000,
    0xFF00FF,
    0x0000FF,
    0x00FFFF,
    0xFFFFFF,
    0xFFFFFF,
    0xFF0000,
)

_KEY_CODES = ("no-key", "no-auth-key", "tag", "wrong-key")
_WIFI_AWAY = const(15)  # s: joining takes some

# What letting go of the button asks for
NOTHING = const(0)
ASK_SETUP = const(1)
ASK_FACTORY_RESET = const(2)

_LONG = const(3_000)  # ms
_VERY_LONG = const(12_000)
_STUCK = const(30_000)  # no finger: something leans on it
_BOUNCE = const(30)
_LONGEST_GAP = const(1_000)  # between two looks

_TICK = const(20)  # ms
_FLASH = const(100)
_PAUSE = const(1_000)  # dark before another count, so that nobody adds the two up


def find(setup, code, silent, broker_away):
    """Which of the strips (int) to show. setup: bool, the access point is open; code: str, of
    publish.diagnosis; silent: s without Wi-Fi; broker_away: bool, one is set, and refuses or
    does not answer."""
    if setup:
        return SETUP
    if code == "no-bytes":
        return NO_BYTES
    if code in _KEY_CODES:
        return KEY
    if code != "ok" and code != "starting":
        return NO_TELEGRAMS
    if silent > _WIFI_AWAY:
        return WIFI
    if code == "starting":
        return STARTING
    return BROKER if broker_away else OK


class Press:
    """What one press of the button means, as of how long it was held.

    stage: NOTHING, ASK_SETUP or ASK_FACTORY_RESET: what letting go now would ask for. is_held:
    bool, a finger is on it.

    Safe against a button that is stuck: one that is down from the start, or for more than
    30 s, does nothing until it has been let go. Contacts that bounce, and the 80 ns by which
    ESP32's GPIO 39 goes low for nothing (its errata), are no presses and no releases.
    """

    def __init__(self):
        self._down = True  # without bounces
        self._armed = False  # False: it must be let go first
        self._differs = -1  # ms since it is otherwise than `_down`, -1 if it is not
        self._held = 0  # ms since it went down; counted until it is stuck
        self.stage = NOTHING

    @property
    def is_held(self):
        return self._down and self._armed and self._held < _STUCK

    def sample(self, elapsed, down):
        """What is asked for now. elapsed: ms (int) since the last call; down: bool."""
        if elapsed > _LONGEST_GAP:
            # Nobody looked: it may have been let go and pressed again.
            self._differs = -1
            if self._down:
                self._armed = False
                self.stage = NOTHING
        if self._down and self._held < _STUCK:
            self._held += elapsed
        if down != self._down:
            self._differs = 0 if self._differs < 0 else self._differs + elapsed
            if self._differs < _BOUNCE:
                return NOTHING
            return self._turn(down)
        self._differs = -1
        if down and self._armed:
            # Only here, where it is down: what is asked for has been shown before.
            self.stage = _stage(self._held)
        return NOTHING

    def _turn(self, down):
        asked = self.stage
        self._down = down
        self._held = self._differs
        self._differs = -1
        self._armed = True
        self.stage = NOTHING
        return asked


def _stage(held):
    if held < _LONG or held >= _STUCK:
        return NOTHING
    return ASK_SETUP if held < _VERY_LONG else ASK_FACTORY_RESET


class Signals:
    """led: board.led's, or None; button: board.button's, or None; read_state(): one of the
    strips, as `find` gives; on_setup(), on_factory_reset(): called when the button was let go
    after 3 s, or after 12 s."""

    def __init__(self, led, button, read_state, on_setup, on_factory_reset):
        self._led = led
        self._button = button
        self._read_state = read_state
        self._on_setup = on_setup
        self._on_factory_reset = on_factory_reset
        self._press = Press()
        self._strip = STARTING
        self._phase = 0  # ms since the strip began; before it, below 0
        self._flash = 0  # ms of it that are left
        self._colour = -1

    def flash(self):
        """A telegram has come to where it goes."""
        if not self._flash:
            self._flash = _FLASH

    async def run(self):
        """For ever; returns if there is neither LED nor button. Nothing here waits for
        hardware."""
        if self._led is None and self._button is None:
            return
        before = ticks_ms()
        while True:
            await sleep_ms(_TICK)
            now = ticks_ms()
            self.tick(ticks_diff(now, before))
            before = now

    def tick(self, elapsed):
        """Look and show. elapsed: ms (int) since the last call. Allocates nothing."""
        if self._button is not None:
            asked = self._press.sample(elapsed, self._button.is_down())
            if asked == ASK_SETUP:
                print("button: setup")
                self._on_setup()
            elif asked == ASK_FACTORY_RESET:
                print("button: factory reset")
                self._on_factory_reset()
        if self._led is not None:
            colour = self._next_colour(elapsed)
            if colour != self._colour:
                self._led.light(colour)
                self._colour = colour

    def _next_colour(self, elapsed):
        held = self._press.is_held
        strip = self._held_strip() if held else self._read_state()
        if strip != self._strip:
            self._strip = strip
            # The answer to a finger comes at once.
            self._phase = -_PAUSE if NO_BYTES <= strip <= SETUP else 0
        else:
            self._phase += elapsed
            if self._phase >= STEP * STEPS:
                self._phase %= STEP * STEPS
        flash = self._flash
        self._flash = max(0, flash - elapsed)
        if strip == OK:
            lit = flash and not held
        else:
            lit = self._phase >= 0 and STRIPS[strip] >> (STEPS - 1 - self._phase // STEP) & 1
        return COLOURS[strip] if lit else 0

    def _held_strip(self):
        stage = self._press.stage
        if stage == NOTHING:
            return OK  # without flashes: dark
        return LET_GO_SETUP if stage == ASK_SETUP else LET_GO_RESET
