"""A-XDR (IEC 61334-6) as COSEM uses it: the structure of one data element.

Only used when a telegram has a shape not seen before; see plan. An element becomes a
tuple `(tag, position, width)`; `position` and `width` (bytes) are those of its value.
Of an array and a structure `width` is a list of its elements.
"""

from ..errors import DATA_TYPE, DECODE
from ..python import const

ARRAY = const(0x01)
STRUCTURE = const(0x02)
BIT_STRING = const(0x04)
OCTET_STRING = const(0x09)
VISIBLE_STRING = const(0x0A)
UTF8_STRING = const(0x0C)
INTEGER = const(0x0F)
COMPACT_ARRAY = const(0x13)
ENUM = const(0x16)
DATE_TIME = const(0x19)
DATE = const(0x1A)
TIME = const(0x1B)
DONT_CARE = const(0xFF)

# Bytes of the value of tags 00 to 21 (hex digits); "-" where a length says it, or
# where the tag is no type: null, boolean, double-long(-unsigned), bcd, integer, long,
# unsigned, long-unsigned, long64(-unsigned), enum, float32/64, date-time, date, time,
# and the delta types 1C to 21.
_WIDTHS = "0--1-44------1-1212-88148C54124124"

_MAX_DEPTH = const(8)
_MAX_ELEMENTS = const(256)


class AxdrError(ValueError):
    """The structure is broken. `code` (int): DECODE or DATA_TYPE of errors."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Axdr:
    """Reads elements from `data` (bytes-like), from `position` (int) on, up to `end`.

    Raises AxdrError for anything that is no A-XDR, deeper than 8 levels or more than
    256 elements.
    """

    def __init__(self, data, position, end):
        self._data = data
        self.position = position
        self._end = end
        self._elements = 0

    def element(self, depth=0):
        """The next element, with its tag."""
        return self._value(self._byte(), depth)

    def _byte(self):
        position = self.position
        if position >= self._end:
            raise AxdrError(DECODE)
        self.position = position + 1
        return self._data[position]

    def _length(self):
        length = self._byte()
        if length > 0x7F:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise AxdrError(DECODE)
            length = 0
            for _ in range(count):
                length = length << 8 | self._byte()
        if length > self._end:
            raise AxdrError(DECODE)
        return length

    def _value(self, tag, depth):
        self._elements += 1
        if self._elements > _MAX_ELEMENTS or depth > _MAX_DEPTH:
            raise AxdrError(DECODE)
        if tag == ARRAY or tag == STRUCTURE:
            count = self._length()
            return tag, self.position, [self.element(depth + 1) for _ in range(count)]
        if tag == COMPACT_ARRAY:
            return self._compact_array(depth)
        if tag in (OCTET_STRING, VISIBLE_STRING, UTF8_STRING):
            width = self._length()
        elif tag == BIT_STRING:
            width = (self._length() + 7) // 8
        elif tag == DONT_CARE:
            width = 0
        elif tag < len(_WIDTHS) and _WIDTHS[tag] != "-":
            width = int(_WIDTHS[tag], 16)
        else:
            raise AxdrError(DATA_TYPE)
        position = self.position
        if position + width > self._end:
            raise AxdrError(DECODE)
        self.position = position + width
        return tag, position, width

    def _compact_array(self, depth):
        # 13 | type description | length in bytes | values without their tags
        description = self._description(depth)
        length = self._length()
        start = self.position
        stop = start + length
        if stop > self._end:
            raise AxdrError(DECODE)
        elements = []
        while self.position < stop:
            before = self.position
            elements.append(self._described(description, depth + 1))
            if self.position == before:
                raise AxdrError(DECODE)
        if self.position != stop:
            raise AxdrError(DECODE)
        return ARRAY, start, elements

    def _description(self, depth):
        if depth > _MAX_DEPTH:
            raise AxdrError(DECODE)
        tag = self._byte()
        if tag == ARRAY:
            count = self._byte() << 8 | self._byte()
            return tag, count, self._description(depth + 1)
        if tag == STRUCTURE:
            count = self._length()
            return tag, count, [self._description(depth + 1) for _ in range(count)]
        return tag, 0, None

    def _described(self, description, depth):
        tag, count, inner = description
        if tag == ARRAY:
            position = self.position
            return tag, position, [self._described(inner, depth + 1) for _ in range(count)]
        if tag == STRUCTURE:
            return tag, self.position, [self._described(each, depth + 1) for each in inner]
        return self._value(tag, depth)
