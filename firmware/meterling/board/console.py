"""The console, on USB: where the firmware prints, and where mpremote and browsers come in.

Ctrl-C is the byte 03, and MicroPython ends the firmware as soon as one comes. But 03 is also
in every packet of Improv. So while those may come it is let through like any other byte, and
who reads it here tells the two apart; see provisioning.
"""

import select
import sys

from ..python import micropython

_in = sys.stdin.buffer
_byte = bytearray(1)
_poll = select.poll()
_poll.register(_in, select.POLLIN)

write = sys.stdout.buffer.write  # (bytes): sends them as they are


def interrupt_at(byte):
    """End the firmware (KeyboardInterrupt) as soon as `byte` (int) comes: 3; -1: at none."""
    micropython.kbd_intr(byte)


def take():
    """The next byte (int), as it is; -1 if there is none yet, -2 if there will never be one."""
    # One by one: a read of more waits for all of them.
    for _ in _poll.ipoll(0):
        try:
            return _byte[0] if _in.readinto(_byte) else -2
        except OSError:  # a terminal that was closed
            return -2
    return -1
