"""`machine` on MicroPython's unix port: as much of it as the firmware uses.

The port has a `machine` of its own, without UART. A built-in module comes after one
that the path has, so the folder of this file is to stand first in MICROPYPATH.

METERLING_UART in the environment names the terminal that the meter is on: a
pseudo-terminal, or a serial port that has its line settings already.

A pseudo-terminal has no speed: bytes come through it at any. METERLING_LINE, like
"2400 8E1" or "115200 8N1 inverted", says what the line really is. A UART at other settings
then hears what it would on a wire, by the model in simulate/uart.py.

METERLING_BUTTON names a file: while it exists, the button (a pin with a pull-up) is held.

`reset` ends the process with the status 76: whoever started it starts it again, and says why in
METERLING_RESET ("watchdog", "hard", "soft"; else it is a power-on). METERLING_RTC names the file
that is the RTC's memory: gone, the power was away. METERLING_WATCHDOG names a file that grows by
a byte with each feed; METERLING_MILLIVOLTS one with the voltage at every pin that measures.
"""

import errno
import io
import os
import select
import sys
import termios

_MP_STREAM_GET_FILENO = 10

_CC = 6  # where tcgetattr has the list of control characters
_VMIN_VTIME = ((6, 5), (16, 17))  # their places in it: Linux, macOS
_SPEEDS = {300: 7, 600: 8, 1200: 9, 2400: 11, 4800: 12, 9600: 13, 19200: 14}  # Linux's numbers
_MOST = 6  # bytes that a byte may be heard as, and more
_RESET = 76  # exit status; rig.py knows it, too


class _Line:
    def __init__(self, baud, bits, parity, stop):
        self.baud = baud
        self.bits = bits
        self.parity = parity
        self.stop = stop


def _real_line():
    """(_Line, whether it is inverted) of METERLING_LINE; (None, False) without it."""
    words = (os.getenv("METERLING_LINE") or "").split()
    if not words:
        return None, False
    bits, parity, stop = words[1]
    return _Line(int(words[0]), int(bits), parity, int(stop)), "inverted" in words[2:]


class _Wire:
    """Between a line and a UART that takes it for another."""

    def __init__(self, line, heard_as, flipped):
        folder = __file__.rpartition("/")[0] + "/../simulate"
        if folder not in sys.path:
            sys.path.append(folder)
        from uart import TICKS, Receiver, Wire

        self._wire = Wire(line)
        self._receiver = Receiver(heard_as, flipped)
        self._pause = 12 * TICKS // heard_as.baud

    def hear(self, data, more):
        """What is heard of `data` (bytes-like). `more`: bool, others follow at once."""
        wire = self._wire
        edges = []
        wire.send(data, wire.free, edges)
        if not more:
            wire.free += self._pause  # the last byte ends, if it takes the silence for bits
        return self._receiver.hear(edges, wire.free)


