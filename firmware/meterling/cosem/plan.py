"""A plan: what is constant in a telegram of one shape, and where its values stand.

A meter sends the same shape again and again: the same tags, lengths, OBIS codes and
scalers, only other values. The first telegram of a shape is taken apart by the whole
A-XDR and layout machinery (see learn), and what was found is written down as a plan:

    constant run | value | constant run | value | .. | constant run

Every later telegram is compared with the constant runs byte by byte while its values
are picked up. If all runs are equal, the whole analysis would have come out the same,
so nothing is less checked than on the first telegram; and nothing is allocated.

    extract(apdu, template, compiled, values, begin, count) -> 1 if `apdu` has the shape
        from `begin` on, else 0. Then `values` (array('I')) holds for each value its bytes
        as an unsigned number where it is a number of at most 4 bytes, else its position.
"""

from array import array

from ..python import VIPER, const

if VIPER:
    from .plan_viper import compile_ops, extract
else:
    from .plan_plain import compile_ops, extract

# Kinds of value
UNSIGNED = const(0)  # up to 4 bytes
SIGNED = const(1)  # up to 4 bytes
TEXT = const(2)  # octet string: text if it is printable, else hexadecimal
CLOCK = const(3)  # date-time, 12 bytes
FLOAT = const(4)  # IEEE 754, 4 or 8 bytes
NULL = const(5)  # the meter says that it has no value
HEX = const(6)  # bit string, BCD
DATE = const(7)  # 5 bytes
TIME = const(8)  # 4 bytes
UNSIGNED64 = const(9)
SIGNED64 = const(10)
OPAQUE = const(11)  # changes, but is no value: invoke id

# A record of `records`, one for each value
CODE = const(0)  # OBIS, 6 bytes; A = UNNAMED: B is the position of a nameless value
ATTRIBUTE = const(6)
SCALER = const(7)  # plus 128
UNIT = const(8)
KIND = const(9)
RECORD = const(10)
UNNAMED = const(255)

NOWHERE = const(255)  # index of a value that the telegram does not have

NUMBERS = (UNSIGNED, SIGNED, FLOAT, UNSIGNED64, SIGNED64)

_OFFSET_ONLY = const(0x8000)  # in ops: the value itself is not picked up
WIDTH = const(0x7FFF)


class Plan:
    """One shape. Not changed once it is made.

    count: number of values. records: bytearray, RECORD bytes each. shown: bytes, the
    indices of the values a user sees. clock, date, time, meter: index of the value, or
    NOWHERE. length: bytes of the APDU. layout: str, its name.
    """

    def __init__(self, apdu, begin, end, fields, layout):
        """fields: sorted list of (position, width, kind, code, attribute, scaler, unit,
        role); role is "", "clock", "date", "time", "meter" or "hidden"."""
        self.layout = layout
        self.length = end - begin
        self.template = bytes(apdu[begin:end])
        self.count = len(fields)
        self.ops = array("H", bytes(2 * (2 * len(fields) + 1)))
        self.records = bytearray(RECORD * len(fields))
        self.clock = self.date = self.time = self.meter = NOWHERE
        self.json = None  # kept here by json
        self.plausible = None  # kept here by decoder
        shown = bytearray()
        behind = begin
        for i in range(len(fields)):
            position, width, kind, code, attribute, scaler, unit, role = fields[i]
            self.ops[2 * i] = position - behind
            self.ops[2 * i + 1] = width if kind <= SIGNED else width | _OFFSET_ONLY
            behind = position + width
            at = RECORD * i
            self.records[at : at + 6] = code
            self.records[at + ATTRIBUTE] = attribute
            self.records[at + SCALER] = scaler + 128
            self.records[at + UNIT] = unit
            self.records[at + KIND] = kind
            if role == "hidden":
                continue
            if role:
                setattr(self, role, i)
            if code[0] != UNNAMED or code[1] != UNNAMED:
                shown.append(i)
        self.ops[2 * len(fields)] = end - behind
        self.shown = bytes(shown)
        self.compiled = compile_ops(self.template, self.ops)
        shape = array("H", (self.length, self.count, self.clock))
        self.parts = (self.template, self.compiled, shape, self)


NO_PLAN = (b"", None, array("H", (0, 0, NOWHERE)), None)  # parts that fit nothing
