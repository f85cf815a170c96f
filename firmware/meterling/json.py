"""A reading as JSON, written straight into a buffer.

    {"meter":"..","system_title":"..","time":"..Z","invocation_counter":35,
     "authenticated":false,"values":{"1-0:1.8.0":{"value":12937,"unit":"Wh"},..}}

What is constant (names, units) is made once for each shape; a telegram then costs
copying and digits.
"""

from array import array

from .octets import copy
from .python import VIPER, const

if VIPER:
    from .json_viper import put_numbers
else:
    from .json_plain import put_numbers

# Parts of the decoder; see decoder.
_RAW = const(1)
_NONCE = const(3)
_PLAN = const(7)
_CIPHERED = const(9)

# Parts of a plan, its records, and kinds of value; see cosem.plan.
_SHAPE = const(0)
_PLACES = const(5)
_RECORDS = const(6)
_SHOWN = const(7)
_JSON = const(9)
_METER_AT = const(5)
_NOWHERE = const(255)
_RECORD = const(10)
_SCALER = const(7)
_KIND = const(9)
_UNSIGNED = const(0)
_SIGNED = const(1)
_NUMBERS = (0, 1, 4, 9, 10)

_NO_NUMBER = const(255)
_HEX = b"0123456789ABCDEF"
_METER = b'{"meter":'
_TITLE = b',"system_title":"'
_NO_TITLE = b',"system_title":null'
_TIME = b',"time":"'
_NO_TIME = b',"time":null'
_COUNTER = b',"invocation_counter":'
_AUTHENTICATED = b',"authenticated":'
_VALUES = b',"values":{'
_NULL = b"null"
_TRUE = b"true"
_FALSE = b"false"
_HEAD_ROOM = const(220)

_state = array("i", bytes(16))


def put_reading(reading, out, at):
    """See Reading.put_json."""
    parts = reading.parts
    plan = parts[_PLAN]
    ciphered = parts[_CIPHERED]
    end = len(out)
    if at + _HEAD_ROOM > end:
        return -1
    if plan[_JSON] is None:
        plan[_JSON] = _spec(reading)
    state = _state
    at = _put(out, at, _METER)
    at = _put_text(out, at, end, reading, plan[_SHAPE][_METER_AT])
    if at < 0 or at + _HEAD_ROOM > end:
        return -1
    if ciphered:
        nonce = parts[_NONCE]
        at = _put(out, at, _TITLE)
        for i in range(8):
            out[at] = _HEX[nonce[i] >> 4]
            out[at + 1] = _HEX[nonce[i] & 15]
            at += 2
        out[at] = 34
        at += 1
    else:
        at = _put(out, at, _NO_TITLE)
    mark = at
    at = _put(out, at, _TIME)
    stop = reading.put_time(out, at, True)
    if stop < 0:
        stop = reading.put_time(out, at, False)
    if stop < 0:
        at = _put(out, mark, _NO_TIME)
    else:
        out[stop] = 34
        at = stop + 1
    at = _put(out, at, _COUNTER)
    if ciphered:
        at = _put(out, at, str(reading.invocation_counter).encode())
    else:
        at = _put(out, at, _NULL)
    at = _put(out, at, _AUTHENTICATED)
    at = _put(out, at, _TRUE if reading.authenticated else _FALSE)
    at = _put(out, at, _VALUES)
    spec = plan[_JSON]
    state[0] = at
    state[1] = end - 2
    state[2] = 0
    state[3] = len(spec)
    while True:
        put_numbers(out, state, spec, parts[_RAW])
        at = state[0]
        position = state[2]
        if at > end:
            return -1
        if position == len(spec):
            break
        at = _put_other(out, at, end - 2, reading, spec, position)
        if at < 0:
            return -1
        state[0] = at
        state[2] = position + 5 + spec[position + 3] + spec[position + 4]
    if out[at - 1] == 44:
        at -= 1
    out[at] = 125
    out[at + 1] = 125
    return at + 2


def _put(out, at, text):
    copy(out, text, at, 0, len(text))
    return at + len(text)


def _put_other(out, at, end, reading, spec, position):
    # A value that is no number: its name, then text, time or null.
    before = spec[position + 3]
    if at + before + 2 > end:
        return -1
    copy(out, spec, at, position + 5, before)
    at = _put_text(out, at + before, end, reading, spec[position])
    after = spec[position + 4]
    if at < 0 or at + after > end:
        return -1
    copy(out, spec, at, position + 5 + before, after)
    return at + after


def _put_text(out, at, end, reading, index):
    text = None if index == _NOWHERE else reading.text(index)
    if text is None:
        return _put(out, at, _NULL) if at + 4 <= end else -1
    if reading.parts[_PLAN][_RECORDS][_RECORD * index + _KIND] in _NUMBERS:
        text = text.encode()
    else:
        text = ('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"').encode()
    return _put(out, at, text) if at + len(text) <= end else -1


def _spec(reading):
    # What put_numbers needs to know of each value; see json_viper.
    plan = reading.parts[_PLAN]
    spec = bytearray()
    for i in range(len(reading)):
        index = plan[_SHOWN][i]
        at = _RECORD * index
        kind = plan[_RECORDS][at + _KIND]
        if kind == _UNSIGNED:
            sign = 0
        elif kind == _SIGNED:
            sign = plan[_PLACES][2 * index + 1]
        else:
            sign = _NO_NUMBER
        before = f'"{reading.name(i)}":{{"value":'.encode()
        unit = reading.unit(i)
        after = (f',"unit":"{unit}"}},' if unit else "},").encode()
        scaler = plan[_RECORDS][at + _SCALER]
        spec += bytes((index, sign, scaler, len(before), len(after))) + before + after
    return bytes(spec)
