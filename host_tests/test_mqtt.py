"""From the outbox to the broker: what is sent, in which order, and what follows each answer.

The first part runs the publisher under CPython against a broker that is told what to do;
the second under MicroPython against amqtt and a real mosquitto.
"""

import asyncio
import errno
import json
import shutil
import socket
import subprocess
import time
from contextlib import asynccontextmanager, contextmanager

import paho.mqtt.client as paho
import pytest
import umqtt_on_cpython  # noqa: F401 - first: the next ones import umqtt
from hypothesis import given
from hypothesis import strategies as st
from meterling import config
from meterling.errors import BYTES, FRAMES, NO_AUTH_KEY, READINGS, TAG, Counters
from meterling.publish import connecting, connection, diagnosis, loop
from meterling.publish.diagnosis import Diagnosis
from meterling.publish.errors import BrokerError
from meterling.publish.mqtt import Publisher
from meterling.publish.outbox import Outbox
from meterling.publish.wire import Wire
from meterling_tools import interpreters
from meterling_tools.bench import mqtt as bench_mqtt
from meterling_tools.simulate import make_meter
from mqtt_brokers import CONNACK, CONNECT, PINGREQ, PUBLISH, Brokers, read_packet
from mqtt_probes import Probe

SECRET = "S3cret"


class Reading:
    def __init__(self, number):
        self.number = number

    def put_json(self, buffer, position):
        text = b'{"number":%d}' % self.number
        if position + len(text) > len(buffer):
            return -1
        buffer[position : position + len(text)] = text
        return position + len(text)


class Network:
    def is_up(self):
        return True

    def nameserver(self):
        return ""


class Rig:
    """A publisher, what it needs, and the packets that the broker got from it."""

    def __init__(self, port):
        self.counters = Counters()
        self.outbox = Outbox()
        self.diagnosis = Diagnosis(self.counters)
        settings = config.check(
            {"mqtt": {"host": "127.0.0.1", "port": port, "user": "me", "password": SECRET}}
        )
        self.publisher = Publisher(settings, "d", self.outbox, self.diagnosis, Network())

    def put(self, number):
        self.outbox.put(Reading(number))
        self.publisher.wake()


class ScriptedBroker:
    """Answers as a broker should, unless `silent` is set; keeps all packets."""

    def __init__(self):
        self.packets = asyncio.Queue()
        self.silent = False
        self.writer = None

    async def serve(self, reader, writer):
        self.writer = writer
        try:
            while True:
                packet = await read_packet(reader)
                self.packets.put_nowait(packet)
                if packet.kind == CONNECT:
                    writer.write(CONNACK)
                elif self.silent:
                    continue
                elif packet.kind == PUBLISH:
                    writer.write(packet.puback())
                elif packet.kind == PINGREQ:
                    writer.write(b"\xd0\x00")
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def next(self, kind=PUBLISH, topic=""):
        """The next packet of that kind (of that topic's end)."""
        while True:
            packet = await asyncio.wait_for(self.packets.get(), 5)
            if packet.kind == kind and (kind != PUBLISH or packet.topic.endswith(topic)):
                return packet


@asynccontextmanager
async def running(**settings):
    broker = ScriptedBroker()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    rig = Rig(server.sockets[0].getsockname()[1])
    for name, value in settings.items():
        setattr(rig.publisher, name, value)
    task = asyncio.create_task(rig.publisher.run())
    try:
        yield rig, broker
        assert not task.done()
    finally:
        while not task.done():  # CPython 3.11's wait_for loses a cancellation now and then
            task.cancel()
            await asyncio.wait([task], timeout=0.1)
        server.close()


def test_it_is_offline_until_a_reading_has_arrived_and_again_when_none_comes():
    async def run():
        async with running(stale_after=800) as (rig, broker):
            await broker.next(CONNECT)
            first = await broker.next()
            assert (first.topic, first.payload) == ("meterling/d/status", b'{"state":"offline"}')
            assert (await broker.next()).topic == "meterling/d/diagnostics"
            rig.put(1)
            reading = await broker.next()
            assert (reading.topic, reading.payload) == ("meterling/d/reading", b'{"number":1}')
            assert (reading.qos, reading.retain, reading.duplicate) == (1, True, False)
            assert (await broker.next()).payload == b'{"state":"online"}'
            assert (await broker.next(topic="status")).payload == b'{"state":"offline"}'

    asyncio.run(run())


