"""Improv Wi-Fi over a serial line, version 1 (improv-wifi.com/serial): how a browser gives a
dongle its Wi-Fi.

    49 4D 50 52 4F 56 | 01      | type | length | data | checksum
    "IMPROV"          | version |      |        |      | sum of all before, mod 256

    type            data
    01 state        02 ready, 03 joins a network, 04 has joined one
    02 error        see provisioning
    03 command      command | length | texts       the only one that is sent to us
    04 result       command | length | texts       a text: length | bytes

Between packets there is whatever is printed; ours begin and end with a line feed, since the
other side looks for them at the beginning of lines.
"""

from .python import const

STATE = const(1)
ERROR = const(2)
COMMAND = const(3)
RESULT = const(4)

_BEGIN = b"IMPROV\x01"
_TYPE = const(7)  # places in a packet
_LENGTH = const(8)
_DATA = const(9)
_SUM = const(0xDE)  # of _BEGIN, mod 256
_LONGEST = const(100)  # bytes of data: a name of 32 and a password of 64, and 4 lengths

OUTSIDE, INSIDE, PACKET, BAD = range(4)


class Parser:
    """Takes packets out of bytes. type: int; data: bytearray, of which the first `length`
    bytes count: of the packet that `feed` has found last."""

    def __init__(self):
        self.data = bytearray(_LONGEST)
        self.type = self.length = 0
        self.reset()

    def reset(self):
        """What comes now begins anew: to be called after a silence."""
        self._at = 0
        self._sum = _SUM

    def feed(self, byte):
        """`byte` (int): OUTSIDE: it belongs to no packet; INSIDE: to one that goes on;
        PACKET: it ends one; BAD: one with a wrong checksum, or that is too long for us."""
        at = self._at
        self._at = at + 1
        if at < _TYPE:
            if byte != _BEGIN[at]:
                # No byte but the first looks like the first.
                self._at = 1 if byte == _BEGIN[0] else 0
                return INSIDE if self._at else OUTSIDE
            return INSIDE
        if at == _DATA + self.length and at > _LENGTH:
            good = byte == self._sum & 0xFF and self.length <= _LONGEST
            self.reset()
            return PACKET if good else BAD
        self._sum += byte
        if at == _TYPE:
            self.type = byte
        elif at == _LENGTH:
            self.length = byte
        elif at < _DATA + _LONGEST:
            self.data[at - _DATA] = byte
        return INSIDE


def packet(type, data):
    """A packet (bytes) as it is sent, with line feeds around it; data: bytes, at most 255."""
    head = _BEGIN + bytes((type, len(data))) + data
    return b"\n" + head + bytes((sum(head) & 0xFF, 10))


def result(command, texts):
    """The packet (bytes) that answers `command` (int) with `texts` (list of str, together at
    most 253 bytes with a byte more for each)."""
    data = b""
    for text in texts:
        text = text.encode()
        data += bytes((len(text),)) + text
    return packet(RESULT, bytes((command, len(data))) + data)


def texts_of(data, length):
    """The texts (list of bytes) of the command in the first `length` bytes of `data`; None if
    the lengths in it do not fit."""
    if length < 2 or data[1] != length - 2:
        return None
    texts = []
    at = 2
    while at < length:
        end = at + 1 + data[at]
        if end > length:
            return None
        texts.append(bytes(data[at + 1 : end]))
        at = end
    return texts
