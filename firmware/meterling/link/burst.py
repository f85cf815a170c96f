"""What comes between two silences on the line, and what it says about the line's settings."""

from ..octets import copy
from ..python import VIPER, const, micropython, words

if not VIPER:
    from ..python import ptr8, ptr32

_BUFFER = const(2048)  # bytes that are kept
_LAST = const(8)  # bytes that are kept of those that are not: a telegram's beginning

_ENOUGH = const(24)  # bytes that are evidence while they come
_SOME = const(8)  # once nothing more will; and
_FEW = const(3)  # if they look like the frame that is so short
_TIMED = const(450)  # ms of bytes that tell their number a second

# What is counted
_ALL = const(0)
_RUNS = const(1)  # zeros, then ones: runs of bits of a slower line
_ODD = const(2)  # odd parity
_TEXT = const(3)  # characters with even parity in bit 7
_BROKEN = const(4)  # runs of bits that leave no stop bit
_COUNTED = const(5)


@micropython.viper
def _weigh(buffer, begin: int, end: int, tally):
    # Count the bytes of buffer[begin:end] by what they say about the line.
    octets = ptr8(buffer)
    counts = ptr32(tally)
    byte = 0
    odd = 0
    while begin < end:
        byte = octets[begin]
        begin += 1
        counts[_ALL] = counts[_ALL] + 1
        # 00, 80, C0 .. FF; and 78, four bits low and four high, where more follow.
        if (byte ^ 0xFF) & ((byte ^ 0xFF) + 1) == 0 or byte == 0x78:
            counts[_RUNS] = counts[_RUNS] + 1
            if byte == 0 or byte == 0x78:
                counts[_BROKEN] = counts[_BROKEN] + 1
        odd = (0x6996 >> ((byte ^ byte >> 4) & 0x0F)) & 1
        if odd:
            counts[_ODD] = counts[_ODD] + 1
        else:
            byte &= 0x7F
            if byte == 0x0D or byte == 0x0A or byte == 2 or byte == 3:
                byte = 0x20
            if 0x20 <= byte and byte < 0x7F:
                counts[_TEXT] = counts[_TEXT] + 1


@micropython.viper
def _strip(buffer, begin: int, end: int):
    # Take the parity bit off.
    octets = ptr8(buffer)
    while begin < end:
        octets[begin] = octets[begin] & 0x7F
        begin += 1


class Burst:
    """The bytes `buffer[:end]`, of which `buffer[new:end]` came last.

    open: it has not ended. fresh: it was heard from its beginning. whole: its first byte is
    still in the buffer. masked: it is text at 7E1, heard at 8N1; its parity bits are taken
    off. good: there was a frame in it. strong: at least a telegram's beginning. scanned:
    up to where telegrams' beginnings were looked for. heard: ms, its last byte.
    """

    def __init__(self):
        self.buffer = bytearray(_BUFFER)
        self._tally = words(_COUNTED)
        self.heard = 0
        self.reset()

    def reset(self):
        """What came is of no use: the line was set to something else."""
        self.open = self.fresh = self.good = self.strong = self.masked = False
        self.whole = True
        self.new = self.end = self.scanned = 0

    def begin(self, length, now, fresh):
        """Its first `length` bytes come, at `now` (ms)."""
        self.open = True
        self.fresh = fresh
        self.good = self.strong = False
        self.whole = True
        self.new = self.end = self.scanned = 0
        self._began = now
        self._first = length
        tally = self._tally
        for i in range(_COUNTED):
            tally[i] = 0

    def take(self, data, position, length):
        """Take as many of the bytes `data[position:length]` as fit; the new position."""
        buffer = self.buffer
        if self.end == _BUFFER:
            # Longer than what is kept: its beginning is lost.
            copy(buffer, buffer, 0, _BUFFER - _LAST, _LAST)
            self.end = self.scanned = _LAST
            self.whole = False
        self.new = begin = self.end
        room = min(length - position, _BUFFER - begin)
        copy(buffer, data, begin, position, room)
        self.end = begin + room
        _weigh(buffer, begin, self.end, self._tally)
        if self.masked:
            _strip(buffer, begin, self.end)
        return position + room

    def read_as_text(self):
        """Take the parity bits off all of it."""
        self.masked = True
        _strip(self.buffer, 0, self.end)
        self.scanned = 0
        self.new = self.end

    def count(self):
        """Bytes that came."""
        return self._tally[_ALL]

    # What they say. `ended`: nothing more will come, fewer are enough.

    def is_slower(self, ended):
        """The line is slower: each run of equal bits is one bit, or a few, of it."""
        tally = self._tally
        count = tally[_ALL]
        return count >= (_FEW if ended else _ENOUGH) and 16 * tally[_RUNS] >= 15 * count

    def is_not_slower(self):
        """There were many bytes that no slower line makes."""
        tally = self._tally
        return tally[_ALL] >= 2 * _SOME and 2 * tally[_RUNS] < tally[_ALL]

    def lost_errors(self):
        """Of a slower line: none was heard that had no stop bit. The UART drops those."""
        tally = self._tally
        return tally[_ALL] >= _SOME and not tally[_BROKEN]

    def lost_even(self, ended):
        """8N1 heard 8E1, and bytes with even parity, whose parity bit is no stop bit, are
        missing."""
        tally = self._tally
        count = tally[_ALL]
        if tally[_ODD] < count:
            return False
        if count >= (_SOME if ended else _ENOUGH):
            return True
        # AMIS's five bytes: three are left, and M-Bus frames begin with one that is.
        return ended and count >= _FEW and self.fresh and self.buffer[0] in b"\x10\x68"

    def is_mostly_odd(self):
        """Where bytes with errors are dropped: 8E1, heard by 8N1 from its middle."""
        tally = self._tally
        return tally[_ALL] < _ENOUGH or 3 * tally[_ODD] >= 2 * tally[_ALL]

    def is_text(self):
        """8N1 hears 7E1: characters, each with even parity in bit 7."""
        tally = self._tally
        return tally[_ALL] >= _ENOUGH and 32 * tally[_TEXT] >= 31 * tally[_ALL]

    def is_faster_than_parity(self, baudrate):
        """More bytes came a second than there could if each had eleven bits."""
        elapsed = self.heard - self._began
        count = self._tally[_ALL] - self._first
        return elapsed >= _TIMED and count * 10250 > elapsed * baudrate
