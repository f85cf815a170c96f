"""A reading: what one telegram says, as everything downstream consumes it; and as JSON, written
straight into a buffer. What a dongle does not need for each telegram is in values.

    {"meter":"..","system_title":"..","time":"..Z","invocation_counter":35,
     "authenticated":false,"values":{"1-0:1.8.0":{"value":12937,"unit":"Wh"},..}}

What is constant (names, units, punctuation) is written down once for each shape, as a
script of literals and values; a telegram then costs copying and digits, in one kernel,
and allocates nothing. Steps of a script:

    0 n text        as it stands
    1 i s e         number: value i; s = 0 unsigned, else bytes of a signed one; scaler + 128
    2 i w w         text of w bytes at value i: quoted, or hexadecimal if not printable
    3               system title
    4               invocation counter
    5               true if the tag was checked and fits, else false
    6               time of the telegram, UTC if it can be told
    7 i             date-time at value i, as sent
    8 i             anything else, without quotes: a number of more than 4 bytes, null
"""

from array import array
from binascii import hexlify

from .cosem.clock import DATE_TIME_TEXT, put
from .python import VIPER, const, unload

if VIPER:
    from .json_viper import put_steps
else:
    from .json_plain import put_steps

# Parts of the decoder; see decoder.
_VALUES = const(1)
_NONCE = const(3)
_PLAN = const(7)
_APDU = const(8)  # where the texts and times stand
_CIPHERED = const(9)
_OPENED = const(10)
_UNPROTECTED = const(20)
_OPENED_AUTHENTICATED = const(2)  # words of that; see ciphering.glo
_OPENED_UNCHECKED = const(3)

# Parts of a plan, and words of its shape; see cosem.plan.
_SHAPE = const(0)
_SHOWN = const(7)
_SCRIPTS = const(9)
_CLOCK = const(2)
_DATE = const(3)
_TIME = const(4)
_NOWHERE = const(255)

# Steps that the kernel leaves to this module
_STEP_TIME = const(6)
_STEP_CLOCK = const(7)

# Words of the kernel's state
_AT = const(0)
_END = const(1)
_POSITION = const(2)
_STOP = const(3)
_AUTHENTICATED = const(4)

_NULL = b"null"
_state = array("i", bytes(20))


class Reading:
    """The latest telegram's values. One object is filled again and again: it is valid
    until the next telegram, and whoever needs it longer takes what it needs.

    len(reading) values. `name(i)`, `unit(i)`, `value(i)` of each, `meter`, `time` and so on:
    see values.Values.
    """

    def __init__(self, parts):
        self.parts = parts  # of the decoder

    def __len__(self):
        return len(self.parts[_PLAN][_SHOWN])

    @property
    def authenticated(self):
        """True if the telegram has a tag, and it was checked."""
        return self._opened(_OPENED_AUTHENTICATED)

    @property
    def unchecked(self):
        """True if the telegram has a tag, and no authentication key is set to check it."""
        return self._opened(_OPENED_UNCHECKED)

    @property
    def unprotected(self):
        """True if neither a checksum nor a tag nor ciphering protects the telegram."""
        return bool(self.parts[_UNPROTECTED] and not self.parts[_CIPHERED])

    def _opened(self, word):
        return bool(self.parts[_CIPHERED] and self.parts[_OPENED][word])

    @property
    def system_title(self):
        """The sender's system title (hex, 16 digits); None if it was not ciphered."""
        if not self.parts[_CIPHERED]:
            return None
        return hexlify(bytes(self.parts[_NONCE][:8])).decode().upper()

    @property
    def invocation_counter(self):
        """The invocation counter (int); None if the telegram was not ciphered."""
        if not self.parts[_CIPHERED]:
            return None
        return int.from_bytes(bytes(self.parts[_NONCE][8:]), "big")

    def put_json(self, out, at):
        """Write the reading as one JSON object to `out` (bytearray) from `at` (int) on;
        returns its end, or -1 if it does not fit. Allocates next to nothing."""
        parts = self.parts
        plan = parts[_PLAN]
        how = 1 if parts[_CIPHERED] else 2 if parts[_UNPROTECTED] else 0
        if plan[_SCRIPTS] is None:
            plan[_SCRIPTS] = [None, None, None]
        script = plan[_SCRIPTS][how]
        if script is None:
            script = plan[_SCRIPTS][how] = _script(parts, how)
        end = len(out)
        state = _state
        state[_AT] = at
        state[_END] = end
        state[_POSITION] = 0
        state[_STOP] = len(script)
        state[_AUTHENTICATED] = self.authenticated
        while True:
            put_steps(out, state, script, parts[_VALUES], parts[_APDU], parts[_NONCE])
            at = state[_AT]
            position = state[_POSITION]
            if at > end:
                return -1
            if position == len(script):
                return at
            at = _put_step(self, out, at, script, position)
            if at < 0:
                return -1
            state[_AT] = at
            state[_POSITION] = position + (1 if script[position] == _STEP_TIME else 2)

    def __getattr__(self, name):
        from .values import Values

        found = getattr(Values(self.parts), name)
        if callable(found):
            setattr(self, name, found)  # a method: found sooner the next time
        return found


def _script(parts, how):
    try:
        from .json_script import make_script

        return make_script(parts, how)
    finally:
        make_script = None
        unload("meterling", "json_script values", False)
        unload("meterling.cosem", "obis", False)


def _put_step(reading, out, at, script, position):
    # A step that the kernel does not know; the position behind it, or -1.
    parts = reading.parts
    step = script[position]
    if at + DATE_TIME_TEXT + 2 > len(out):
        return -1
    out[at] = 34
    stop = -1
    if step == _STEP_TIME:
        stop = put_time(parts, out, at + 1, 1)
        if stop < 0:
            stop = put_time(parts, out, at + 1, 0)
    elif step == _STEP_CLOCK:
        stop = put(out, at + 1, parts[_APDU], parts[_VALUES][script[position + 1]], 0)
    if stop > 0:
        out[stop] = 34
        return stop + 1
    text = _NULL
    if step != _STEP_TIME:
        text = reading.text(script[position + 1])
        if text is None:
            text = _NULL
        else:
            text = ('"' + text + '"' if step == _STEP_CLOCK else text).encode()
    if at + len(text) > len(out):
        return -1
    out[at : at + len(text)] = text
    return at + len(text)


def put_time(parts, out, at, utc):
    """Write the meter's time to `out[at]` (see cosem.clock.put); returns its end or -1."""
    shape = parts[_PLAN][_SHAPE]
    apdu = parts[_APDU]
    values = parts[_VALUES]
    if shape[_CLOCK] != _NOWHERE:
        return put(out, at, apdu, values[shape[_CLOCK]], utc)
    if utc or shape[_DATE] == _NOWHERE or shape[_TIME] == _NOWHERE:
        return -1
    whole = bytearray(12)
    begin = values[shape[_DATE]]
    whole[:5] = apdu[begin : begin + 5]
    begin = values[shape[_TIME]]
    whole[5:9] = apdu[begin : begin + 4]
    whole[9] = 0x80
    return put(out, at, whole, 0, 0)


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
