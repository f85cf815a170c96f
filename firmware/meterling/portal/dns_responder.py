"""The access point's name server: every name is the dongle itself (RFC 1035, 4.1).

    question: | id 2 | flags 2 | questions 2 | answers 2 | 0 2 | additional 2 |
              | name | type 2 | class 2 | (additional records: left out of the answer)
    answer:   the question again, with its counts and flags changed, and for type A
              | C0 0C | type 2 | class 2 | time to live 4 | 00 04 | address 4 |

Anything but one question of the IN class is not answered: nobody can be made to
receive from us what he did not ask, but for the few bytes of an address.
"""

import socket as _socket

from ..publish.loop import address, readable, sleep_ms
from ..python import const

_PORT = const(53)
_LONGEST = const(512)  # bytes
_HEAD = const(12)
_LONGEST_NAME = const(255)
_TIME_TO_LIVE = const(10)  # s: at home the same names are others'
_TYPE_A = const(1)
_TYPE_ANY = const(255)
_CLASS_IN = const(1)
_RETRY = const(200)  # ms


def answer(message, packed):
    """The answer (bytes) to `message` (bytes), None to give none. packed: our address,
    bytes, 4. A and ANY have it; any other type exists and is empty (so that a phone
    does not wait for AAAA)."""
    length = len(message)
    # A query (bit 7), standard (bits 3 to 6), not truncated (bit 1), with one question
    if length < _HEAD or message[2] & 0xFA or message[4] or message[5] != 1:
        return None
    end = _HEAD
    while True:
        if end >= length or end - _HEAD > _LONGEST_NAME:
            return None
        label = message[end]
        if label > 63:  # a pointer: there is nothing it could point to
            return None
        end += 1 + label
        if label == 0:
            break
    if end + 4 > length:
        return None
    kind = message[end] << 8 | message[end + 1]
    if message[end + 2] << 8 | message[end + 3] != _CLASS_IN:
        return None
    known = kind == _TYPE_A or kind == _TYPE_ANY
    result = bytearray(message[: end + 4])
    result[2] = 0x84 | message[2] & 0x01  # an authoritative answer; recursion desired: copied
    result[3] = 0x80  # recursion available, no error
    result[6:12] = bytes((0, known, 0, 0, 0, 0))
    if known:
        result.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00")
        result.append(_TIME_TO_LIVE)
        result.extend(b"\x00\x04")
        result.extend(packed)
    return bytes(result)


async def run(host, port=_PORT):
    """Answer every name with `host` (dotted), on that address only, until cancelled."""
    packed = bytes(int(part) for part in host.split("."))
    udp = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    try:
        udp.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        udp.bind(address(host, port))
        udp.setblocking(False)
        while True:
            await readable(udp)
            try:
                message, client = udp.recvfrom(_LONGEST)
                message = answer(message, packed)
                if message:
                    udp.sendto(message, client)
            except OSError:
                await sleep_ms(_RETRY)
    finally:
        udp.close()
