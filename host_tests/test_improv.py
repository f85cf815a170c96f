"""Improv: a browser gives the dongle its Wi-Fi over USB. The browser's side is Improv's own
JavaScript, run by Node; the dongle's the whole firmware, at a terminal."""

import asyncio
import json
import os
import random
import subprocess
import sys
import threading
import time
import tty
import urllib.request

import pytest
from console_dongle import AIR, HERE, Dongle
from hypothesis import given
from hypothesis import strategies as st
from meterling.improv import BAD, INSIDE, OUTSIDE, PACKET, Parser, packet, result, texts_of
from meterling.improv_dialogue import Dialogue, chip_family
from meterling_tools import CommandError, build, interpreters, npm, webflasher
from running import wait_for

READY, JOINING, JOINED = 2, 3, 4  # states
UNABLE_TO_CONNECT = 3
CTRL_C = b"\x03"
INTERRUPTED = (1, 130)  # what MicroPython's releases end with


# The packets themselves


def encode(kind, data):
    """A packet, written down from improv-wifi.com/serial."""
    head = [*b"IMPROV", 1, kind, len(data), *data]
    return bytes([*head, sum(head) % 256])


def feed(data):
    """What the parser makes of `data`."""
    parser = Parser()
    return [parser.feed(byte) for byte in data], parser


def test_a_command_is_found():
    # The example of the protocol's page: "MyWirelessAP", "mysecurepassword"
    rpc = b"\x01\x1e\x0cMyWirelessAP\x10mysecurepassword"
    found, parser = feed(encode(3, rpc))
    assert found == [INSIDE] * (9 + len(rpc)) + [PACKET]
    assert (parser.type, parser.length) == (3, len(rpc))
    assert texts_of(parser.data, parser.length) == [b"MyWirelessAP", b"mysecurepassword"]


def test_what_we_send_is_a_packet_on_a_line_of_its_own():
    assert packet(1, b"\2") == b"\n" + encode(1, b"\2") + b"\n"
    answer = result(3, ["Meterling", "1.0"])
    assert answer == b"\n" + encode(4, b"\x03\x0e\x09Meterling\x031.0") + b"\n"


def test_ctrl_c_is_told_from_a_packet_s_type():
    found, _ = feed(CTRL_C + encode(3, b"\2\0") + CTRL_C)
    assert found[0] == found[-1] == OUTSIDE
    assert found.count(OUTSIDE) == 2


@pytest.mark.parametrize(
    "command",
    [b"\1\x05\x02ab", b"\1\x04\x02abc", b"\1\x04\x09abc", b"\1\x03\x01a\x01", b"\1", b""],
)
def test_lengths_that_do_not_fit_are_seen(command):
    assert texts_of(command, len(command)) is None


def pieces():
    # No "I" in between, of which a packet could begin, and take bytes of the next.
    noise = st.binary(max_size=12).map(lambda data: data.replace(b"I", b"i"))
    data = st.binary(max_size=255)
    return st.lists(st.tuples(noise, st.integers(0, 255), data, st.sampled_from([0, 0, 0, 1, 77])))


def outcome(stream):
    """The bytes of `stream`, and what the parser is to say at each packet's end."""
    sent, expected = b"", []
    for noise, kind, data, damage in stream:
        wire = encode(kind, data)
        sent += noise + wire[:-1] + bytes([(wire[-1] + damage) % 256])
        expected += list(noise)
        expected.append(None if damage or len(data) > 100 else [kind, data.hex()])
    return sent, expected


@given(pieces())
def test_every_packet_is_found_between_anything(stream):
    sent, expected = outcome(stream)
    parser = Parser()
    found = []
    for byte in sent:
        kind = parser.feed(byte)
        if kind == PACKET:
            found.append([parser.type, bytes(parser.data[: parser.length]).hex()])
        elif kind != INSIDE:
            found.append(None if kind == BAD else byte)
    assert found == expected


@given(st.binary(max_size=600))
def test_whatever_comes_the_packet_after_a_silence_is_found(data):
    found, parser = feed(data)
    assert set(found) <= {OUTSIDE, INSIDE, PACKET, BAD} and len(parser.data) == 100
    parser.reset()
    assert [parser.feed(byte) for byte in encode(3, b"\2\0")][-1] == PACKET


