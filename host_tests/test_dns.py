"""Names of brokers are looked up without holding the event loop."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling.publish import dns
from meterling.publish.errors import BrokerError

IDENTIFIER = b"\x12\x34"
QUESTION = dns.build_question(IDENTIFIER, "broker.example")
POINTER = b"\xc0\x0c"  # to the question's name


def record(kind, data):
    return (
        POINTER + kind.to_bytes(2, "big") + b"\0\1\0\0\0\x3c" + len(data).to_bytes(2, "big") + data
    )


def answer(*records, code=0, question=QUESTION):
    head = question[:2] + bytes([0x81, 0x80 | code, 0, 1, 0, len(records), 0, 0, 0, 0])
    return head + question[12:] + b"".join(records)


def test_the_question_as_in_rfc_1035():
    assert QUESTION == (
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
        b"\x06broker\x07example\x00" + b"\x00\x01\x00\x01"
    )


def test_the_address_is_read_behind_aliases():
    alias = record(5, b"\x03nas" + POINTER)
    assert dns.read_answer(answer(alias, record(1, b"\x0a\x00\x00\x07")), IDENTIFIER) == "10.0.0.7"


def test_an_answer_to_another_question_is_none_of_ours():
    assert dns.read_answer(answer(record(1, b"\1\2\3\4")), b"\x00\x00") is None
    assert dns.read_answer(QUESTION, IDENTIFIER) is None  # a question, no answer


@pytest.mark.parametrize("message", [answer(code=3), answer(), answer(record(28, b"\0" * 16))])
def test_no_address_is_said(message):
    with pytest.raises(BrokerError) as caught:
        dns.read_answer(message, IDENTIFIER)
    assert caught.value.code == "dns-unknown"


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_end(tail, as_records):
    message = (answer()[: 12 if as_records else 2]) + tail
    try:
        address = dns.read_answer(message, IDENTIFIER)
    except BrokerError:
        return
    assert address is None or dns.is_dotted(address)


@pytest.mark.parametrize(
    ("text", "dotted"),
    [("192.168.1.2", True), ("0.0.0.0", True), ("1.2.3", False), ("1.2.3.256", False)]
    + [("a.b.c.d", False), ("1.2.3.4.5", False), ("", False), ("1..2.3", False)],
)
def test_dotted_addresses_need_no_question(text, dotted):
    assert dns.is_dotted(text) is dotted


class Server(asyncio.DatagramProtocol):
    def __init__(self, reply):
        self.reply = reply
        self.asked = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, sender):
        self.asked += 1
        for message in self.reply(data, self.asked):
            self.transport.sendto(message, sender)


def resolve(reply, name="broker.example"):
    async def run():
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(
            lambda: Server(reply), local_addr=("127.0.0.1", 0)
        )
        port = transport.get_extra_info("sockname")[1]
        try:
            return await dns.resolve(name, "127.0.0.1", port), server.asked
        finally:
            transport.close()

    return asyncio.run(run())


def good(question, _):
    return [answer(record(1, b"\x7f\0\0\x01"), question=question)]


def test_a_name_server_is_asked():
    assert resolve(good) == ("127.0.0.1", 1)


def test_a_lost_question_is_asked_again(monkeypatch):
    monkeypatch.setattr(dns, "_TIMEOUT", 0.1)
    assert resolve(lambda data, asked: good(data, 0) if asked > 1 else []) == ("127.0.0.1", 2)


def test_forged_answers_are_passed_over():
    def reply(question, _):
        forged = bytes([question[0] ^ 1]) + question[1:]
        return [b"", b"x", answer(record(1, b"\6\6\6\6"), question=forged), *good(question, 0)]

    assert resolve(reply) == ("127.0.0.1", 1)


def test_silence_and_unknown_names_are_named(monkeypatch):
    monkeypatch.setattr(dns, "_TIMEOUT", 0.05)
    with pytest.raises(BrokerError) as caught:
        resolve(lambda *_: [])
    assert caught.value.code == "dns-no-answer"
    with pytest.raises(BrokerError) as caught:
        resolve(lambda question, _: [answer(code=3, question=question)])
    assert caught.value.code == "dns-unknown"


@pytest.mark.parametrize("nameserver", ["", "0.0.0.0"])
def test_without_a_name_server_it_says_so(nameserver):
    with pytest.raises(BrokerError) as caught:
        asyncio.run(dns.resolve("broker.example", nameserver))
    assert caught.value.code == "dns-no-server"


def test_localhost_is_asked_of_nobody():
    assert asyncio.run(dns.resolve("localhost", "")) == "127.0.0.1"
