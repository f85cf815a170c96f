"""SML 1.04 (BSI TR-03109-1, annex IV): encoder.

    1B1B1B1B 01010101 | messages | 00 .. | 1B1B1B1B 1A padding CRC (2)

A message is ``76 | transaction | group | abort | 72 tag body | CRC | 00``. Three make a file:
open (0101), list of values (0701), close (0201). An element begins with its type and length:
0x octets, 5x signed, 6x unsigned, 7x a list of x; 01 is left out.
"""

from .hdlc import crc16_x25

_OPEN, _GET_LIST, _CLOSE = 0x0101, 0x0701, 0x0201
_UNITS = {"W": 27, "Wh": 30, "V": 35, "A": 33}
_ESCAPE = b"\x1b" * 4
_OPTIONAL = b"\x01"


def crc16_kermit(data):
    """CRC-16/Kermit, high byte first, as Holley's DTZ541 sends it."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8408 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "big")


def type_length(kind, size):
    """TL field of a list (``kind`` 7) of ``size`` elements, or of another element (its type)
    of ``size`` bytes; those count themselves, too."""
    count = 1
    while kind != 7 and size + count >= 16**count or kind == 7 and size >= 16**count:
        count += 1
    total = size if kind == 7 else size + count
    nibbles = [total >> 4 * i & 15 for i in reversed(range(count))]
    first = [kind << 4 | nibbles[0]]
    both = first + nibbles[1:]
    return bytes(each | 0x80 for each in both[:-1]) + bytes(both[-1:])


def octets(value):
    return type_length(0, len(value)) + value


def signed(value, width):
    return type_length(5, width) + value.to_bytes(width, "big", signed=True)


def unsigned(value, width):
    return type_length(6, width) + value.to_bytes(width, "big")


def boolean(value):
    return b"\x42\x01" if value else b"\x42\x00"


def sml_list(*elements):
    return type_length(7, len(elements)) + b"".join(elements)


def seconds_index(value):
    """A time without a calendar: seconds since the meter was switched on."""
    return sml_list(unsigned(1, 1), unsigned(value, 4))


def timestamp(utc):
    """A time of the calendar (aware datetime), UTC."""
    return sml_list(unsigned(2, 1), unsigned(int(utc.timestamp()), 4))


def local_timestamp(utc, offset, season):
    """The same with the minutes that local time and summer time add."""
    seconds = unsigned(int(utc.timestamp()), 4)
    return sml_list(unsigned(3, 1), sml_list(seconds, signed(offset, 2), signed(season, 2)))


def obis(code):
    """The six octets of ``A-B:C.D.E`` or ``A-B:C.D.E.F`` (else F is 255)."""
    medium, rest = code.split("-")
    channel, rest = rest.split(":")
    parts = [*map(int, rest.split("."))]
    return bytes([int(medium), int(channel), *parts, *([255] if len(parts) < 4 else [])])


def entry(code, value, unit=None, scaler=None, status=_OPTIONAL, time=_OPTIONAL):
    """One entry of the list; ``value``, ``status`` and ``time`` already encoded."""
    return sml_list(
        octets(obis(code)),
        status,
        time,
        _OPTIONAL if unit is None else unsigned(_UNITS[unit], 1),
        _OPTIONAL if scaler is None else signed(scaler, 1),
        value,
        _OPTIONAL,
    )


def get_list(server_id, entries, sensor_time=_OPTIONAL, list_name=_OPTIONAL):
    """Body of an SML_GetList.Res."""
    return sml_list(
        _OPTIONAL,
        octets(server_id) if server_id else _OPTIONAL,
        list_name,
        sensor_time,
        sml_list(*entries),
        _OPTIONAL,
        _OPTIONAL,
    )


def message(transaction, tag, body, crc=crc16_x25, tag_width=2):
    """One message; ``tag_width``: Itron sends its tags in four bytes."""
    head = type_length(7, 6) + octets(transaction) + unsigned(0, 1) + unsigned(0, 1)
    head += sml_list(unsigned(tag, tag_width), body)
    return head + unsigned(int.from_bytes(crc(head), "big"), 2) + b"\x00"


def sml_file(bodies, number=0, crc=crc16_x25, tag_width=2):
    """Messages, given as (tag, body)."""
    return b"".join(
        message((number * 3 + i).to_bytes(4, "big"), tag, body, crc, tag_width)
        for i, (tag, body) in enumerate(bodies)
    )


def transport(content, crc=crc16_x25):
    """Transport protocol, version 1, around an SML file."""
    padding = -len(content) % 4
    data = _ESCAPE + b"\x01" * 4 + content.replace(_ESCAPE, 2 * _ESCAPE) + bytes(padding)
    data += _ESCAPE + bytes([0x1A, padding])
    return data + crc(data)


def telegram(server_id, entries, number=0, sensor_time=_OPTIONAL, crc=crc16_x25, **options):
    """Open, list, close, on the wire."""
    return transport(file_of(server_id, entries, number, sensor_time, crc, **options), crc)


def file_of(
    server_id,
    entries,
    number=0,
    sensor_time=_OPTIONAL,
    crc=crc16_x25,
    tag_width=2,
    list_name=_OPTIONAL,
):
    """The same without its transport."""
    opened = sml_list(
        _OPTIONAL,
        _OPTIONAL,
        octets(number.to_bytes(4, "big")),
        octets(server_id) if server_id else _OPTIONAL,
        _OPTIONAL,
        _OPTIONAL,
    )
    listed = get_list(server_id, entries, sensor_time, list_name)
    closed = sml_list(_OPTIONAL)
    bodies = (_OPEN, opened), (_GET_LIST, listed), (_CLOSE, closed)
    return sml_file(bodies, number, crc, tag_width)


def shortest(value, is_signed):
    """A number in as few bytes as hold it."""
    width = 1
    while not (
        -(1 << 8 * width - 1) <= value < 1 << 8 * width - 1 if is_signed else value < 1 << 8 * width
    ):
        width += 1
    return signed(value, width) if is_signed else unsigned(value, width)
