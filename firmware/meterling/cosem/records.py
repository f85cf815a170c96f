"""M-Bus data records (EN 13757-3, clause 6) in the normal form (see normal).

    5B | id (4) | maker (2) | version | medium | access | status | configuration (2) | record ..

    record   DIF DIFE* | VIF [text] VIFE* | data
    DIF      bit 7 a DIFE follows, bit 6 storage number, bits 4-5 function, bits 0-3 data type
    DIFE     bit 7 another one follows, bit 6 subunit, bits 4-5 tariff, bits 0-3 storage number
    VIF      bit 7 a VIFE follows, bits 0-6 quantity and scaler; FB: both are in the next byte
    VIFE     70..77 times 10^(n - 6), 7D times 1000, 3B flows forward, 3C backward,
             FF what follows is the maker's own

Numbers and registers of what flows now become values: `1-0:C.D.E` with the tariff as E. What
else there is (minima, maxima, older values, texts, other quantities) is passed over by its
length. All numbers are little-endian and signed.
"""

from ..python import VIPER, const, micropython
from .normal import put_clock, put_code, put_head, put_meter, put_unit
from .record_data import put_binary, put_date_time, put_decimal, quantity_of

if not VIPER:
    from ..python import ptr8

_HEADER = const(13)  # CI and the long header
_NAME = const(8)  # id, maker, version, medium
_HEAD_ROOM = const(36)  # bytes of `out` that identification and number need
_ROOM = const(23)  # and a value, or the clock

_FILLER = const(0x2F)
_MAKERS_DATA = const(0x0F)  # up to the end; 1F: more in the next telegram
_REAL = const(5)
_BCD = const(9)
_VARIABLE = const(13)
# Bytes of data by their type, bits 0-3 of the DIF.
_LENGTHS = const(b"\x00\x01\x02\x03\x04\x04\x06\x08\x00\x01\x02\x03\x04\x00\x06\x00")
_MOST_EXTENSIONS = const(10)

_TIME_POINT = const(0x6D)
_TEXT = const(0x7C)
_EXTENSION = const(0xFB)  # of electricity and other media; FD: of devices
_EXTENSION_TOO = const(0xFD)

_ERR_DECODE = const(17)
_ERR_EMPTY = const(19)


@micropython.viper
def _put_code(out, at: int, quantity: int, group: int, tariff: int) -> int:
    # Written where put_code wants it: that copies it onto itself.
    octets = ptr8(out)
    octets[at + 2] = 1
    octets[at + 3] = 0
    octets[at + 4] = quantity
    octets[at + 5] = group
    octets[at + 6] = tariff
    octets[at + 7] = 0xFF
    if quantity == 0:  # 0-0:1.0.0
        octets[at + 2] = 0
        octets[at + 4] = 1
    return int(put_code(out, at, out, at + 2))


@micropython.viper
def _put_name(out, data, begin: int) -> int:
    # Who sends: the four parts of its address; and its number, eight digits, if it has one.
    octets = ptr8(data)
    written = ptr8(out)
    at = int(put_head(out, data, begin + 1, _NAME))
    if octets[begin + 1] | octets[begin + 2] | octets[begin + 3] | octets[begin + 4]:
        i = 0
        while i < 8:
            digit = octets[begin + 4 - (i >> 1)]
            if i & 1 == 0:
                digit = digit >> 4
            digit &= 0x0F
            if digit > 9:
                digit += 7
            written[at + 4 + i] = 48 + digit
            i += 1
        at = int(put_meter(out, at, out, at + 4, 8))
    return at


