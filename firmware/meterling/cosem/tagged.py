"""Telegrams that no layout describes: values behind their OBIS codes wherever they stand, and
everything else by its place. Only used for a shape not seen before."""

from ..python import const

_UNNAMED = const(255)
_NO_CODE = const(b"\xff\xff\x00\x00\x00\xff")
_KIND_CLOCK = const(3)
_ROLE_CLOCK = const(1)
_UNIT = const(-3)  # of a field, from its end


def place(layout, i):
    """How many values, codes and scaler-units stand before the element at index i: what it
    is called if it has no other name."""
    elements = layout.elements
    number = at = 0
    while at < i:
        if layout.is_scaler_unit(at):
            number += 1
            at = elements[at + 3]
        else:
            number += layout.kind(at) >= 0
            at += 4
    return number


def unnamed(number):
    """What stands for the OBIS code (bytes, 6) of a value that is called by its place."""
    return bytes((_UNNAMED, min(number, 254), 0, 0, 0, 255))


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
            layout.add(i, unnamed(count))
        count += 1
        i = behind
