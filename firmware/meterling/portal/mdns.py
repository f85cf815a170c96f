"""What the home's network says about itself: mDNS (RFC 6762), and the services in it (DNS-SD,
RFC 6763).

Asked from a port of our own: whoever answers then answers to that port, by unicast (6762, 6.7).
So nothing is joined, and the chip's own responder keeps port 5353 to itself.

    question: | id 2 | flags 2 | 00 01 | 0 2 | 0 2 | 0 2 | name | type 2 | class 2 |
    answer:   | id 2 | flags 2 | questions 2 | answers 2 | authorities 2 | additional 2 |
              the question again, then records:
              | name | type 2 | class 2 | time to live 4 | length 2 | data |
    data:     PTR: | name |    SRV: | priority 2 | weight 2 | port 2 | name |    A: | address 4 |
    name:     | length 1 | label | ... | 00    or, at any label, C0 xx: "goes on there"

A name is kept as it stands on the wire, unpacked: b"\\x09meterling\\x05local\\x00".
"""

import asyncio
import os
import socket

from ..publish.loop import address, readable, sleep_ms
from ..python import const

GROUP = ("224.0.0.251", 5353)
A = const(1)
PTR = const(12)
SRV = const(33)

_LONGEST = const(1460)  # bytes, of a message: one Ethernet frame's
_LONGEST_NAME = const(255)  # bytes
_HEAD = const(12)
_RECORDS = const(32)  # looked at in one message
_MESSAGES = const(64)  # looked at in all: a home has far fewer that answer
_ROUNDS = const(3)
_ROUND = const(700)  # ms


def name_of(dotted):
    """The name (bytes) of "meterling.local" (str)."""
    name = bytearray()
    for label in dotted.encode().split(b"."):
        name.append(len(label))
        name.extend(label)
    return bytes(name + b"\x00")


def first_label(name):
    """The first label (str) of a name (bytes): what a service is called."""
    try:
        return name[1 : 1 + name[0]].decode()
    except UnicodeError:
        return ""


def build_question(identifier, name, kind):
    """The question (bytes); `identifier`: bytes, 2; kind: A, PTR, SRV."""
    head = identifier + b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    return head + name + bytes((0, kind, 0, 1))


def read_records(message, identifier):
    """[(name, kind, value)] that `message` (bytes) tells, up to where it is damaged; [] if it
    is no answer to ours. Names are in lower case, but for a PTR's value.

    A: value is the dotted address; PTR: a name; SRV: (port, name).
    """
    found = []
    if len(message) < _HEAD or message[:2] != identifier or not message[2] & 0x80:
        return found
    position = _HEAD
    for _ in range(min(_number(message, 4), _RECORDS)):
        position = _name(message, position)[1] + 4
    count = _number(message, 6) + _number(message, 8) + _number(message, 10)
    for _ in range(min(count, _RECORDS)):
        name, position = _name(message, position)
        begin = position + 10
        if name is None or begin > len(message):
            break
        end = begin + _number(message, position + 8)
        if end > len(message):
            break
        value = _value(message, _number(message, position), begin, end)
        if value is not None:
            found.append((name.lower(), message[position + 1], value))
        position = end
    return found


def _value(message, kind, begin, end):
    # What the data message[begin:end] of a record says; None if nothing that is asked for.
    if kind == A and end - begin == 4:
        return ".".join(str(byte) for byte in message[begin:end])
    if kind == PTR:
        return _name(message, begin)[0]
    if kind == SRV and end - begin > 6:
        name = _name(message, begin + 6)[0]
        return name and (_number(message, begin + 4), name.lower())
    return None


def _number(message, position):
    return message[position] << 8 | message[position + 1]


def _name(message, position):
    # (the name at `position`, where it ends there); (None, the message's end) if it is none.
    name = bytearray()
    after = 0
    limit = position
    while position < len(message):
        length = message[position]
        if length >= 0xC0:
            if position + 2 > len(message):
                break
            after = after or position + 2
            position = _number(message, position) & 0x3FFF
            if position >= limit:  # they go back only, so that none can loop
                break
            limit = position
            continue
        position += 1 + length
        if length > 63 or position > len(message) or len(name) + length >= _LONGEST_NAME:
            break
        name.extend(message[position - 1 - length : position])
        if length == 0:
            return bytes(name), after or position
    return None, len(message)


async def ask(questions, take, server=GROUP):
    """Ask for 2.1 s what `questions()` gives: [(name, kind)], again in every round, so that it
    can ask for what is still missing; and no longer if that is nothing.

    take(name, kind, value, sender) is called with each record that comes, the PTRs of a
    message first, the As last; sender: dotted. OSError if the network refuses.
    """
    identifier = os.urandom(2)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        hearing = asyncio.create_task(_hear(udp, identifier, take))
        try:
            for _ in range(_ROUNDS):
                asked = questions()
                if not asked:
                    break
                for name, kind in asked:
                    udp.sendto(build_question(identifier, name, kind), address(*server))
                await sleep_ms(_ROUND)
        finally:
            hearing.cancel()
            try:
                await hearing
            except asyncio.CancelledError:
                pass
    finally:
        udp.close()


async def _hear(udp, identifier, take):
    for _ in range(_MESSAGES):
        await readable(udp)
        try:
            message, sender = udp.recvfrom(_LONGEST)
        except OSError:  # nothing there after all; or nobody at a port that was asked
            continue
        sender = _dotted(sender)
        records = read_records(message, identifier)
        # They stand in any order; a PTR's value is an SRV's name, and an SRV's an A's.
        for wanted in (PTR, SRV, A):
            for name, kind, value in records:
                if kind == wanted:
                    take(name, kind, value, sender)


def _dotted(sender):
    # ("192.168.1.20", 5353); in the unix port | family 2 | port 2 | address 4 |
    if isinstance(sender, tuple):
        return sender[0]
    return ".".join(str(byte) for byte in sender[4:8])


async def is_taken(name, own, server=GROUP):
    """True if somebody else in the network is called `name` (str, without ".local"). own: our
    own addresses (list of str), dotted."""
    wanted = name_of(name.lower() + ".local")
    others = []

    def take(found, kind, value, sender):
        if found == wanted and kind == A and value not in own and not others:
            others.append(value)

    await ask(lambda: [] if others else [(wanted, A)], take, server)
    return bool(others)
