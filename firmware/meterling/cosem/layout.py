"""Reading a layout's pattern and matching it with the elements of a telegram.

Only used for a shape not seen before. See layouts for what a pattern is made of, axdr
for the elements, plan for the fields that come out.
"""

from ..python import const

# Tags; see axdr.
_ARRAY = const(0x01)
_STRUCTURE = const(0x02)
_OCTET_STRING = const(0x09)
_INTEGER = const(0x0F)
_ENUM = const(0x16)
_STRINGS = const(b"\x09\x0a\x0c")
# Kinds of value; see plan.
_KIND_TEXT = const(2)
_KIND_CLOCK = const(3)
_KIND_NULL = const(5)
_KIND_DATE = const(7)
_KIND_TIME = const(8)
# By tag (00 to 21), where the value is no string and not empty.
_KINDS = const(b"\0\0\0\0\6\1\0\0\0\0\0\0\0\6\0\1\1\0\0\0\x0a\x09\0\4\4\3\7\x08\1\1\1\0\0\0")

# Roles of a field; see plan.
_ROLE_CLOCK = const(1)
_ROLE_DATE = const(2)
_ROLE_TIME = const(3)
_ROLE_METER = const(4)

# A field's scaler and unit, from its end.
_SCALER = const(-4)
_UNIT = const(-3)

_NO_CODE = const(b"\xff\xff\x00\x00\x00\xff")
_LIST = const(b"\x01\x01\x00\x02\x81\xff")  # 1-1:0.2.129

_SPACE = const(32)  # and what is below: tabs, line ends
_OPTIONAL = const(63)  # ?
_ROUND = const(40)  # ( .. )*
_CURLY = const(123)  # { .. }
_BRACKETS = const(b"({[")

_PATIENCE = const(5000)  # words and brackets that are tried; ours need fewer than 700