def test_each_interpreter_finds_the_same(interpreter):
    draw = random.Random(5)
    lines, expected = [], []
    for _ in range(200):
        stream = [
            (
                bytes(draw.choice(b"MPROV\x01\x03\n abc\xff") for _ in range(draw.randrange(9))),
                draw.randrange(256),
                draw.randbytes(draw.choice((0, 1, 2, 30, 99, 100, 101, 255))),
                draw.choice((0, 0, 1)),
            )
            for _ in range(draw.randrange(5))
        ]
        sent, found = outcome(stream)
        half = encode(3, draw.randbytes(20))[: draw.randrange(9, 29)]
        lines.append(f"{sent.hex()}{half.hex()} {encode(3, bytes(2)).hex()}")
        expected.append([*found, [3, "0000"]])
    text = "\n".join(lines).encode() + b"\n"
    run = interpreters.run(interpreter, HERE / "improv_probe.py", stdin=text)
    assert not run.returncode, run.stderr
    assert [json.loads(line) for line in run.stdout.splitlines()] == expected


# What they are answered


class House:
    """A dongle whose every Wi-Fi works."""

    version, device = "1.0", "dongle"

    def __init__(self):
        self.settings = {"wifi.ssid": "", "wifi.password": "", "portal.port": 80}
        self.wifi = self
        self.save = self.settings.update

    def is_busy(self):
        return False

    def is_up(self):
        return True

    def address(self):
        return "192.168.1.7"

    async def scan(self):
        return [("Zuhause", 6, -61, True)]

    async def test(self, ssid, password):
        return "ok", self.address(), -61


def answers(*commands):
    """What a dialogue writes to the data of `commands` (bytes), one after the other."""
    written = []

    async def talk():
        dialogue = Dialogue(House(), written.append)
        for command in commands:
            for byte in encode(3, command):
                dialogue.feed(byte)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    asyncio.run(talk())
    return written


def test_the_page_s_address_has_no_port_where_none_is_needed():
    *_, state, address = answers(b"\1\x11\x07Zuhause\x08geheim12")
    assert (state, address) == (packet(1, b"\4"), result(1, ["http://192.168.1.7/"]))


@given(st.lists(st.binary(max_size=100) | st.binary(max_size=9).map(lambda d: d + bytes(1))))
def test_whatever_is_asked_is_answered_or_ignored(commands):
    for written in answers(*commands):
        kind, length = written[8:10]
        assert written == b"\n" + encode(kind, written[10 : 10 + length]) + b"\n"


@pytest.mark.parametrize(
    ("machine", "family"),
    [
        *((f"X with {chip.upper()}", family) for chip, family in webflasher.FAMILIES.items()),
        ("Generic ESP32 module with ESP32", "ESP32"),
        ("ESP32C3 module with ESP32C3", "ESP32-C3"),
        ("LOLIN_S2_MINI with ESP32-S2FN4R2", "ESP32-S2"),
        ("M5Stack ATOM with ESP32PICO-D4", "ESP32"),
        ("linux [GCC 14.2.0] version", "linux [GCC 14.2.0] version"),
    ],
)
def test_chips_are_called_as_esp_web_tools_does(machine, family, monkeypatch):
    monkeypatch.setattr(sys.implementation, "_machine", machine, raising=False)
    assert chip_family() == family


# The dongle


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Improv's JavaScript (Path), as Node runs it; skips, loudly, where npm cannot have it."""
    try:
        packages = webflasher.install()
    except CommandError as error:
        pytest.skip(f"Improv's JavaScript cannot be had: {error}")
    script = tmp_path_factory.mktemp("improv") / "client.mjs"
    options = ("--bundle", "--platform=node", "--format=esm", f"--outfile={script}")
    npm.esbuild(packages, HERE, "improv_sdk.mjs", *options)
    return script


both = pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
one = pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)


@both
def test_a_browser_finds_the_dongle_and_gives_it_its_wifi(interpreter, client, tmp_path):
    with Dongle(interpreter, tmp_path) as dongle:
        found, scanned, joined = dongle.talk(
            client, ["initialize", 15000], ["scan"], ["provision", "Zuhause", "geheim12"]
        )
        assert found["value"]["firmware"] == "Meterling"
        assert found["value"]["version"] == __import__("meterling").__version__
        assert found["value"]["name"] == "dongle"
        assert found["value"]["chipFamily"].startswith("linux")  # here
        assert found["state"] == READY
        assert scanned["value"] == [
            {"name": "Café Österreich", "rssi": -70, "secured": False},
            {"name": "Zuhause", "rssi": -61, "secured": True},
        ]
        assert "refused" not in joined
        assert joined["states"] == [JOINING, JOINED] and joined["error"] == 0
        assert joined["nextUrl"] == f"http://127.0.0.1:{dongle.port}/"
        assert joined["wrong"] == []
        wifi = dongle.settings()["wifi"]
        assert (wifi["ssid"], wifi["password"]) == ("Zuhause", "geheim12")
        assert urllib.request.urlopen(joined["nextUrl"] + "api/hello", timeout=5).status == 200

        # Who connects later is told where the page is.
        (again,) = dongle.talk(client, ["initialize", 5000])
        assert again["state"] == JOINED and again["nextUrl"] == joined["nextUrl"]
        assert b"geheim12" not in dongle.heard


