"""Readings to an MQTT broker, whatever the broker does.

    <topic>/<device>/reading      the latest reading (`Reading.put_json`)
    <topic>/<device>/status       {"state":"online"} or {"state":"offline"}
    <topic>/<device>/diagnostics  {"code":"ok","counters":{..},"outbox":{..},"mqtt":{..}}

All three are retained and QoS 1. "online" says: the value in `reading` is not older
than 30 s. Where the meter is silent, the key is wrong or the dongle is gone (last
will), it is "offline", and Home Assistant with `availability_topic` and
`availability_template: {{ value_json.state }}` shows "unavailable", never an old
value. Why it is offline says the code in `diagnostics` (see `diagnosis`).

A reading stays in the outbox until its PUBACK has come. One PUBLISH is under way at
a time; the connection is given up 10 s after it if there is no PUBACK, and
the reading is sent again, marked as a duplicate, over the next one.
"""

import asyncio
import json
import os

from umqtt.simple import MQTTClient

from ..python import const, unload
from .connection import Connection
from .errors import BrokerError, from_os
from .loop import is_dotted, sleep_ms, ticks_diff, ticks_ms
from .wire import Wire

_ONLINE = b'{"state":"online"}'
_OFFLINE = b'{"state":"offline"}'

_LONGEST_PACKET = const(4352)  # bytes: a whole place of the outbox, and the longest topic
_TICK = const(500)  # ms: how often time-outs are looked at
_KEEPALIVE = const(60)  # s: after 1.5 times that the broker publishes the last will
_DIAGNOSTICS_EVERY = const(10_000)  # ms
_FIRST_DELAY = const(1_000)  # ms, until the next try
_LAST_DELAY = const(60_000)


