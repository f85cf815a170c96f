"""The first telegram of a shape: taken apart completely, and written down as a plan.

0F | long invoke id and priority (4) | 00 or 0C date-time (12) | data        data-notification
0F | long invoke id and priority (4) | 09 0C date-time (12) | data           Kaifa's in Norway
data                                                                         without its head
"""

from array import array

from ..python import VIPER, const, unload

if VIPER:
    from .plan_viper import extract
else:
    from .plan_plain import extract

_HERE = const("meterling.cosem")
_OF_LAYOUT = const("choose layout layouts nordic positional iskra tagged implied obis")
_DATA_NOTIFICATION = const(0x0F)
_OCTET_STRING = const(0x09)
_DATE_TIME = const(12)

# Parts of the decoder, words of a plan's shape, and of the ciphering; see decoder.
_COUNTS = const(0)
_VALUES = const(1)
_PLANS = const(2)
_NONCE = const(3)
_OPENED = const(10)
_LAYOUTS = const(14)
_UNPROTECTED = const(20)
_WEAK = const(22)  # see setting_up
_READ_THEN = const(23)  # readings when the latest shape was new, its own with them
_SHAPE = const(0)
_LENGTH = const(0)
_COUNT = const(1)
_AUTHENTICATED = const(2)
_BEGINNINGS = const(b"\x0f\x01\x02")  # data-notification, array, structure

_READINGS = const(3)
_ERR_APDU = const(9)
_ERR_WRONG_KEY = const(15)
_ERR_DECODE = const(17)
_ERR_DATA_TYPE = const(18)
_ERR_EMPTY = const(19)

# See plan.
_FIELD = const(15)
_KIND = const(13)
_KIND_CLOCK = const(3)
_KIND_NULL = const(5)
_KIND_OPAQUE = const(11)
_ROLE_CLOCK = const(1)
_HIDDEN = const(5)


def learn_shape(parts, data, begin, end, ciphered, layout):
    """Make the plan of the APDU at `data[begin]` the first of the decoder's (parts), and take
    its values; 1, or 0 if it has none (counted), or 2 if too little protects it to believe
    the first telegram of its shape. ciphered: 1 if it came out of the ciphering; layout: str,
    "": as learn."""
    plans = parts[_PLANS]
    known = plans[0][_SHAPE][_LENGTH]
    tagged = ciphered and parts[_OPENED][_AUTHENTICATED]
    guess = ciphered and not tagged
    title = bytes(parts[_NONCE]) if ciphered else b""
    plan = learn(data, begin, end, title, layout or parts[_LAYOUTS])
    if not isinstance(plan, int):
        shape = plan[_SHAPE]
        if guess and (shape[_LENGTH] != end - begin or data[begin] not in _BEGINNINGS):
            plan = _ERR_DECODE
        elif shape[_COUNT] > len(parts[_VALUES]):
            parts[_VALUES] = array("I", bytes(4 * shape[_COUNT]))
    if isinstance(plan, int):
        # Without a tag, the text itself must show that the key is right.
        fitted = not guess or known
        parts[_COUNTS][plan if fitted else _ERR_WRONG_KEY] += 1
        return 0
    plans.pop()
    plans.insert(0, plan)
    extract(data, plan, parts[_VALUES], begin)
    # Two wrong bits that cancel, one of them in an OBIS code, make another shape, which may say
    # anything, and does not come again. One that follows another new shape is of a meter that
    # sends several.
    read = parts[_COUNTS][_READINGS]
    alone = read > parts[_READ_THEN] and not tagged
    parts[_READ_THEN] = read + 1
    if parts[_UNPROTECTED] and (alone or not ciphered) or alone and parts[_WEAK]:
        return 2
    return 1


def learn(apdu, begin, end, title=b"", own_layouts=""):
    """A plan of the APDU at `apdu[begin]` that ends by `end`, or an error code (int):
    APDU, DECODE, DATA_TYPE, EMPTY, TOO_LONG.

    title: bytes, 8, or b"" (the system title chooses layouts of its maker).
    own_layouts: str, lines as in layouts that are tried first; one that is wrong (see
    layout_check) is as good as not there.
    """
    head = b""
    maker = bytes(title[:3])
    position = begin
    if apdu[position] == _DATA_NOTIFICATION:
        head = _head(position + 1, 4, _KIND_OPAQUE, _HIDDEN)
        position += 5
        width = apdu[position] if position < end else 255
        position += 1
        if width == _OCTET_STRING and position < end and apdu[position] == _DATE_TIME:
            # The standard has no tag here. Kaifa's Norwegian meters, which are not
            # ciphered, send one (gurux.fi/node/23817), and Kamstrup's first firmware,
            # whose lists say their name.
            width = _DATE_TIME
            position += 1
            maker = maker or b"KFM"
        if width == _DATE_TIME:
            head += _head(position, 12, _KIND_CLOCK, _ROLE_CLOCK)
            position += 12
        elif width:
            return _ERR_DECODE
    try:
        elements, stop = _elements(apdu, position, end)
    except ValueError as error:
        if error.args[0] == _ERR_DATA_TYPE and position == begin:
            return _ERR_APDU
        return error.args[0]
    from .choose import choose_layout

    name, fields = choose_layout(apdu, elements, maker, own_layouts)
    choose_layout = elements = None  # makes room
    unload(_HERE, _OF_LAYOUT)
    if all(fields[at] == _KIND_NULL for at in range(_KIND, len(fields), _FIELD)):
        return _ERR_EMPTY
    from .plan import make_plan

    return make_plan(apdu, begin, stop, head + fields, name)


# One step after the other, so that never the code of all is in memory.


def _elements(apdu, position, end):
    # The elements (see axdr) and where they end.
    from .axdr import Axdr

    reader = Axdr(apdu, position, end)
    reader.read_all()
    unload(_HERE, "axdr")
    return reader.elements, reader.position


def _head(position, width, kind, role):
    return (
        bytes((position >> 8, position & 255, 0, width))
        + b"\xff\xff\x00\x00\x00\xff"
        + bytes((2, 128, 0, kind, role))
    )
