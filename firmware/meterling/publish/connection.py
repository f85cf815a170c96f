"""One MQTT connection: umqtt.simple builds and reads the packets, we carry them.

Nothing here blocks. Every failure is a BrokerError or an OSError.
"""

import asyncio

from umqtt import simple

from ..python import const
from .errors import BrokerError, from_connack
from .loop import open_tcp, readable, receive, send
from .wire import CONNACK, PUBACK, NotYet

_LAST_PACKET_IDENTIFIER = const(0xFFFF)


class Connection:
    """`client`: umqtt's MQTTClient; `wire`: a Wire, the connection's own meanwhile;
    `on_answer()`: called when something came from the broker, or nothing will any more.

    acknowledged: packet identifier (int) of the latest PUBACK, 0 = none yet;
    pong: True once a PINGRESP has come; failure: why there will be no more, or None.
    """

    def __init__(self, client, wire, on_answer):
        self._client = client
        self._wire = wire
        self._on_answer = on_answer
        self._socket = None
        self._receiver = None
        self.acknowledged = 0
        self.pong = False
        self.failure = None

    async def open(self, host, port):
        """TCP to a dotted IPv4 address, CONNECT, and the broker's CONNACK."""
        wire = self._wire
        wire.reset()
        self._socket = await open_tcp(host, port)
        wire.begin()
        self._connect()  # writes CONNECT and runs dry
        await self.flush()
        while not wire.answer():
            await self._receive()
        # Writes the same again, into the void, and reads CONNACK.
        if wire.answer() != CONNACK or not self._connect():
            raise BrokerError("mqtt-protocol")
        wire.drop_answer()
        self._receiver = asyncio.create_task(self._receive_answers())

    def publish(self, topic, payload, duplicate=False):
        """Write one retained QoS 1 PUBLISH, to be sent by `flush`; its packet identifier
        (int). `topic`: bytes; `payload`: bytes-like, copied."""
        client = self._client
        if client.pid >= _LAST_PACKET_IDENTIFIER:
            client.pid = 0
        self._wire.begin()
        try:
            client.publish(topic, payload, True, 1)
        except NotYet:
            pass  # it wants the PUBACK now; `_take_answer` gets that
        if duplicate:
            self._wire.mark_as_duplicate()
        return client.pid

    def ping(self):
        """Write PINGREQ, to be sent by `flush`; `pong` is False until its answer has come."""
        self.pong = False
        self._wire.begin()
        self._client.ping()

    def flush(self):
        """To be awaited: sends the packet that was written, in one piece."""
        return send(self._socket, self._wire.packet())

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
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self):
        """umqtt's `connect`, on our wire; False if it ran dry before CONNACK."""
        module = simple.socket
        simple.socket = self._wire
        try:
            self._client.connect(True)
        except NotYet:
            return False
        except simple.MQTTException as error:
            raise from_connack(error.args[0])
        finally:
            simple.socket = module
        return True

    async def _receive(self):
        """Wait for bytes from the broker and take them."""
        while True:
            await readable(self._socket)
            count = receive(self._socket, self._wire.room())
            if count:
                self._wire.received(count)
                return
            if count == 0:
                raise BrokerError("mqtt-closed")

    async def _receive_answers(self):
        try:
            while True:
                while self._wire.answer():
                    self._take_answer()
                    self._on_answer()
                await self._receive()
        except Exception as error:
            self.failure = error
            self._on_answer()

    def _take_answer(self):
        """umqtt reads a packet that is there: PINGRESP as a whole, of PUBACK the type."""
        operation = self._client.wait_msg()
        if operation is None:
            self.pong = True
        elif operation == PUBACK:
            self._wire.read(1)  # remaining length
            identifier = self._wire.read(2)
            self.acknowledged = identifier[0] << 8 | identifier[1]
        else:
            raise BrokerError("mqtt-protocol")
        self._wire.drop_answer()