class Publisher:
    """`settings`: as of `config.load`; `device`: str, the device's name in topics and
    as client identifier; `network`: has `is_up()` and `nameserver()` (dotted, or "").

    connects: int, how often a broker took us; error: code (str) of the last failure,
    None if there was none yet. beats: int, another one whenever the loop went on. power: has
    `publish` (bool: there is energy for it), or None.
    """

    connect_timeout = 10_000  # ms, from the first packet of TCP to CONNACK
    answer_timeout = 10_000  # ms, for PUBACK and PINGRESP
    ping_after = 20_000  # ms without anything sent
    stale_after = 30_000  # ms: three pushes of the slowest meters

    def __init__(self, settings, device, outbox, diagnosis, network):
        self._host = settings["mqtt.host"]
        self._port = settings["mqtt.port"]
        topic = (settings["mqtt.topic"] + "/" + device).encode()
        self._reading_topic = topic + b"/reading"
        self._status_topic = topic + b"/status"
        self._diagnostics_topic = topic + b"/diagnostics"
        self._client = MQTTClient(
            device.encode(),
            self._host,
            self._port,
            settings["mqtt.user"].encode() or None,
            settings["mqtt.password"].encode(),
            _KEEPALIVE,
        )
        self._client.set_last_will(self._status_topic, _OFFLINE, True, 1)
        self._outbox = outbox
        self._diagnosis = diagnosis
        self._network = network
        self._wire = Wire(_LONGEST_PACKET)
        self._event = asyncio.Event()
        self._sent = -1  # number of the reading that was sent last
        self._fresh = None  # ticks_ms of the reading that the broker has, None if old
        self._delivered = False
        self.connects = 0
        self.connected = False
        self.error = None
        self.on_published = None
        self.beats = 0
        self.power = None

    def wake(self):
        """There is something new to publish, or to look at."""
        self._event.set()

    async def run(self):
        """Keep a connection to the broker, for ever."""
        ticker = asyncio.create_task(self._tick())
        try:
            delay = _FIRST_DELAY
            while True:
                while not self._network.is_up() or not self._may_send():
                    self._beat()
                    await sleep_ms(_TICK)
                self._beat()
                self._delivered = False
                await self._one_connection()
                if self._delivered:  # not as soon as it lets us in: it may be to no avail
                    delay = _FIRST_DELAY
                jitter = 128 + (os.urandom(1)[0] >> 1)  # of 256: a half to a whole
                await sleep_ms(max(_FIRST_DELAY, delay * jitter >> 8))
                delay = min(2 * delay, _LAST_DELAY)
        finally:
            ticker.cancel()

    async def _tick(self):
        while True:
            await sleep_ms(_TICK)
            if self._fresh is not None and not self._is_fresh(self._fresh):
                self._fresh = None
            self._event.set()

    async def _one_connection(self):
        """From the first packet to the end of it; the end is noted, not raised."""
        connection = Connection(self._client, self._wire, self.wake)
        try:
            await self._connect(connection)
            self.connected = True
            await self._publish_all(connection)
        except BrokerError as error:
            self._note(error)
        except OSError as error:
            self._note(from_os(error))
        finally:
            self.connected = False
            await connection.close()

    def _note(self, error):
        self.error = error.code
        print("mqtt: {}: {}".format(error.code, error))

    async def _connect(self, connection):
        host = self._host
        if not is_dotted(host):
            try:
                from .dns import resolve

                host = await resolve(host, self._network.nameserver())
            finally:
                resolve = None
                unload("meterling.publish", "dns")
        try:
            await asyncio.wait_for(connection.open(host, self._port), self.connect_timeout / 1000)
        except asyncio.TimeoutError:
            raise BrokerError("mqtt-timeout")
        self.connects += 1
        print("mqtt: connected to {}:{}".format(self._host, self._port))

    async def _publish_all(self, connection):
        """Whatever there is to publish, one after the other, until the connection fails."""
        status = code = None
        reported = sent = ticks_ms()
        pinged = False
        while True:
            now = ticks_ms()
            if status != self._status():
                status = self._status()
                await self._deliver(connection, self._status_topic, status)
            elif code != self._diagnosis.code or ticks_diff(now, reported) > _DIAGNOSTICS_EVERY:
                code = self._diagnosis.code
                reported = now
                await self._deliver_diagnostics(connection)
            elif self._outbox.waiting and self._may_send():
                await self._deliver_reading(connection)
            elif pinged and not connection.pong:
                if ticks_diff(now, sent) > self.answer_timeout:
                    raise BrokerError("mqtt-no-pingresp")
                await self._woken(connection)
                continue
            elif ticks_diff(now, sent) > self.ping_after:
                connection.ping()
                await connection.flush()
                pinged = True
            else:
                await self._woken(connection)
                continue
            sent = now

    async def _deliver_reading(self, connection):
        number, payload, stamp = self._outbox.oldest()
        duplicate = number == self._sent
        self._sent = number
        await self._deliver(connection, self._reading_topic, payload, duplicate)
        self._outbox.done(number)
        if self.on_published is not None:
            self.on_published()
        if self._is_fresh(stamp):
            self._fresh = stamp

    async def _deliver_diagnostics(self, connection):
        # Not in `_publish_all`, whose frame would hold them until the next.
        outbox = self._outbox
        document = self._diagnosis.as_dict()
        document["outbox"] = {
            "waiting": outbox.waiting,
            "dropped": outbox.dropped,
            "too_long": outbox.too_long,
        }
        document["mqtt"] = {"connects": self.connects, "last_error": self.error}
        payload = json.dumps(document).encode()
        await self._deliver(connection, self._diagnostics_topic, payload)

    async def _deliver(self, connection, topic, payload, duplicate=False):
        """Publish and wait until the broker has acknowledged it."""
        sent = ticks_ms()
        identifier = connection.publish(topic, payload, duplicate)
        await connection.flush()
        while connection.acknowledged != identifier:
            await self._woken(connection)
            if ticks_diff(ticks_ms(), sent) > self.answer_timeout:
                raise BrokerError("mqtt-no-puback")
        self._delivered = True

    async def _woken(self, connection):
        """Wait for a reading, an answer or the next tick."""
        self._beat()
        if connection.failure is None:
            await self._event.wait()
            self._event.clear()
        if connection.failure is not None:
            raise connection.failure

    def _beat(self):
        self.beats = self.beats + 1 & 0xFFFF

    def _may_send(self):
        return self.power is None or self.power.publish

    def _status(self):
        return _OFFLINE if self._fresh is None else _ONLINE

    def _is_fresh(self, stamp):
        # Below 0: it has waited for more than six days.
        return 0 <= ticks_diff(ticks_ms(), stamp) < self.stale_after
