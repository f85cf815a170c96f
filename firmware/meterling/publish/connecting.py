"""Opening an MQTT connection. Loaded for that, and dropped again.

umqtt.simple writes CONNECT in up to a dozen pieces and then reads until the answer is there,
however long that takes. Here its pieces are joined in our buffer, and it is given only
bytes that have come already. Where it wants more, `NotYet` takes it off the processor; once
the answer is there, it connects once more, into the void, and reads that.
"""

import errno
import socket as _socket

from umqtt import simple

from ..python import const
from .errors import BrokerError, from_connack
from .loop import address, writable
from .wire import CONNACK

# TCP_NODELAY: RFC 896's waiting for company would hold a packet back for up to 40 ms.
# MicroPython names neither number; they are the same on Linux, macOS and lwIP.
_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)

# What lwIP says at the first write where nobody listened; other systems say ECONNREFUSED.
_NOT_THERE = (errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN)


async def connect(connection, host, port):
    """TCP to a dotted IPv4 address, CONNECT, and the broker's CONNACK. `connection`: a
    Connection, which gets its socket as soon as there is one."""
    client = connection.client
    wire = connection.wire
    wire.reset()
    connection.socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    await _open_tcp(connection.socket, host, port)
    wire.begin()
    _connect(client, wire, False)  # writes CONNECT and runs dry
    try:
        await connection.flush()
    except OSError as error:
        if error.args[0] in _NOT_THERE:
            raise BrokerError("mqtt-refused") from error
        raise
    while not wire.answer():
        await connection.receive()
    if wire.answer() != CONNACK or not _connect(client, wire, True):
        raise BrokerError("mqtt-protocol")
    wire.drop_answer()


async def _open_tcp(socket, host, port):
    # Non-blocking. OSError if refused at once; a later refusal shows at the first write.
    socket.setblocking(False)
    try:
        socket.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
    except OSError:
        pass  # this port cannot: each packet is one write anyway
    try:
        socket.connect(address(host, port))
    except OSError as error:
        if error.args[0] != errno.EINPROGRESS:
            raise
    await writable(socket)


class NotYet(Exception):
    """umqtt waits for bytes that the broker has not sent yet."""


class Pretended:
    """What umqtt takes for the module `socket`, and for the socket that this makes.

    wire: a Wire; answered: bool, the answer is in its inbox."""

    def __init__(self, wire, answered):
        self._wire = wire
        self._answered = answered

    def write(self, data, length=-1):
        if not self._answered:
            self._wire.write(data, length)

    def read(self, length):
        if not self._answered:
            raise NotYet
        return bytes(self._wire.inbox[:length])  # it reads only once

    def setblocking(self, *_):
        pass

    settimeout = connect = setblocking

    # Of the module

    def socket(self):
        return self

    def getaddrinfo(self, host, port):
        return ((0, 0, 0, "", (host, port)),)


def _connect(client, wire, answered):
    """umqtt's `connect`, on our wire; False if it ran dry before CONNACK."""
    module = simple.socket
    simple.socket = Pretended(wire, answered)
    try:
        client.connect(True)
    except NotYet:
        return False
    except simple.MQTTException as error:
        raise from_connack(error.args[0])
    finally:
        simple.socket = module
        client.sock = None
    return True
