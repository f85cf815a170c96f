"""SML files (BSI TR-03109-1, annex IV; SML 1.04, chapters 5 and 6) in the normal form.

    file     message .. message
    message  76 | transaction | group | abort | 72 tag body | CRC | 00
    0701     77 | client | server id | list name | sensor time
                | 7n entry .. | signature | gateway time           SML_GetList.Res
    entry    77 | OBIS code | status | time | unit | scaler | value | signature

What the elements are made of is in sml_elements. Messages other than 0701 are skipped.
Their own CRCs are not looked at: the transport's covers them, and some meters get them wrong.

Read twice: first all is checked and what the head needs is found, then it is written.
Loops run over elements, none calls itself: nesting costs nothing. What runs for every byte
or element is viper, the rest is native: as bytecode it would take a third of the room, and
some heap for each call.

Power without a sign. EMH's two-way meters (ED300L, eHZ of the generations H, HW8) send
1-0:15.7.0, the amount without a direction, which is in bit 5 of the status of 1-0:1.8.0:
1 is to the grid (vzlogger 476 and 688, Tasmota 8001, sml2mqtt 6). As long as such a meter
sends no power with a sign, 1-0:16.7.0 is added: 15.7.0 with it.

Power with a wrong sign. Some DZG DVS74 send 327.68 to 655.35 W of consumption as a signed
number of two bytes: negative. It is shown as it was sent: by its number no such meter can
be told from a sound one (libsml 105, 125, 132, 162; there the correction had to become a
setting).
"""

from ..python import VIPER, const, micropython
from .normal import put_clock, put_code, put_head, put_int, put_meter, put_octets, put_unit
from .sml_elements import (
    DATE_TIME,
    STATE,
    number,
    open_element,
    put_number,
    read_time,
    skip,
)

if not VIPER:
    from ..python import ptr8, ptr32

# Kinds of element
_OCTETS = const(0)
_BOOLEAN = const(4)
_SIGNED = const(5)
_UNSIGNED = const(6)
_LIST = const(7)  # and what is no value

# Words of the state. Of the latest element:
_KIND = const(0)
_AT = const(1)  # its value, or its first child
_SIZE = const(2)  # bytes of the value, or number of children
# Of the latest entry:
_CODE = const(3)  # where its OBIS code stands, 0: it has none
_STATUS = const(4)  # where the last byte of its status stands, 0: it has none
_UNIT = const(5)
_SCALER = const(6)  # as unsigned byte
_VALUE_KIND = const(7)
_VALUE = const(8)
_VALUE_SIZE = const(9)
# Of the file:
_SERVER = const(10)
_SERVER_SIZE = const(11)
_NUMBER = const(12)  # where what is best as the meter's number stands
_NUMBER_SIZE = const(13)
_RANK = const(14)  # how good it is
_CLOCK = const(15)  # 1: there is a clock, in DATE_TIME
_EMH = const(16)  # 1: made by EMH
_DIRECTION = const(17)  # by the status of 1.8.0: 1 from the grid, 2 to the grid, 0 unknown
_POWER = const(18)  # bit 0: there is 15.7.0; bit 1: there is power with a sign
_COUNT = const(19)  # values that are shown
_BEHIND = const(20)  # the list of values: where it ends

_GET_LIST_RESPONSE = const(0x0701)
_NO_UNIT = const(255)
_PRIVATE_UNITS = const(200)  # see obis
_MAKERS_OWN = const(128)  # A of an OBIS code: 129-129:199.130.3 (maker), .5 (public key)

_ERR_DECODE = const(17)
_ERR_EMPTY = const(19)

_PLATE = bytearray(14)
_NET_POWER = b"\x01\x00\x10\x07\x00\xff"


@micropython.viper
def _entry(data, at: int, end: int) -> int:
    # Read the entry at `at` into the state; the position behind it, or 0.
    octets = ptr8(data)
    state = ptr32(STATE)
    if int(open_element(data, at, end)) == 0 or state[_KIND] != _LIST or state[_SIZE] != 7:
        return 0
    at = state[_AT]
    state[_CODE] = 0
    state[_STATUS] = 0
    state[_UNIT] = _NO_UNIT
    state[_SCALER] = 0
    i = 0
    while i < 7:
        if int(open_element(data, at, end)) == 0:
            return 0
        kind = state[_KIND]
        value = state[_AT]
        size = state[_SIZE]
        last = value + size - 1
        if i == 0:
            if kind == _OCTETS and size == 6:
                state[_CODE] = value
        elif i == 2:
            if kind == _LIST and state[_CLOCK] == 0:
                state[_CLOCK] = int(read_time(data, at, end))
        elif i == 5:
            state[_VALUE_KIND] = kind
            state[_VALUE] = value
            state[_VALUE_SIZE] = size
        elif kind == _UNSIGNED or kind == _SIGNED:
            if i == 1:
                state[_STATUS] = last
            elif i == 3:
                if size == 1 and octets[last] and octets[last] < _PRIVATE_UNITS:
                    state[_UNIT] = octets[last]
            elif i == 4:
                state[_SCALER] = octets[last]
        if kind < _LIST:
            at = last + 1
        else:
            at = int(skip(data, at, end))
            if at == 0:
                return 0
        i += 1
    return at


