"""A reading: what one telegram says, as everything downstream consumes it.

Quantities are a raw integer, a power of ten and a unit; text is made of them by
integer arithmetic only (an ESP32's floats have 32 bits: 12 345 678 Wh does not fit).
"""

from array import array
from binascii import hexlify

from .cosem import clock, obis, plan
from .python import const

MAX_VALUES = const(64)


class Reading:
    """The latest telegram's values. One object is filled again and again: it is valid
    until the next telegram, and whoever needs it longer takes what it needs.

    len(reading) values, each by its index 0 <= i < len(reading).
    """

    def __init__(self, ciphering):
        self._ciphering = ciphering
        self.plan = None
        self.apdu = None  # where the texts and times stand
        self.values = array("I", bytes(4 * MAX_VALUES))
        self.ciphered = 0

    def __len__(self):
        return len(self.plan.shown)

    @property
    def authenticated(self):
        """True if the telegram has a tag, and it was checked."""
        return bool(self.ciphered) and self._ciphering.authenticated

    @property
    def unchecked(self):
        """True if the telegram has a tag, and no authentication key is set to check it."""
        return bool(self.ciphered) and self._ciphering.unchecked

    @property
    def nonce(self):
        """System title (8) and invocation counter (4) of a ciphered telegram, bytearray."""
        return self._ciphering.nonce

    @property
    def system_title(self):
        """The sender's system title (hex, 16 digits); None if it was not ciphered."""
        if not self.ciphered:
            return None
        return hexlify(bytes(self.nonce[:8])).decode().upper()

    @property
    def invocation_counter(self):
        """The invocation counter (int); None if the telegram was not ciphered."""
        if not self.ciphered:
            return None
        return int.from_bytes(bytes(self.nonce[8:]), "big")

    @property
    def layout(self):
        """Name of the layout that was recognised, "" if none."""
        return self.plan.layout

    @property
    def meter(self):
        """The meter's number (text), or None if the telegram does not tell it."""
        index = self.plan.meter
        return None if index == plan.NOWHERE else self.text(index)

    @property
    def time(self):
        """The meter's time in UTC, ISO 8601 with Z; in local time and without Z if the
        meter does not tell its deviation; None if it tells no time."""
        return self._time(True) or self._time(False)

    @property
    def time_as_sent(self):
        """The meter's time as it was sent, ISO 8601, or None."""
        return self._time(False)

    def _time(self, utc):
        out = bytearray(clock.DATE_TIME_TEXT)
        end = self.put_time(out, 0, utc)
        return None if end < 0 else out[:end].decode()

    def put_time(self, out, at, utc):
        """Write the meter's time to `out[at]` (see clock.put); returns its end or -1."""
        shape = self.plan
        if shape.clock != plan.NOWHERE:
            return clock.put(out, at, self.apdu, self.values[shape.clock], utc)
        if utc or shape.date == plan.NOWHERE or shape.time == plan.NOWHERE:
            return -1
        whole = bytearray(12)
        begin = self.values[shape.date]
        whole[:5] = self.apdu[begin : begin + 5]
        begin = self.values[shape.time]
        whole[5:9] = self.apdu[begin : begin + 4]
        whole[9] = 0x80
        return clock.put(out, at, whole, 0)

    def _record(self, i):
        return plan.RECORD * self.plan.shown[i]

    def name(self, i):
        """OBIS code as text: `1-0:1.8.0`; with a last part only if F is not 255, with
        `/N` for attribute N other than the value; `?10` for what nobody can name."""
        records = self.plan.records
        at = self._record(i)
        a, b, c, d, e, f = records[at : at + 6]
        if a == plan.UNNAMED:
            return f"?{b}"
        text = f"{a}-{b}:{c}.{d}.{e}"
        if f != 255:
            text += f".{f}"
        attribute = records[at + plan.ATTRIBUTE]
        return text if attribute == 2 else f"{text}/{attribute}"

    def unit(self, i):
        """Unit as text, "" for none or unknown."""
        return obis.UNITS.get(self.plan.records[self._record(i) + plan.UNIT], "")

    def is_number(self, i):
        """True if value i is a number, False if it is text."""
        return self.plan.records[self._record(i) + plan.KIND] in plan.NUMBERS

    def raw(self, i):
        """Value i as the integer that was sent (int), or None if it is no integer."""
        return self._raw(self.plan.shown[i])

    def scaler(self, i):
        """Power of ten that value i is to be multiplied with (int)."""
        return self.plan.records[self._record(i) + plan.SCALER] - 128

    def value(self, i):
        """Value i as text: numbers as exact decimals (`233.7`); None if the meter says
        that it has none."""
        return self.text(self.plan.shown[i])

    def _raw(self, index):
        kind = self.plan.records[plan.RECORD * index + plan.KIND]
        value = self.values[index]
        if kind == plan.UNSIGNED:
            return value
        if kind == plan.SIGNED:
            limit = 1 << 8 * self.plan.ops[2 * index + 1]
            return value - limit if 2 * value >= limit else value
        if kind == plan.UNSIGNED64 or kind == plan.SIGNED64:
            number = int.from_bytes(bytes(self.apdu[value : value + 8]), "big")
            return number - (1 << 64) if kind == plan.SIGNED64 and number >> 63 else number
        return None

    def text(self, index):
        """Like `value`, for the value at `index` of the plan, shown or not."""
        at = plan.RECORD * index
        kind = self.plan.records[at + plan.KIND]
        if kind == plan.NULL:
            return None
        number = self._raw(index)
        if number is not None:
            return decimal_text(number, self.plan.records[at + plan.SCALER] - 128)
        begin = self.values[index]
        data = bytes(self.apdu[begin : begin + (self.plan.ops[2 * index + 1] & plan.WIDTH)])
        if kind == plan.CLOCK:
            out = bytearray(clock.DATE_TIME_TEXT)
            end = clock.put(out, 0, data, 0)
            if end > 0:
                return out[:end].decode()
        elif kind == plan.FLOAT:
            return float_text(data, self.plan.records[at + plan.SCALER] - 128)
        elif kind == plan.TEXT and all(32 <= byte < 127 for byte in data):
            return data.decode()
        return hexlify(data).decode()

    def put_json(self, out, at):
        """Write the reading as one JSON object to `out` (bytearray) from `at` (int) on;
        returns its end, or -1 if it does not fit. Allocates next to nothing."""
        from .json import put_reading

        return put_reading(self, out, at)


def decimal_text(number, scaler):
    """number * 10**scaler as text, exactly: `233.7` for (2337, -1), `0.0` for (0, -1)."""
    sign = "-" if number < 0 else ""
    digits = str(abs(number))
    if scaler > 0:
        return sign + digits + ("0" * scaler if number else "")
    if scaler < 0:
        digits = "0" * (1 - scaler - len(digits)) + digits
        return sign + digits[:scaler] + "." + digits[scaler:]
    return sign + digits


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
