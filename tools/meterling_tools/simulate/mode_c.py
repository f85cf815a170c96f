"""An older meter with an optical port: IEC 62056-21 mode C. It speaks when it is asked.

<- /?! CR LF                     at 300 baud, 7E1
-> /XXXZ identification CR LF
<- ACK 0 Z 0 CR LF
-> STX data ! CR LF ETX BCC      at the speed Z, which both change to
"""

import json
import os
import select
import termios
import time
from dataclasses import dataclass

from .base import SimulatedMeter
from .settings import Line

REQUEST = b"/?!\r\n"
_STX, _ETX = b"\x02", b"\x03"
_SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200)
_REACTION = 0.2  # s: the standard's least
_PATIENCE = 1.5  # s that the meter waits for the acknowledgement


def bcc(block):
    """XOR of everything behind STX, ETX with it."""
    check = 0
    for byte in block:
        check ^= byte
    return bytes([check])


@dataclass(frozen=True)
class Spec:
    description: str
    identification: str  # XXX Z and the rest
    number: str = "40123457"
    interval_ms: int = 15_000
    line: Line = Line(300, bits=7, parity="E")
    link: str = "p1"
    security_control: int | None = None

    def meter(self, name, seed=0, key=None, auth_key=None, start=None, interval_ms=None):
        return ModeC(name, self, seed, key, auth_key, start, interval_ms)


class ModeC(SimulatedMeter):
    """One that speaks when asked. ``telegram(n)``: all that the meter says in readout n."""

    @property
    def baud(self):
        """The speed that the identification offers, int."""
        return _SPEEDS[int(self._spec.identification[3])]

    def identification(self):
        return b"/" + self._spec.identification.encode() + b"\r\n"

    def converse(self, fd, count=None, stamps=None):
        """Speak on ``fd`` when asked; see ``serve``."""
        serve(fd, self, count=count, stamps=stamps)

    def _lines(self, n):
        _, values = self._registers.at(n)
        yield "F.F", "00", ""
        yield "0.0.0", self.number, ""
        for code in ("1.8.0", "2.8.0"):
            yield code, f"{values[code] // 100:07d}"[:-1] + f".{values[code] // 100 % 10}", "kWh"
        for code in ("32.7.0", "52.7.0", "72.7.0"):
            yield code, f"{values[code] // 10:03d}.{values[code] % 10}", "V"
        for code in ("31.7.0", "51.7.0", "71.7.0"):
            yield code, f"{values[code] // 1000:03d}.{values[code] % 1000 // 10:02d}", "A"

    def block(self, n):
        """The data block of readout n."""
        lines = "".join(
            f"{code}({value}*{unit})\r\n" if unit else f"{code}({value})\r\n"
            for code, value, unit in self._lines(n)
        )
        body = lines.encode() + b"!\r\n" + _ETX
        return _STX + body + bcc(body)

    def telegram(self, n):
        return self.identification() + self.block(n)

    def expected(self, n):
        found = {}
        for code, value, unit in self._lines(n):
            name = {"F.F": "0-0:97.97.0"}.get(code, "1-0:" + code)
            whole, _, decimals = value.partition(".")
            found[name] = (int(whole + decimals), -len(decimals), unit) if unit else value
        return found


METERS = {
    "de-iec-c": Spec("Older meter with mode C: answers when it is asked", "ISK5MT174-0001"),
}

_BAUDS = {getattr(termios, f"B{speed}"): speed for speed in _SPEEDS}


def serve(fd, meter, seconds=None, count=None, stamps=None):
    """Be the meter on ``fd`` (the meter's end of a pseudo-terminal), for so long or until it
    was read so often; returns the number of data blocks sent. ``stamps``: as of ``line.send``.
    The reader's speed is that of its terminal: what is sent or expected at another speed does
    not arrive."""
    end = None if seconds is None else time.monotonic() + seconds
    blocks = 0
    heard = b""
    while (end is None or time.monotonic() < end) and blocks != count:
        heard = (heard + _read(fd, 0.1, 300))[-32:]
        if not heard.endswith(REQUEST):
            continue
        heard = b""
        time.sleep(_REACTION)
        _write(fd, meter.identification(), 300)
        wanted = b"\x060" + meter.identification()[4:5] + b"0\r\n"
        patience = time.monotonic() + _PATIENCE
        answer = b""
        while wanted not in answer and time.monotonic() < patience:
            answer += _read(fd, 0.1, 300)
        speed = meter.baud if wanted in answer else 300
        # On a terminal the acknowledgement takes no time; on a line it does.
        time.sleep(len(wanted) * 10 / 300 + _REACTION)
        last_byte = _write(fd, meter.block(blocks), speed)
        if stamps:
            stamp = {"n": blocks, "invocation_counter": None, "last_byte": last_byte}
            stamps.write(json.dumps(stamp) + "\n")
            stamps.flush()
        blocks += 1
    return blocks


def _speed_of(fd):
    return _BAUDS.get(termios.tcgetattr(fd)[4])


def _read(fd, timeout, speed):
    if not select.select([fd], [], [], timeout)[0]:
        return b""
    data = os.read(fd, 64)
    return data if _speed_of(fd) == speed else b""


def _write(fd, data, speed):
    # Ten bits a byte; a little at once, when its last bit is there. time.monotonic_ns() of the
    # last one.
    for i in range(0, len(data), 8):
        part = data[i : i + 8]
        time.sleep(len(part) * 10 / speed)
        moment = time.monotonic_ns()
        if _speed_of(fd) == speed:
            os.write(fd, part)
    return moment
