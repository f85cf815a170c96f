"""Finding out what speaks on the line: speed, parity, polarity and link layer.

Nobody who owns a meter knows what 8E1 is. The sniffer listens at one setting at a time and
asks for another (`setting`) when the bytes themselves say that this one is wrong:

    zeros, then ones, and nothing else    each run of bits is one bit of a slower line
    even parity in bit 7 of characters    8N1 hears 7E1 (what is heard is read all the same)
    odd parity in every byte              8N1 hears 8E1, and drops what has errors
    more bytes a second than 8E1 holds    8N1

and, where they say nothing: a burst that was heard from its beginning, and held no frame.

What ends the search is a frame whose check holds: M-Bus, HDLC, SML, DSMR's CRC, a block
check. A telegram without any (a bare APDU, text without a CRC, HDLC with FCS 0000) counts
only if it came twice, from the same sender, in two pushes. Silence and time alone decide
nothing, but that they end a burst; only where nothing at all is heard is the next setting
tried after a while.

Pure: times come in as ms, and the link layers are loaded by `make_link`, each only when the
first bytes of a telegram of its kind were seen. Everything is dropped after the lock.
"""

from ..python import const
from .burst import Burst
from .candidates import Candidates

# What `hear` and `tick` say
NOTHING = const(0)
RETUNE = const(1)  # set the line to `setting`, and throw away what has come until then
LOCKED = const(2)  # `setting` and `link` are what the meter speaks; `burst` holds its bytes

AUTO = None

_SPEEDS = (115200, 9600, 2400, 300)  # a line is seen to be slower from any that is faster
_SLOWEST = const(3)
# What is tried when nothing points anywhere, by speed and framing. 9600 is where a line of
# any speed makes bytes. 8N1 comes before what it hears as well (7E1), or nearly (8E1, whose
# parity bit it takes for a stop bit); but what pushes at 2400 mostly has parity.
_ORDER = (
    (9600, "8N1"),
    (115200, "8N1"),
    (2400, "8E1"),
    (2400, "8N1"),
    (9600, "8E1"),
    (115200, "8E1"),
    (300, "7E1"),
)
_EVERY = ("8N1", "8E1", "7E1")  # at a speed of the owner's
# The framing that a link's own standard demands, where the meter hears us, too.
_ANSWERED = {"amis": "8E1"}

_SILENCE = const(100)  # ms without a byte, and
_LOOKS = const(2)  # calls of `tick`: a burst has ended
_NEVER = const(70_000)  # ms to wait for a very first byte: AMIS calls once a minute
_DEAF = const(12_000)  # ms to wait, at least, where bytes came at another setting
_EARLY = const(2000)  # ms that a pause may be longer than those before
_STAY = const(2)  # bursts that may fail where the beginning of a telegram was seen
_FEW = const(3)  # bytes; and bursts of fewer that count as one
_LONGEST = const(6144)  # bytes without a pause or a frame: as good as a burst
_LEVELS = const(4)  # looks at the idle line that agree


def _quiet(*_):
    pass


