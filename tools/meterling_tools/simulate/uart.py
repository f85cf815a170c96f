"""The wire itself, bit by bit: what a UART makes of bytes that were sent at other settings.

    idle 1 ---+   +---+       +-------+---+--- idle 1
              | S | 0 | 1   2 | ..    | P | stop
              +---+   +-------+       +---+

``Wire`` turns bytes into the moments at which the level changes, ``Receiver`` samples those as
the ESP32 does: a falling edge starts a byte, each bit is read in its middle, and after the stop
bit, right or wrong, it waits for the next falling edge. A byte with a parity or framing error
is delivered all the same, or (``strict``) dropped, as other hardware does.

Time is counted in ticks of 1/230400 s: half a bit at 115200 baud, a whole number at all others.
This file imports nothing: the firmware's stand-in for ``machine.UART`` uses it on MicroPython.
"""

TICKS = 230_400  # a second


class Wire:
    """The transmitter's end. ``line``: anything with baud, bits, parity, stop (settings.Line).
    ``skew``: its clock's error, 0.01: 1 % slow."""

    def __init__(self, line, skew=0):
        bit = TICKS // line.baud
        self._bit = bit * (1 + skew) if skew else bit
        self._bits = line.bits
        self._parity = line.parity
        self._stop = line.stop
        self.free = 0  # ticks: when the last byte has left

    def put(self, octet, at, edges):
        """Send a byte at ``at`` (ticks) or as soon as the line is free; appends the moments at
        which the level changes to ``edges``. Returns the moment its last bit ends."""
        bit = self._bit
        moment = at if at > self.free else self.free
        level = 1
        ones = 0
        for i in range(-1, self._bits + 1):
            if i < 0:
                new = 0  # start bit
            elif i < self._bits:
                new = octet >> i & 1
                ones ^= new
            elif self._parity == "N":
                break
            else:
                new = ones ^ (self._parity == "O")
            if new != level:
                edges.append(moment)
                level = new
            moment += bit
        if not level:
            edges.append(moment)
        self.free = moment + self._stop * bit
        return self.free

    def send(self, data, at, edges):
        """``put`` for all of ``data`` (bytes), without gaps; returns the moment it ends."""
        for octet in data:
            at = self.put(octet, at, edges)
        return at


class Receiver:
    """A UART at the settings ``line``. ``flipped``: the line's level is the other way round than
    this receiver takes it. ``since`` (ticks): when it was switched on. ``strict``: drops bytes
    with errors."""

    def __init__(self, line, flipped=False, strict=False, since=0):
        self._half = TICKS // line.baud // 2
        self._bits = line.bits
        self._parity = line.parity
        self._strict = strict
        self._level = 0 if flipped else 1  # ahead of the first of the edges
        self._since = since
        self._edges = []

    def hear(self, edges, until):
        """The bytes (bytearray) whose stop bit has been sampled by ``until`` (ticks). ``edges``:
        those that are new since the last call, in their order."""
        waiting = self._edges
        waiting.extend(edges)
        half = self._half
        places = self._bits + (self._parity != "N")
        length = half * (2 * places + 3)  # from the falling edge to the middle of the stop bit
        level = self._level
        since = self._since
        result = bytearray()
        count = len(waiting)
        first = 0
        while first < count:
            begin = waiting[first]
            if begin > until:
                break
            if begin < since or not level:
                level ^= 1
                first += 1
                continue
            if begin + length > until:
                break
            level = 0
            first += 1
            octet = ones = 0
            sample = begin + half
            for i in range(-1, places + 1):
                while first < count and waiting[first] <= sample:
                    level ^= 1
                    first += 1
                if i < 0:
                    if level:
                        break  # a glitch, no start bit
                elif i < self._bits:
                    octet |= level << i
                    ones ^= level
                elif i < places:
                    ones ^= level ^ (self._parity == "O")
                elif not self._strict or (level and not (ones and self._parity != "N")):
                    result.append(octet)
                sample += 2 * half
        self._level = level
        del waiting[:first]
        return result
