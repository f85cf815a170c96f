"""A meter that speaks only when it is asked: IEC 62056-21 mode C, on an optical port.

What comes is read by the decoder of link "p1" like any other text telegram; here the line
is set to the speed that both agreed on, and what is to be said is said.
"""

from .link.sign_on import BAUDRATE, FRAMING, SignOn
from .python import const

INTERVAL = const(15_000)  # ms from one readout to the next
_FRAMES = const(1)  # code; see errors
_PATIENCE = const(5)  # requests in a row without a valid answer


class Asker:
    """port: board.uart.Port; inverted: bool; counters: counters.Counters, of the decoder.

    setting: (baudrate, framing, inverted), what the line is set to now.
    """

    def __init__(self, port, inverted, now, frames):
        self._port = port
        self._sign_on = SignOn(INTERVAL)
        self._since = now
        self._unanswered = 0
        self._frames = None
        self._frames_seen = frames
        self.setting = None
        self._tune(BAUDRATE, inverted)

    def _tune(self, baudrate, inverted):
        self.setting = (baudrate, FRAMING, inverted)
        self._port.tune(*self.setting)

    def tick(self, now, frames):
        """Do what is due; to be called every 50 ms. now: ms since the start; frames: int, valid
        ones so far. False once nobody has answered for long."""
        data = self._sign_on.poll(now - self._since)
        if self._sign_on.baudrate != self.setting[0]:
            self._tune(self._sign_on.baudrate, self.setting[2])
        if data:
            if data[0] == 47:  # "/": a request, not the acknowledgement
                self._unanswered = 0 if frames != self._frames else self._unanswered + 1
                self._frames = frames
            self._port.write(data)
        return self._unanswered <= _PATIENCE

    def hear(self, buffer, count, now):
        """`buffer[:count]` came (the decoder gets it, too)."""
        self._sign_on.hear(buffer, count, now - self._since)

    def keep_asking(self, reader, now):
        """`tick`, for a meter.MeterReader, which learns whether there are answers."""
        frames = reader.counters[_FRAMES]
        new = frames != self._frames_seen
        more = self.tick(now, frames)
        reader.setting = self.setting
        if new:
            self._frames_seen = frames
            reader.rarely("answered")
        elif not more:
            reader.rarely("find_anew")
