"""The bytes of one MQTT connection: a packet on its way out, and what came back.

A packet is put together in one buffer, so that it is one write to the socket. What came
waits in another one until a packet of it is there as a whole.
"""

from ..python import const
from .errors import BrokerError

CONNACK = const(0x20)
PUBACK = const(0x40)
PINGRESP = const(0xD0)

_LENGTHS = {CONNACK: 2, PUBACK: 2, PINGRESP: 0}  # bytes, after the first two
_INBOX = const(64)  # bytes
_AT_FIRST = const(1536)  # bytes: most meters need no more
_STEP = const(256)


class Wire:
    """`size`: bytes, of the longest packet to be sent; no memory is taken before one needs
    it. inbox: bytearray, what came."""

    def __init__(self, size):
        self._size = size
        self._out = bytearray(min(size, _AT_FIRST))
        self._out_view = memoryview(self._out)
        self.inbox = bytearray(_INBOX)
        self._in_view = memoryview(self.inbox)
        self.reset()

    def reset(self):
        """A new connection: nothing written, nothing received."""
        self._written = 0
        self._received = 0

    # Out

    def begin(self):
        """A new packet."""
        self._written = 0

    def write(self, data, length=-1):
        """Append `data` (bytes-like), or only the first `length` bytes of it, to the packet.
        BrokerError if it is longer than the buffer may become."""
        if length < 0:
            length = len(data)
        end = self._written + length
        if end > len(self._out):
            self._grow(end)
        if length == len(data):
            self._out_view[self._written : end] = data
        else:
            for i in range(length):
                self._out[self._written + i] = data[i]
        self._written = end

    def _grow(self, size):
        if size > self._size:
            raise BrokerError("mqtt-too-long")
        larger = bytearray(min((size + _STEP - 1) // _STEP * _STEP, self._size))
        memoryview(larger)[: self._written] = self._out_view[: self._written]
        self._out = larger
        self._out_view = memoryview(larger)

    def packet(self):
        """What was written since `begin` (memoryview)."""
        return self._out_view[: self._written]

    # In

    def room(self):
        """Where received bytes are to be put (memoryview, never empty)."""
        return self._in_view[self._received :]

    def received(self, count):
        """`count` bytes have come into `room`."""
        self._received += count

    def answer(self):
        """Type (CONNACK, PUBACK or PINGRESP) of the packet that stands at the beginning of
        the inbox as a whole, 0 if none does.

            | type, flags | remaining length | ... |

        BrokerError if a client without subscriptions is never sent such a packet.
        """
        if self._received < 2:
            return 0
        kind = self.inbox[0]
        length = _LENGTHS.get(kind, -1)
        if self.inbox[1] != length:
            raise BrokerError("mqtt-protocol")
        return kind if self._received >= 2 + length else 0

    def drop_answer(self):
        """That packet was read: what came after it moves to the front."""
        end = 2 + self.inbox[1]
        for i in range(end, self._received):
            self.inbox[i - end] = self.inbox[i]
        self._received -= end