class Sniffer:
    """make_link(name, counts, size): a link layer's parts (decoder.make_link); ValueError
    or ImportError if there is none of that name.

    baudrate (int), framing ("8E1"), inverted (bool): what the owner knows, AUTO for what is
    to be found out. first: (baudrate, framing, inverted) to begin with, or None; head: of
    the telegrams without a check that were believed there (bytes), or None.

    tell(step, sniffer): called at each step, with one of
        "listen"    at `setting`; `reason`: "start"; "too-fast"; "parity"; "idle-low" or
                    "idle-high", the line; "no-frame", in a burst heard from its beginning;
                    "silent", nothing came at the last setting
        "text"      the bytes are characters with a parity bit
        "frame"     of `link`; `reason`: "checked" or "unchecked"
        "locked"    to `link` at `setting`; `reason` as before

    setting: (baudrate, framing, inverted) that the line is to be set to. It may be another
    one still when the search ends: 7E1 is heard at 8N1. link: str. head: as the argument.
    """

    def __init__(
        self,
        make_link,
        baudrate=AUTO,
        framing=AUTO,
        inverted=AUTO,
        first=None,
        head=None,
        tell=_quiet,
    ):
        self._tell = tell
        self._framing = framing
        self._inverted = inverted
        self._any_speed = baudrate is AUTO
        self._order = [
            (speed, framing or usual) for speed, usual in _ORDER if baudrate in (AUTO, speed)
        ]
        if not self._order:
            self._order = [(baudrate, one) for one in ([framing] if framing else _EVERY)]
        self._tried = []
        self._slowest = _SLOWEST  # what the line's speed can be, in SPEEDS
        self._fastest = 0
        self._sees = False  # the board can tell the line's level
        self._level = 0  # looks that agree, below 0 for a low line
        self._drops = False  # the UART drops bytes with errors
        self._ever = False  # a byte came, at whatever setting
        self._pause = _DEAF - _EARLY  # ms: the longest between two bursts
        self._burst = Burst()
        self._candidates = Candidates(make_link, head, self._on_frame)
        self.link = None
        self.head = None
        if first is None:
            first = self._order[0] + (bool(inverted),)
        self._go(first, "start", 0)

    # What comes from outside

    def hear(self, data, length, now):
        """Take `length` bytes of `data` (bytes-like), which came just before `now` (ms)."""
        burst = self._burst
        if not burst.open:
            self._deaf = False
            if self._ever:
                self._pause = min(max(self._pause, now - burst.heard), _NEVER)
            burst.begin(length, now, self._is_silent(now))
        burst.heard = now
        self._looks = 0
        self._ever = True
        position = 0
        while position < length:
            position = burst.take(data, position, length)
            if not burst.masked and self._could_have_parity() and burst.is_text():
                # From the beginning, without the parity bits.
                burst.read_as_text()
                self._candidates.clear()
                self._report("text", "")
            name = self._candidates.hear(burst, now)
            if name:
                burst.whole = burst.whole and position == length
                return self._lock(name)
        return self._mid_burst(now)

    def tick(self, now, level=None):
        """To be called every 50 ms or so. level: of the idle line as it is outside (0, 1),
        None where the board cannot tell."""
        self._looks += 1
        if not self._is_silent(now):
            return NOTHING
        if self._burst.open and self._end_burst(now):
            return RETUNE
        if level is not None and self._inverted is AUTO and self._see(level, now):
            return RETUNE
        since = now - max(self._tuned, self._burst.heard)
        if self._deaf and since >= (self._pause + _EARLY if self._ever else _NEVER):
            return self._next("silent", now)
        return NOTHING

    def burst(self):
        """The bytes (memoryview) of the burst that ended the search, as far as it has
        come; empty if it was too long to be kept."""
        burst = self._burst
        return memoryview(burst.buffer)[: burst.end if burst.whole else 0]

    # What it says

    def _is_silent(self, now):
        # Not by the clock alone: where something else held everything up, bytes may wait.
        since = now - max(self._tuned, self._burst.heard)
        return since >= _SILENCE and self._looks >= _LOOKS

    def _on_frame(self, name, head):
        # A frame of the link layer `name`; whether it may end the search.
        self._burst.good = True
        self._misses = 0
        self.link = name
        self._report("frame", "unchecked" if head else "checked")
        # Where it is still to be found out whether there is a parity bit, 8N1 hears well
        # both what has one and what has none.
        return not self._probing or self._burst.masked or self._drops

    def _lock(self, name):
        baudrate, framing, inverted = self.setting
        if self._burst.masked:
            framing = "7E1"
        elif self._framing is AUTO:
            framing = _ANSWERED.get(name, framing)
        self.setting = (baudrate, framing, inverted)
        self.head = self._candidates.head
        self._report("locked", self.reason)
        return LOCKED

    def _mid_burst(self, now):
        burst = self._burst
        if burst.good:
            return NOTHING
        if not burst.strong and not burst.masked:
            if self._could_be_slower() and burst.is_slower(False):
                return self._slower(now)
            if self._could_have_parity() and burst.lost_even(False):
                return self._go_even(now)
        if burst.count() >= _LONGEST:
            return self._end_burst(now)
        return NOTHING

    def _end_burst(self, now):
        # RETUNE if what came says so, else NOTHING.
        burst = self._burst
        burst.open = False
        count = burst.count()
        if not burst.good and self._could_be_slower() and burst.is_slower(True):
            return self._slower(now)
        if burst.is_not_slower():
            self._not_slower()
        if self._probing:
            self._probing = False
            if burst.masked or burst.is_faster_than_parity(self.setting[0]):
                return NOTHING
            if self._drops and not burst.is_mostly_odd():
                return NOTHING
            return self._go_even(now)
        if burst.good:
            return NOTHING
        if count < _FEW:
            # Noise; or a faster line, of which hardware that drops errors leaves little.
            self._tiny += 1
            if self._tiny < _FEW:
                return NOTHING
        if self._could_have_parity() and burst.lost_even(True):
            return self._go_even(now)
        if not burst.fresh and count < _LONGEST:
            return NOTHING
        self._misses += 1
        if burst.strong and self._misses <= _STAY:
            return NOTHING
        return self._next("no-frame", now)

    def _see(self, level, now):
        # The idle line, seen often enough, says which way round it is.
        self._sees = True
        if level:
            self._level = max(1, min(self._level + 1, _LEVELS))
        else:
            self._level = min(-1, max(self._level - 1, -_LEVELS))
        inverted = level == 0
        if abs(self._level) < _LEVELS or inverted == self.setting[2]:
            return NOTHING
        # What was heard the wrong way round says nothing but its speed.
        self._tried.clear()
        for one in self._order:
            if self._possible(one[0]):
                break
        return self._go(one + (inverted,), "idle-low" if inverted else "idle-high", now)

    # Where to go

    def _could_be_slower(self):
        return self._any_speed and self.setting[0] > _SPEEDS[_SLOWEST]

    def _could_have_parity(self):
        return self._framing is AUTO and self.setting[1] == "8N1"

    def _possible(self, baudrate):
        # By what was heard so far.
        if baudrate not in _SPEEDS:
            return True
        return self._fastest <= _SPEEDS.index(baudrate) <= self._slowest

    def _not_slower(self):
        if self.setting[0] in _SPEEDS:
            at = _SPEEDS.index(self.setting[0])
            self._slowest = min(self._slowest, max(at, self._fastest))

    def _forget(self):
        self._tried.clear()
        self._slowest = _SLOWEST
        self._fastest = 0

    def _go(self, setting, reason, now, probing=False):
        # probing: in the middle of a burst, to hear which framing it has.
        self.setting = setting
        if not probing and setting not in self._tried:
            self._tried.append(setting)
        self._probing = probing
        self._deaf = True  # nothing came at this setting
        self._misses = 0  # bursts without a frame
        self._tiny = 0  # bursts of hardly a byte
        self._tuned = now
        self._looks = 0
        self._burst.reset()
        self._candidates.clear()
        self._report("listen", reason)
        return RETUNE

    def _go_even(self, now):
        return self._go((self.setting[0], "8E1", self.setting[2]), "parity", now)

    def _slower(self, now):
        baudrate, _, inverted = self.setting
        self._drops = self._burst.lost_errors()
        at = 0
        while _SPEEDS[at] >= baudrate:
            at += 1
        if at > self._slowest:
            self._forget()
        self._fastest = at
        # In the middle of a burst, 8N1 hears best which parity there is.
        framing = self._framing or ("7E1" if at == _SLOWEST else "8N1")
        probing = self._framing is AUTO and at < _SLOWEST
        return self._go((_SPEEDS[at], framing, inverted), "too-fast", now, probing)

    def _next(self, reason, now):
        # The next setting that has not been tried; all over again if there is none.
        inverted = self.setting[2]
        turns = (inverted,)
        if self._inverted is AUTO and not self._sees:
            turns = (inverted, not inverted)
        for _ in range(2):
            for one in self._order:
                if self._possible(one[0]):
                    for turn in turns:
                        if one + (turn,) not in self._tried:
                            return self._go(one + (turn,), reason, now)
            self._forget()
        return NOTHING

    def _report(self, step, reason):
        self.reason = reason
        self._tell(step, self)