class Layout:
    """Matches patterns with the elements of one telegram.

    data: bytes-like. elements: array('H'), see axdr. fields: bytearray, the result; see
    plan.
    """

    def __init__(self, data, elements):
        self.data = data
        self.elements = elements
        self.fields = bytearray()
        self._code = _NO_CODE
        self.objects = 0  # index of the first capture object, 0 = none; see positional
        self._pattern = b""
        self._left = 0  # of PATIENCE

    def fits(self, pattern):
        """True if the whole telegram fits the pattern (bytes). ValueError if it is wrong, or takes
        too long: ( .. )* inside ( .. )? can be tried in very many ways."""
        self._pattern = pattern
        self._left = _PATIENCE
        self.objects = 0
        self.fields = bytearray()
        elements = self.elements
        return self._run(0, len(pattern), 0, 0, len(elements)) == len(elements)

    def kind(self, i):
        """The kind (see plan) of the element at index i; -1: an array or structure."""
        tag = self.elements[i]
        if tag in _STRINGS:
            return _KIND_CLOCK if self.is_clock(i) else _KIND_TEXT
        if tag == _ARRAY or tag == _STRUCTURE:
            return -1
        return _KINDS[tag] if self.elements[i + 2] else _KIND_NULL

    def is_clock(self, i):
        """True for a date-time that is sent as octet string: 12 bytes whose month, day,
        hour, minute and second are in range or unspecified."""
        elements = self.elements
        if elements[i] != _OCTET_STRING or elements[i + 2] != 12:
            return False
        at = elements[i + 1]
        data = self.data
        month, day, hour = data[at + 2], data[at + 3], data[at + 5]
        return (
            (data[at] in b"\x07\x08\xff")
            and (1 <= month <= 12 or month >= 0xFD)
            and (1 <= day <= 31 or day >= 0xFD)
            and (hour < 24 or hour == 0xFF)
            and (data[at + 6] < 60 or data[at + 6] == 0xFF)
            and (data[at + 7] < 60 or data[at + 7] == 0xFF)
        )

    def is_code(self, i):
        """True for what can be an OBIS code: an octet string of 6 bytes."""
        return self.elements[i] == _OCTET_STRING and self.elements[i + 2] == 6

    def octets(self, i):
        """The value of the element at index i, bytes."""
        at = self.elements[i + 1]
        return bytes(self.data[at : at + self.elements[i + 2]])

    def add(self, i, code, attribute=2, unit=0, scaler=0, role=0):
        """Append the field (see plan) of the simple element at index i, under an OBIS
        code (bytes, 6)."""
        position = self.elements[i + 1]
        width = self.elements[i + 2]
        kind = self.kind(i)
        if kind == _KIND_CLOCK and not role and code[2:5] == b"\x01\x00\x00":
            role = _ROLE_CLOCK
        elif role == _ROLE_DATE:  # also where it comes as an octet string
            kind = _KIND_DATE
        elif role == _ROLE_TIME:
            kind = _KIND_TIME
        self.fields += (
            bytes((position >> 8, position & 255, width >> 8, width & 255))
            + code
            + bytes((attribute, scaler + 128, unit, kind, role))
        )

    def is_scaler_unit(self, i):
        """True for a structure of scaler and unit."""
        elements = self.elements
        return (
            elements[i] == _STRUCTURE
            and elements[i + 2] == 2
            and elements[i + 4] == _INTEGER
            and elements[i + 8] == _ENUM
        )

    def add_scaler_unit(self, i):
        """Give the latest field its scaler and unit; False if element i is no such pair."""
        elements = self.elements
        fields = self.fields
        if not fields or not self.is_scaler_unit(i):
            return False
        fields[_SCALER] = self.data[elements[i + 5]] + 128 & 255
        fields[_UNIT] = self.data[elements[i + 9]]
        return True

    def _close(self, at):
        # Where the bracket that opens at `at` closes.
        pattern = self._pattern
        opening = pattern[at]
        closing = opening + (1 if opening == _ROUND else 2)  # in ASCII
        depth = 0
        for i in range(at, len(pattern)):
            if pattern[i] == opening:
                depth += 1
            elif pattern[i] == closing:
                depth -= 1
                if not depth:
                    self._left -= i - at >> 4  # sixteen letters take as long as a word
                    return i
        raise ValueError

    def _run(self, at, stop, first, i, end):
        # Match pattern[at:stop] with the elements of one level, which begins at index
        # `first` and ends at `end`, from index i on; the index behind, or -1.
        pattern = self._pattern
        while True:
            while at < stop and pattern[at] <= _SPACE:
                at += 1
            if at >= stop:
                return i
            self._left -= 1
            if self._left < 0:
                raise ValueError
            mark = len(self.fields)
            begin = at
            if pattern[at] in _BRACKETS:
                at = self._close(at)
                if pattern[begin] == _ROUND:
                    # ( .. )* once or more, ( .. )? once or not at all
                    once = at + 1 < len(pattern) and pattern[at + 1] == _OPTIONAL
                    behind = i
                    again = self._run(begin + 1, at, first, i, end)
                    while again > behind:
                        behind = again
                        mark = len(self.fields)
                        again = -1 if once else self._run(begin + 1, at, first, behind, end)
                    self._back_to(mark)
                    if behind == i and not once:
                        return -1
                    i = behind
                    at += 2  # )* or )?
                    continue
                fits = (
                    i < end
                    and self.elements[i] == (_STRUCTURE if pattern[begin] == _CURLY else _ARRAY)
                    and self._run(begin + 1, at, i + 4, i + 4, self.elements[i + 3])
                    == self.elements[i + 3]
                )
                at += 1
            else:
                at += 1
                while at < stop and pattern[at] > _SPACE and pattern[at] != _OPTIONAL:
                    at += 1
                fits = i < end and self._leaf(pattern[begin:at], first, i)
            optional = at < stop and pattern[at] == _OPTIONAL
            if optional:
                at += 1
            if fits:
                i = self.elements[i + 3]
            elif optional:
                self._back_to(mark)
            else:
                return -1

    def _back_to(self, mark):
        if mark < len(self.fields):
            self.fields = self.fields[:mark]

    def _leaf(self, word, first, i):
        word, _, text = word.partition(b"=")
        if text and (self.elements[i] not in _STRINGS or self.octets(i)[: len(text)] != text):
            return False
        if word == b"obis":
            if not self.is_code(i):
                return False
            self._code = self.octets(i)
            return True
        if word == b"unit":
            return self.add_scaler_unit(i)
        if word == b"same":
            return self.kind(i) >= 0
        kind = self.kind(i)
        role = 0
        code = _NO_CODE
        unit = scaler = 0
        if word == b"value":
            if kind < 0:
                return False
            code = self._code
        elif word[:8] == b"quantity":
            if kind < 0:
                return False
            code = self._code
            from .implied import implied

            unit, scaler = implied(word, code)
        elif word == b"clock":
            role = _ROLE_CLOCK
            if kind != _KIND_CLOCK:
                return False
        elif word == b"time" or word == b"date":
            role = _ROLE_TIME if word == b"time" else _ROLE_DATE
            if self.elements[i + 2] != (4 if role == _ROLE_TIME else 5):
                return False
            if self.elements[i] not in b"\x09\x1a\x1b":
                return False
        elif word == b"list":
            code = _LIST
            if kind != _KIND_TEXT or self.is_code(i):
                return False
        elif word == b"meter":
            role = _ROLE_METER
            if self.elements[i] not in _STRINGS:
                return False
        elif word == b"null":
            return kind == _KIND_NULL
        else:
            from .positional import leaf

            self._left -= i >> 7  # its place is counted from the beginning
            return leaf(self, word.decode(), first, i)
        self.add(i, code, 2, unit, scaler, role)
        return True
