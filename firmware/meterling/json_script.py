"""The scripts of reading: what is constant in a shape's JSON, written down once. Loaded for the
first telegram of a shape, and dropped again."""

from .python import const
from .values import Values

# Parts of the decoder; see decoder.
_PLAN = const(7)

# Parts of a plan, its records, and kinds of value; see cosem.plan.
_SHAPE = const(0)
_PLACES = const(5)
_RECORDS = const(6)
_SHOWN = const(7)
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
_KINDS_OF_OCTETS = const(b"\x06\x07\x08")
_ATTRIBUTE = const(6)
_UNNAMED = const(255)

_STEP_TIME = const(6)
_STEP_CLOCK = const(7)


def make_script(parts, how):
    """The script (bytes, see reading) of the shape of the latest reading. parts: of the decoder;
    how: 0 plain, 1 ciphered, 2 plain and without a checksum."""
    plan = parts[_PLAN]
    reading = Values(parts)
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
    count = len(plan[_SHOWN])
    for first in range(count):
        if _next(plan, 0, first) < first:
            continue
        # Several values of one code stand in one list, wherever the others come.
        i = first
        several = _next(plan, i + 1, i) < count
        before += f'"{reading.name(i)}":' + ('{"values":[{"value":' if several else '{"value":')
        while True:
            literal(before)
            script.extend(_value_step(plan, plan[_SHOWN][i]))
            unit = reading.unit(i)
            before = f',"unit":"{unit}"' if unit else ""
            i = _next(plan, i + 1, i)
            if i == count:
                break
            before += '},{"value":'
        before += "}]}," if several else "},"
    literal(before[:-1] + "}}" if count else before + "}}")
    return bytes(script)


def _next(plan, begin, like):
    # The first value shown from `begin` on that has the name of value `like`; else their number.
    records = plan[_RECORDS]
    shown = plan[_SHOWN]
    at = _RECORD * shown[like]
    code = records[at : at + (2 if records[at] == _UNNAMED else _ATTRIBUTE + 1)]
    while begin < len(shown) and not records.startswith(code, _RECORD * shown[begin]):
        begin += 1
    return begin


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
    if kind in _KINDS_OF_OCTETS:
        return bytes((0, 1, 34, 8, index, 0, 1, 34))  # hexadecimal, between quotes
    return bytes((_STEP_CLOCK if kind == _KIND_CLOCK else 8, index))
