"""General block transfer (IEC 62056-5-3, 7.2.8): blocks into one APDU.

    E0 | control | block number (2) | block number acknowledged (2) | BER length | data
         bit 7 last, bit 6 streaming, bits 0-5 window

Meters push without waiting for acknowledgements, and nothing in a block names its
transfer. Two can be open from the same sender, for two reasons that look alike: the
older one was cut short and will never go on, or both are under way in turn. A block
that fits both goes to the newer one for now. If the same number comes once more, they
are taking turns: the first of the two belongs to the older, and it stays so from then
on. If the newer one goes on instead, the older one is lost.
"""

from ..octets import copy, extend
from ..python import const

_LAST = const(0x80)
_CERTAIN = const(-1)

# Parts of the decoder; see decoder.
_COUNTS = const(0)
_BLOCKS = const(12)
_SIZE = const(13)

_ERR_SEGMENT = const(7)
_ERR_TOO_LONG = const(8)


class _Transfer:
    def __init__(self, size):
        self.buffer = bytearray()  # grows to what the longest transfer needs
        self.size = size
        self.fill = 0
        self.source = 0
        self.expected = 0  # number of the next block, 0 = free
        self.doubtful = _CERTAIN  # where the block begins that the other one may claim
        self.complete = False

    def begin(self, source):
        self.fill = 0
        self.source = source
        self.expected = 1
        self.doubtful = _CERTAIN
        self.complete = False

    def append(self, data, begin, count, last):
        end = self.fill + count
        if end > self.size or end > len(self.buffer) and not extend(self.buffer, end):
            self.expected = 0
            return False
        copy(self.buffer, data, self.fill, begin, count)
        self.fill += count
        self.expected += 1
        self.complete = last
        return True


class BlockTransfer:
    """Puts block transfers of up to `size` bytes together. counts: array of
    counters.Counters.

    After `add` or `quiet`, call `take` until it returns None.
    """

    def __init__(self, counts, size):
        self._counts = counts
        self._older = _Transfer(size)
        self._newer = _Transfer(size)
        self._in_turn = False
        self.next = 0

    def add(self, data, begin, end, source):
        """Take the block at `data[begin]`, which ends by `end`; source: int, tells
        senders apart. False if it is no block. `next` is the position behind it."""
        position = begin + 6
        self.next = end
        if position >= end:
            return False
        length = data[position]
        position += 1
        if length > 0x7F:
            count = length & 0x7F
            if not 1 <= count <= 2 or position + count > end:
                return False
            length = 0
            for _ in range(count):
                length = length << 8 | data[position]
                position += 1
        if position + length > end:
            return False
        self.next = position + length
        number = data[begin + 2] << 8 | data[begin + 3]
        last = data[begin + 1] & _LAST != 0
        if number == 1:
            transfer = self._begin(source)
        else:
            transfer = self._choose(source, number)
        if transfer is None:
            self._counts[_ERR_SEGMENT] += 1
        elif not transfer.append(data, position, length, last):
            self._counts[_ERR_TOO_LONG] += 1
        return True

    def take(self):
        """The next complete transfer (`buffer[:fill]` are its APDUs), or None."""
        for transfer in (self._older, self._newer):
            if transfer.complete and transfer.expected and transfer.doubtful == _CERTAIN:
                transfer.expected = 0
                return transfer
        return None

    def quiet(self):
        """Nothing more will come of what is under way; see `take`."""
        self._settle()
        self._lose(self._older)
        self._lose(self._newer)

    def _lose(self, transfer):
        if transfer.expected and not transfer.complete:
            transfer.expected = 0
            self._counts[_ERR_SEGMENT] += 1

    def _settle(self):
        # The newer one's doubtful block is its own: the older one was cut short.
        if self._newer.doubtful != _CERTAIN:
            self._newer.doubtful = _CERTAIN
            self._lose(self._older)

    def _begin(self, source):
        self._settle()
        older, newer = self._older, self._newer
        if older.complete or newer.complete:
            # Those that take turns end together: what is still open was cut short.
            self._lose(older)
            self._lose(newer)
            self._in_turn = False
        if older.expected and not older.complete and newer.expected and not newer.complete:
            self._counts[_ERR_SEGMENT] += 1  # no room for three: the oldest is given up
            self._in_turn = False
        if newer.expected and not newer.complete or not older.expected:
            older, newer = newer, older
        self._older, self._newer = older, newer
        if not older.expected:
            self._in_turn = False
        newer.begin(source)
        return newer

    def _choose(self, source, number):
        older, newer = self._older, self._newer
        to_older = older.expected == number and older.source == source and not older.complete
        to_newer = newer.expected == number and newer.source == source and not newer.complete
        if to_older and to_newer:
            if self._in_turn:
                return older
            newer.doubtful = newer.fill
            return newer
        if to_older:
            begin = newer.doubtful
            if begin != _CERTAIN and newer.source == source and newer.expected == number + 1:
                # The same number once more: the doubtful block was the older one's.
                older.append(newer.buffer, begin, newer.fill - begin, newer.complete)
                newer.fill = begin
                newer.expected = number
                newer.doubtful = _CERTAIN
                newer.complete = False
                self._in_turn = True
                return newer
            return older
        self._settle()
        return newer if to_newer else None


def take_block(decoder, data, begin, end, source):
    """Take the block at `data[begin]`, which ends by `end`, and hand what it completes to
    the decoder; the position behind it."""
    parts = decoder.parts
    if parts[_BLOCKS] is None:
        parts[_BLOCKS] = BlockTransfer(parts[_COUNTS], parts[_SIZE])
    blocks = parts[_BLOCKS]
    if not blocks.add(data, begin, end, source):
        parts[_COUNTS][_ERR_SEGMENT] += 1
    behind = blocks.next
    _deliver(decoder)
    return behind


def quiet(decoder):
    """The line is silent: see BlockTransfer.quiet."""
    decoder.parts[_BLOCKS].quiet()
    _deliver(decoder)


def _deliver(decoder):
    while True:
        transfer = decoder.parts[_BLOCKS].take()
        if transfer is None:
            return
        decoder.apdus(transfer.buffer, 0, transfer.fill, transfer.source)
