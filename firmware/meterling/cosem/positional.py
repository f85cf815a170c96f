"""Layouts (see layouts) of meters that send no OBIS codes with their values: what stands
where is in the pattern, or in the push list ahead of the values. And telegrams that no
layout describes. A module of its own, because many a meter never needs it.

Words that only these patterns have:

    objects  the push list (array of capture objects)    pushed  the value of its next entry
    CODE:TYPE[:UNIT[:SCALER]]   a value by position. TYPE: u8 u16 u32 u64 i8 .. i64, text
    ?:TYPE  a value nobody can name

CODE is an OBIS code (1-0 if it has no A-B part), with /N for an attribute that is not
the value.
"""

from ..python import const
from .obis import parse, unit_number, unit_of

_ARRAY = const(0x01)
_STRUCTURE = const(0x02)
_STRINGS = const(b"\x09\x0a\x0c")
_UNSIGNED_TYPES = const(b"\x11\x12\x06\x15\x16\x03")
_SIGNED_TYPES = const(b"\x0f\x10\x05\x14")
_UNNAMED = const(255)
_NO_CODE = const(b"\xff\xff\x00\x00\x00\xff")
_KIND_CLOCK = const(3)
_ROLE_CLOCK = const(1)
_UNIT = const(-3)  # of a field, from its end

BY_POSITION = (
    b"d-burgenland       *   { 32.7.0:u16:V 52.7.0:u16:V 72.7.0:u16:V 31.7.0:u16:A:-2 "
    b"51.7.0:u16:A:-2 71.7.0:u16:A:-2 1.7.0:u32:W 2.7.0:u32:W 1.8.0:u32:Wh 2.8.0:u32:Wh "
    b"?:u16 ?:u16 ?:u16 meter }",
    b"e-siemens-iskra    *   { 0-6:25.9.0/1:text meter time date 1.8.0:u32:Wh 2.8.0:u32:Wh "
    b"3.8.0:u32:varh 4.8.0:u32:varh 1.7.0:u32:W 2.7.0:u32:W 0-0:96.13.0:text? "
    b"0-0:96.13.1:text? }",
    b"f-wiener-netze     *   { 0-0:42.0.0:text? clock 1.8.0:u32:Wh 2.8.0:u32:Wh "
    b"3.8.0:u32:varh 4.8.0:u32:varh 1.7.0:u32:W 2.7.0:u32:W 3.7.0:u32:var 4.7.0:u32:var }",
    b"g-push-list        *   { objects ( pushed )* }",
)


def leaf(layout, word, first, i):
    """Match a word (str) with the element at index i, on a level that begins at index
    `first`; True if it fits, and then its field is added. ValueError: no such word."""
    if word == "objects":
        return _capture_objects(layout, i)
    if word == "pushed":
        return _pushed(layout, first, i)
    return layout.kind(i) >= 0 and _named(layout, word, first, i)


def _number(elements, first, i):
    # The position of element i among its neighbours.
    number = 0
    while first < i:
        first = elements[first + 3]
        number += 1
    return number


def _named(layout, word, first, i):
    # CODE:TYPE[:UNIT[:SCALER]]; the code itself may hold a colon.
    elements = layout.elements
    parts = word.split(":")
    if len(parts) > 2 and "-" in parts[0]:
        parts[:2] = [parts[0] + ":" + parts[1]]
    name, kind = parts[0], parts[1]
    tag = elements[i]
    if kind == "text":
        if tag not in _STRINGS or layout.is_clock(i):
            return False
    elif tag not in (_UNSIGNED_TYPES if kind[0] == "u" else _SIGNED_TYPES):
        return False
    elif elements[i + 2] * 8 != int(kind[1:]):
        return False
    attribute = 2
    if name == "?":
        code = bytes((_UNNAMED, _number(elements, first, i), 0, 0, 0, 255))
    else:
        name, _, number = name.partition("/")
        code = parse(name)
        attribute = int(number or 2)
    unit = unit_number(parts[2]) if len(parts) > 2 else 0
    layout.add(i, code, attribute, unit, int(parts[3]) if len(parts) > 3 else 0)
    return True


def _capture_objects(layout, i):
    # An array of { class (u16), logical name, attribute (i8), data index (u16) }.
    elements = layout.elements
    if elements[i] != _ARRAY or not elements[i + 2]:
        return False
    layout.objects = i + 4
    end = elements[i + 3]
    i += 4
    while i < end:
        if elements[i] != _STRUCTURE or elements[i + 2] != 4:
            return False
        if not layout.is_code(elements[i + 7]):
            return False
        i = elements[i + 3]
    return True


def _pushed(layout, first, i):
    elements = layout.elements
    entry = layout.objects
    if not entry:
        return False
    end = elements[entry - 1]  # of the array, which is right before its first entry
    for _ in range(_number(elements, first, i)):
        if entry < end:
            entry = elements[entry + 3]
    if entry >= end:
        return False
    if layout.kind(i) >= 0:
        name = elements[entry + 7]
        code = layout.octets(name)
        attribute = layout.data[elements[elements[name + 3] + 1]]
        layout.add(i, code, attribute, unit_of(code) if attribute == 2 else 0)
    return True


def take_tagged(layout):
    """Fill `layout.fields` (see layout): values behind their OBIS codes, with scaler and
    unit where they follow, everything else by its position."""
    elements = layout.elements
    layout.fields = bytearray()
    count = 0
    code = None
    i = 0
    while i < len(elements):
        behind = i + 4
        kind = layout.kind(i)
        if kind < 0:
            if not layout.fields or layout.fields[_UNIT] or not layout.add_scaler_unit(i):
                i = behind
                continue
            behind = elements[i + 3]
        elif (
            code is None
            and layout.is_code(i)
            and behind < len(elements)
            and layout.kind(behind) >= 0
        ):
            code = layout.octets(i)
        elif code is not None:
            layout.add(i, code)
            code = None
        elif kind == _KIND_CLOCK:
            layout.add(i, _NO_CODE, role=_ROLE_CLOCK)
        else:
            layout.add(i, bytes((_UNNAMED, min(count, 254), 0, 0, 0, 255)))
        count += 1
        i = behind
