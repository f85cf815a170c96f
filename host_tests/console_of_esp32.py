"""Runs main.py at a terminal that treats Ctrl-C as the ESP32's console does: `kbd_intr` says
which byte ends the program, or that none does. (A terminal of a PC asks nobody.)"""

import sys
import termios

import micropython

_LFLAG = 3  # where tcgetattr has it
_ISIG = 1  # Linux's number


class Micropython:
    """The module, but for kbd_intr."""

    def __getattr__(self, name):
        return getattr(micropython, name)

    @staticmethod
    def kbd_intr(byte):
        attributes = termios.tcgetattr(0)
        attributes[_LFLAG] = _ISIG if byte == 3 else 0
        termios.tcsetattr(0, termios.TCSANOW, attributes)


sys.modules["micropython"] = Micropython()
Micropython.kbd_intr(3)
print("booting")

import main  # noqa: E402, F401
