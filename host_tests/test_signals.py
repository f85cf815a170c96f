"""The LED's language, and the button's."""

import asyncio
import json
import re
from pathlib import Path

import decoding  # noqa: F401 (the profile of hypothesis)
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling import errors, signals
from meterling.signals import (
    ASK_FACTORY_RESET,
    ASK_SETUP,
    BROKER,
    KEY,
    NO_BYTES,
    NO_TELEGRAMS,
    NOTHING,
    OK,
    SETUP,
    STARTING,
    WIFI,
    Press,
    Signals,
)
from meterling_tools import interpreters, led_picture

PROBE = Path(__file__).with_name("signals_probe.py")
BLINKING = (NO_BYTES, NO_TELEGRAMS, KEY, WIFI, BROKER, SETUP)

# The strips, as somebody sees them: 100 ms each.
STRIPS = {
    STARTING: "##############################",
    OK: "..............................",
    NO_BYTES: "##...##.......................",
    NO_TELEGRAMS: "##...##...##..................",
    KEY: "##...##...##...##.............",
    WIFI: "##########...##...............",
    BROKER: "##########...##...##..........",
    SETUP: "###############...............",
    signals.LET_GO_SETUP: "##############################",
    signals.LET_GO_RESET: "#.#.#.#.#.#.#.#.#.#.#.#.#.#.#.",
}


class Led:
    def __init__(self):
        self.colour = None

    def light(self, colour):
        self.colour = colour


class Button:
    def __init__(self, down=False):
        self.down = down

    def is_down(self):
        return self.down


class Dongle:
    """Signals, with a state that the test sets, and an account of what was called."""

    def __init__(self, state=OK, down=False):
        self.state = state
        self.called = []
        self.led = Led()
        self.button = Button(down)
        self.signals = Signals(
            self.led,
            self.button,
            lambda: self.state,
            lambda: self.called.append("setup"),
            lambda: self.called.append("reset"),
        )

    def see(self, milliseconds, tick=20):
        """What the LED shows meanwhile (str), a character for each 100 ms."""
        seen = []
        for now in range(0, milliseconds, tick):
            self.signals.tick(tick)
            if now % 100 == 0:
                seen.append("#" if self.led.colour else ".")
        return "".join(seen)

    def hold(self, milliseconds):
        self.button.down = True
        seen = self.see(milliseconds)
        self.button.down = False
        self.see(200)
        return seen


# What it says


@pytest.mark.parametrize("state", BLINKING)
def test_each_state_is_seen_as_its_strip_again_and_again(state):
    dongle = Dongle(state)
    pause, first, second = (dongle.see(time) for time in (1000, 3000, 3000))
    assert pause == "." * 10
    assert first == second == STRIPS[state]


def test_the_strips_are_these():
    for state, strip in STRIPS.items():
        assert "".join(".#"[lit] for lit in led_picture.steps(state)) == strip


def test_nobody_needs_colours_to_tell_them_apart():
    def counted(strip):
        # As a person counts: how many flashes, and whether the first is a long one
        flashes = re.findall("#+", strip)
        return len(flashes), len(flashes[0]) >= 10

    assert len({counted(STRIPS[state]) for state in BLINKING}) == len(BLINKING)
    assert all(STRIPS[state].endswith("." * 10) for state in BLINKING)


def test_each_has_a_colour_that_is_not_dark():
    assert len(signals.COLOURS) == len(signals.STRIPS)
    assert all(0 < colour <= 0xFFFFFF for colour in signals.COLOURS)


def test_a_strip_is_a_small_integer_on_32_bits():
    assert all(0 <= strip < 1 << 30 for strip in signals.STRIPS)


def test_two_counts_never_run_into_each_other():
    dongle = Dongle(NO_BYTES)
    dongle.see(1000 + 800)
    dongle.state = NO_TELEGRAMS
    assert dongle.see(4000) == "." * 10 + STRIPS[NO_TELEGRAMS]


def test_all_is_well_one_flash_for_each_telegram():
    dongle = Dongle(OK)
    assert "#" not in dongle.see(3000)
    for _ in range(3):
        dongle.signals.flash()
        assert dongle.see(1000) == "#" + "." * 9


def test_a_telegram_does_not_disturb_a_count():
    dongle = Dongle(BROKER)
    dongle.see(1000)
    dongle.signals.flash()
    assert dongle.see(3000) == STRIPS[BROKER]
    dongle.state = OK
    assert "#" not in dongle.see(1000)


def test_light_from_the_first_moment_on():
    assert Dongle(STARTING).see(3000) == "#" * 30