@micropython.viper
def translate(data, begin: int, end: int, out) -> int:
    """Write the records of `data[begin:end]` (header first, in the clear) to `out`
    (bytearray) as a data-notification. Returns its end, 0 if `out` is too small, or minus
    an error code: DECODE, EMPTY."""
    octets = ptr8(data)
    lengths = ptr8(_LENGTHS)
    room = int(len(out))
    if end - begin < _HEADER:
        return 0 - _ERR_DECODE
    if room < _HEAD_ROOM:
        return 0
    at = int(_put_name(out, data, begin))
    position = begin + _HEADER
    values = 0
    timed = 0
    while position < end:
        dif = octets[position]
        position += 1
        if dif == _FILLER:
            continue
        kind = dif & 0x0F
        if kind == 0x0F:
            if dif & 0xEF == _MAKERS_DATA:
                break
            return 0 - _ERR_DECODE
        wanted = 0
        if dif & 0x70 == 0:
            wanted = 1
        # The DIFEs
        tariff = 0
        more = dif & 0x80
        n = 0
        while more:
            if position >= end or n == _MOST_EXTENSIONS:
                return 0 - _ERR_DECODE
            more = octets[position]
            position += 1
            if more & 0x4F:
                wanted = 0
            tariff |= (more >> 4 & 3) << (n << 1)
            more &= 0x80
            n += 1
        if tariff > 63:
            wanted = 0
        # The VIF
        if position >= end:
            return 0 - _ERR_DECODE
        vif = octets[position]
        position += 1
        more = vif & 0x80
        quantity = 0
        if vif == _EXTENSION or vif == _EXTENSION_TOO:
            if position >= end:
                return 0 - _ERR_DECODE
            more = octets[position]
            position += 1
            quantity = int(quantity_of(vif, more & 0x7F))
            more &= 0x80
        elif vif & 0x7F == _TEXT:
            if position >= end:
                return 0 - _ERR_DECODE
            position += 1 + octets[position]
        else:
            quantity = int(quantity_of(0, vif & 0x7F))
        scaler = (quantity >> 8 & 0xFF) - 64
        unit = quantity >> 16
        quantity &= 0xFF
        group = 7
        if 30 <= unit and unit <= 32:
            group = 8
        # The VIFEs
        makers = 0
        n = 0
        while more:
            if position >= end or n == _MOST_EXTENSIONS:
                return 0 - _ERR_DECODE
            more = octets[position]
            position += 1
            code = more & 0x7F
            if makers:
                # 83 FF 04 is 1.128.0, and the only one that is known.
                if makers == 1 and code == 4 and quantity == 1 and group == 8:
                    group = 128
                    makers = 2
                else:
                    wanted = 0
            elif code == 0x7F:
                makers = 1
            elif code & 0x78 == 0x70:
                scaler += (code & 7) - 6
            elif code == 0x7D:
                scaler += 3
            elif code == 0x3C and quantity & 1:
                quantity += 1  # 1.8.0 becomes 2.8.0
            elif code != 0x3B:
                wanted = 0
            more &= 0x80
            n += 1
        if makers == 1 or scaler < -99 or scaler > 99:
            wanted = 0
        # The data
        length = lengths[kind]
        if kind == _VARIABLE:
            if position >= end:
                return 0 - _ERR_DECODE
            length = octets[position]
            position += 1
            wanted = 0
            if length >= 0xC0:
                # Numbers: C0.. and D0.. of BCD, E0.. binary. F0.. has had several meanings.
                if length >= 0xF0 or (length < 0xE0 and length & 0x0F > 9):
                    return 0 - _ERR_DECODE
                length &= 0x0F
        if position + length > end:
            return 0 - _ERR_DECODE
        if wanted == 0 or length == 0 or kind == _REAL:
            pass
        elif quantity:
            if at + _ROOM > room:
                return 0
            counted = ptr8(out)
            before = counted[9]
            carry = counted[8]
            behind = int(_put_code(out, at, quantity, group, tariff))
            if kind < _BCD:
                behind = int(put_binary(out, behind, data, position, length))
            else:
                behind = int(put_decimal(out, behind, data, position, length))
            if behind:
                at = int(put_unit(out, behind, scaler, unit))
                values += 1
            else:
                # The meter has no value: as if nothing had been written.
                counted[9] = before
                counted[8] = carry
        elif vif == _TIME_POINT and timed == 0 and tariff == 0 and (kind == 6 or kind == 4):
            if at + _ROOM > room:
                return 0
            if int(put_date_time(out, at + 10, data, position, length)):
                at = int(_put_code(out, at, 0, 0, 0))
                at = int(put_clock(out, at, out, at + 2))
                timed = 1
        position += length
    if values == 0:
        return 0 - _ERR_EMPTY
    return at