def test_what_waited_for_more_than_six_days_is_not_online(monkeypatch):
    """MicroPython's ticks_ms begin anew after twelve: the difference is below zero then."""
    rig = Rig(1883)
    half = 1 << 29
    for days, fresh in ((0, True), (6, False), (7, False), (12, False)):
        monkeypatch.setattr("meterling.publish.mqtt.ticks_ms", lambda day=days: day * 86_400_000)
        monkeypatch.setattr(
            "meterling.publish.mqtt.ticks_diff", lambda a, b: (a - b + half) % (2 * half) - half
        )
        assert rig.publisher._is_fresh(0) is fresh


@pytest.mark.parametrize("problem", [errno.ECONNRESET, errno.ENOTCONN, errno.ECONNABORTED])
def test_a_refusal_that_shows_only_at_the_first_write(monkeypatch, problem):
    """As lwIP has it, of the ESP32."""

    async def opened(*args):
        pass

    async def refused(*args):
        raise OSError(problem)

    monkeypatch.setattr(connecting, "_open_tcp", opened)
    monkeypatch.setattr(connection, "send", refused)
    rig = Rig(1883)
    asked = connection.Connection(rig.publisher._client, Wire(512), lambda: None)
    with pytest.raises(BrokerError) as caught:
        asyncio.run(connecting.connect(asked, "127.0.0.1", 1883))
    assert caught.value.code == "mqtt-refused"


def test_connect_has_the_last_will_and_a_clean_session():
    async def run():
        async with running() as (_, broker):
            return (await broker.next(CONNECT)).body

    body = asyncio.run(run())
    assert body[:7] == b"\x00\x04MQTT\x04"
    assert body[7] == 0x80 | 0x40 | 0x20 | 0x08 | 0x04 | 0x02  # user, password, will: retained, 1
    will = b"\x00\x12meterling/d/status" + b"\x00\x13" + b'{"state":"offline"}'
    assert body[10:] == b"\x00\x01d" + will + b"\x00\x02me" + b"\x00\x06S3cret"


def test_a_reading_without_puback_is_sent_again_as_a_duplicate():
    async def run():
        async with running(answer_timeout=300) as (rig, broker):
            await broker.next(topic="diagnostics")
            broker.silent = True
            rig.put(1)
            rig.put(2)
            assert not (await broker.next(topic="reading")).duplicate
            await broker.next(CONNECT)
            assert rig.publisher.error == "mqtt-no-puback"
            broker.silent = False
            again = await broker.next(topic="reading")
            assert (again.payload, again.duplicate) == (b'{"number":1}', True)
            other = await broker.next(topic="reading")
            assert (other.payload, other.duplicate) == (b'{"number":2}', False)

    asyncio.run(run())


def test_a_silent_connection_is_pinged_and_given_up_without_an_answer():
    async def run():
        async with running(ping_after=200, answer_timeout=600) as (rig, broker):
            for _ in range(2):
                await broker.next(PINGREQ)
            broker.silent = True
            await broker.next(CONNECT)
            assert rig.publisher.error == "mqtt-no-pingresp"

    asyncio.run(run())


def test_diagnostics_say_at_once_what_is_wrong_and_never_a_secret():
    async def run():
        async with running() as (rig, broker):
            document = json.loads((await broker.next(topic="diagnostics")).payload)
            assert document["code"] == "starting"
            rig.counters.add(BYTES, 282)
            rig.counters.add(FRAMES, 2)
            rig.counters.add(TAG)
            rig.diagnosis.update()
            rig.publisher.wake()
            packet = await broker.next(topic="diagnostics")
            document = json.loads(packet.payload)
            assert document["code"] == "tag"
            assert document["counters"]["errors"] == {"tag": 1}
            assert document["outbox"] == {"waiting": 0, "dropped": 0, "too_long": 0}
            assert document["mqtt"] == {"connects": 1, "last_error": None}
            assert SECRET.encode() not in packet.payload

    asyncio.run(run())


