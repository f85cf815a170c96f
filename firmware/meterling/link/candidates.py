"""The link layers that the bytes on the line could be of: each is loaded when a telegram of
its kind begins, and believed when it has found a frame whose check holds."""

from array import array

from ..python import const, words
from .framer import feed
from .signature import LINKS, signature

_SIZE = const(2048)  # of the longest telegram, bytes
_CODES = const(32)  # of errors, and more
_APART = const(700)  # ms, at least, between two pushes
_ALONE = const(2)  # bytes of noise, at most, ahead of an APDU that stands bare

_FRAMES = const(1)

# Parts of a link layer and words of its state; see framer.
_RAW = const(0)
_STATE = const(2)
_COUNTS = const(3)
_START = const(0)
_LENGTH = const(3)
_READY = const(11)
_BEGIN = const(12)
_STOP = const(13)
_UNPROTECTED = const(22)


class Candidates:
    """make_link(name, counts, size): see sniffer. known: head of a sender whose telegrams
    were believed before, or None. on_frame(name, head): called for each frame; head: b"" if
    it was checked.

    head: what tells the sender of the telegram that was believed without a check (bytes),
    None if there was one.
    """

    def __init__(self, make_link, known, on_frame):
        self._make_link = make_link
        self._known = known
        self._on_frame = on_frame
        self._parts = {}
        self._missing = []
        self._heads = {}
        self._pushes = {}
        self._place = words(1)
        self.head = None

    def clear(self):
        """The line was set to something else."""
        self._parts.clear()
        self._heads.clear()
        # Of packed modules that find no room, MicroPython says that they are not there.
        self._missing.clear()

    def hear(self, burst, now):
        """Take what is new in `burst` (burst.Burst), heard at `now` (ms): the name of the
        link layer whose frame is to be believed, or None."""
        for name in self._parts:
            if self._feed(name, burst, burst.new, now):
                return name
        place = self._place
        while True:
            link = signature(burst.buffer, burst.scanned, burst.end, place)
            at = place[0]
            if not link:
                burst.scanned = at
                return None
            burst.scanned = at + 1
            name = LINKS[link - 1]
            if name == "apdu" and (at > _ALONE or not burst.fresh or not burst.whole):
                continue  # it stands inside of a frame
            # HDLC's beginning is two bytes: anywhere else, it means little.
            if name != "hdlc" or (at <= _ALONE and burst.fresh):
                burst.strong = True
            if name in self._parts or name in self._missing:
                continue
            try:
                counts = array("I", bytes(4 * _CODES))
                self._parts[name] = self._make_link(name, counts, _SIZE)
            except (ImportError, ValueError):
                self._missing.append(name)
                continue
            if self._feed(name, burst, at, now):
                return name

    def _feed(self, name, burst, begin, now):
        # Hand over what is in the burst from `begin` on; True if a frame is believed.
        parts = self._parts[name]
        counts = parts[_COUNTS]
        state = parts[_STATE]
        while begin < burst.end or state[_READY]:
            before = counts[_FRAMES]
            begin = feed(parts, burst.buffer, begin, burst.end)
            if counts[_FRAMES] != before:
                head = _head(name, parts, state)
                if head is None:
                    burst.good = True
                else:
                    believed = self._believe(name, head, now)
                    if self._on_frame(name, head) and believed:
                        return True
            if not state[_READY]:
                return False
        return False

    def _believe(self, name, head, now):
        if not head:
            self.head = None
            return True
        if head == self._known or (
            self._heads.get(name) == head and now - self._pushes[name] >= _APART
        ):
            self.head = head
            return True
        self._heads[name] = head
        self._pushes[name] = now
        return False


def _head(name, parts, state):
    # What tells the sender of a frame that nothing checks (bytes); b"" if it is checked;
    # None for a segment: the last one tells it.
    raw = parts[_RAW]
    if name == "hdlc":
        if not state[_READY]:
            return None
        end = state[_START]  # the closing flag
        if raw[end - 1] or raw[end - 2]:
            return b""
        begin = end - state[_LENGTH] + 3  # behind 7E A0 xx: addresses, control
        return bytes(raw[begin : begin + 5])
    begin = state[_BEGIN]
    if name == "apdu":
        return bytes(raw[begin : begin + 10])
    if name == "p1":
        if raw[begin] in (0xDB, 0xDC):
            return bytes(raw[begin : begin + 10])
        if state[_UNPROTECTED]:
            line = begin
            while line < state[_STOP] and line < begin + 32 and raw[line] not in b"\r\n(":
                line += 1
            return bytes(raw[begin:line]) or b"?"
    return b""
