"""A plan: what is constant in a telegram of one shape, and where its values stand.

A meter sends the same shape again and again: the same tags, lengths, OBIS codes and
scalers, only other values. The first telegram of a shape is taken apart by the whole
A-XDR and layout machinery (see learn), and what was found is written down as a plan:

    constant run | value | constant run | value | .. | constant run

Every later telegram is compared with the constant runs byte by byte while its values
are picked up. If all runs are equal, the whole analysis would have come out the same,
so nothing is less checked than on the first telegram; and nothing is allocated.

    extract(apdu, plan, values, begin) -> 1 if `apdu` has the shape from `begin` on, else 0.
        Then `values` (array('I')) holds for each value its bytes as an unsigned number
        where it is a number of at most 4 bytes, else its position.
    check(rules, limits, values, count) -> 0 if `values` are plausible, and then they are
        what the next ones are held against; else 1 + the index of the first that is not.
    newer(nonce, last) -> 2 if the two (bytearray, 12: system title 8, invocation counter 4)
        are of different meters, 3 if they are the same, 1 if `nonce` is newer, else 0.

These are in plan_viper and plan_plain. A plan is a list, because subscripts are
cheaper than attributes, and this module is not loaded while telegrams are read:

    0 shape     array('H'): bytes of the APDU, number of values, indices of clock, date,
                time and meter number among them (255: none)
    1 template  bytes: the first APDU of the shape
    2 compiled  see compile_plan
    3 rules     bytearray: how each value is checked, then 0 if there was no telegram yet,
                else 1 + how many in a row were refused; see plausible
    4 limits    array('I'): what each value may be, then what each was; see plausible
    5 places    array('H'): position in the APDU and width of each value; plus FFF8 where
                it is less than 8 bytes, and no number
    6 records   bytes, 10 for each value: OBIS code (6), attribute, scaler + 128, unit, kind
    7 shown     bytes: indices of the values that a user sees
    8 layout    str: its name
    9 json      kept here by reading

In a record, A = 255 says that nobody can name the value: then B is its position among
its neighbours.
"""

from array import array

from ..python import VIPER, const
from .plausible import rules_and_limits

if VIPER:

    def compile_plan(template, places):
        """A mask, FF where a byte of the template is constant (bytearray)."""
        mask = bytearray(b"\xff" * len(template))
        for i in range(0, len(places), 2):
            width = places[i + 1]
            for at in range(places[i], places[i] + (width if width < 0xFFF8 else width & 7)):
                mask[at] = 0
        return mask

else:
    from .plan_plain import compile_plan

# Kinds of value (the constants are repeated where they are used: that costs no heap)
#  0 unsigned, 1 signed: up to 4 bytes     9 unsigned, 10 signed: 8 bytes
#  2 octet string: text if it is printable, else hexadecimal
#  3 date-time, 12 bytes    7 date, 5 bytes    8 time, 4 bytes
#  4 IEEE 754, 4 or 8 bytes
#  5 the meter says that it has no value
#  6 bit string, BCD: hexadecimal
# 11 changes, but is no value: invoke id
_SIGNED = const(1)
_TEXT = const(2)

_UNNAMED = const(255)
_NOWHERE = const(255)
_SHORT = const(0xFFF8)

# Codes of the number on the meter's plate, the likeliest first: 0-0:96.1.0, 0-0:96.1.1,
# 1-1:0.0.5, 1-1:96.1.0, 1-0:0.0.0, 0-0:42.0.0
_METER_CODES = const(
    b"\x00\x00\x60\x01\x00\xff\x00\x00\x60\x01\x01\xff\x01\x01\x00\x00\x05\xff"
    b"\x01\x01\x60\x01\x00\xff\x01\x00\x00\x00\x00\xff\x00\x00\x2a\x00\x00\xff"
)
_METER = const(5)  # word of the shape

# A field: position (2), width (2), record (10), role
_FIELD = const(15)
_RECORD_AT = const(4)
_KIND = const(13)
_RECORD = const(10)
_ROLE = const(14)  # 0 none, 1 clock, 2 date, 3 time, 4 meter number, 5 hidden
_HIDDEN = const(5)

_MAX_VALUES = const(128)
_ERR_TOO_LONG = const(8)


def make_plan(apdu, begin, end, fields, layout):
    """The plan (list) of `apdu[begin:end]`, or an error code (int): TOO_LONG. fields: bytes,
    15 each, in the order of their positions."""
    count = len(fields) // _FIELD
    if count > _MAX_VALUES:
        return _ERR_TOO_LONG
    template = bytes(apdu[begin:end])
    shape = array("H", (end - begin, count) + 4 * (_NOWHERE,))
    places = array("H", bytes(4 * count))
    records = bytearray()
    shown = bytearray()
    for i in range(count):
        at = _FIELD * i
        width = fields[at + 2] << 8 | fields[at + 3]
        places[2 * i] = (fields[at] << 8 | fields[at + 1]) - begin
        if fields[at + _KIND] > _SIGNED and width < 8:
            width |= _SHORT
        places[2 * i + 1] = width
        records += fields[at + _RECORD_AT : at + _ROLE]
        role = fields[at + _ROLE]
        if role == _HIDDEN:
            continue
        if role:
            shape[1 + role] = i
        if fields[at + 4] != _UNNAMED or fields[at + 5] != _UNNAMED:
            shown.append(i)
    if shape[_METER] == _NOWHERE:
        shape[_METER] = _find_meter(records, shown)
    records = bytes(records)
    compiled = compile_plan(template, places)
    rules, limits = rules_and_limits(records, places)
    return [shape, template, compiled, rules, limits, places, records, bytes(shown), layout, None]


def _find_meter(records, shown):
    # Where no position of the layout says which value is the meter's number.
    for code in range(0, len(_METER_CODES), 6):
        for i in shown:
            at = _RECORD * i
            if records[at : at + 6] == _METER_CODES[code : code + 6] and records[at + 9] == _TEXT:
                return i
    return _NOWHERE
