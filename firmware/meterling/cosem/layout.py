"""Reading a layout's pattern and matching it with the elements of a telegram.

Only used for a shape not seen before. See layouts for what a pattern is made of.
"""

from . import axdr, obis
from .plan import (
    CLOCK,
    DATE,
    FLOAT,
    HEX,
    NULL,
    SIGNED,
    SIGNED64,
    TEXT,
    TIME,
    UNNAMED,
    UNSIGNED,
    UNSIGNED64,
)

_NO_CODE = bytes((UNNAMED, UNNAMED, 0, 0, 0, 255))
_TYPES = {"u": (0x11, 0x12, 0x06, 0x15, 0x16, 0x03), "i": (0x0F, 0x10, 0x05, 0x14)}
_STRINGS = (axdr.OCTET_STRING, axdr.VISIBLE_STRING, axdr.UTF8_STRING)
_CLOSING = {"(": ")*", "{": "}", "[": "]"}


def kind_of(data, element):
    """The kind (see plan) of a simple element; None if it is an array or structure."""
    tag, position, width = element
    if tag in (axdr.ARRAY, axdr.STRUCTURE):
        return None
    if tag in _STRINGS:
        return CLOCK if is_clock(data, element) else TEXT
    if width == 0:
        return NULL
    if tag == axdr.DATE_TIME:
        return CLOCK
    if tag == axdr.DATE:
        return DATE
    if tag == axdr.TIME:
        return TIME
    if tag in (0x17, 0x18):
        return FLOAT
    if tag == axdr.BIT_STRING or tag == 0x0D:
        return HEX
    if tag in (0x0F, 0x10, 0x05, 0x14, 0x1C, 0x1D, 0x1E):
        return SIGNED64 if width == 8 else SIGNED
    return UNSIGNED64 if width == 8 else UNSIGNED


def is_clock(data, element):
    """True for a date-time, also one sent as octet string: 12 bytes whose month, day,
    hour, minute and second are in range or unspecified."""
    tag, position, width = element
    if tag == axdr.DATE_TIME:
        return True
    if tag != axdr.OCTET_STRING or width != 12:
        return False
    month, day, hour = data[position + 2], data[position + 3], data[position + 5]
    return (
        (data[position] in (0x07, 0x08, 0xFF))
        and (1 <= month <= 12 or month >= 0xFD)
        and (1 <= day <= 31 or day >= 0xFD)
        and (hour < 24 or hour == 0xFF)
        and (data[position + 6] < 60 or data[position + 6] == 0xFF)
        and (data[position + 7] < 60 or data[position + 7] == 0xFF)
    )


def is_code(element):
    """True for what can be an OBIS code: an octet string of 6 bytes."""
    return element[0] == axdr.OCTET_STRING and element[2] == 6


def scaler_unit(data, element):
    """(scaler, unit) of a scaler-unit structure, or None."""
    if element[0] != axdr.STRUCTURE or len(element[2]) != 2:
        return None
    scaler, unit = element[2]
    if scaler[0] != axdr.INTEGER or unit[0] != axdr.ENUM:
        return None
    power = data[scaler[1]]
    return power - 256 if power > 127 else power, data[unit[1]]


def field(data, element, code, attribute=2, unit=obis.UNKNOWN_UNIT, scaler=0, role=""):
    """The field (see Plan) of a simple element under an OBIS code (bytes, 6)."""
    kind = kind_of(data, element)
    if kind == CLOCK and not role and code[2:5] == b"\x01\x00\x00":
        role = "clock"
    return element[1], element[2], kind, code, attribute, scaler, unit, role


