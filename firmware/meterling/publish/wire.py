"""The socket that umqtt believes it has.

umqtt.simple writes a packet in up to a dozen pieces and then reads until the answer
is there, however long that takes. Here its pieces are joined in one buffer, and it
is given only bytes that have come already. Where it wants more, `NotYet` takes it
off the processor; whoever drives it then sends the buffer and comes back later.

While umqtt connects, the same object also stands for its module `socket`.
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


class NotYet(Exception):
    """umqtt waits for bytes that the broker has not sent yet."""


_NOT_YET = NotYet()


class Wire:
    """`size`: bytes, of the longest packet to be sent; no memory is taken before one needs
    it."""

    def __init__(self, size):
        self._size = size
        self._out = bytearray(min(size, _AT_FIRST))
        self._out_view = memoryview(self._out)
        self._in = bytearray(_INBOX)
        self._in_view = memoryview(self._in)
        self.reset()

    def reset(self):
        """A new connection: nothing written, nothing received."""
        self._written = 0
        self._received = 0
        self._position = 0
        self._open = False

    # What our side does

    def begin(self):
        """umqtt is about to write a packet; whatever it reads after that is NotYet."""
        self._written = 0
        self._open = False

    def packet(self):
        """What umqtt has written since `begin` (memoryview)."""
        return self._out_view[: self._written]

    def mark_as_duplicate(self):
        """Set the DUP flag (bit 3 of the first byte) of the PUBLISH in the buffer."""
        self._out[0] |= 0x08

    def room(self):
        """Where received bytes are to be put (memoryview, never empty)."""
        return self._in_view[self._received :]

    def received(self, count):
        """`count` bytes have come into `room`."""
        self._received += count

    def answer(self):
        """Type (CONNACK, PUBACK or PINGRESP) of the packet that is there as a whole, 0 if
        none is. umqtt may read it now, and write again, as `connect` does before it reads.

            | type, flags | remaining length | ... |

        BrokerError if a client without subscriptions is never sent such a packet: umqtt's
        own checks are asserts, which a compiled tree does not have.
        """
        if self._received < 2:
            return 0
        kind = self._in[0]
        length = _LENGTHS.get(kind, -1)
        if self._in[1] != length:
            raise BrokerError("mqtt-protocol")
        if self._received < 2 + length:
            return 0
        self._written = 0
        self._position = 0
        self._open = True
        return kind

    def drop_answer(self):
        """Umqtt has read the packet: what came after it moves to the front."""
        self._open = False
        end = 2 + self._in[1]
        for i in range(end, self._received):
            self._in[i - end] = self._in[i]
        self._received -= end

    # What umqtt calls, of a socket

    def write(self, data, length=-1):
        """`data`: bytes-like; only the first `length` bytes of it, if that is given."""
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

    def read(self, length):
        end = self._position + length
        if not self._open or end > self._received:
            raise _NOT_YET
        data = bytes(self._in_view[self._position : end])
        self._position = end
        return data

    def setblocking(self, blocking):
        pass

    def settimeout(self, timeout):
        pass

    def connect(self, address):
        pass

    # What umqtt calls, of the module

    def socket(self):
        return self

    def getaddrinfo(self, host, port):
        return ((0, 0, 0, "", (host, port)),)
