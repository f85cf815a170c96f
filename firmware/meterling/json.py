"""A reading as JSON, written straight into a buffer.

    {"meter":"..","system_title":"..","time":"..Z","invocation_counter":35,
     "authenticated":false,"values":{"1-0:1.8.0":{"value":12937,"unit":"Wh"},..}}

What is constant (names, units) is made once for each shape; a telegram then costs
copying and digits.
"""

from array import array

from .cosem.plan import KIND, NOWHERE, NUMBERS, RECORD, SCALER, SIGNED, UNSIGNED
from .octets import copy
from .python import VIPER, const

if VIPER:
    from .json_viper import put_numbers
else:
    from .json_plain import put_numbers

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
    shape = reading.plan
    end = len(out)
    if at + _HEAD_ROOM > end:
        return -1
    if shape.json is None:
        shape.json = _spec(reading)
    state = _state
    at = _put(out, at, _METER)
    at = _put_text(out, at, end, reading, shape.meter)
    if at < 0 or at + _HEAD_ROOM > end:
        return -1
    if reading.ciphered:
        nonce = reading.nonce
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
    if reading.ciphered:
        at = _put(out, at, str(reading.invocation_counter).encode())
    else:
        at = _put(out, at, _NULL)
    at = _put(out, at, _AUTHENTICATED)
    at = _put(out, at, _TRUE if reading.authenticated else _FALSE)
    at = _put(out, at, _VALUES)
    spec = shape.json
    state[0] = at
    state[1] = end - 2
    state[2] = 0
    state[3] = len(spec)
    while True:
        put_numbers(out, state, spec, reading.values)
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
    text = None if index == NOWHERE else reading.text(index)
    if text is None:
        return _put(out, at, _NULL) if at + 4 <= end else -1
    kind = reading.plan.records[RECORD * index + KIND]
    if kind in NUMBERS:
        text = text.encode()
    else:
        text = ('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"').encode()
    return _put(out, at, text) if at + len(text) <= end else -1


def _spec(reading):
    # What put_numbers needs to know of each value; see json_viper.
    shape = reading.plan
    spec = bytearray()
    for i in range(len(reading)):
        index = shape.shown[i]
        kind = shape.records[RECORD * index + KIND]
        if kind == UNSIGNED:
            sign = 0
        elif kind == SIGNED:
            sign = shape.ops[2 * index + 1]
        else:
            sign = _NO_NUMBER
        before = f'"{reading.name(i)}":{{"value":'.encode()
        unit = reading.unit(i)
        after = (f',"unit":"{unit}"}},' if unit else "},").encode()
        scaler = shape.records[RECORD * index + SCALER]
        spec += bytes((index, sign, scaler, len(before), len(after))) + before + after
    return bytes(spec)