class Matcher:
    """Matches one pattern with the elements of one telegram; `fields` is the result."""

    def __init__(self, data, pattern):
        self._data = data
        self._tokens = pattern.split()
        self._code = None
        self._objects = ()
        self.fields = []

    def fits(self, element):
        """True if the whole element fits the pattern."""
        return self._run(0, len(self._tokens), (element,), 0) == 1

    def _close(self, at):
        opening = self._tokens[at]
        depth = 0
        for i in range(at, len(self._tokens)):
            token = self._tokens[i]
            if token == opening:
                depth += 1
            elif token.rstrip("?") == _CLOSING[opening]:
                depth -= 1
                if not depth:
                    return i
        raise ValueError(opening)

    def _run(self, at, stop, elements, position):
        # Match tokens[at:stop] with elements[position:]; the position behind, or -1.
        tokens = self._tokens
        while at < stop:
            token = tokens[at]
            if token == "(":
                close = self._close(at)
                first = position
                while True:
                    mark = len(self.fields)
                    behind = self._run(at + 1, close, elements, position)
                    if behind <= position:
                        del self.fields[mark:]
                        break
                    position = behind
                if position == first:
                    return -1
                at = close + 1
                continue
            optional = token[-1] == "?"
            fits = False
            close = at
            mark = len(self.fields)
            if token in _CLOSING:
                close = self._close(at)
                optional = tokens[close][-1] == "?"
                if position < len(elements):
                    tag, _, inner = elements[position]
                    fits = (
                        tag == (axdr.STRUCTURE if token == "{" else axdr.ARRAY)
                        and self._run(at + 1, close, inner, 0) == len(inner)
                    )
            elif position < len(elements):
                word = token[:-1] if optional else token
                fits = self._leaf(word, elements, position)
            if fits:
                position += 1
            elif optional:
                del self.fields[mark:]
            else:
                return -1
            at = close + 1
        return position

    def _leaf(self, word, elements, position):
        element = elements[position]
        data = self._data
        tag, at, width = element
        if word == "obis":
            if not is_code(element):
                return False
            self._code = bytes(data[at : at + 6])
            return True
        if word == "unit":
            found = scaler_unit(data, element)
            if not found or not self.fields:
                return False
            last = self.fields[-1]
            self.fields[-1] = last[:5] + found + last[7:]
            return True
        if word == "objects":
            return self._capture_objects(element)
        kind = kind_of(data, element)
        if word == "pushed":
            return self._pushed(element, position, kind)
        if kind is None:
            return False
        if word == "value" or word == "quantity":
            unit = obis.unit_of(self._code) if word == "quantity" else obis.UNKNOWN_UNIT
            self.fields.append(field(data, element, self._code, 2, unit))
            return True
        if word == "clock":
            return kind == CLOCK and self._role(element, word)
        if word == "time" or word == "date":
            wanted = 4 if word == "time" else 5
            return (
                width == wanted
                and tag in (axdr.OCTET_STRING, axdr.TIME, axdr.DATE)
                and self._role(element, word)
            )
        if word == "meter":
            return tag in _STRINGS and self._role(element, word)
        return self._named(word, element, position)

    def _role(self, element, role):
        found = field(self._data, element, _NO_CODE, role=role)
        if role == "time" or role == "date":  # also where it comes as an octet string
            found = found[:2] + (TIME if role == "time" else DATE,) + found[3:]
        self.fields.append(found)
        return True

    def _named(self, word, element, position):
        # CODE:TYPE[:UNIT[:SCALER]]; the code itself may hold a colon.
        parts = word.split(":")
        if len(parts) > 2 and "-" in parts[0]:
            parts[:2] = [parts[0] + ":" + parts[1]]
        name, kind = parts[0], parts[1]
        tag, _, width = element
        if kind == "text":
            if tag not in _STRINGS or (is_clock(self._data, element)):
                return False
        elif tag not in _TYPES[kind[0]] or width * 8 != int(kind[1:]):
            return False
        attribute = 2
        if name == "?":
            code = bytes((UNNAMED, position, 0, 0, 0, 255))
        else:
            name, _, number = name.partition("/")
            code = obis.parse(name)
            attribute = int(number or 2)
        unit = obis.unit_number(parts[2]) if len(parts) > 2 else obis.UNKNOWN_UNIT
        scaler = int(parts[3]) if len(parts) > 3 else 0
        self.fields.append(field(self._data, element, code, attribute, unit, scaler))
        return True

    def _capture_objects(self, element):
        # An array of { class (u16), logical name, attribute (i8), data index (u16) }.
        tag, _, entries = element
        if tag != axdr.ARRAY or not entries:
            return False
        for entry in entries:
            if entry[0] != axdr.STRUCTURE or len(entry[2]) != 4 or not is_code(entry[2][1]):
                return False
        self._objects = entries
        return True

    def _pushed(self, element, position, kind):
        if position >= len(self._objects):
            return False
        if kind is not None:
            _, name, attribute, _ = self._objects[position][2]
            code = bytes(self._data[name[1] : name[1] + 6])
            number = self._data[attribute[1]]
            unit = obis.unit_of(code) if number == 2 else obis.UNKNOWN_UNIT
            self.fields.append(field(self._data, element, code, number, unit))
        return True


def tagged(data, element):
    """Fields of any structure: values behind their OBIS codes, with scaler and unit
    where they follow, everything else by its position. For what no layout describes."""
    fields = []
    count = 0
    waiting = [element]
    code = None
    while waiting:
        element = waiting.pop(0)
        kind = kind_of(data, element)
        if kind is None:
            found = scaler_unit(data, element)
            if found and fields and fields[-1][6] == obis.UNKNOWN_UNIT:
                fields[-1] = fields[-1][:5] + found + fields[-1][7:]
                count += 1
            else:
                waiting[0:0] = element[2]
            continue
        following = waiting[0] if waiting else None
        if code is None and is_code(element) and following and kind_of(data, following) is not None:
            code = bytes(data[element[1] : element[1] + 6])
        elif code is not None:
            fields.append(field(data, element, code))
            code = None
        elif kind == CLOCK:
            fields.append(field(data, element, _NO_CODE, role="clock"))
        else:
            fields.append(field(data, element, bytes((UNNAMED, min(count, 254), 0, 0, 0, 255))))
        count += 1
    return fields