@one
@pytest.mark.parametrize(
    ("ssid", "password"),
    [
        ("Zuhause", "not this one"),
        ("Nirgendwo", "geheim12"),
        ("Zuhause", "short"),
        ("", ""),
        ("x" * 33, "geheim12"),
    ],
)
def test_a_wifi_that_does_not_work_is_not_saved(ssid, password, interpreter, client, tmp_path):
    with Dongle(interpreter, tmp_path) as dongle:
        _, refused, right = dongle.talk(
            client,
            ["initialize", 15000],
            ["provision", ssid, password],
            ["provision", "Café Österreich", ""],
        )
        assert refused["refused"] == "UNABLE_TO_CONNECT"
        assert refused["error"] == UNABLE_TO_CONNECT and refused["state"] == READY
        assert right["state"] == JOINED and right["error"] == 0
        assert dongle.settings()["wifi"]["ssid"] == "Café Österreich"


@one
def test_what_cannot_be_saved_is_said(interpreter, client, tmp_path):
    air = {**AIR, "networks": [{"ssid": "Zu\thause"}]}  # no name that a setting may have
    with Dongle(interpreter, tmp_path, air) as dongle:
        _, refused = dongle.talk(client, ["initialize", 15000], ["provision", "Zu\thause", ""])
        assert refused["refused"] == "UNKNOWN_ERROR"
        assert "wifi" not in dongle.settings()


def packets_in(data):
    """[(type, data)] of all packets in `data`."""
    parser = Parser()
    return [
        (parser.type, bytes(parser.data[: parser.length]))
        for byte in data
        if parser.feed(byte) == PACKET
    ]


@one
def test_garbage_and_half_packets_are_survived(interpreter, client, tmp_path):
    with Dongle(interpreter, tmp_path) as dongle:
        dongle.is_up()
        dongle.send(bytes(byte for byte in range(256) if byte != 3) + b"IMPRO IMPROV\2\n")
        dongle.send(encode(3, b"\2\0")[:-1] + b"\0")  # a wrong checksum
        assert wait_for(lambda: packets_in(dongle.heard)) == [(2, b"\1")]
        dongle.send(encode(3, b"\1\5\x09Zuhau"))  # lengths that do not fit
        dongle.send(encode(3, b"\x06\0"))  # a command that we do not know
        assert wait_for(lambda: packets_in(dongle.heard)[2:]) == [(2, b"\2")]
        assert packets_in(dongle.heard)[1] == (2, b"\1")
        dongle.send(encode(1, b"\2") + encode(4, b"\2\0"))  # what is ours to send: no answer
        dongle.send(encode(3, b"\1\x12\x07Zuhause\x09geheim12")[:20])
        time.sleep(1.5)
        dongle.send(encode(3, b"\2\0"))
        assert wait_for(lambda: packets_in(dongle.heard)[3:]) == [(1, bytes([READY]))]
        (found,) = dongle.talk(client, ["initialize", 5000])
        assert found["value"]["firmware"] == "Meterling"


@one
def test_one_thing_at_a_time(interpreter, tmp_path):
    with Dongle(interpreter, tmp_path, {**AIR, "networks": []}) as dongle:
        dongle.is_up()
        dongle.send(encode(3, b"\1\x12\x07Zuhause\x09geheim123"))
        wait_for(lambda: (1, bytes([JOINING])) in packets_in(dongle.heard))
        before = len(packets_in(dongle.heard))
        dongle.send(encode(3, b"\4\0") + encode(3, b"\2\0"))
        found = wait_for(lambda: packets_in(dongle.heard)[before + 1 :] and dongle.heard)
        assert packets_in(found)[before:] == [(2, b"\xff"), (1, bytes([JOINING]))]


# Ctrl-C


@both
def test_a_browser_that_asks_too_early_does_not_end_the_firmware(interpreter, client, tmp_path):
    with Dongle(interpreter, tmp_path, interrupts=True) as dongle:
        wait_for(lambda: b"booting" in dongle.heard)
        for _ in range(4):  # while modules are loaded
            dongle.send(encode(3, b"\2\0") + b"\n")
            time.sleep(0.02)
        (found,) = dongle.talk(client, ["initialize", 15000])
        assert found["state"] == READY
        assert dongle.process.poll() is None