def test_packet_identifiers_never_reach_zero_again():
    async def run():
        async with running() as (rig, broker):
            await broker.next(topic="diagnostics")
            rig.publisher._client.pid = 65534
            identifiers = []
            for number in range(3):
                rig.put(number)
                identifiers.append((await broker.next(topic="reading")).identifier)
                await asyncio.sleep(0.05)
            return identifiers

    identifiers = asyncio.run(run())
    assert 0 not in identifiers
    assert identifiers[0] == 65535


def test_each_packet_is_one_send(monkeypatch):
    packets = []

    class Counting:
        def send(self, view):
            packets.append(bytes(view))
            return self.socket.send(view)

    def counted(real_socket, view):
        counting = Counting()
        counting.socket = real_socket
        return loop.send(counting, view)

    async def run():
        async with running() as (rig, broker):
            rig.put(1)
            await broker.next(topic="reading")

    monkeypatch.setattr(connection, "send", counted)
    asyncio.run(run())
    assert [packet[0] >> 4 for packet in packets[:2]] == [CONNECT, PUBLISH]
    for packet in packets:
        assert 2 + packet[1] == len(packet) or packet[1] & 0x80


# The wire


@given(st.binary(max_size=64), st.data())
def test_no_answer_of_a_broker_raises_anything_but_its_name(answer, data):
    wire = Wire(100)
    wire.begin()
    position = 0
    while position < len(answer):
        count = data.draw(st.integers(1, len(answer) - position))
        count = min(count, len(wire.room()))
        wire.room()[:count] = answer[position : position + count]
        wire.received(count)
        position += count
        try:
            while wire.answer():
                wire.drop_answer()
        except BrokerError as error:
            assert error.code == "mqtt-protocol"
            return


def test_what_has_not_come_is_not_read():
    wire = Wire(100)
    wire.begin()
    with pytest.raises(connecting.NotYet):
        connecting.Pretended(wire, False).read(4)
    wire.room()[:3] = b"\x20\x02\x00"
    wire.received(3)
    assert not wire.answer()
    wire.room()[:1] = b"\x05"
    wire.received(1)
    assert wire.answer() == 0x20
    assert connecting.Pretended(wire, True).read(4) == b"\x20\x02\x00\x05"


@given(st.text(max_size=300), st.integers(0, 20_000), st.booleans(), st.integers(0, 0xFFFF))
def test_a_publish_has_what_the_standard_demands(topic, length, duplicate, identifier):
    """Up to three bytes of remaining length, and any topic."""
    client = type("Client", (), {"pid": identifier})()
    subject = connection.Connection(client, Wire(30_000), None)
    payload = bytes(length)
    number = subject.publish(topic.encode(), payload, duplicate)
    assert number == client.pid == (identifier + 1 if identifier < 0xFFFF else 1)

    async def read():
        reader = asyncio.StreamReader()
        reader.feed_data(bytes(subject.wire.packet()))
        reader.feed_eof()
        packet = await read_packet(reader)
        assert reader.at_eof()
        return packet

    packet = asyncio.run(read())
    assert (packet.kind, packet.topic, packet.payload) == (PUBLISH, topic, payload)
    assert (packet.qos, packet.retain, packet.duplicate) == (1, True, duplicate)
    assert packet.identifier == number


def test_a_packet_longer_than_the_buffer_is_named():
    wire = Wire(10)
    wire.begin()
    wire.write(b"12345678")
    with pytest.raises(BrokerError) as caught:
        wire.write(b"abc")
    assert caught.value.code == "mqtt-too-long"


# What is wrong now


def diagnose(monkeypatch, events, at):
    """The code at `at` (ms), if `events` [(ms, counter)] happened before."""
    now = 0
    monkeypatch.setattr(diagnosis, "ticks_ms", lambda: now)
    counters = Counters()
    subject = Diagnosis(counters)
    events = sorted(events)
    while now < at:
        now += 1000
        while events and events[0][0] <= now:
            counters.add(events.pop(0)[1])
        subject.update()
    return subject.code


