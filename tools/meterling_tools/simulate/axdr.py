"""A-XDR encoder (IEC 61334-6) for the data types that meters push (IEC 62056-6-2, table 2).

Every function returns the encoded value, tag first:

    tag | value                  numbers of fixed length
    tag | length | octets        strings; length below 128 in one byte, else 81 xx or 82 xx xx
    tag | count  | elements      structure (02) and array (01)
"""

# Unit codes of the scaler-unit structure (IEC 62056-6-2, table 4).
UNIT_CODES = {"W": 27, "VA": 28, "var": 29, "Wh": 30, "varh": 32, "A": 33, "V": 35, "": 255}


def length(count):
    """BER/A-XDR length of ``count`` octets or elements, in its shortest form."""
    if count < 0x80:
        return bytes([count])
    octets = (count.bit_length() + 7) // 8
    return bytes([0x80 | octets]) + count.to_bytes(octets, "big")


def null():
    return b"\x00"


def boolean(value):
    return b"\x03\x01" if value else b"\x03\x00"


def i8(value):
    return b"\x0f" + value.to_bytes(1, "big", signed=True)


def i16(value):
    return b"\x10" + value.to_bytes(2, "big", signed=True)


def i32(value):
    return b"\x05" + value.to_bytes(4, "big", signed=True)


def i64(value):
    return b"\x14" + value.to_bytes(8, "big", signed=True)


def u8(value):
    return b"\x11" + value.to_bytes(1, "big")


def u16(value):
    return b"\x12" + value.to_bytes(2, "big")


def u32(value):
    return b"\x06" + value.to_bytes(4, "big")


def u64(value):
    return b"\x15" + value.to_bytes(8, "big")


def enum(value):
    return b"\x16" + bytes([value])


def octets(value):
    """octet-string from bytes or ASCII text."""
    if isinstance(value, str):
        value = value.encode("ascii")
    return b"\x09" + length(len(value)) + value


def visible(text):
    """visible-string."""
    return b"\x0a" + length(len(text)) + text.encode("ascii")


def structure(*elements):
    return b"\x02" + length(len(elements)) + b"".join(elements)


def array(*elements):
    return b"\x01" + length(len(elements)) + b"".join(elements)


def scaler_unit(scaler, unit):
    """``02 02 0F scaler 16 unit``; value = raw x 10^scaler, unit as text ("" for none)."""
    return structure(i8(scaler), enum(UNIT_CODES[unit]))


def logical_name(obis):
    """The six octets of an OBIS code written ``A-B:C.D.E`` (F is 255)."""
    medium, rest = obis.split("-")
    channel, rest = rest.split(":")
    return bytes([int(medium), int(channel), *map(int, rest.split(".")), 255])


def obis(code):
    """OBIS code as an octet-string: ``09 06 A B C D E FF``."""
    return octets(logical_name(code))


def data_notification(invoke_id, date_time, body):
    """``0F | long-invoke-id-and-priority (4) | date-time | body`` (IEC 62056-5-3).

    ``date_time`` is the 12 octets of a COSEM date-time, or None for its empty form ``00``.
    """
    stamp = b"\x00" if date_time is None else length(len(date_time)) + date_time
    return b"\x0f" + invoke_id.to_bytes(4, "big") + stamp + body