class UART(io.IOBase):
    """The terminal named by METERLING_UART. Reads never wait. Polled by asyncio through the
    terminal's own file descriptor."""

    INV_RX = 1

    def __init__(self, number, baudrate=115200, **settings):
        path = os.getenv("METERLING_UART")
        if not path:
            raise ValueError("METERLING_UART names no terminal")
        self._file = open(path, "r+b", buffering=0)
        self._descriptor = self._file.fileno()
        termios.setraw(self._descriptor)
        attributes = termios.tcgetattr(self._descriptor)
        control = attributes[_CC]
        # A read that finds nothing returns at once: the two that setraw has set say "wait".
        vmin, vtime = _VMIN_VTIME[0] if control[_VMIN_VTIME[0][0]] == 1 else _VMIN_VTIME[1]
        control[vmin] = control[vtime] = 0
        termios.tcsetattr(self._descriptor, termios.TCSANOW, attributes)
        self._line, self._inverted = _real_line()
        self._few = bytearray(64)
        self.init(baudrate, **settings)

    def init(self, baudrate=115200, bits=8, parity=None, stop=1, invert=0, **settings):
        """As the ESP32's: other settings from now on, on the same object."""
        self._wire = None
        line = self._line
        if line is None:
            self._tell_speed(baudrate)
            return
        here = _Line(baudrate, bits, "N" if parity is None else "EO"[parity], stop)
        flipped = self._inverted != bool(invert & self.INV_RX)
        if flipped or (line.baud, line.bits, line.parity) != (here.baud, here.bits, here.parity):
            self._wire = _Wire(line, here, flipped)

    def _tell_speed(self, baudrate):
        # So that a simulated meter which changes its speed can see ours.
        if baudrate in _SPEEDS and sys.platform == "linux":
            attributes = termios.tcgetattr(self._descriptor)
            attributes[4] = attributes[5] = _SPEEDS[baudrate]
            termios.tcsetattr(self._descriptor, termios.TCSANOW, attributes)

    def readinto(self, buffer):
        """Count of bytes read, 0 if there are none; a line that was pulled is a silent one."""
        try:
            if self._wire is None:
                return self._file.readinto(buffer)
            few = self._few
            size = min(len(few), len(buffer) // _MOST)
            count = self._file.readinto(memoryview(few)[:size])
        except OSError as error:
            if error.args[0] != errno.EIO:
                raise
            return 0
        if not count:
            return count
        heard = self._wire.hear(memoryview(few)[:count], count == size)
        buffer[: len(heard)] = heard
        return len(heard)

    def any(self):
        """1 if there are bytes to be read, else 0."""
        poll = select.poll()
        poll.register(self, select.POLLIN)
        return 1 if poll.poll(0) else 0

    def write(self, data):
        return self._file.write(data)

    def ioctl(self, request, argument):
        if request == _MP_STREAM_GET_FILENO:
            return self._descriptor
        return -1


class Pin:
    """A pin that hears the line: its level is that of METERLING_LINE when it is silent. With
    a pull-up it is the button's."""

    IN = 0
    OUT = 1
    PULL_UP = 2

    def __init__(self, number, mode=IN, pull=None, value=None):
        self._pull = pull
        self._value = value

    def value(self):
        if self._pull == self.PULL_UP:
            return 0 if _exists(os.getenv("METERLING_BUTTON")) else 1
        if self._value is None:
            return 0 if _real_line()[1] else 1
        return self._value


def _exists(path):
    try:
        return bool(path and os.stat(path))
    except OSError:
        return False


class PWM:
    """An LED that nobody sees."""

    def __init__(self, pin, freq=0, duty_u16=0):
        pass

    def duty_u16(self, duty):
        pass


class ADC:
    """METERLING_MILLIVOLTS at every pin."""

    ATTN_11DB = 3

    def __init__(self, pin, atten=0):
        pass

    def read_uv(self):
        with open(os.getenv("METERLING_MILLIVOLTS")) as file:
            return int(file.read()) * 1000


class WDT:
    """Nothing happens if it is not fed: who watches the file ends the process."""

    def __init__(self, timeout=5000):
        pass

    def feed(self):
        path = os.getenv("METERLING_WATCHDOG")
        if path:
            with open(path, "a") as file:
                file.write(".")


class RTC:
    """Its memory only."""

    def memory(self, data=None):
        path = os.getenv("METERLING_RTC")
        if data is None:
            if not _exists(path):
                return b""
            with open(path, "rb") as file:
                return file.read()
        if path:
            with open(path, "wb") as file:
                file.write(data)
        return None


PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5


def reset_cause():
    causes = {"hard": HARD_RESET, "watchdog": WDT_RESET, "soft": SOFT_RESET}
    return causes.get(os.getenv("METERLING_RESET"), PWRON_RESET)


def reset():
    sys.exit(_RESET)


def unique_id():
    return b"\x02\x00\x00\x00\x00\x01"