@pytest.mark.parametrize(
    ("setup", "code", "silent", "broker_away", "state"),
    [
        (False, "starting", 0, False, STARTING),
        (False, "ok", 0, False, OK),
        (False, "no-bytes", 0, False, NO_BYTES),
        (False, "no-frames", 0, False, NO_TELEGRAMS),
        (False, "no-key", 0, False, KEY),
        (False, "wrong-key", 0, False, KEY),
        (False, "ok", 16, False, WIFI),
        (False, "starting", 16, False, WIFI),
        (False, "ok", 15, False, OK),  # joining takes some time
        (False, "ok", 0, True, BROKER),
        # Of several, the first on a reading's way
        (False, "no-bytes", 99, True, NO_BYTES),
        (False, "tag", 99, True, KEY),
        (False, "ok", 99, True, WIFI),
        (True, "no-bytes", 99, True, SETUP),
    ],
)
def test_what_is_shown_when(setup, code, silent, broker_away, state):
    assert signals.find(setup, code, silent, broker_away) == state


@pytest.mark.parametrize("code", errors.NAMES[4:])
def test_every_refusal_has_a_strip(code):
    about_keys = "key" in code or code == "tag"
    assert signals.find(False, code, 0, False) == (KEY if about_keys else NO_TELEGRAMS)


# The button


def test_long_is_setup_very_long_is_factory_reset():
    for held, called in (
        (100, []),
        (2900, []),
        (3100, ["setup"]),
        (11_900, ["setup"]),
        (12_100, ["reset"]),
        (29_900, ["reset"]),
        (30_100, []),
        (99_000, []),
    ):
        dongle = Dongle()
        dongle.see(100)
        dongle.hold(held)
        assert dongle.called == called, held


def test_the_led_says_what_letting_go_would_do():
    dongle = Dongle(KEY)
    dongle.see(1000)
    seen = dongle.hold(35_000)
    assert "#" not in seen[1:30]  # the key's count stops: the press is seen
    assert seen[31:119] == "#" * 88
    assert seen[121:299].count("#.") >= 88
    assert "##" not in seen[121:299]
    # From 30 s on, as if nobody held it
    assert seen[301:].lstrip(".").startswith(STRIPS[KEY][:20])
    assert dongle.called == []


def test_no_telegram_shows_while_it_is_held():
    dongle = Dongle(OK)
    dongle.see(100)
    dongle.button.down = True
    dongle.see(100)
    dongle.signals.flash()
    assert dongle.see(1000) == "." * 10


def test_nothing_happens_before_it_is_let_go():
    dongle = Dongle()
    dongle.see(100)
    dongle.button.down = True
    dongle.see(20_000)
    assert dongle.called == []


def test_a_button_that_is_down_from_the_start_does_nothing():
    dongle = Dongle(down=True)
    dongle.see(15_000)
    assert dongle.called == []
    dongle.button.down = False
    dongle.see(200)
    assert dongle.called == []
    dongle.hold(4000)  # and works afterwards
    assert dongle.called == ["setup"]


def test_what_was_not_watched_is_no_press():
    press = Press()
    for _ in range(5):
        press.sample(20, False)
    for _ in range(10):
        press.sample(20, True)
    press.sample(12_000, True)  # the chip was busy
    asked = [press.sample(20, False) for _ in range(10)]
    assert asked == [NOTHING] * 10


looks = st.lists(
    st.tuples(
        st.sampled_from((1, 10, 20, 25, 40, 500, 999, 1001, 3000, 20_000)),
        st.booleans(),
        st.integers(1, 40),
    ).map(lambda look: [look[:2]] * look[2]),
    max_size=25,
).map(lambda parts: [look for part in parts for look in part])


def play(samples):
    press = Press()
    return [press.sample(elapsed, down) for elapsed, down in samples]


def watched(samples):
    """ms for which the button was seen held without a break, until the last of the samples:
    never let go for longer than a contact bounces, never unwatched for more than a second."""
    now, since, last, up_since = 0, None, 0, None
    for elapsed, down in samples[:-1]:
        now += elapsed
        if elapsed > 1000:
            since = up_since = None
        if down:
            since, last, up_since = now if since is None else since, now, None
        else:
            up_since = now if up_since is None else up_since
            if now - up_since >= 30:
                since = None
    return 0 if since is None else last - since


@given(looks)
def test_whatever_it_does_a_reset_needs_12_watched_seconds(samples):
    for end, asked in enumerate(play(samples)):
        if asked != NOTHING:
            assert not samples[end][1]  # by letting go
            held = watched(samples[: end + 1])
            assert held >= (3000 if asked == ASK_SETUP else 12_000)


