"""`meterling detect`: the search, live, at a simulated meter's pseudo-terminal."""

import os
import subprocess
import sys
import time
import tty
from contextlib import contextmanager

import pytest
from meterling_tools import detect

CLI = [sys.executable, "-m", "meterling_tools.cli"]


@contextmanager
def simulated(meter, *options):
    """The path of a pseudo-terminal that a simulated meter talks to."""
    command = [*CLI, "simulate", meter, "--pty", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def run(*args):
    return subprocess.run([*CLI, "detect", *args], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("meter", "settings", "found"),
    [
        ("netznoe-kaifa", "2400 8E1", "2400 8E1, M-Bus; Kaifa (KFM), encrypted."),
        ("kamstrup-dk", "2400 8N1", "2400 8N1, HDLC; Kamstrup (KAM), encrypted."),
        ("wels-am550", "115200 8N1", "115200 8N1, HDLC; Iskraemeco (ISK), encrypted."),
        ("de-emh-ehz", "9600 8N1", "9600 8N1, SML; EMH (EMH), not encrypted."),
        ("de-iec-d", "9600 7E1", "9600 7E1, text as of P1; Easymeter (ESY), not encrypted."),
    ],
)
def test_the_last_line_says_what_speaks_there(meter, settings, found):
    with simulated(meter, "--interval", "2.5") as path:
        result = run(path, "--settings", settings)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "Listening at 9600 8N1."
    assert lines[-1] == "Found: " + found


def test_each_step_is_a_sentence():
    with simulated("tinetz-kaifa", "--interval", "2") as path:
        result = run(path, "--settings", "2400 8E1")
    assert "These are runs of equal bits: the line is slower." in result.stdout
    assert "A frame came (M-Bus), and its check holds." in result.stdout


def test_a_pseudo_terminal_has_no_settings_and_it_says_so():
    with simulated("wien-im150") as path:
        result = run(path)
    assert result.returncode == 0
    assert "it has no speed" in result.stdout
    assert f"Found: {path}, whose settings nobody can tell, HDLC; Siemens (SMS), encrypted." in (
        result.stdout.splitlines()
    )


@pytest.fixture
def terminal():
    """(the meter's end, the path of the other) of a pseudo-terminal."""
    near, far = os.openpty()
    tty.setraw(far)
    yield near, os.ttyname(far)
    os.close(near)
    os.close(far)


def test_a_silent_line_is_named_and_the_exit_code_is_1(terminal):
    result = run(terminal[1], "--seconds", "0.5")
    assert result.returncode == 1
    assert "The line is silent" in result.stdout


def test_noise_is_not_taken_for_a_meter(terminal):
    near, path = terminal
    with subprocess.Popen(
        [*CLI, "detect", path, "--seconds", "3"], stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        process.stdout.readline()
        time.sleep(0.3)  # until it listens
        os.write(near, os.urandom(3000))
        rest = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert "Not found. Bytes come, but no frame" in rest


@pytest.mark.parametrize("device", ["/dev/null", "/dev/there-is-none"])
def test_what_is_no_line_is_refused_in_a_sentence(device):
    result = run(device)
    assert result.returncode == 2
    assert result.stderr.startswith("meterling: ") and device in result.stderr
    assert ("is the dongle plugged in?" in result.stderr) is (device != "/dev/null")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("text", ["2400", "2400 8E", "123 8E1", "2400 9E1", "2400 8E1 x"])
def test_a_line_that_is_none_is_refused(text):
    with pytest.raises(detect.argparse.ArgumentTypeError):
        detect.parse_line(text)
