"""`meterling monitor`, as a process of its own, on a pseudo-terminal."""

import contextlib
import os
import queue
import re
import select
import signal
import subprocess
import sys
import threading
import tty

import pytest
from meterling_tools.monitor import Lines

_RUN = """
import argparse, sys
from meterling_tools import CommandError, monitor
parser = argparse.ArgumentParser()
monitor.add_arguments(parser)
try:
    monitor.run(parser.parse_args())
except CommandError as error:
    print(error, file=sys.stderr)
    sys.exit(error.status)
"""


class Cable:
    """A port with a name that stays, behind which a terminal can be plugged in and out."""

    def __init__(self, path):
        self.path = path

    def plug_in(self):
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path.symlink_to(os.ttyname(self._slave))

    def pull(self):
        self.path.unlink()
        os.close(self.master)
        os.close(self._slave)

    def say(self, data):
        os.write(self.master, data)


class Monitor:
    def __init__(self, port):
        self.process = subprocess.Popen(
            [sys.executable, "-c", _RUN, "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.shown, self.said = queue.Queue(), queue.Queue()
        for stream, lines in ((self.process.stdout, self.shown), (self.process.stderr, self.said)):
            threading.Thread(target=self._read, args=(stream, lines), daemon=True).start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.put(line.rstrip("\n"))

    def hears(self, cable):
        """Wait until it does: opening the port throws away what had come before."""
        while self.process.poll() is None:
            cable.say(b"hello\n")
            with contextlib.suppress(queue.Empty):
                assert self.shown.get(timeout=2)[13:] == "hello"
                return

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.wait(5)


@pytest.fixture
def cable(tmp_path):
    cable = Cable(tmp_path / "ttyUSB0")
    cable.plug_in()
    return cable


def test_each_line_with_its_time_through_unplugging_until_ctrl_c(cable):
    with Monitor(cable.path) as monitor:
        assert monitor.said.get(timeout=20) == f"{cable.path}: Ctrl-C ends this."
        monitor.hears(cable)
        cable.say(b"wifi: connected as 192.168.1.7\r\nmeter")
        line = monitor.shown.get(timeout=10)
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} wifi: connected as 192\.168\.1\.7", line)
        cable.say(b": ok\r\n")
        assert monitor.shown.get(timeout=10)[13:] == "meter: ok"
        cable.say(b"cut sh")
        assert monitor.shown.get(timeout=10)[13:] == "cut sh"
        cable.pull()
        assert monitor.said.get(timeout=10) == f"-- {cable.path} is gone; waiting for it."
        cable.plug_in()
        assert monitor.said.get(timeout=10) == f"-- {cable.path} is back."
        cable.say(b"begun anew\n")
        assert monitor.shown.get(timeout=10)[13:] == "begun anew"
        monitor.process.send_signal(signal.SIGINT)
        assert monitor.process.wait(10) == 0
        assert "Traceback" not in "".join(list(monitor.said.queue))


def test_it_ends_when_nobody_reads_it_any_more(cable):
    """As in `meterling monitor | head -1`."""
    command = [sys.executable, "-m", "meterling_tools.cli", "monitor", "--port", str(cable.path)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        try:
            assert process.stderr.readline() == f"{cable.path}: Ctrl-C ends this.\n"
            shown = []
            while not shown:  # opening the port throws away what had come before
                cable.say(b"first\n")
                shown = select.select([process.stdout], [], [], 2)[0]
            assert process.stdout.readline()[13:] == "first\n"
            process.stdout.close()
            cable.say(b"second\n")
            assert process.wait(10) == 1
            assert process.stderr.read() == ""
        finally:
            process.kill()


def test_no_port_is_a_sentence(tmp_path):
    with Monitor(tmp_path / "none") as monitor:
        assert monitor.process.wait(20) == 1
        assert "is the dongle plugged in?" in monitor.said.get(timeout=5)


def lines_of(*steps):
    shown = []
    lines = Lines(shown.append)
    for now, data in steps:
        lines.take(data, now)
    return shown


def test_a_line_without_its_end_is_shown_after_a_second():
    assert lines_of((0, b"no end"), (0.9, b"")) == []
    assert lines_of((0, b"no end"), (1.1, b"")) == ["no end"]


def test_a_line_comes_whole_however_its_bytes_come():
    assert lines_of(*[(0, bytes((byte,))) for byte in "Zähler\n\nzwei\n".encode()]) == [
        "Zähler",
        "",
        "zwei",
    ]


def test_what_would_move_the_cursor_about_does_not():
    assert lines_of((0, b"\x1b[2Jboo\x00\xff\tx\r\n")) == ["\ufffd[2Jboo\ufffd\ufffd\tx"]


def test_noise_without_any_line_end_takes_no_memory():
    assert [len(line) for line in lines_of(*[(0, b"x" * 1000)] * 12)] == [5000, 5000]
