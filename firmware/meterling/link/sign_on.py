"""IEC 62056-21 mode C: asking a meter for its readout, and following its change of speed.

    -> / ? ! CR LF                            300 baud, 7E1: the request
    <- / XXX Z identification CR LF           Z: the fastest speed the meter offers
    -> ACK 0 Z 0 CR LF                        "readout, at speed Z"; then both change over
    <- STX data ! CR LF ETX BCC               the data block, which link.p1 reads

A meter of mode B (Z is a letter) changes over by itself, one of mode A stays at 300 baud.
One that did not understand the acknowledgement sends its data at 300 baud: whatever comes
goes to link.p1, and if nothing does, the next request is made at 300 baud again.

Pure: no clock and no UART here. All times are in ms, 0 <= time < 2**29.
"""

from ..python import const

BAUDRATE = const(300)
FRAMING = "7E1"

_REQUEST = b"/?!\r\n"
_SLASH = const(47)
_LF = const(10)
_ZERO = const(48)
_A = const(65)
_SPEEDS = (300, 600, 1200, 2400, 4800, 9600, 19200)

_IDENTIFICATION = const(40)  # longest kept, bytes
_REACTION = const(250)  # ms before an answer: the standard asks for 200 to 1500
_PATIENCE = const(3000)  # ms for the identification: 1.5 s, and 23 bytes at 300 baud
_SILENCE = const(2000)  # ms without a byte: the data block has ended, or none comes

# States
_IDLE = const(0)
_ASKED = const(1)  # the request is out
_ANSWERING = const(2)  # the identification is here, the acknowledgement not yet sent
_CHANGING = const(3)  # the acknowledgement is on its way
_READING = const(4)


class SignOn:
    """Call `poll` often (every 50 ms), and `hear` for what comes.

    interval: ms from one readout to the next. baudrate: int, what the line is to be set to
    now. maker: str, "" until a meter has answered.
    """

    def __init__(self, interval=15_000):
        self._interval = interval
        self._state = _IDLE
        self._next = 0  # when something is to be done
        self._asked = None  # when the last request went out
        self._line = bytearray(_IDENTIFICATION)
        self._length = 0
        self._faster = BAUDRATE
        self.baudrate = BAUDRATE
        self.maker = ""

    def poll(self, now):
        """What is to be sent now (bytes, b"" for nothing). `baudrate` may have changed:
        set the line to it first."""
        if now < self._next:
            return b""
        state = self._state
        if state == _ANSWERING:
            code = self._line[4]
            if _ZERO <= code < _ZERO + len(_SPEEDS):
                self._state = _CHANGING
                # 6 bytes of 10 bits at 300 baud, and a little: then the meter changes over.
                self._next = now + 6 * 10 * 1000 // BAUDRATE + 20
                return bytes((6, _ZERO, code, _ZERO, 13, 10))  # ACK 0 Z 0 CR LF
            self.baudrate = self._faster
            self._state = _READING
            self._next = now + _SILENCE
            return b""
        if state == _CHANGING:
            self.baudrate = self._faster
            self._state = _READING
            self._next = now + _SILENCE
            return b""
        if state != _IDLE:
            # Nobody answered, or all was said.
            self._state = _IDLE
            self._next = max(now, self._asked + self._interval)
            self.baudrate = BAUDRATE
            return b""
        self._state = _ASKED
        self._asked = now
        self._length = 0
        self._next = now + _PATIENCE
        return _REQUEST

    def hear(self, chunk, length, now):
        """Take note of `chunk[:length]` (bytes-like), which goes to the link layer, too."""
        state = self._state
        if state == _READING:
            self._next = now + _SILENCE
            return
        if state != _ASKED:
            return
        line = self._line
        for i in range(length):
            byte = chunk[i]
            if byte == _SLASH:
                self._length = 0
            if self._length < _IDENTIFICATION:
                line[self._length] = byte
                self._length += 1
            if byte == _LF and self._length >= 7 and line[0] == _SLASH and line[4] != 33:
                self._identified(now)
                return

    def _identified(self, now):
        line = self._line
        self.maker = "".join(chr(byte) for byte in line[1:4] if 65 <= byte < 123)
        code = line[4]
        self._faster = BAUDRATE
        if _ZERO <= code < _ZERO + len(_SPEEDS):
            self._faster = _SPEEDS[code - _ZERO]
        elif _A <= code < _A + len(_SPEEDS) - 1:
            self._faster = _SPEEDS[code - _A + 1]
        self._state = _ANSWERING
        self._next = now + _REACTION
