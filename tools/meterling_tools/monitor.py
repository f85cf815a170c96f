"""`meterling monitor`: what the dongle says on its serial port, each line with the time it came.

Unplugged, it waits, and goes on when the dongle is back. Ctrl-C ends it.
"""

import sys
import time
from datetime import datetime

import serial

from . import flash_port

_BAUDRATE = 115_200
_READ = 0.2  # s, longest wait for bytes
_AGAIN = 0.5  # s
_PATIENCE = 1  # s after which a line without its end is shown
_LONGEST = 4096  # bytes of a line


def add_arguments(parser):
    parser.add_argument("--port", metavar="PORT", help="default: the only one on USB")


def run(args):
    device = flash_port.find(args.port)
    flash_port.check(device)
    print(f"{device}: Ctrl-C ends this.", file=sys.stderr, flush=True)
    try:
        watch(device, Lines(_show))
    except KeyboardInterrupt:
        print(file=sys.stderr)


def _show(line):
    print(f"{datetime.now():%H:%M:%S.%f}"[:-3], line, flush=True)


def watch(device, lines):
    """Hand what comes from `device` to `lines` (Lines), for ever."""
    away = False
    for data in _received(device):
        if data is None:
            lines.end()
            if not away:
                _say(f"{device} is gone; waiting for it.")
        else:
            if away:
                _say(f"{device} is back.")
            lines.take(data, time.monotonic())
        away = data is None


def _received(device):
    """What comes from `device`: bytes, b"" after a while without; None while it is unplugged."""
    # On its own, as an OSError where lines are shown is no pulled cable: `meterling monitor | head`
    while True:
        try:
            with serial.serial_for_url(device, _BAUDRATE, timeout=_READ, exclusive=True) as port:
                while True:
                    yield port.read(port.in_waiting or 1)
        except flash_port.LOST:
            yield None
            time.sleep(_AGAIN)


def _say(sentence):
    print(f"-- {sentence}", file=sys.stderr, flush=True)


class Lines:
    """Bytes in, lines out: `show` (of a str) gets each as it is whole, without what would move
    the cursor about."""

    def __init__(self, show):
        self._show = show
        self._rest = b""
        self._latest = 0

    def take(self, data, now):
        """`data` (bytes, may be empty) came at `now` (s)."""
        if data:
            *whole, self._rest = (self._rest + data).split(b"\n")
            self._latest = now
            for line in whole:
                self._show(_printable(line))
        if len(self._rest) > _LONGEST or now - self._latest >= _PATIENCE:
            self.end()

    def end(self):
        """What there is of a line is all there will be."""
        if self._rest:
            self._show(_printable(self._rest))
            self._rest = b""


def _printable(line):
    text = line.decode("utf-8", "replace").rstrip("\r")
    return "".join(x if x.isprintable() or x == "\t" else "\N{REPLACEMENT CHARACTER}" for x in text)
