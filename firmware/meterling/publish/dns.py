"""The address of a name, without holding up the event loop as `getaddrinfo` would.

One question (RFC 1035, 4.1) for the A record of one name; `.local` is asked of the
local network instead (mDNS, RFC 6762, 5.1: from any port, answered to that port).

    | id 2 | flags 2 | questions 2 | answers 2 | 0 2 | 0 2 | name | type 2 | class 2 |
    answer: | name | type 2 | class 2 | time to live 4 | length 2 | data |
    name:   | length 1 | label | ... | 00    or, at any label, C0 xx: "goes on there"
"""

import asyncio
import os
import socket

from ..python import const
from .errors import BrokerError
from .loop import address, is_dotted, readable, receive

_PORT = const(53)
_MDNS = ("224.0.0.251", 5353)
_TRIES = const(3)
_TIMEOUT = const(2)  # s, for each try
_LONGEST = const(512)  # bytes, of an answer over UDP
_TYPE_A = b"\x00\x01"
_CLASS_IN = b"\x00\x01"
_CLASS_IN_UNICAST = b"\x80\x01"
_ANSWERS = const(16)  # looked at; CNAMEs may come before the address
_NAME_ERROR = const(3)


async def resolve(name, nameserver, port=_PORT):
    """Dotted IPv4 address of `name` (str; a dotted address is its own). `nameserver`:
    dotted, or "" if there is none. BrokerError with a code "dns-.." if there is none."""
    if is_dotted(name):
        return name
    if name == "localhost":  # RFC 6761, 6.3: never asked of anybody
        return "127.0.0.1"
    local = name.endswith(".local")
    if local:
        nameserver, port = _MDNS
    elif not is_dotted(nameserver) or nameserver == "0.0.0.0":
        raise BrokerError("dns-no-server")
    for _ in range(_TRIES):
        identifier = os.urandom(2)
        question = build_question(identifier, name, _CLASS_IN_UNICAST if local else _CLASS_IN)
        try:
            return await asyncio.wait_for(
                _ask(question, identifier, address(nameserver, port), not local), _TIMEOUT
            )
        except (asyncio.TimeoutError, OSError):
            pass
    raise BrokerError("dns-no-answer")


async def _ask(question, identifier, server, connected):
    buffer = bytearray(_LONGEST)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        if connected:  # takes answers of that server only
            udp.connect(server)
            udp.send(question)
        else:
            udp.sendto(question, server)
        while True:
            await readable(udp)
            count = receive(udp, buffer)
            if count:
                found = read_answer(bytes(buffer[:count]), identifier)
                if found:
                    return found
    finally:
        udp.close()


def build_question(identifier, name, question_class=_CLASS_IN):
    """The question for the A record of `name`; `identifier`: bytes, 2."""
    question = bytearray(identifier + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00")
    for label in name.rstrip(".").encode().split(b"."):
        if not 0 < len(label) < 64:
            raise BrokerError("dns-unknown")
        question.append(len(label))
        question.extend(label)
    return bytes(question + b"\x00" + _TYPE_A + question_class)


def read_answer(message, identifier):
    """The first address in the answer (str), None if it is not the answer to our
    question. BrokerError "dns-unknown" if it says that there is none."""
    if len(message) < 12 or message[:2] != identifier or not message[2] & 0x80:
        return None
    if message[3] & 0x0F == _NAME_ERROR:
        raise BrokerError("dns-unknown")
    position = 12
    for _ in range(message[5]):
        position = _after_name(message, position) + 4
    for _ in range(min(message[7], _ANSWERS)):
        position = _after_name(message, position)
        if position + 10 > len(message):
            return None
        data = position + 10
        length = message[position + 8] << 8 | message[position + 9]
        if message[position : position + 2] == _TYPE_A and length == 4 and data + 4 <= len(message):
            return ".".join(str(byte) for byte in message[data : data + 4])
        position = data + length
    raise BrokerError("dns-unknown")


def _after_name(message, position):
    """Where the name at `position` ends. Pointers are not followed, so none can loop."""
    while position < len(message):
        length = message[position]
        if length >= 0xC0:
            return position + 2
        position += 1 + length
        if length == 0:
            break
    return position
