"""`machine` on MicroPython's unix port: as much of it as the firmware uses.

The port has a `machine` of its own, without UART. A built-in module comes after one
that the path has, so the folder of this file is to stand first in MICROPYPATH.

METERLING_UART in the environment names the terminal that the meter is on: a
pseudo-terminal, or a serial port that has its line settings already.
"""

import errno
import io
import os
import termios

_MP_STREAM_GET_FILENO = 10

_CC = 6  # where tcgetattr has the list of control characters
_VMIN_VTIME = ((6, 5), (16, 17))  # their places in it: Linux, macOS


class UART(io.IOBase):
    """The terminal named by METERLING_UART. Reads never wait; what is sent at any line
    setting arrives. Polled by asyncio through the terminal's own file descriptor."""

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

    def readinto(self, buffer):
        """Count of bytes read, 0 if there are none; a line that was pulled is a silent one."""
        try:
            return self._file.readinto(buffer)
        except OSError as error:
            if error.args[0] != errno.EIO:
                raise
            return 0

    def write(self, data):
        return self._file.write(data)

    def ioctl(self, request, argument):
        if request == _MP_STREAM_GET_FILENO:
            return self._descriptor
        return -1


class WDT:
    def __init__(self, timeout=5000):
        pass

    def feed(self):
        pass


def unique_id():
    return b"\x02\x00\x00\x00\x00\x01"
