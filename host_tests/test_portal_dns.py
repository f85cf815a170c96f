"""The access point's name server: asked by `dig`, and by whoever sends nonsense."""

import shutil
import socket
import subprocess

import decoding  # noqa: F401 (hypothesis profile)
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling.portal import dns_responder
from meterling_tools import FIRMWARE, interpreters

ADDRESS = b"\xc0\xa8\x04\x01"
# captive.apple.com, type A, class IN
QUESTION = bytes.fromhex("beef01000001000000000000") + (
    b"\x07captive\x05apple\x03com\x00\x00\x01\x00\x01"
)


def test_every_name_is_the_dongle():
    answer = dns_responder.answer(QUESTION, ADDRESS)
    assert answer[:2] == b"\xbe\xef" and answer[2] & 0x80 and answer[3] & 0x0F == 0
    assert answer[4:12] == bytes((0, 1, 0, 1, 0, 0, 0, 0))
    assert answer[12 : len(QUESTION)] == QUESTION[12:]
    assert answer.endswith(b"\x00\x04" + ADDRESS)


@pytest.mark.parametrize("kind", [28, 65, 15, 16])  # AAAA, HTTPS, MX, TXT
def test_other_types_exist_and_are_empty(kind):
    answer = dns_responder.answer(QUESTION[:-4] + bytes((0, kind)) + b"\x00\x01", ADDRESS)
    assert answer[3] & 0x0F == 0 and answer[6:8] == b"\x00\x00"
    assert len(answer) == len(QUESTION)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        QUESTION[:11],
        QUESTION[:-1],
        QUESTION[:2] + b"\x81" + QUESTION[3:],  # an answer: or two of us would never stop
        QUESTION[:2] + b"\x09" + QUESTION[3:],  # another opcode
        QUESTION[:4] + b"\x00\x00" + QUESTION[6:],  # no question
        QUESTION[:4] + b"\x00\x02" + QUESTION[6:],  # two
        QUESTION[:12] + b"\xc0\x0c" + QUESTION[-4:],  # a name that points to itself
        QUESTION[:-2] + b"\x00\x03",  # class CHAOS
        QUESTION[:12] + b"\x3f" * 300,
    ],
)
def test_what_is_no_question_is_not_answered(message):
    assert dns_responder.answer(message, ADDRESS) is None


@given(st.binary(max_size=512))
def test_nothing_breaks_it(message):
    answer = dns_responder.answer(message, ADDRESS)
    assert answer is None or len(answer) <= len(message) + 16


@given(st.integers(0, len(QUESTION) - 1), st.integers(0, 255))
def test_nothing_that_is_nearly_a_question_breaks_it(at, byte):
    message = bytearray(QUESTION)
    message[at] = byte
    answer = dns_responder.answer(bytes(message), ADDRESS)
    assert answer is None or len(answer) <= len(message) + 16


PROBE = """
import asyncio, sys
from meterling.portal import dns_responder
async def main():
    task = asyncio.create_task(dns_responder.run("127.0.0.1", int(sys.argv[1])))
    await asyncio.sleep(0.1)
    print("ready")
    await asyncio.sleep(30)
asyncio.run(main())
"""


@pytest.fixture
def responder(interpreter, tmp_path):
    """The port of one that runs."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = tmp_path / "probe.py"
    script.write_text(PROBE)
    process = subprocess.Popen(
        interpreters.command(interpreter, script, str(port)),
        stdout=subprocess.PIPE,
        env=interpreters.environment(interpreter, (FIRMWARE,), PYTHONUNBUFFERED="1"),
    )
    assert process.stdout.readline() == b"ready\n"
    yield port
    process.kill()
    process.wait(5)
    process.stdout.close()


def dig(port, *words):
    done = subprocess.run(
        ["dig", "@127.0.0.1", "-p", str(port), "+tries=1", "+time=3", *words],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "malformed" not in done.stdout and ";; Warning" not in done.stdout, done.stdout
    return done.stdout


@pytest.mark.skipif(not shutil.which("dig"), reason="NO DIG: apt-get install dnsutils")
def test_dig_takes_the_answers(responder):
    for name in ("captive.apple.com", "connectivitycheck.gstatic.com", "b.", "x" * 63 + ".example"):
        assert dig(responder, "+short", name) == "127.0.0.1\n"
    for kind in ("AAAA", "HTTPS", "TXT"):
        full = dig(responder, name, kind)
        assert "status: NOERROR" in full and "ANSWER: 0" in full
    assert "status: NOERROR" in dig(responder, "+edns=0", "+dnssec", "example.com")
    assert dig(responder, "+short", "+noedns", "MiXeD.Example.Com") == "127.0.0.1\n"


def test_nonsense_in_between_hurts_nobody(responder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        for message in (b"", b"x", QUESTION[:-1], b"\xff" * 600, QUESTION):
            client.sendto(message, ("127.0.0.1", responder))
        answer, _ = client.recvfrom(600)
    assert answer[:2] == QUESTION[:2] and answer.endswith(b"\x7f\x00\x00\x01")