@given(
    held=st.integers(100, 40_000),
    tick=st.integers(5, 30),
    bounces=st.lists(st.booleans(), max_size=3),
)
def test_a_press_counts_as_long_as_it_was_however_often_one_looks(held, tick, bounces):
    up = [(tick, False)] * 40
    down = [(5, bounce) for bounce in bounces] + [(tick, True)] * (held // tick)
    asked = [a for a in play(up + down + [(5, bounce) for bounce in bounces] + up) if a]
    for limit in (3000, 12_000, 30_000):
        if abs(held - limit) < 100:
            return
    if held < 3000 or held > 30_000:
        assert asked == []
    else:
        assert asked == [ASK_SETUP if held < 12_000 else ASK_FACTORY_RESET]


@given(st.lists(st.integers(1, 29), max_size=60))
def test_pulses_shorter_than_a_bounce_are_no_press(pulses):
    samples = [(20, False)] * 5
    for pulse in pulses:
        samples += [(pulse, True), (0, False), (50, False)]
    assert not any(play(samples))


def test_glitches_do_not_end_a_press():
    held = [(20, True)] * 100 + [(20, False)]
    samples = [(20, False)] * 5 + held * 8 + [(20, True)] + [(20, False)] * 5
    assert [asked for asked in play(samples) if asked] == [ASK_FACTORY_RESET]


# Without them


def test_with_neither_led_nor_button_it_ends_at_once():
    asyncio.run(asyncio.wait_for(Signals(None, None, None, None, None).run(), 1))


def test_with_one_of_them_it_works():
    dongle = Dongle(KEY)
    Signals(dongle.led, None, lambda: STARTING, None, None).tick(20)
    assert dongle.led.colour
    called = []
    alone = Signals(None, dongle.button, None, lambda: called.append(1), None)
    for i in range(300):
        dongle.button.down = 10 < i < 200
        alone.tick(20)
    assert called == [1]


# On the hardware, as far as it is known


def probe(interpreter, **task):
    defaults = {"led.pin": 2, "led.kind": "plain", "led.brightness": 50, "button.pin": 0}
    task = {"colours": [], "presses": [], **defaults, **task}
    run = interpreters.run(interpreter, PROBE, stdin=json.dumps(task).encode() + b"\n")
    assert run.returncode == 0, run.stderr.decode() + run.stdout.decode()
    return json.loads(run.stdout.decode().splitlines()[-1])


@pytest.mark.parametrize(
    ("kind", "brightness", "log"),
    [
        ("plain", 100, [0, 65535, 0]),
        ("plain", 50, [0, 16383, 0]),
        ("plain", 0, [0, 0, 0]),
        ("active-low", 100, [65535, 0, 65535]),
        ("active-low", 50, [65535, 49152, 65535]),
        # Green comes first on the wire.
        ("ws2812", 100, [[0, 0, 0], [0x60, 0xFF, 0], [0, 0, 0]]),
        ("ws2812", 50, [[0, 0, 0], [24, 64, 0], [0, 0, 0]]),
        ("ws2812", 1, [[0, 0, 0], [1, 1, 0], [0, 0, 0]]),
        ("ws2812", 0, [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
    ],
)
def test_each_kind_of_led_is_dark_bright_dark(kind, brightness, log):
    settings = {"led.kind": kind, "led.brightness": brightness}
    answer = probe(interpreters.find("cpython"), colours=[0xFF6000, 0], **settings)
    assert answer["log"] == log


@pytest.mark.parametrize("kind", ["plain", "active-low", "ws2812"])
def test_on_every_interpreter_without_any_memory(interpreter, kind):
    answer = probe(interpreter, **{"led.kind": kind, "colours": [0xFF0000, 0]})
    here = probe(interpreters.find("cpython"), **{"led.kind": kind, "colours": [0xFF0000, 0]})
    assert answer == here
    assert answer["setups"] == 1  # the press of 6 s
    assert answer["loop_lives"]


def test_the_press_is_the_same_on_every_interpreter(interpreter):
    presses = [(20, False)] * 5
    for length in (1, 2, 150, 151, 599, 600, 601, 1499, 1501):
        presses += [(20, True)] * length + [(20, False)] * 4
    answer = probe(interpreter, presses=presses)
    assert answer["asked"] == play(presses)


def test_no_pin_nothing_happens(interpreter):
    answer = probe(interpreter, **{"led.pin": -1, "button.pin": -1})
    assert (answer["led"], answer["button"]) == (False, False)


def test_a_pin_that_cannot_be_driven_stops_nothing():
    assert probe(interpreters.find("cpython"), **{"led.pin": 34})["led"] is False


def test_the_picture_is_of_these_strips():
    assert led_picture.PICTURE.read_text(encoding="utf-8") == led_picture.draw()