@pytest.mark.parametrize(
    ("events", "at", "code"),
    [
        ([], 10_000, "starting"),
        ([], 31_000, "no-bytes"),
        ([(1000, BYTES)], 10_000, "starting"),
        ([(t, BYTES) for t in range(0, 60_000, 5000)], 50_000, "no-frames"),
        ([(5000, BYTES), (5000, FRAMES), (5000, TAG)], 6000, "tag"),
        ([(5000, BYTES), (5000, FRAMES), (5000, READINGS)], 6000, "ok"),
        ([(5000, BYTES), (5000, FRAMES), (5000, READINGS), (9000, TAG)], 9000, "ok"),
        ([(5000, BYTES), (5000, FRAMES), (5000, READINGS)], 60_000, "no-bytes"),
        ([(5000, FRAMES), (5000, READINGS), (5000, NO_AUTH_KEY)], 6000, "no-auth-key"),
    ],
)
def test_the_code_is_the_deepest_layer_that_refused_lately(monkeypatch, events, at, code):
    assert diagnose(monkeypatch, events, at) == code


# Real brokers, and the firmware's own interpreter

needs_mosquitto = pytest.mark.skipif(not shutil.which("mosquitto"), reason="no mosquitto")


@pytest.fixture(params=["micropython", "micropython32"])
def dongle(request):
    interpreter = interpreters.find(request.param)
    if not interpreter:
        pytest.skip(interpreter.reason)
    return interpreter


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    def __init__(self, folder, *more):
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "user root", *more]
        self._config.write_text("\n".join(lines) + "\n")

    def __enter__(self):
        self._process = subprocess.Popen(
            ["mosquitto", "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for_port(self.port)
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.wait(5)


@contextmanager
def amqtt():
    from amqtt.broker import Broker

    port = free_port()
    plugin = "amqtt.plugins.authentication.AnonymousAuthPlugin"
    settings = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {plugin: {"allow_anonymous": True}},
    }
    with Brokers() as threads:

        async def start():
            broker = Broker(settings)
            await broker.start()
            return broker

        broker = threads.call(start())
        try:
            yield port
        finally:
            threads.call(broker.shutdown())


def wait_for_port(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing listens at {port}")


class Listener:
    """An independent client: all messages it got, (topic's end, document, retained)."""

    def __init__(self, port):
        self.messages = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("meterling/#", 1)
        self._client.on_message = self._keep
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)

    def __enter__(self):
        self._client.loop_start()
        return self

    def __exit__(self, *exception):
        self._client.disconnect()
        self._client.loop_stop()

    def _keep(self, client, userdata, message):
        kind = message.topic.rpartition("/")[2]
        self.messages.append((kind, json.loads(message.payload), message.retain))

    def wait(self, wanted, seconds=8):
        """Until `wanted(kind, document)` is true of a message that came since the last call."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while self.messages:
                kind, document, retained = self.messages.pop(0)
                if wanted(kind, document):
                    return document, retained
            time.sleep(0.02)
        raise AssertionError("it did not come")


def online(kind, document):
    return (kind, document) == ("status", {"state": "online"})


def offline(kind, document):
    return (kind, document) == ("status", {"state": "offline"})


def a_reading(kind, document):
    return kind == "reading"


def test_amqtt_keeps_what_a_later_client_wants_to_know(dongle):
    with amqtt() as port:
        probe = Probe(dongle, mqtt={"host": "localhost", "port": port}, milliseconds=3000)
        time.sleep(1.5)
        with Listener(port) as listener:
            retained = {}
            end = time.monotonic() + 5
            while len(retained) < 3 and time.monotonic() < end:
                time.sleep(0.05)
                retained = {kind: document for kind, document, kept in listener.messages if kept}
        assert retained["status"] == {"state": "online"}
        assert retained["reading"]["number"] % 100 == 0
        assert retained["diagnostics"]["code"] in ("starting", "ok")
        result = probe.result()
        assert (result["lost"], result["dropped"], result["connects"]) == (0, 0, 1)
        assert result["held"] < 100


in_64_bits = pytest.mark.parametrize("dongle", ["micropython"], indirect=True)


@needs_mosquitto
@in_64_bits
def test_mosquitto_announces_a_dongle_that_is_gone(dongle, tmp_path):
    with Mosquitto(tmp_path, "allow_anonymous true") as broker, Listener(broker.port) as listener:
        probe = Probe(dongle, mqtt={"host": "127.0.0.1", "port": broker.port}, milliseconds=20000)
        listener.wait(a_reading)
        listener.wait(online)
        probe.kill()
        listener.wait(offline)
        with Listener(broker.port) as later:
            assert later.wait(offline) == ({"state": "offline"}, True)


@needs_mosquitto
@in_64_bits
def test_after_a_restart_of_the_broker_readings_come_again(dongle, tmp_path):
    broker = Mosquitto(tmp_path, "allow_anonymous true")
    with broker, Listener(broker.port) as listener:
        probe = Probe(dongle, mqtt={"host": "127.0.0.1", "port": broker.port}, milliseconds=5500)
        before, _ = listener.wait(a_reading)
    time.sleep(1)
    with broker, Listener(broker.port) as listener:
        listener.wait(online)  # at once: what it published last is not old yet
        after, _ = listener.wait(a_reading)
        assert after["number"] > before["number"]
        result = probe.result()
    assert result["connects"] == 2
    assert (result["lost"], probe.overruns) == (0, 0)
    assert result["held"] < 100


@needs_mosquitto
@in_64_bits
def test_readings_of_a_short_outage_are_all_delivered(dongle, tmp_path):
    """Between the dongle and the broker a line that breaks twice; the listener stays."""
    with Mosquitto(tmp_path, "allow_anonymous true") as broker, Brokers() as lines:
        state = {"broken": False, "count": 0}

        async def line(reader, writer):
            if state["broken"]:
                return
            there, back = await asyncio.open_connection("127.0.0.1", broker.port)
            state["count"] += 1

            async def carry(source, target):
                while data := await source.read(4096):
                    if state["broken"]:
                        break
                    target.write(data)

            ways = [asyncio.create_task(carry(*way)) for way in ((reader, back), (there, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            back.close()

        port = lines.start(line)
        with Listener(broker.port) as listener:
            probe = Probe(
                dongle,
                mqtt={"host": "127.0.0.1", "port": port},
                milliseconds=6000,
                reading_every=400,  # two a second: four seconds' worth fit into the outbox
            )
            time.sleep(1.5)
            state["broken"] = True
            time.sleep(1)
            state["broken"] = False
            result = probe.result()
            time.sleep(0.3)
            numbers = [doc["number"] for kind, doc, _ in listener.messages if kind == "reading"]
    assert result["connects"] == state["count"] == 2
    assert result["dropped"] == 0
    # QoS 1 is at least once: one may have come twice, but none is missing.
    assert sorted(set(numbers)) == list(range(numbers[0], numbers[-1] + 1, 400))
    assert len(numbers) >= 6


@needs_mosquitto
@in_64_bits
def test_a_wrong_password_is_named(dongle, tmp_path):
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "me", "right"], check=True)
    passwords.chmod(0o644)
    with Mosquitto(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        address = {"host": "127.0.0.1", "port": broker.port, "user": "me"}
        wrong = Probe(dongle, mqtt={**address, "password": SECRET}, milliseconds=1000)
        right = Probe(dongle, mqtt={**address, "password": "right"}, milliseconds=1000)
        assert right.result()["connects"] == 1
        assert wrong.result()["error"] in ("mqtt-not-authorised", "mqtt-login")
        assert SECRET not in "\n".join(wrong.lines)


@needs_mosquitto
def test_one_publish_is_one_send_and_a_kilobyte_of_heap_and_waits_for_nobody(dongle, tmp_path):
    with Mosquitto(tmp_path, "allow_anonymous true") as broker:
        meter = make_meter("tinetz-kaifa")
        measured = bench_mqtt.publish(dongle, meter, broker.port, tmp_path, count=50)
    assert measured["sends"] == 1
    assert measured["heap"] <= 1024
    # Packets in pieces wait 40 ms for the other side's delayed acknowledgement.
    assert measured["median"] < 20_000  # us
