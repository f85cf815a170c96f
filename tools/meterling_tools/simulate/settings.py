"""Settings of a serial line, and those that meters have."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """Serial line settings: baud, data bits, parity ("N", "E", "O"), stop bits."""

    baud: int
    bits: int = 8
    parity: str = "N"
    stop: int = 1

    @property
    def bits_per_byte(self):
        return 1 + self.bits + (self.parity != "N") + self.stop

    @property
    def byte_ns(self):
        """Nanoseconds that one byte occupies the line."""
        return self.bits_per_byte * 1_000_000_000 // self.baud

    def __str__(self):
        return f"{self.baud} {self.bits}{self.parity}{self.stop}"


MBUS_LINE = Line(2400, parity="E")
P1_LINE = Line(115200)
OPTICAL_LINE = Line(9600)
