"""The last things that the firmware printed, for those without a cable.

Nothing that is printed holds a secret: that is the rule for every `print` there is.
"""

import builtins

from ..python import const

_SIZE = const(2048)  # bytes


class Log:
    """A ring of the last `size` bytes; `install` lets it hear what is printed.

    ring: bytearray; at: where the next byte goes; full: True once it began anew. Read by
    api_dongle.
    """

    def __init__(self, size=_SIZE):
        self.ring = bytearray(size)
        self.at = 0
        self.full = False
        self._print = None

    def install(self):
        """From now on every `print` comes here too; it is printed as before."""
        self._print = builtins.print
        try:
            builtins.print = self._both
        except AttributeError:  # a MicroPython whose built-ins cannot be replaced
            pass

    def _both(self, *values, **options):
        if "file" not in options:
            separator = options.get("sep", " ")
            self.write(separator.join([str(value) for value in values]))
            self.write(options.get("end", "\n"))
        self._print(*values, **options)

    def write(self, text):
        """Add `text` (str)."""
        ring = self.ring
        for byte in text.encode()[-len(ring) :]:
            ring[self.at] = byte
            self.at += 1
            if self.at == len(ring):
                self.at = 0
                self.full = True