@micropython.native
def _is_plate(data, at, size):
    # 1 if these are a meter's number of DIN 43863-5 (and then it stands in _PLATE), else 0.
    #     0A | medium | maker (3) | block | number (4)        0A 01 445A47 00 0282225E
    #     1DZG0042082910
    out = _PLATE
    if size != 10:
        return 0
    if data[at] != 0x0A and data[at] != 0x09:
        return 0
    if data[at + 1] > 9 or data[at + 5] > 99 or data[at + 6] > 5:
        return 0
    i = 1
    while i < 4:
        if data[at + 1 + i] < 65 or data[at + 1 + i] > 90:
            return 0
        out[i] = data[at + 1 + i]
        i += 1
    number = data[at + 6] << 24 | data[at + 7] << 16 | data[at + 8] << 8 | data[at + 9]
    if number > 99999999:
        return 0
    out[0] = 48 + data[at + 1]
    out[4] = 48 + data[at + 5] // 10
    out[5] = 48 + data[at + 5] % 10
    i = 13
    while i > 5:
        out[i] = 48 + number % 10
        number = number // 10
        i -= 1
    return 1


@micropython.native
def _shown(data):
    # 1 if the latest entry is a value for the reader: no marks of the maker's own, and no
    # number of the meter that stands elsewhere.
    state = STATE
    code = state[_CODE]
    if code == 0 or state[_VALUE_SIZE] == 0 or state[_VALUE_KIND] >= _LIST:
        return 0
    if data[code] >= _MAKERS_OWN:
        return 0
    if data[code] == 0 and data[code + 2] == 96 and data[code + 3] == 1:
        return 0
    return 1


@micropython.native
def _suggest(data, at, size, rank):
    # The meter's number may be these octets.
    state = STATE
    if size == 0 or rank <= state[_RANK]:
        return
    state[_RANK] = rank
    state[_NUMBER] = at
    state[_NUMBER_SIZE] = size


@micropython.native
def _note(data):
    # What the head of the telegram must know of the latest entry.
    state = STATE
    code = state[_CODE]
    if code == 0:
        return
    state[_COUNT] = state[_COUNT] + _shown(data)
    a = data[code]
    name = data[code + 2] << 16 | data[code + 3] << 8 | data[code + 4]
    value = state[_VALUE]
    size = state[_VALUE_SIZE]
    if state[_VALUE_KIND] == _OCTETS:
        if a == 1:
            if name == 0x600100 or name == 9:  # 96.1.0, 0.0.9
                if _is_plate(data, value, size):
                    _suggest(data, value, size, 6)
                else:
                    _suggest(data, value, size, 4 if name > 9 else 3)
            elif name == 0:
                _suggest(data, value, size, 5)
        elif a == 0 and name >> 8 == 0x6001:  # 0-0:96.1.x
            _suggest(data, value, size, 2)
        elif a == 129 and name == 0xC78203 and size == 3:  # 199.130.3
            if data[value] == 69 and data[value + 1] == 77 and data[value + 2] == 72:
                state[_EMH] = 1
    elif a == 1 and (state[_VALUE_KIND] == _SIGNED or state[_VALUE_KIND] == _UNSIGNED):
        if name == 0x0F0700:  # 15.7.0
            state[_POWER] = state[_POWER] | 1
        elif name == 0x100700 or name == 0x010700 or name == 0x020700:
            state[_POWER] = state[_POWER] | 2
        elif name == 0x010800 and state[_STATUS]:  # 1.8.0
            state[_DIRECTION] = 1 + (data[state[_STATUS]] >> 5 & 1)


@micropython.native
def _server(data):
    # The latest element is the server id: the first of the file counts.
    state = STATE
    at = state[_AT]
    size = state[_SIZE]
    if state[_KIND] != _OCTETS or size == 0 or size > 255 or state[_SERVER_SIZE]:
        return
    state[_SERVER] = at
    state[_SERVER_SIZE] = size
    _suggest(data, at, size, 7 if _is_plate(data, at, size) else 1)
    if size == 10:
        # 0A 01 EMH .., and 06 EMH ..
        at += 2 if data[at + 1] < 10 else 1
        if data[at] == 69 and data[at + 1] == 77 and data[at + 2] == 72:
            state[_EMH] = 1


