"""M-Bus long frames that carry DLMS (EN 13757-2 and EN 13757-1).

    68 L L 68 | C A CI STSAP DTSAP data.. | CS 16

L counts the bytes from C to the last of the data; CS is their sum modulo 256. CI: bit 4
marks the last segment, bits 0-3 count the segments.
"""

# C 53 (SND_UD), A FF (to all, no answer): the bytes the Austrian operators document.
_C_FIELD = 0x53
_A_FIELD = 0xFF
_STSAP = 0x01
_DTSAP = 0x67
_LAST_SEGMENT = 0x10
_OVERHEAD = 5  # C, A, CI, STSAP, DTSAP

MAX_DATA = 0xFA - _OVERHEAD  # what Kaifa and Honeywell put into one frame (68 FA FA 68)
SAGEMCOM_MAX_DATA = 257 - _OVERHEAD  # L is sent modulo 256: 68 01 01 68


def frame(data, ci):
    body = bytes([_C_FIELD, _A_FIELD, ci, _STSAP, _DTSAP]) + data
    count = len(body) & 0xFF
    return bytes([0x68, count, count, 0x68]) + body + bytes([sum(body) & 0xFF, 0x16])


def frames(payload, max_data=MAX_DATA):
    """``payload`` cut into long frames of at most ``max_data`` bytes each, one after another."""
    pieces = [payload[i : i + max_data] for i in range(0, len(payload), max_data)]
    last = len(pieces) - 1
    return b"".join(
        frame(piece, (number & 0x0F) | (_LAST_SEGMENT if number == last else 0))
        for number, piece in enumerate(pieces)
    )
