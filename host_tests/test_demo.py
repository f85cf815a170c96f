"""The whole line, end to end: `meterling demo` as a newcomer runs it."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import aiomqtt
import pytest
from meterling_tools import CommandError, cli, interpreters, rig
from test_scenario import ask

_WRONG_KEY = "FFEEDDCCBBAA99887766554433221100"
_LONGEST = 500  # ms: what the Austrian operators grant an adapter

needs_micropython = pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)


def demo(*args, **env):
    """Run `meterling demo` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "meterling_tools.cli", "demo", *args],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **env},
    )


def children_of(device):
    """Command lines of this machine's processes that belong to one demo."""
    listing = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True).stdout
    return [line for line in listing.splitlines() if device in line]


@pytest.fixture
def mosquitto_process(tmp_path):
    """A real mosquitto on a free port of this machine: ("127.0.0.1:port", its Popen)."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    program = shutil.which("mosquitto", path=path)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("no mosquitto on this machine")
        pytest.skip("no mosquitto on this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    broker = subprocess.Popen([program, "-c", settings], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        yield f"127.0.0.1:{port}", broker
    finally:
        broker.terminate()
        broker.wait()


@pytest.fixture
def mosquitto(mosquitto_process):
    """The address ("127.0.0.1:port") of a real mosquitto."""
    return mosquitto_process[0]


@needs_micropython
def test_the_default_meter_is_shown_with_its_values_and_the_time_it_took(interpreter):
    result = demo("--readings", "2")
    assert result.returncode == 0, result.stderr
    assert "TINETZ: Kaifa MA309M (2400 8E1)" in result.stdout
    assert "reading 2: 1KFM0200000001, " in result.stdout
    assert re.search(r"1-0:1\.8\.0 +\d+ Wh", result.stdout)
    assert re.search(r"1-0:32\.7\.0 +2\d\d\.\d V", result.stdout)
    longest = re.search(r"^2 readings; .* maximum ([\d.]+) ms\.$", result.stdout, re.MULTILINE)
    assert float(longest[1]) < _LONGEST


@needs_micropython
@pytest.mark.parametrize(
    "meter",
    [
        "kaernten-im350",
        "wien-im350",
        "steiermark-t210d",
        "nl-dsmr5",
        "de-easymeter",
        "netzooe-amis",
    ],
)
def test_other_links_and_layouts_at_their_own_line_settings(interpreter, meter):
    result = demo("--meter", meter, "--readings", "2")
    assert result.returncode == 0, result.stderr
    assert re.search(r"1-0:1\.8\.[01] +[\d.]+ k?Wh", result.stdout)


@needs_micropython
def test_a_real_mosquitto_takes_the_readings_and_keeps_nothing_of_the_demo(interpreter, mosquitto):
    result = demo("--readings", "1", "--broker", mosquitto)
    assert result.returncode == 0, result.stderr
    assert f"mqtt://{mosquitto}/" in result.stdout
    assert asyncio.run(retained(mosquitto)) == []


@needs_micropython
def test_a_broker_that_goes_away_is_said_in_a_sentence(interpreter, mosquitto_process):
    address, broker = mosquitto_process
    command = [sys.executable, "-m", "meterling_tools.cli", "demo", "--broker", address]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        for line in running.stdout:
            if line.startswith("reading 1:"):
                broker.terminate()
                break
        _, errors = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "the broker is gone" in errors
    assert "Traceback" not in errors


async def retained(address):
    """The topics that a new client is told about."""
    host, _, port = address.partition(":")
    async with aiomqtt.Client(host, int(port)) as client:
        await client.subscribe("#")
        await client.publish("end-of-the-list", b".", qos=1)
        topics = []
        async for message in client.messages:
            topics.append(str(message.topic))
            if topics[-1] == "end-of-the-list":
                break
        return topics[:-1]


@needs_micropython
def test_with_a_wrong_key_the_owner_is_told_so_and_the_key_is_not_shown(interpreter):
    result = demo("--seconds", "12", "--key", _WRONG_KEY)
    assert result.returncode == 1
    assert "The key does not fit this meter" in result.stdout
    assert "no reading arrived. The key does not fit this meter" in result.stderr
    assert "[wrong-key]" in result.stderr
    assert _WRONG_KEY.lower() not in (result.stdout + result.stderr).lower()


@needs_micropython
def test_a_key_of_the_wrong_length_is_refused_by_the_firmware_in_its_own_words(interpreter):
    result = demo("--seconds", "6", "--key", "0011")
    assert result.returncode == 1
    assert "meter.key: must have 32 digits, not 4" in result.stderr


@needs_micropython
def test_without_a_broker_it_says_so(interpreter):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        result = demo("--broker", address)
    assert result.returncode == 1
    assert f"no broker at {address}: " in result.stderr
    assert "[mqtt-refused]" in result.stderr


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("a..b", "is no HOST:PORT"),
        ("", "is no HOST:PORT"),
        (f"{64 * 'a'}.at:1883", "is no HOST:PORT"),
        ("127.0.0.1:", "is no HOST:PORT"),
        ("127.0.0.1:1²", "is no HOST:PORT"),
        ("127.0.0.1:0", "port 0 is not from 1 to 65535"),
        ("127.0.0.1:99999", "port 99999 is not from 1 to 65535"),
    ],
)
def test_an_address_that_no_broker_can_have_is_refused(capsys, address, said):
    with pytest.raises(SystemExit) as end:
        cli.main(["demo", "--broker", address])
    assert end.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("pi.local", ("pi.local", 1883)),
        ("küche:65535", ("küche", 65535)),
        ("[::1]:1", ("::1", 1)),
    ],
)
def test_addresses_as_people_write_them(text, address):
    from meterling_tools import demo

    assert demo._address(text) == address


def test_without_micropython_it_says_so_and_starts_nothing():
    result = demo(MICROPYTHON="no-such-program")
    assert result.returncode == 1
    assert result.stdout == ""
    assert "MICROPYTHON=no-such-program is no program" in result.stderr


def test_an_unknown_meter_is_answered_with_those_there_are():
    result = demo("--meter", "tesla")
    assert result.returncode == 2
    assert "'tesla'" in result.stderr
    assert "tinetz-kaifa" in result.stderr


@needs_micropython
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_ends_everything(interpreter, tmp_path, number, status):
    process = subprocess.Popen(
        [sys.executable, "-m", "meterling_tools.cli", "demo", "--meter", "wien-im350"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    while "reading 1" not in process.stdout.readline():
        assert process.poll() is None
    assert children_of(str(tmp_path))
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == status
    assert errors == ""
    assert not children_of(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@needs_micropython
def test_after_a_restart_from_the_page_the_readings_go_on(interpreter):
    async def readings(line, count):
        while count:
            message = await line.message(timeout=30)
            count -= message.kind == "reading"

    async def play():
        async with rig.Rig("wien-im150") as line:
            await readings(line, 2)
            to_thread, page = asyncio.to_thread, line.page
            answer = await to_thread(ask, page, "POST", "/api/setup", {"password": "einfachso"})
            cookie = answer.cookie
            answer = await to_thread(ask, page, "POST", "/api/reboot", {}, cookie)
            assert answer.status == 202
            await asyncio.sleep(3)
            await readings(line, 4)
            status = await to_thread(ask, page, "GET", "/api/status", None, cookie)
            assert status.json["uptime"] < 20 and status.json["mqtt"]["error"] is None

    asyncio.run(asyncio.wait_for(play(), 90))


@needs_micropython
def test_a_firmware_that_ends_by_itself_is_noticed(interpreter, monkeypatch):
    monkeypatch.setattr(rig, "_STANDINS", rig.Path("/nowhere"))

    async def wait():
        async with rig.Rig("wien-im350") as line:
            await line.message(timeout=20)

    with pytest.raises(CommandError, match="the firmware ended by itself: "):
        asyncio.run(wait())


def test_a_program_that_is_no_micropython_is_not_taken_for_one(monkeypatch):
    monkeypatch.setenv("MICROPYTHON", sys.executable)
    found = interpreters.find.__wrapped__("micropython")
    assert not found
    assert "is no MicroPython" in found.reason