@micropython.native
def _put_entry(out, at, data):
    # Write the latest entry; the position behind it, or 0 if there is no room.
    state = STATE
    kind = state[_VALUE_KIND]
    value = state[_VALUE]
    size = state[_VALUE_SIZE]
    code = state[_CODE]
    room = len(out)
    if at + size + 60 > room:
        return 0
    at = put_code(out, at, data, code)
    if kind == _OCTETS:
        return put_octets(out, at, data, value, size)
    if kind == _BOOLEAN:
        return put_int(out, at, 1 if data[value + size - 1] else 0)
    at = put_number(out, at, data, value, size, kind, state[_UNIT], 0)
    at = put_unit(out, at, state[_SCALER], state[_UNIT])
    if state[_EMH] and state[_DIRECTION] and state[_POWER] == 1 and data[code] == 1:
        if data[code + 2] == 15 and data[code + 3] == 7 and data[code + 4] == 0:
            at = put_code(out, at, _NET_POWER, 0)
            at = put_number(out, at, data, value, size, kind, 0, state[_DIRECTION] - 1)
            at = put_unit(out, at, state[_SCALER], state[_UNIT])
    return at


@micropython.native
def _get_list(data, at, end, out, to):
    # One SML_GetList.Res. With `out` None all is checked and noted; else its values are
    # written to out[to]. The position behind them, or 0: broken, or no room.
    state = STATE
    if open_element(data, at, end) == 0 or state[_KIND] != _LIST or state[_SIZE] != 7:
        return 0
    at = state[_AT]
    field = 0
    while field < 7:
        if open_element(data, at, end) == 0:
            return 0
        if field == 4:
            if state[_KIND] != _LIST:
                return 0
            left = state[_SIZE]
            at = state[_AT]
            while left:
                at = _entry(data, at, end)
                if at == 0:
                    return 0
                if out is None:
                    _note(data)
                elif _shown(data):
                    to = _put_entry(out, to, data)
                    if to == 0:
                        return 0
                left -= 1
        else:
            if out is None:
                if field == 1:
                    _server(data)
                elif field == 3 and not state[_CLOCK]:
                    state[_CLOCK] = read_time(data, at, end)
            at = skip(data, at, end)
            if at == 0:
                return 0
        field += 1
    state[_BEHIND] = at
    return to


@micropython.native
def _walk(data, begin, end, out, to):
    # All messages; as _get_list.
    state = STATE
    at = begin
    while at < end:
        if data[at] == 0:  # some meters fill up by themselves
            at += 1
            continue
        if open_element(data, at, end) == 0 or state[_KIND] != _LIST or state[_SIZE] != 6:
            return 0
        at = state[_AT]
        field = 0
        while field < 3:
            at = skip(data, at, end)
            if at == 0:
                return 0
            field += 1
        if open_element(data, at, end) == 0 or state[_KIND] != _LIST or state[_SIZE] != 2:
            return 0
        at = state[_AT]
        tag = number(data, at, end)
        at = skip(data, at, end)
        if at and tag == _GET_LIST_RESPONSE:
            to = _get_list(data, at, end, out, to)
            at = to and state[_BEHIND]
        elif at:
            at = skip(data, at, end)
        if at == 0:
            return 0
        # CRC, end of message
        at = skip(data, at, end)
        if at == 0 or at >= end or data[at]:
            return 0
        at += 1
    return to


@micropython.native
def translate(data, begin, end, out):
    """Write the SML file in `data[begin:end]` to `out` (bytearray) in the normal form; the
    end of what was written, 0 if `out` is too small, or minus DECODE or EMPTY of errors."""
    state = STATE
    i = 0
    while i < 21:
        state[i] = 0
        i += 1
    if _walk(data, begin, end, None, 1) == 0:
        return -_ERR_DECODE
    if state[_COUNT] == 0:
        return -_ERR_EMPTY
    if state[_SERVER_SIZE] + state[_NUMBER_SIZE] + 64 > len(out):
        return 0
    at = put_head(out, data, state[_SERVER], state[_SERVER_SIZE])
    if state[_CLOCK]:
        at = put_clock(out, at, DATE_TIME, 0)
    if state[_RANK]:
        # The last look may have been at another number.
        if _is_plate(data, state[_NUMBER], state[_NUMBER_SIZE]):
            at = put_meter(out, at, _PLATE, 0, 14)
        else:
            at = put_meter(out, at, data, state[_NUMBER], state[_NUMBER_SIZE])
    return _walk(data, begin, end, out, at)
