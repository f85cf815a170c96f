"""A reading as JSON, written straight into a buffer.

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
    8 i             anything else: a number of more than 4 bytes, null
"""

from array import array

from .cosem.clock import DATE_TIME_TEXT, put
from .python import VIPER, const

if VIPER:
    from .json_viper import put_steps
else:
    from .json_plain import put_steps

# Parts of the decoder; see decoder.
_VALUES = const(1)
_NONCE = const(3)
_PLAN = const(7)
_APDU = const(8)
_CIPHERED = const(9)
_UNPROTECTED = const(20)

# Parts of a plan, its records, and kinds of value; see cosem.plan.
_SHAPE = const(0)
_PLACES = const(5)
_RECORDS = const(6)
_SHOWN = const(7)
_SCRIPTS = const(9)
_METER_AT = const(5)
_NOWHERE = const(255)
_SHORT = const(0xFFF8)
_RECORD = const(10)
_SCALER = const(7)
_KIND = const(9)
_KIND_UNSIGNED = const(0)
_KIND_SIGNED = const(1)
_KIND_TEXT = const(2)
_KIND_CLOCK = const(3)

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


def put_reading(reading, out, at):
    """See Reading.put_json."""
    parts = reading.parts
    plan = parts[_PLAN]
    how = 1 if parts[_CIPHERED] else 2 if parts[_UNPROTECTED] else 0
    if plan[_SCRIPTS] is None:
        plan[_SCRIPTS] = [None, None, None]
    script = plan[_SCRIPTS][how]
    if script is None:
        script = plan[_SCRIPTS][how] = _script(reading, how)
    end = len(out)
    state = _state
    state[_AT] = at
    state[_END] = end
    state[_POSITION] = 0
    state[_STOP] = len(script)
    state[_AUTHENTICATED] = reading.authenticated
    while True:
        put_steps(out, state, script, parts[_VALUES], parts[_APDU], parts[_NONCE])
        at = state[_AT]
        position = state[_POSITION]
        if at > end:
            return -1
        if position == len(script):
            return at
        at = _put_step(reading, out, at, script, position)
        if at < 0:
            return -1
        state[_AT] = at
        state[_POSITION] = position + (1 if script[position] == _STEP_TIME else 2)


def _put_step(reading, out, at, script, position):
    # A step that the kernel does not know; the position behind it, or -1.
    step = script[position]
    if at + DATE_TIME_TEXT + 2 > len(out):
        return -1
    out[at] = 34
    stop = -1
    if step == _STEP_TIME:
        stop = reading.put_time(out, at + 1, 1)
        if stop < 0:
            stop = reading.put_time(out, at + 1, 0)
    elif step == _STEP_CLOCK:
        parts = reading.parts
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


def _script(reading, how):
    # how: 0 plain, 1 ciphered, 2 plain and without a checksum
    plan = reading.parts[_PLAN]
    script = bytearray()

    def literal(text):
        text = text.encode()
        script.extend(bytes((0, len(text))) + text)

    literal('{"meter":')
    index = plan[_SHAPE][_METER_AT]
    if index == _NOWHERE:
        literal("null")
    else:
        script.extend(_value_step(plan, index))
    if how == 1:
        literal(',"system_title":"')
        script.append(3)
        literal('","time":')
        script.append(_STEP_TIME)
        literal(',"invocation_counter":')
        script.append(4)
        literal(',"authenticated":')
        script.append(5)
    else:
        literal(',"system_title":null,"time":')
        script.append(_STEP_TIME)
        literal(',"invocation_counter":null,"authenticated":false')
        if how == 2:
            literal(',"unprotected":true')
    before = ',"values":{'
    count = len(reading)
    for i in range(count):
        # Several values of one code stand in one list.
        name = reading.name(i)
        follows = i > 0 and reading.name(i - 1) == name
        goes_on = i + 1 < count and reading.name(i + 1) == name
        if follows:
            before += ',{"value":'
        else:
            before += f'"{name}":' + ('{"values":[{"value":' if goes_on else '{"value":')
        literal(before)
        script.extend(_value_step(plan, plan[_SHOWN][i]))
        unit = reading.unit(i)
        before = f',"unit":"{unit}"' if unit else ""
        before += "}" if goes_on else "}]}" if follows else "}"
        if not goes_on:
            before += ","
    literal(before[:-1] + "}}" if count else before + "}}")
    return bytes(script)


def _value_step(plan, index):
    at = _RECORD * index
    kind = plan[_RECORDS][at + _KIND]
    width = plan[_PLACES][2 * index + 1]
    if width >= _SHORT:
        width &= 7
    if kind == _KIND_UNSIGNED or kind == _KIND_SIGNED:
        return bytes((1, index, width if kind == _KIND_SIGNED else 0, plan[_RECORDS][at + _SCALER]))
    if kind == _KIND_TEXT:
        return bytes((2, index, width >> 8, width & 0xFF))
    return bytes((_STEP_CLOCK if kind == _KIND_CLOCK else 8, index))
