"""The values of a reading by their names: what a page, a tool or a script of JSON is made of.

Quantities are a raw integer, a power of ten and a unit; text is made of them by integer
arithmetic only (an ESP32's floats have 32 bits: 12 345 678 Wh does not fit). On a dongle
this is only loaded where a shape is seen first, or sends what reading cannot write by itself.
"""

from binascii import hexlify

from .cosem.clock import DATE_TIME_TEXT, put
from .cosem.obis import unit_name
from .python import const
from .reading import decimal_text, put_time

# Parts of the decoder; see decoder.
_VALUES = const(1)
_PLAN = const(7)
_APDU = const(8)  # where the texts and times stand

# Parts of a plan, and words of its shape; see cosem.plan.
_SHAPE = const(0)
_PLACES = const(5)
_RECORDS = const(6)
_SHOWN = const(7)
_LAYOUT = const(8)
_METER = const(5)
_NOWHERE = const(255)
_SHORT = const(0xFFF8)

# A record, one for each value, and kinds of value; see cosem.plan.
_RECORD = const(10)
_ATTRIBUTE = const(6)
_SCALER = const(7)
_UNIT = const(8)
_KIND = const(9)
_UNNAMED = const(255)
_KIND_UNSIGNED = const(0)
_KIND_SIGNED = const(1)
_KIND_TEXT = const(2)
_KIND_CLOCK = const(3)
_KIND_FLOAT = const(4)
_KIND_NULL = const(5)
_KIND_UNSIGNED64 = const(9)
_KIND_SIGNED64 = const(10)
_NUMBERS = (_KIND_UNSIGNED, _KIND_SIGNED, _KIND_FLOAT, _KIND_UNSIGNED64, _KIND_SIGNED64)


class Values:
    """What a Reading says in full: each of these is an attribute of the Reading as well.

    parts: of the decoder. len(reading) values, each by its index 0 <= i < len(reading).
    """

    def __init__(self, parts):
        self.parts = parts

    @property
    def layout(self):
        """Name of the layout that was recognised, "" if none."""
        return self.parts[_PLAN][_LAYOUT]

    @property
    def meter(self):
        """The meter's number (text), or None if the telegram does not tell it."""
        index = self.parts[_PLAN][_SHAPE][_METER]
        return None if index == _NOWHERE else self.text(index)

    @property
    def time(self):
        """The meter's time in UTC, ISO 8601 with Z; in local time and without Z if the
        meter does not tell its deviation; None if it tells no time."""
        return _time(self.parts, 1) or _time(self.parts, 0)

    @property
    def time_as_sent(self):
        """The meter's time as it was sent, ISO 8601, or None."""
        return _time(self.parts, 0)

    def _of_record(self, i, what):
        plan = self.parts[_PLAN]
        return plan[_RECORDS][_RECORD * plan[_SHOWN][i] + what]

    def name(self, i):
        """OBIS code as text: `1-0:1.8.0`; with a last part only if F is not 255, with
        `/N` for attribute N other than the value; `?10` for what nobody can name."""
        plan = self.parts[_PLAN]
        at = _RECORD * plan[_SHOWN][i]
        a, b, c, d, e, f, attribute = plan[_RECORDS][at : at + _ATTRIBUTE + 1]
        if a == _UNNAMED:
            return f"?{b}"
        text = f"{a}-{b}:{c}.{d}.{e}"
        if f != 255:
            text += f".{f}"
        return text if attribute == 2 else f"{text}/{attribute}"

    def unit(self, i):
        """Unit as text, "" for none or unknown."""
        return unit_name(self._of_record(i, _UNIT))

    def is_number(self, i):
        """True if value i is a number, False if it is text."""
        return self._of_record(i, _KIND) in _NUMBERS

    def raw(self, i):
        """Value i as the integer that was sent (int), or None if it is no integer."""
        return self._raw(self.parts[_PLAN][_SHOWN][i])

    def scaler(self, i):
        """Power of ten that value i is to be multiplied with (int)."""
        return self._of_record(i, _SCALER) - 128

    def value(self, i):
        """Value i as text: numbers as exact decimals (`233.7`); None if the meter says
        that it has none."""
        return self.text(self.parts[_PLAN][_SHOWN][i])

    def _raw(self, index):
        plan = self.parts[_PLAN]
        kind = plan[_RECORDS][_RECORD * index + _KIND]
        value = self.parts[_VALUES][index]
        if kind == _KIND_UNSIGNED:
            return value
        if kind == _KIND_SIGNED:
            limit = 1 << 8 * plan[_PLACES][2 * index + 1]
            return value - limit if 2 * value >= limit else value
        if kind == _KIND_UNSIGNED64 or kind == _KIND_SIGNED64:
            number = int.from_bytes(bytes(self.parts[_APDU][value : value + 8]), "big")
            return number - (1 << 64) if kind == _KIND_SIGNED64 and number >> 63 else number
        return None

    def text(self, index):
        """Like `value`, for the value at `index` of the plan, shown or not."""
        plan = self.parts[_PLAN]
        at = _RECORD * index
        kind = plan[_RECORDS][at + _KIND]
        if kind == _KIND_NULL:
            return None
        number = self._raw(index)
        if number is not None:
            return decimal_text(number, plan[_RECORDS][at + _SCALER] - 128)
        begin = self.parts[_VALUES][index]
        width = plan[_PLACES][2 * index + 1]
        end = begin + (width if width < _SHORT else width & 7)
        data = bytes(self.parts[_APDU][begin:end])
        if kind == _KIND_CLOCK:
            out = bytearray(DATE_TIME_TEXT)
            end = put(out, 0, data, 0, 0)
            if end > 0:
                return out[:end].decode()
        elif kind == _KIND_FLOAT:
            return float_text(data, plan[_RECORDS][at + _SCALER] - 128)
        elif kind == _KIND_TEXT and all(32 <= byte < 127 for byte in data):
            return data.decode()
        return hexlify(data).decode()


def _time(parts, utc):
    out = bytearray(DATE_TIME_TEXT)
    end = put_time(parts, out, 0, utc)
    return None if end < 0 else out[:end].decode()


def float_text(data, scaler):
    """IEEE 754 big-endian (bytes, 4 or 8) times 10**scaler as decimal text, rounded to
    6 decimals, by integers only; None for infinities and NaN."""
    bits = int.from_bytes(data, "big")
    fraction_bits, exponent_bits = (23, 8) if len(data) == 4 else (52, 11)
    exponent = bits >> fraction_bits & (1 << exponent_bits) - 1
    fraction = bits & (1 << fraction_bits) - 1
    if exponent == (1 << exponent_bits) - 1:
        return None
    if exponent:
        fraction |= 1 << fraction_bits
    else:
        exponent = 1
    exponent -= (1 << exponent_bits - 1) - 1 + fraction_bits
    power = 6 + scaler
    number = fraction * 10**power if power > 0 else fraction
    if exponent >= 0:
        number <<= exponent
    else:
        number = (number + (1 << -exponent - 1)) >> -exponent
    if power < 0:
        number //= 10**-power
    if bits >> 8 * len(data) - 1:
        number = -number
    text = decimal_text(number, -6)
    while text[-1] == "0" and text[-2] != ".":
        text = text[:-1]
    return text
