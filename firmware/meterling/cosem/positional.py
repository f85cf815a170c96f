"""Layouts (see layouts) of meters that send no OBIS codes with their values: what stands
where is in the pattern, or in the push list ahead of the values. A module of its own,
because many a meter never needs it.

Words that only these patterns have:

    objects  the push list (array of capture objects)
    pushed  the value of its next entry; its unit follows from its code, as that of quantity
    CODE:TYPE[:UNIT[:SCALER]]   a value by position. TYPE: u8 u16 u32 u64 i8 .. i64, f32 f64,
            text, any (of these or something else)
    ?:TYPE  a value nobody can name: called by its place, counted over all that comes

CODE is an OBIS code (1-0 if it has no A-B part), with /N for an attribute that is not
the value.
"""

from ..python import const

_ARRAY = const(0x01)
_STRUCTURE = const(0x02)
_STRINGS = const(b"\x09\x0a\x0c")
_UNSIGNED_TYPES = const(b"\x11\x12\x06\x15\x16\x03")
_SIGNED_TYPES = const(b"\x0f\x10\x05\x14")
_FLOAT_TYPES = const(b"\x17\x18")

LAYOUTS = (
    b"d-burgenland       *   { 32.7.0:u16:V 52.7.0:u16:V 72.7.0:u16:V 31.7.0:u16:A:-2 "
    b"51.7.0:u16:A:-2 71.7.0:u16:A:-2 1.7.0:u32:W 2.7.0:u32:W 1.8.0:u32:Wh 2.8.0:u32:Wh "
    b"?:u16 ?:u16 ?:u16 meter }",
    b"e-siemens-iskra    *   { 0-6:25.9.0/1:text meter time date 1.8.0:u32:Wh 2.8.0:u32:Wh "
    b"3.8.0:u32:varh 4.8.0:u32:varh 1.7.0:u32:W 2.7.0:u32:W 0-0:96.13.0:text? "
    b"0-0:96.13.1:text? }",
    b"f-wiener-netze     *   { 0-0:42.0.0:text? clock 1.8.0:u32:Wh 2.8.0:u32:Wh "
    b"3.8.0:u32:varh 4.8.0:u32:varh 1.7.0:u32:W 2.7.0:u32:W 3.7.0:u32:var 4.7.0:u32:var }",
    # The E450 sends whole volts (Klagenfurt; scs/smartmeter-datacollector, lge450.py); its
    # currents nobody documents. What other makers' voltages are, nobody knows.
    b"g-push-list        LGZ { objects ( pushed:voltage:0 )* }",
    b"g-push-list        *   { objects ( pushed )* }",
)


def leaf(layout, word, first, i):
    """Match a word (str) with the element at index i, on a level that begins at index
    `first`; True if it fits, and then its field is added. ValueError, IndexError: no such
    word."""
    if word == "objects":
        return _capture_objects(layout, i)
    if word[:6] == "pushed":
        return _pushed(layout, word.encode(), first, i)
    return layout.kind(i) >= 0 and _named(layout, word, i)


def _number(elements, first, i):
    # The position of element i among its neighbours.
    number = 0
    while first < i:
        first = elements[first + 3]
        number += 1
    return number


def _named(layout, word, i):
    # CODE:TYPE[:UNIT[:SCALER]]; the code itself may hold a colon.
    from .obis import parse, unit_number

    elements = layout.elements
    parts = word.split(":")
    if len(parts) > 2 and "-" in parts[0]:
        parts[:2] = [parts[0] + ":" + parts[1]]
    name, kind = parts[0], parts[1]
    tag = elements[i]
    if kind == "text":
        if tag not in _STRINGS or layout.is_clock(i):
            return False
    elif kind != "any":
        types = {"u": _UNSIGNED_TYPES, "i": _SIGNED_TYPES, "f": _FLOAT_TYPES}.get(kind[:1])
        bits = int(kind[1:])
        if types is None:
            raise ValueError(kind)
        if tag not in types or elements[i + 2] * 8 != bits:
            return False
    attribute = 2
    if name == "?":
        from .tagged import place, unnamed

        code = unnamed(place(layout, i))
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


def _pushed(layout, word, first, i):
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
        unit = scaler = 0
        if attribute == 2:
            from .implied import implied

            unit, scaler = implied(word, code)
        layout.add(i, code, attribute, unit, scaler)
    return True
