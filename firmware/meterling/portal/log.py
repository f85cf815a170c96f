"""The last things that the firmware printed, for those without a cable.

Nothing that is printed holds a secret: that is the rule for every `print` there is.
"""

import builtins

from ..python import const

_SIZE = const(2048)  # bytes
_PIECE = const(256)  # bytes
_NEW_LINE = const(10)


class Log:
    """A ring of the last `size` bytes; `install` lets it hear what is printed."""

    def __init__(self, size=_SIZE):
        self._ring = bytearray(size)
        self._at = 0
        self._full = False
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
        ring = self._ring
        for byte in text.encode()[-len(ring) :]:
            ring[self._at] = byte
            self._at += 1
            if self._at == len(ring):
                self._at = 0
                self._full = True

    def pieces(self):
        """Yield all of it (bytes), from the first whole line on."""
        ring = memoryview(self._ring)
        size = len(ring)
        at, left = (self._at, size) if self._full else (0, self._at)
        is_cut = self._full
        while is_cut and left:
            is_cut = ring[at] != _NEW_LINE
            at = (at + 1) % size
            left -= 1
        while left:
            count = min(left, size - at, _PIECE)
            yield bytes(ring[at : at + count])
            at = (at + count) % size
            left -= count
