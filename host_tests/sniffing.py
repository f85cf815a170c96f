"""A meter, a wire, a UART and the sniffer, in virtual time."""

import random

from meterling.decoder import make_link
from meterling.link import sniffer as sniffing
from meterling.link.sniffer import LOCKED, NOTHING, Sniffer
from meterling_tools.simulate.settings import Line
from meterling_tools.simulate.uart import TICKS, Receiver, Wire

_TICK = 0.05  # s, between two calls of `tick`


def line_of(setting):
    """Line settings (Line) of a sniffer's (baudrate, framing, inverted)."""
    baudrate, framing, _ = setting
    return Line(baudrate, int(framing[0]), framing[1], int(framing[2]))


class Bench:
    """`telegrams(n)` -> bytes or None, every `interval` s on a wire at `line`, inverted or not.

    `strict`: the UART drops bytes with errors. `levels`: the board sees the idle line's level.
    `phase`: s of the first interval that are over when it is switched on. `skew`: of the
    meter's clock, 0.01 = 1 %. `step`: s between two looks at the UART. The rest: the sniffer's
    options. After `run`: `time` (s) when it locked, or None; `steps`, each (time, step, reason,
    setting, link); `events`: what the sniffer was told, see sniffer_probe; `loaded`: names of
    the link layers that it asked for.
    """

    def __init__(
        self,
        line,
        telegrams,
        interval,
        phase=0.0,
        inverted=False,
        strict=False,
        levels=True,
        skew=0,
        step=0.01,
        **options,
    ):
        self.line, self.telegrams, self.interval = line, telegrams, interval
        self.inverted, self.strict, self.levels, self.step = inverted, strict, levels, step
        self.wire = Wire(line, skew)
        self.steps = []
        self.events = []
        self.loaded = set()
        self.time = None
        self.now = phase
        self._n = 0
        self._pending = []  # edges that have been made and not yet heard
        self.start = phase
        self.sniffer = Sniffer(self._make_link, tell=self._told, **options)
        self._tune()

    def _make_link(self, name, counts, size):
        self.loaded.add(name)
        return make_link(name, counts, size)

    def _told(self, step, sniffer):
        self.steps.append(
            (round(self.now - self.start, 3), step, sniffer.reason, sniffer.setting, sniffer.link)
        )

    def _tune(self):
        setting = self.sniffer.setting
        self.receiver = Receiver(
            line_of(setting),
            flipped=setting[2] != self.inverted,
            strict=self.strict,
            since=self.now * TICKS,
        )
        # It hears from now on: what is before gives it the level.
        self._next = 0

    def _edges(self):
        """Those up to now that the receiver has not been given yet; telegrams are made ahead."""
        while self._n * self.interval <= self.now + 0.1:
            data = self.telegrams(self._n)
            if data:
                self.wire.send(data, self._n * self.interval * TICKS, self._pending)
            self._n += 1
        until = self.now * TICKS
        end = self._next
        while end < len(self._pending) and self._pending[end] <= until:
            end += 1
        new = self._pending[self._next : end]
        self._next = end
        return new

    def _level(self):
        if not self.levels:
            return None
        until = self.now * TICKS
        toggles = sum(1 for edge in self._pending if edge <= until)
        return 1 ^ self.inverted ^ (toggles & 1)

    def run(self, seconds):
        """Until it locks, or `seconds` are over; returns self."""
        sniffer = self.sniffer
        ticked = self.now
        end = self.now + seconds
        while self.now < end:
            self.now += self.step
            edges = self._edges()
            data = self.receiver.hear(edges, self.now * TICKS)
            result = NOTHING
            now = int((self.now - self.start) * 1000)
            if data:
                self.events.append((now, data.hex()))
                result = sniffer.hear(data, len(data), now)
            if result == NOTHING and self.now - ticked >= _TICK:
                ticked = self.now
                level = self._level()
                self.events.append((now, level))
                result = sniffer.tick(now, level)
            if result == LOCKED:
                self.time = self.now - self.start
                return self
            if result == sniffing.RETUNE:
                self._tune()
            elif self._next > 20_000:
                # An even number of edges: the level stays.
                del self._pending[: self._next & ~1]
                self._next &= 1
        return self

    @property
    def intervals(self):
        """Push intervals until the lock."""
        return None if self.time is None else self.time / self.interval


def of_meter(meter, seed=0, **options):
    """A Bench with a simulated meter, switched on at a moment that `seed` chooses."""
    interval = meter.interval_ms / 1000
    phase = random.Random(f"{meter.name}{seed}").random() * interval
    return Bench(meter.line, meter.telegram, interval, phase, **options)
