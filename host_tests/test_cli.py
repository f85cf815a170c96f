"""The command line itself: verbs, errors as sentences, exit codes."""

import os
import signal
import subprocess
import sys
import time

import pytest
from meterling_tools import CommandError, cli


def meterling(*args, **kwargs):
    """Run `meterling` as a shell would."""
    return subprocess.run(
        [sys.executable, "-m", "meterling_tools.cli", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
        **kwargs,
    )


def test_version():
    assert meterling("--version").stdout.startswith("meterling ")


def test_without_a_verb_it_says_what_there_is():
    result = meterling()
    assert result.returncode == 2
    assert "usage: meterling" in result.stderr


@pytest.mark.parametrize("verb", cli._VERBS)
def test_each_verb_explains_itself(verb):
    result = meterling(verb, "--help")
    assert result.returncode == 0
    assert f"usage: meterling {verb}" in result.stdout


def test_an_unknown_verb_is_named():
    result = meterling("explode")
    assert result.returncode == 2
    assert "explode" in result.stderr


def test_an_error_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    result = meterling("build", tmp_path / "file")
    assert result.returncode == 2
    assert result.stderr == f"meterling: {tmp_path / 'file'} is not a folder.\n"


@pytest.mark.parametrize(
    ("raised", "status", "sentence"),
    [
        (CommandError("The meter is asleep.", 1), 1, "meterling: The meter is asleep.\n"),
        (FileNotFoundError(2, "No such file", "x.bin"), 2, "meterling: x.bin: No such file\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_a_verb_raises_becomes_an_exit_code(monkeypatch, capsys, raised, status, sentence):
    def fail(argv):
        raise raised

    monkeypatch.setattr(cli, "_run", fail)
    assert cli.main(["decode"]) == status
    assert capsys.readouterr().err == sentence


def test_a_reader_that_goes_away_is_no_error():
    """`meterling simulate .. | head`: no traceback."""
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [sys.executable, "-m", "meterling_tools.cli", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(write)
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize(("closed", "status", "said"), [(">&-", 1, "[noise]"), ("<&-", 2, "input")])
def test_a_stream_that_is_closed_is_no_error(tmp_path, closed, status, said):
    capture = tmp_path / "capture"
    capture.write_bytes(bytes(9))
    file = capture if closed == ">&-" else "-"
    result = subprocess.run(
        ["sh", "-c", f'"$0" -m meterling_tools.cli decode "$1" {closed}', sys.executable, file],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == status
    assert said in result.stderr and "Traceback" not in result.stderr


def test_ctrl_c_ends_without_a_traceback():
    process = subprocess.Popen(
        [sys.executable, "-m", "meterling_tools.cli", "decode", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=30)[1]
    assert b"Traceback" not in errors
    assert process.returncode == 130


def test_a_terminal_without_umlauts_is_no_error():
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = meterling("operators", "wien", "--language", "de", env=env)
    assert result.returncode == 0 and "Vertr?ge" in result.stdout
