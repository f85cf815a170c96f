"""The whole line on one PC: simulated meter -> pseudo-terminal -> firmware -> broker -> client.

Everything is the real thing but the hardware: the firmware comes from a freshly built tree and
runs under MicroPython with stand-ins for `machine`, `network` and `esp32`; the broker is amqtt
unless another one is named; the client knows only MQTT.
"""

import asyncio
import json
import logging
import os
import secrets
import socket
import sys
import tempfile
import time
import tty
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import aiomqtt
from meterling.publish.errors import BrokerError, from_os

from . import CommandError, build, interpreters, site
from .simulate import make_meter

_STANDINS = Path(__file__).parent / "standins"
_TOPIC = "meterling"
_FIRST_WORDS = 10  # s, from the firmware's start to its first MQTT message
_PATIENCE = 3  # s, for a process to end by itself
_WILL = 0.5  # s, for the broker to publish the last will of a firmware that was ended
_FIRMWARE_LOG = "firmware.log"
_STAMPS = 100  # telegrams whose time is kept: more than the firmware's outbox has places
# The Wi-Fi of the demo, for whoever walks through the setup
HOME, HOME_PASSWORD = "Zuhause", "sonnenblume"
_AIR = {
    "networks": [
        {"ssid": HOME, "rssi": -52, "channel": 6, "password": HOME_PASSWORD, "address": True},
        {"ssid": "Nachbarin", "rssi": -80, "channel": 1, "password": "not known", "address": True},
    ],
    "address": "127.0.0.1",
    # One address for both networks: on a PC, who is in one is in the other.
    "access_point": "127.0.0.1",
}
_PRINTED_PASSWORD = "kommherein"  # of the dongle's own Wi-Fi, by the tool that flashed it
_RESET = 76  # exit status of the stand-in's machine.reset
_STAMP_WAIT = 0.01  # s; the simulator notes the time just after it has written the last byte


@dataclass
class Message:
    """One MQTT message of the firmware: `kind` "reading", "status" or "diagnostics"; `document`:
    its JSON (dict); `arrival`: time.monotonic_ns(); `latency`: ns from the last byte of the
    telegram on the line to `arrival` (None if it is no reading)."""

    kind: str
    document: dict
    arrival: int
    latency: int | None = None