@both
@pytest.mark.parametrize("wifi", [{}, {"wifi": {"ssid": "Zuhause", "password": "geheim12"}}])
def test_ctrl_c_ends_the_firmware_before_and_after_the_setup(interpreter, wifi, tmp_path):
    with Dongle(interpreter, tmp_path, settings=wifi, interrupts=True) as dongle:
        dongle.is_up()
        dongle.send(CTRL_C)
        assert dongle.process.wait(5) in INTERRUPTED
        wait_for(lambda: b"KeyboardInterrupt" in dongle.heard)


@one
@pytest.mark.parametrize("wifi", [{}, {"wifi": {"ssid": "Zuhause", "password": "geheim12"}}])
def test_ctrl_c_while_the_firmware_starts_is_not_lost(interpreter, wifi, tmp_path):
    with Dongle(interpreter, tmp_path, settings=wifi, interrupts=True) as dongle:
        wait_for(lambda: b"booting" in dongle.heard)
        time.sleep(0.02)
        dongle.send(CTRL_C)
        assert dongle.process.wait(10) in INTERRUPTED
        wait_for(lambda: b"KeyboardInterrupt" in dongle.heard)


@one
def test_ctrl_c_after_half_a_packet_ends_the_firmware(interpreter, tmp_path):
    with Dongle(interpreter, tmp_path, interrupts=True) as dongle:
        dongle.is_up()
        dongle.send(encode(3, b"\2\0")[:-2])
        time.sleep(1.5)
        dongle.send(CTRL_C)
        assert dongle.process.wait(5) in INTERRUPTED


@one
@pytest.mark.parametrize("wifi", [{}, {"wifi": {"ssid": "Zuhause", "password": "geheim12"}}])
def test_mpremote_gets_in(interpreter, wifi, tmp_path):
    master, slave = os.openpty()
    tty.setraw(slave)
    with Dongle(interpreter, tmp_path, settings=wifi, interrupts=True, repl=True) as dongle:
        dongle.is_up()
        sending = threading.Thread(target=forward, args=(master, dongle), daemon=True)
        sending.start()
        dongle.pass_on(master)
        mpremote = [sys.executable, "-m", "mpremote", "connect", os.ttyname(slave), "resume"]
        done = subprocess.run(
            [*mpremote, "exec", "print(6 * 7)"], capture_output=True, text=True, timeout=30
        )
        dongle.pass_on(None)
    os.close(slave)
    sending.join(5)
    os.close(master)
    assert done.stdout.split() == ["42"], done.stderr


def forward(source, dongle):
    while True:
        try:
            dongle.send(os.read(source, 1024))
        except OSError:
            return


# Memory

HEAP = """
import asyncio, gc
import meterling.board, meterling.config, meterling.publish.loop
from meterling.python import unload

class House:
    settings = {"wifi.ssid": "", "portal.port": 80}
    version, device, wifi = "1", "dongle", None

def used():
    gc.collect()
    return gc.mem_alloc()

def load_and_drop():  # names stay: MicroPython keeps each for good
    import meterling.provisioning, meterling.improv_dialogue
    unload("meterling", "improv improv_dialogue provisioning")
    unload("meterling.board", "console")

async def listen():
    from meterling.provisioning import Listener
    return asyncio.create_task(Listener(House, 1).run())

async def main():
    task = await listen()
    await asyncio.sleep(0.2)
    sizes.append(used())
    print("listens")
    await asyncio.sleep(3)
    sizes.append(used())
    House.settings["wifi.ssid"] = "Zuhause"
    await task

sizes = [used()]
load_and_drop()
sizes.append(used())
asyncio.run(main())
sizes.append(used())
print(*sizes)
"""


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
def test_listening_takes_little_memory_and_then_none(interpreter, tmp_path):
    build.build("unix32", tmp_path / "tree", users=[HEAP])
    trees = [tmp_path / "tree", tmp_path / "tree" / "a"]  # with slots, if it has them
    process = subprocess.Popen(
        interpreters.command(interpreter, "-c", HEAP, heapsize=1 << 20),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=interpreters.environment(interpreter, trees),
    )
    assert process.stdout.readline() == b"listens\n"
    process.stdin.write(encode(3, b"\3\0"))
    process.stdin.flush()
    answer = process.stdout.read()  # it listens only as long as this end is open
    process.stdin.close()
    assert process.wait(5) == 0 and b"Meterling" in answer
    empty, before, listening, later, after = map(int, answer.splitlines()[-1].split())
    assert before - empty < 3072  # names
    assert listening - before < 2048
    assert later - listening < 128
    assert after - before < 256  # of asyncio
