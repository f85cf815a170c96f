"""The first telegram of a shape: taken apart completely, and written down as a plan.

    0F | long invoke id and priority (4) | 00 or 0C date-time (12) | data        data-notification
    data                                                                         without its head
"""

from ..errors import APDU, DATA_TYPE, DECODE, EMPTY
from ..python import const
from . import layouts
from .axdr import Axdr, AxdrError, DATE_TIME
from .layout import Matcher, field, tagged
from .plan import NULL, OPAQUE, Plan

_DATA_NOTIFICATION = const(0x0F)
_NO_CODE = b"\xff\xff\x00\x00\x00\xff"
_METER_CODES = ("0-0:96.1.0", "0-0:96.1.1", "1-1:0.0.5", "1-1:96.1.0", "1-0:0.0.0", "0-0:42.0.0")


def learn(apdu, begin, end, title=b"", own_layouts=""):
    """A Plan of the APDU at `apdu[begin]` that ends by `end`, or an error code (int):
    APDU, DECODE, DATA_TYPE, EMPTY.

    title: bytes, 8, or b"" (the system title chooses layouts of its maker).
    own_layouts: str, lines as in layouts.TABLE that are tried first.
    """
    fields = []
    position = begin
    if apdu[position] == _DATA_NOTIFICATION:
        fields.append((position + 1, 4, OPAQUE, _NO_CODE, 0, 0, 0, "hidden"))
        position += 5
        width = apdu[position] if position < end else 255
        position += 1
        if width == 12:
            fields.append(field(apdu, (DATE_TIME, position, 12), _NO_CODE, role="clock"))
            position += 12
        elif width:
            return DECODE
    reader = Axdr(apdu, position, end)
    try:
        element = reader.element()
    except AxdrError as error:
        if error.code == DATA_TYPE and position == begin:
            return APDU
        return error.code
    name, found = _lay_out(apdu, element, bytes(title[:3]), own_layouts)
    if not any(each[2] != NULL for each in found):
        return EMPTY
    fields.extend(found)
    fields.sort(key=lambda each: each[0])
    plan = Plan(apdu, begin, reader.position, fields, name)
    _find_meter(plan)
    return plan


def _lay_out(apdu, element, maker, own_layouts):
    for table in (own_layouts, layouts.TABLE):
        for line in table.split("\n"):
            words = line.split(None, 2)
            if len(words) < 3 or line[0] == "#":
                continue
            name, makers, pattern = words
            if makers != "*" and maker not in makers.encode().split(b","):
                continue
            matcher = Matcher(apdu, pattern)
            if matcher.fits(element):
                return name, matcher.fields
    return "", tagged(apdu, element)


def _find_meter(plan):
    # The number on the meter's plate, where no position of the layout says so.
    if plan.meter < plan.count:
        return
    from .obis import parse
    from .plan import NOWHERE, RECORD, TEXT, KIND

    for wanted in _METER_CODES:
        code = parse(wanted)
        for i in plan.shown:
            at = RECORD * i
            if plan.records[at : at + 6] == code and plan.records[at + KIND] == TEXT:
                plan.meter = i
                return
    plan.meter = NOWHERE