class Rig:
    """`async with Rig("tinetz-kaifa") as rig: message = await rig.message(timeout=10)`

    meter: a name from `meterling simulate --list`; broker: (host, port), None for one of our
    own; key: hex text as the owner typed it, None for the meter's; interval: s between
    telegrams, None for the meter's; air: what Wi-Fi there is (dict, see standins/network_scene);
    bare: a dongle fresh from the box, without a setting but those of this PC and the password
    of its own Wi-Fi; silent: the meter says nothing until `start_meter`. CommandError if a part
    is missing or does not start.
    """

    def __init__(
        self, meter, broker=None, key=None, interval=None, air=None, bare=False, silent=False
    ):
        self.meter = make_meter(meter)
        self.broker = broker
        self.device = "demo-" + secrets.token_hex(3)
        self.page = None  # address of the dongle's own page, str
        self._air = _AIR if air is None else air
        self._bare = bare
        self._silent = silent
        # It speaks when it is asked, at a speed that both then agree on.
        self._asked = hasattr(self.meter, "converse")
        self._key = key
        self._interval = interval
        self._messages = asyncio.Queue()
        self._stamps = {}
        self._stamps_file = None
        self._used = None

    async def __aenter__(self):
        firmware = interpreters.find("micropython")
        if not firmware:
            raise CommandError(f"this needs MicroPython, and there is none: {firmware.reason}.", 1)
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="meterling-")))
            build.build("unix", folder / "tree")
            if self._bare:  # whoever sets it up needs the pages, and those of today
                site.build(folder / "tree" / "site")
            own_broker = self.broker is None
            if own_broker:
                self.broker = await stack.enter_async_context(_amqtt())
            await stack.enter_async_context(self._client(tidy=not own_broker))
            meter_end, line = stack.enter_context(_pseudo_terminal())
            await stack.enter_async_context(self._firmware(firmware, folder, line))
            await (self._page_is_up() if self._bare else self._firmware_is_up())
            self._meter_off = self._simulator(folder, meter_end)
            self._folder = folder
            self._stack = stack
            if not self._silent:
                await self.start_meter()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exception):
        await self._stack.aclose()

    async def start_meter(self):
        """Let the meter of a `silent` rig speak, from now on."""
        await self._stack.enter_async_context(self._meter_off)

    def diagnosis(self):
        """What the firmware has printed last about the meter: a code of publish.diagnosis."""
        code = "starting"
        for line in (self._folder / _FIRMWARE_LOG).read_text(errors="replace").splitlines():
            name, _, rest = line.partition(": ")
            if name == "meter":
                code = rest
        return code

    async def message(self, timeout):
        """The next Message, None if there is none within `timeout` (s). CommandError if a part
        of the line has ended by itself."""
        try:
            message = await asyncio.wait_for(self._messages.get(), timeout)
        except TimeoutError:
            return None
        if isinstance(message, CommandError):
            raise message
        if message.kind == "reading":
            counter = message.document.get("invocation_counter")
            message.latency = message.arrival - await self._last_byte(counter, message.arrival)
        return message

    async def _last_byte(self, counter, arrival):
        """time.monotonic_ns() of the telegram's last byte; of the latest one where telegrams
        have no invocation counter."""
        while True:
            for line in self._stamps_file:
                stamp = json.loads(line)
                self._stamps[stamp["invocation_counter"]] = stamp["last_byte"]
                if len(self._stamps) > _STAMPS:
                    del self._stamps[next(iter(self._stamps))]
            stamp = self._stamps.get(counter)
            # Without a counter it is the latest, and not the one before: that was read already.
            if stamp is not None and (counter is not None or stamp != self._used):
                self._used = stamp
                return stamp
            if time.monotonic_ns() - arrival > 1_000_000_000:
                raise CommandError(f"a reading {counter} came that the meter never sent.", 1)
            await asyncio.sleep(_STAMP_WAIT)

    @asynccontextmanager
    async def _client(self, tidy):
        """Receive all that the firmware publishes; `tidy`: leave nothing retained behind."""
        host, port = self.broker
        topics = set()
        logging.getLogger("mqtt").setLevel(logging.CRITICAL)
        client = aiomqtt.Client(host, port, timeout=5)
        try:
            await client.__aenter__()
        except aiomqtt.MqttError as error:
            raise CommandError(f"no broker at {host}:{port}: {_why(error)}", 1) from error
        receiver = asyncio.create_task(self._receive(client, topics))
        try:
            yield
            if tidy:
                await asyncio.sleep(_WILL)
                with suppress(aiomqtt.MqttError):  # it is gone: nothing is left there either
                    for topic in topics:
                        await client.publish(topic, b"", qos=1, retain=True)
        finally:
            receiver.cancel()
            with suppress(aiomqtt.MqttError):  # it is gone already
                await client.__aexit__(None, None, None)

    async def _receive(self, client, topics):
        try:
            await client.subscribe(f"{_TOPIC}/{self.device}/#", qos=1)
            async for message in client.messages:
                arrival = time.monotonic_ns()
                if message.payload:
                    topic = str(message.topic)
                    topics.add(topic)
                    kind = topic.rpartition("/")[2]
                    document = json.loads(message.payload, parse_float=Decimal)
                    self._messages.put_nowait(Message(kind, document, arrival))
        except aiomqtt.MqttError as error:
            self._messages.put_nowait(CommandError(f"the broker is gone: {error}.", 1))
        except ValueError as error:
            self._messages.put_nowait(CommandError(f"the firmware sent no JSON: {error}.", 1))

    async def _firmware_is_up(self):
        """Wait for its first words: what the meter says before nobody would hear."""
        message = await self.message(_FIRST_WORDS)
        if message:
            self._messages.put_nowait(message)

    async def _page_is_up(self):
        """The same of a firmware that knows no broker yet."""
        port = int(self.page.rstrip("/").rpartition(":")[2])
        end = time.monotonic() + _FIRST_WORDS
        while time.monotonic() < end:
            with suppress(ConnectionError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await self.message(0.1)
        raise CommandError("the dongle's page does not answer.", 1)

    @asynccontextmanager
    async def _simulator(self, folder, meter_end):
        """The meter, in a process of its own: nothing that we do disturbs its timing."""
        stamps = folder / "stamps"
        command = [sys.executable, "-m", "meterling_tools.rig_meter", self.meter.name, str(stamps)]
        if self._interval:
            command.append(str(self._interval))
        stamps.touch()
        with open(stamps) as self._stamps_file:
            log = folder / "simulator.log"
            async with self._process("simulated meter", command, log, stdout=meter_end):
                yield

    @asynccontextmanager
    async def _firmware(self, interpreter, folder, line):
        """The firmware, with its settings and with `line` as its UART."""
        tree = folder / "tree"
        flash = folder / "settings.json"
        settings = self._settings()
        flash.write_text(json.dumps(settings))
        command = interpreters.command(interpreter, tree / "main.py")
        env = interpreters.environment(
            interpreter,
            (tree, tree / "lib", _STANDINS),
            METERLING_UART=line,
            METERLING_WIFI=str(folder / "air.json"),
            METERLING_LINE="" if self._asked else str(self.meter.line),
        )
        (folder / "air.json").write_text(json.dumps(self._air))

        def to_this_pc():
            # A factory reset forgets where on this PC the page is; the dongle is new then, and
            # who comes, comes over its own Wi-Fi.
            document = json.loads(flash.read_text())
            document.setdefault("portal", {}).update(settings["portal"])
            if not document.get("wifi", {}).get("ssid"):
                document["ap"] = {"password": _PRINTED_PASSWORD}
            flash.write_text(json.dumps(document) + "\n")

        log = folder / _FIRMWARE_LOG
        async with self._process("firmware", command, log, to_this_pc, cwd=folder, env=env):
            yield

    def _settings(self):
        """What the owner of this meter would have typed in."""
        meter = self.meter
        host, port = self.broker
        page = _free_port()
        self.page = f"http://127.0.0.1:{page}/"
        settings = {
            "portal": {"address": "127.0.0.1", "port": page},
            "wifi": {"ssid": HOME, "password": HOME_PASSWORD},
            "meter": {"optical": self._asked},
        }
        if self._bare:
            return {
                "portal": settings["portal"],
                "meter": settings["meter"],
                "ap": {"password": _PRINTED_PASSWORD},
            }
        return settings | {
            "device": self.device,
            # The line and the link, the dongle finds out.
            "meter": {
                "key": self._key or (meter.key or b"").hex(),
                "auth_key": (meter.auth_key or b"").hex(),
                "optical": self._asked,
            },
            # By address: "localhost" is in this PC's hosts file, which no dongle reads.
            "mqtt": {"host": socket.gethostbyname(host), "port": port, "topic": _TOPIC},
        }

    @asynccontextmanager
    async def _process(self, name, command, log, on_reset=None, stdout=None, **options):
        """A process that must not end before we end it. What it prints goes to the file `log`.
        In a session of its own, so that Ctrl-C reaches only us, who end it in order. Who resets
        itself is started again, after `on_reset()`."""

        async def start():
            with open(log, "wb") as output:
                return await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=stdout or output,
                    stderr=output,
                    start_new_session=True,
                    **options,
                )

        process = await start()

        async def guard():
            nonlocal process
            while await process.wait() == _RESET and on_reset:
                on_reset()
                process = await start()
            self._messages.put_nowait(CommandError(f"the {name} ended by itself: {_last(log)}", 1))

        guard = asyncio.create_task(guard())
        try:
            yield
        finally:
            guard.cancel()
            with suppress(asyncio.CancelledError):
                await guard
            if process.returncode is None:
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), _PATIENCE)
                except TimeoutError:
                    process.kill()
                    await process.wait()


