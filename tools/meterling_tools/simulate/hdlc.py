"""HDLC frame type 3 (IEC 62056-46) and general block transfer (IEC 62056-5-3, 7.3.13).

    7E | A0/A8 + length (11 bits) | destination | source | control | HCS | information | FCS | 7E

Bit 3 of the first format byte: the information continues in the next frame. HCS and FCS are
CRC-16/X.25, low byte first.
"""

from .axdr import length

LLC = b"\xe6\xe7\x00"  # logical link control header of what a meter sends
_UI = 0x13  # control field: unnumbered information
_GENERAL_BLOCK_TRANSFER = 0xE0
_LAST_BLOCK = 0x80
_STREAMING = 0x40


def crc16_x25(data):
    """CRC-16/X.25 as it stands on the wire: two bytes, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8408 if crc & 1 else crc >> 1
    return (crc ^ 0xFFFF).to_bytes(2, "little")


def frame(information, addresses, control=_UI, more=False, checks=True):
    """One frame with its flags. ``addresses``: destination and source as they are sent.

    ``checks`` False writes 0000 for HCS and FCS, as some meters do.
    """
    check = crc16_x25 if checks else (lambda _: b"\x00\x00")
    count = 2 + len(addresses) + 1 + 2 + len(information) + 2
    if count > 0x7FF:
        raise ValueError(f"an HDLC frame holds at most 2047 bytes, this one needs {count}")
    header = (0xA000 | (0x0800 if more else 0) | count).to_bytes(2, "big")
    header += addresses + bytes([control])
    header += check(header)
    return b"\x7e" + header + information + check(header + information) + b"\x7e"


def frames(payload, addresses, control=_UI, llc=True, max_information=None, checks=True):
    """``payload`` (one APDU, or several after one another) in one frame, or in segments of at
    most ``max_information`` bytes; the LLC header stands in the first one only."""
    payload = (LLC if llc else b"") + payload
    step = max_information or len(payload)
    pieces = [payload[i : i + step] for i in range(0, len(payload), step)]
    last = len(pieces) - 1
    return b"".join(
        frame(piece, addresses, control, more=number < last, checks=checks)
        for number, piece in enumerate(pieces)
    )


def block(data, number, last):
    """``E0 | control (last, streaming) | block number (2) | acknowledged (2) | length | data``."""
    control = _STREAMING | (_LAST_BLOCK if last else 0)
    header = bytes([_GENERAL_BLOCK_TRANSFER, control]) + number.to_bytes(2, "big") + b"\x00\x00"
    return header + length(len(data)) + data


def block_transfer(apdu, addresses, max_information=129, control=_UI, checks=True):
    """``apdu`` in general block transfer, a block a frame, as Landis+Gyr's E450 sends it.

    Frames hold at most ``max_information`` bytes (129: the E450's frames of 139 bytes). Only
    the first one has the LLC header, so its block is three bytes shorter.
    """
    room = max_information - 7
    blocks = [apdu[: room - len(LLC)]]
    rest = apdu[room - len(LLC) :]
    blocks += [rest[i : i + room] for i in range(0, len(rest), room)]
    out = b""
    for index, data in enumerate(blocks):
        information = LLC if index == 0 else b""
        information += block(data, index + 1, index == len(blocks) - 1)
        out += frame(information, addresses, control, checks=checks)
    return out
