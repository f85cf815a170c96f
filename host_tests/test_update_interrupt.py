"""Ctrl-C where no version starts: who reads along gets MicroPython's prompt, and nobody else."""

import time

import pytest
import updating
from console_dongle import Dongle
from running import wait_for

CTRL_C = b"\x03"
PROMPT = b">>> "
RESET = 76  # exit status of the stand-in's machine.reset

pytestmark = pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)


@pytest.fixture
def start(interpreter, tmp_path):
    """A dongle that is at its console, with a prompt behind the program."""
    updating.install(tmp_path)
    return lambda **more: Dongle(interpreter, tmp_path, interrupts=True, **{"repl": True, **more})


def interrupted(dongle):
    """Whether the prompt came, and nothing started anew."""
    dongle.send(CTRL_C)
    wait_for(lambda: PROMPT in dongle.heard)
    return b"KeyboardInterrupt" in dongle.heard and dongle.process.poll() is None


def test_a_version_that_crashes_for_ever_is_interrupted_between_two_starts(start, tmp_path):
    (tmp_path / "a" / "meterling" / "app.py").write_text("def run():\n    raise ValueError('no')\n")
    with start() as dongle:
        wait_for(lambda: b"ValueError: no" in dongle.heard)
        time.sleep(0.5)  # a moment later it listens
        assert interrupted(dongle)


def test_the_rescue_is_interrupted(start, tmp_path):
    (tmp_path / "a" / "release").unlink()
    with start() as dongle:
        wait_for(lambda: b"http://" in dongle.heard)
        assert interrupted(dongle)


def test_a_rescue_that_fails_starts_anew(start, tmp_path):
    (tmp_path / "a" / "release").unlink()
    nowhere = {"portal": {"address": "192.0.2.1"}}
    with start(settings=nowhere, repl=False) as dongle:
        assert dongle.process.wait(20) == RESET
        wait_for(lambda: b"rescue: OSError" in dongle.heard)