def _why(error):
    """Why aiomqtt has no connection, in the firmware's own words and with its code."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, socket.gaierror):
        problem = BrokerError("dns-unknown")
    elif isinstance(cause, TimeoutError) or "timed out" in str(error):
        problem = BrokerError("mqtt-timeout")
    elif isinstance(cause, OSError):
        problem = from_os(cause)
    else:
        return f"{error}."
    return f"{problem}. [{problem.code}]"


def _last(log):
    """What a process said last."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    return ([line for line in lines if line] or ["it said nothing"])[-1]


@contextmanager
def _pseudo_terminal():
    """Two ends of a line: a descriptor to write to, and the path of what looks like a port."""
    meter_end, firmware_end = os.openpty()
    try:
        tty.setraw(firmware_end)
        yield meter_end, os.ttyname(firmware_end)
    finally:
        os.close(firmware_end)
        os.close(meter_end)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def _amqtt():
    """An MQTT broker of our own on a free port of this machine; yields (host, port)."""
    from amqtt.broker import Broker

    class OneForAll(Broker):
        # amqtt (0.11.3) sends whoever connects again what the others have subscribed to.
        async def _publish_retained_messages_for_subscription(self, subscription, session):
            subscribers = self._subscriptions.get(subscription[0], ())
            if any(subscriber is session for subscriber, _ in subscribers):
                await super()._publish_retained_messages_for_subscription(subscription, session)

    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    port = _free_port()
    broker = OneForAll(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
            },
        }
    )
    await broker.start()
    try:
        yield "127.0.0.1", port
    finally:
        await broker.shutdown()
