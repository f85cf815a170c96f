"""One MQTT connection (3.1.1): opened by umqtt.simple (see connecting); what follows are only
PUBLISH and PINGREQ, and their answers.

Nothing here blocks. Every failure is a BrokerError or an OSError.
"""

import asyncio

from ..python import const, unload
from .errors import BrokerError
from .loop import readable, receive, send
from .wire import PINGRESP, PUBACK

_LAST_PACKET_IDENTIFIER = const(0xFFFF)
_PUBLISH = const(0x33)  # QoS 1, retained
_DUPLICATE = const(0x08)
_PINGREQ = b"\xc0\x00"


class Connection:
    """`client`: umqtt's MQTTClient; `wire`: a Wire, the connection's own meanwhile;
    `on_answer()`: called when something came from the broker, or nothing will any more.

    socket: None before there is one; acknowledged: packet identifier (int) of the latest
    PUBACK, 0 = none yet; pong: True once a PINGRESP has come; failure: why there will be no
    more, or None.
    """

    def __init__(self, client, wire, on_answer):
        self.client = client
        self.wire = wire
        self._on_answer = on_answer
        self.socket = None
        self._receiver = None
        self.acknowledged = 0
        self.pong = False
        self.failure = None

    async def open(self, host, port):
        """TCP to a dotted IPv4 address, CONNECT, and the broker's CONNACK."""
        try:
            from .connecting import connect

            await asyncio.sleep(0)  # the meter's bytes come first
            await connect(self, host, port)
        finally:
            unload("meterling.publish", "connecting")
        self._receiver = asyncio.create_task(self._receive_answers())

    def publish(self, topic, payload, duplicate=False):
        """Write one retained QoS 1 PUBLISH, to be sent by `flush`; its packet identifier
        (int). `topic`: bytes; `payload`: bytes-like, copied."""
        # | 33 | remaining length | length (2) | topic | packet identifier (2) | payload |
        client = self.client
        client.pid = identifier = client.pid % _LAST_PACKET_IDENTIFIER + 1
        head = bytearray(7)
        head[0] = _PUBLISH
        if duplicate:
            head[0] |= _DUPLICATE
        length = 4 + len(topic) + len(payload)
        at = 1
        while length > 0x7F:
            head[at] = length & 0x7F | 0x80
            length >>= 7
            at += 1
        head[at] = length
        head[at + 1] = len(topic) >> 8
        head[at + 2] = len(topic) & 0xFF
        wire = self.wire
        wire.begin()
        wire.write(head, at + 3)
        wire.write(topic)
        head[0] = identifier >> 8
        head[1] = identifier & 0xFF
        wire.write(head, 2)
        wire.write(payload)
        return identifier

    def ping(self):
        """Write PINGREQ, to be sent by `flush`; `pong` is False until its answer has come."""
        self.pong = False
        self.wire.begin()
        self.wire.write(_PINGREQ)

    def flush(self):
        """To be awaited: sends the packet that was written, in one piece."""
        return send(self.socket, self.wire.packet())

    async def close(self):
        """Give the socket back, in whatever state everything is."""
        if self._receiver is not None:
            # First out of the poller, then closed: a closed socket is never ready.
            self._receiver.cancel()
            try:
                await self._receiver
            except asyncio.CancelledError:
                pass
            self._receiver = None
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    async def receive(self):
        """Wait for bytes from the broker and take them."""
        while True:
            await readable(self.socket)
            count = receive(self.socket, self.wire.room())
            if count:
                self.wire.received(count)
                return
            if count == 0:
                raise BrokerError("mqtt-closed")

    async def _receive_answers(self):
        try:
            while True:
                kind = self.wire.answer()
                if kind:
                    self._take(kind, self.wire.inbox)
                    self.wire.drop_answer()
                    self._on_answer()
                else:
                    await self.receive()
        except Exception as error:
            self.failure = error
            self._on_answer()

    def _take(self, kind, packet):
        if kind == PINGRESP:
            self.pong = True
        elif kind == PUBACK:
            self.acknowledged = packet[2] << 8 | packet[3]
        else:
            raise BrokerError("mqtt-protocol")
