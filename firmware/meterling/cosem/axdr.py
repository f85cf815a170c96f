"""A-XDR (IEC 61334-6) as COSEM uses it: the structure of one data element.

Only used when a telegram has a shape not seen before; see plan. The elements stand flat
in an array('H'), four words each, a parent before its children:

    tag | position of the value | its width in bytes, or number of children | index behind

Index behind: where the next element that is no descendant begins.
"""

from array import array

from ..python import const

_ARRAY = const(0x01)
_STRUCTURE = const(0x02)
_BIT_STRING = const(0x04)
_COMPACT_ARRAY = const(0x13)
_DONT_CARE = const(0xFF)

# Bytes of the value of tags 00 to 21 (hex digits); "-" where a length says it, or
# where the tag is no type: null, boolean, double-long(-unsigned), bcd, integer, long,
# unsigned, long-unsigned, long64(-unsigned), enum, float32/64, date-time, date, time,
# and the delta types 1C to 21.
_WIDTHS = const(b"0--1-44------1-1212-88148C54124124")
_STRINGS = const(b"\x09\x0a\x0c")  # octet, visible, UTF-8

_MAX_DEPTH = const(8)
_MAX_WORDS = const(2048)  # 512 elements

_ERR_DECODE = const(17)
_ERR_DATA_TYPE = const(18)


class Axdr:
    """Reads elements from `data` (bytes-like), from `position` (int) on, up to `end`.

    Raises ValueError(code), code: DECODE or DATA_TYPE of errors, for anything that is no
    A-XDR, deeper than 8 levels or more than 512 elements.
    """

    def __init__(self, data, position, end):
        self._data = data
        self.position = position
        self._end = end
        self.elements = None
        self._words = 0

    def read_all(self):
        """Read one element and all inside it into `elements`."""
        # Twice: counted first, so that nothing has to grow on a heap that is short.
        position = self.position
        self.read()
        self.position = position
        self.elements = array("H", bytes(2 * self._words))
        self._words = 0
        self.read()

    def read(self, depth=0):
        """The next element, which has its tag, and all inside it."""
        self._value(self._byte(), depth)

    def _byte(self):
        position = self.position
        if position >= self._end:
            raise ValueError(_ERR_DECODE)
        self.position = position + 1
        return self._data[position]

    def _length(self):
        length = self._byte()
        if length > 0x7F:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise ValueError(_ERR_DECODE)
            length = 0
            for _ in range(count):
                length = length << 8 | self._byte()
        if length > self._end << 3:  # of a bit string it is in bits
            raise ValueError(_ERR_DECODE)
        return length

    def _append(self, tag, width):
        at = self._words
        if at >= _MAX_WORDS:
            raise ValueError(_ERR_DECODE)
        self._words = at + 4
        if self.elements:
            self.elements[at] = tag
            self.elements[at + 1] = self.position
            self.elements[at + 2] = width
        self._close(at)
        return at

    def _close(self, at):
        # What is read so far is all inside the element at index `at`.
        if self.elements:
            self.elements[at + 3] = self._words

    def _value(self, tag, depth):
        if depth > _MAX_DEPTH:
            raise ValueError(_ERR_DECODE)
        if tag == _ARRAY or tag == _STRUCTURE:
            count = self._length()
            at = self._append(tag, count)
            for _ in range(count):
                self.read(depth + 1)
            self._close(at)
            return
        if tag == _COMPACT_ARRAY:
            self._compact_array(depth)
            return
        if tag in _STRINGS:
            width = self._length()
        elif tag == _BIT_STRING:
            width = (self._length() + 7) // 8
        elif tag == _DONT_CARE:
            width = 0
        elif tag < len(_WIDTHS) and _WIDTHS[tag] != 45:
            width = int(_WIDTHS[tag : tag + 1], 16)
        else:
            raise ValueError(_ERR_DATA_TYPE)
        if self.position + width > self._end:
            raise ValueError(_ERR_DECODE)
        self._append(tag, width)
        self.position += width

    def _compact_array(self, depth):
        # 13 | type description | length in bytes | values without their tags
        description = self.position
        self._describe(depth)
        length = self._length()
        stop = self.position + length
        if stop > self._end:
            raise ValueError(_ERR_DECODE)
        at = self._append(_ARRAY, 0)
        while self.position < stop:
            before = self.position
            self._described(description, depth + 1)
            if self.elements:
                self.elements[at + 2] += 1
            if self.position == before:
                raise ValueError(_ERR_DECODE)
        if self.position != stop:
            raise ValueError(_ERR_DECODE)
        self._close(at)

    def _describe(self, depth):
        # Pass over a type description.
        if depth > _MAX_DEPTH:
            raise ValueError(_ERR_DECODE)
        tag = self._byte()
        if tag == _ARRAY:
            self._byte()
            self._byte()
            self._describe(depth + 1)
        elif tag == _STRUCTURE:
            for _ in range(self._length()):
                self._describe(depth + 1)

    def _described(self, description, depth):
        # A value whose type is described at `description`; returns what is behind that.
        tag = self._data[description]
        if tag != _ARRAY and tag != _STRUCTURE:
            self._value(tag, depth)
            return description + 1
        position = self.position
        self.position = description + 1
        if tag == _ARRAY:
            count = self._byte() << 8 | self._byte()
        else:
            count = self._length()
        description = self.position
        if tag == _ARRAY:
            self._describe(0)
        behind = self.position
        self.position = position
        at = self._append(tag, count)
        for _ in range(count):
            if tag == _ARRAY:
                self._described(description, depth + 1)
            else:
                behind = description = self._described(description, depth + 1)
        self._close(at)
        return behind
