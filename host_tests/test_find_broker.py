"""Home Assistant and brokers that announce themselves, and names that are taken, as
python-zeroconf announces them."""

import asyncio
import socket
import threading
import time
from contextlib import contextmanager

import decoding  # noqa: F401 (hypothesis profile)
import pytest
import zeroconf
from announcing import announced
from hypothesis import given
from hypothesis import strategies as st
from meterling.portal import find_broker, mdns
from portal_runner import GUEST, Portal, kept

# Home Assistant in a container has that network's address as well.
ZUHAUSE = ("_home-assistant", "Zuhause", "0c51f9ab", ["172.17.0.1", "127.0.0.1"], 8123)
NAS = ("_mqtt", "Mosquitto on nas", "nas", ["192.168.1.9"], 1884)
FOUND = [
    {
        "kind": "homeassistant",
        "name": "Zuhause",
        "host": "127.0.0.1",
        "address": "127.0.0.1",
        "port": 1883,
    },
    {
        "kind": "mqtt",
        "name": "Mosquitto on nas",
        "host": "192.168.1.9",
        "address": "192.168.1.9",
        "port": 1884,
    },
]
ID = b"\xbe\xef"


def search(server):
    found = find_broker.Found()
    asyncio.run(mdns.ask(found.questions, found.take, server))
    return found.candidates()


def test_every_python_finds_them_and_holds_nothing_up(interpreter, tmp_path):
    with (
        announced(ZUHAUSE, NAS) as server,
        Portal(interpreter, tmp_path, {"portal": {"password": kept()}}, mdns=server) as portal,
    ):
        portal.login()
        portal.number("held")
        answer = portal.post("/api/mqtt/find")
        assert (answer.status, answer.json) == (200, {"found": FOUND})
        assert portal.number("held") < 100
        assert portal.post("/api/mqtt/find").json == {"found": FOUND}, "it was loaded again"


def test_nobody_is_found_where_nobody_answers(interpreter, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        settings = {"portal": {"password": kept()}}
        with Portal(interpreter, tmp_path, settings, mdns=silent.getsockname()) as portal:
            assert portal.login().post("/api/mqtt/find").json == {"found": []}


def test_without_a_wifi_it_says_so(interpreter, tmp_path):
    air = {"networks": [], "address": "127.0.0.1"}
    settings = {"portal": {"password": kept()}}
    with Portal(interpreter, tmp_path, settings, air=air, access_point=True) as portal:
        portal.source = GUEST
        answer = portal.login().post("/api/mqtt/find")
        assert (answer.status, answer.json) == (503, {"error": "no-wifi"})


def test_the_usual_name_is_taken_where_it_leads_to_the_same():
    """An address may be another one tomorrow."""
    usual = ("_home-assistant", "Daheim", "homeassistant", ["127.0.0.1"], 8123)
    with announced(usual) as server:
        assert search(server) == [{**FOUND[0], "name": "Daheim", "host": "homeassistant.local"}]


def test_home_assistant_that_has_only_its_usual_name():
    name = ("_http", "whatever", "homeassistant", ["127.0.0.1"], 80)
    with announced(name) as server:
        assert search(server) == [{**FOUND[0], "name": "", "host": "homeassistant.local"}]


def test_several_are_all_told_and_more_than_eight_are_not():
    many = [
        ("_mqtt", f"Broker {i}", f"host{i}", [f"192.168.1.{i}"], 1883 + i) for i in range(10, 20)
    ]
    with announced(*many, ZUHAUSE) as server:
        found = search(server)
    assert len(found) == 8 and all(one["port"] > 1890 for one in found if one["kind"] == "mqtt")


def test_what_is_missing_in_the_first_answer_is_asked_for():
    """Not every responder adds what will be asked next."""
    answers = {
        ("_home-assistant._tcp.local.", 12): ("PTR", "Zuhause._home-assistant._tcp.local."),
        ("zuhause._home-assistant._tcp.local.", 33): ("SRV", "Server.local."),
        ("server.local.", 1): ("A", "127.0.0.1"),
    }

    def answer(message):
        question = zeroconf.DNSIncoming(message).questions[0]
        return (
            records(message[:2], [(question.name, *answers[key])])
            if (key := (question.name.lower(), question.type)) in answers
            else None
        )

    with answering(answer) as server:
        assert search(server) == FOUND[:1]


# Names that are taken


def test_a_name_that_another_has_is_taken():
    first = ("_http", "Meterling", "meterling", ["192.168.1.23"], 80)
    with announced(first) as server:
        assert asyncio.run(mdns.is_taken("meterling", ["192.168.1.24"], server))
        assert asyncio.run(mdns.is_taken("Meterling", [], server))
        assert not asyncio.run(mdns.is_taken("meterling", ["192.168.1.23"], server)), "it is us"
        assert not asyncio.run(mdns.is_taken("meterling-a1b2c3", ["192.168.1.24"], server))


@pytest.mark.parametrize(
    ("other", "own", "name", "device"),
    [
        ("192.168.1.23", "", None, "meterling-a1b2c3"),
        ("127.0.0.1", "", "meterling.local", ""),  # it is us
        ("192.168.1.23", "keller", "keller.local", "keller"),
    ],
)
def test_a_second_dongle_takes_a_name_of_its_own(interpreter, tmp_path, other, own, name, device):
    """The chip itself would only put a number behind, another one after each power cut."""
    air = {"networks": [{"ssid": "Zuhause", "password": "geheim1234"}], "address": "127.0.0.1"}
    settings = {"portal": {"password": kept()}, "device": own}
    with (
        announced(("_http", "Meterling", "meterling", [other], 80)) as server,
        Portal(interpreter, tmp_path, settings, air=air, access_point=True, mdns=server) as portal,
    ):
        portal.source = GUEST
        portal.login()
        portal.post("/api/wifi/test", {"ssid": "Zuhause", "password": "geheim1234"})
        end = time.monotonic() + 20
        while portal.get("/api/wifi/test").json["state"] == "running":
            assert time.monotonic() < end
            time.sleep(0.1)
        found = portal.get("/api/wifi/test").json
        assert (found["result"], found["saved"], found["name"]) == ("ok", True, name)
        assert portal.get("/api/settings").json["device"] == device


# The messages


def records(identifier, entries, question=None):
    """An answer (bytes) as python-zeroconf writes it. entries: (name, type, value)."""
    message = zeroconf.DNSOutgoing(0x8400, multicast=False, id_=int.from_bytes(identifier, "big"))
    if question:
        message.add_question(zeroconf.DNSQuestion(*question, 1))
    for name, kind, value in entries:
        if kind == "PTR":
            record = zeroconf.DNSPointer(name, 12, 1, 10, value)
        elif kind == "SRV":
            record = zeroconf.DNSService(name, 33, 1, 10, 0, 0, 8123, value)
        elif kind == "TXT":
            record = zeroconf.DNSText(name, 16, 1, 10, value)
        else:
            record = zeroconf.DNSAddress(name, 1, 0x8001, 10, socket.inet_aton(value))
        message.add_answer_at_time(record, 0)
    (packet,) = message.packets()
    return packet


@contextmanager
def answering(answer):
    """(address, port) of one who sends back what `answer(message)` (bytes) gives, if it does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.1)
        open_ = threading.Event()

        def run():
            while not open_.is_set():
                try:
                    message, client = udp.recvfrom(2000)
                except TimeoutError:
                    continue
                found = answer(message)
                if found:
                    udp.sendto(found, client)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield udp.getsockname()
        open_.set()
        thread.join()


def test_the_question_is_one():
    asked = mdns.build_question(ID, mdns.name_of("_mqtt._tcp.local"), mdns.PTR)
    message = zeroconf.DNSIncoming(asked)
    (question,) = message.questions
    assert (question.name, question.type, question.class_) == ("_mqtt._tcp.local.", 12, 1)
    assert message.id == 0xBEEF and message.is_query()


ANSWER = records(
    ID,
    [
        ("_mqtt._tcp.local.", "PTR", "Büro._mqtt._tcp.local."),
        ("Büro._mqtt._tcp.local.", "SRV", "Nas.local."),
        ("Büro._mqtt._tcp.local.", "TXT", b"\x03a=b"),
        ("Nas.local.", "A", "192.168.1.9"),
    ],
    ("_mqtt._tcp.local.", 12),
)
BUERO = mdns.name_of("Büro._mqtt._tcp.local")


def test_names_are_unpacked_and_compared_in_lower_case():
    assert b"\xc0\x0c" in ANSWER, "packed"
    assert mdns.read_records(ANSWER, ID) == [
        (mdns.name_of("_mqtt._tcp.local"), mdns.PTR, BUERO),
        (mdns.name_of("büro._mqtt._tcp.local"), mdns.SRV, (8123, mdns.name_of("nas.local"))),
        (mdns.name_of("nas.local"), mdns.A, "192.168.1.9"),
    ]
    assert mdns.first_label(BUERO) == "Büro"
    assert mdns.first_label(b"\x01\xff\x00") == ""


def test_what_is_no_answer_to_us_says_nothing():
    assert mdns.read_records(ANSWER, b"\xbe\xee") == []
    assert mdns.read_records(ID + b"\x00" + ANSWER[3:], ID) == [], "a question"


@pytest.mark.parametrize(
    "name",
    [
        b"\xc0\x0c",  # itself
        b"\x01a\xc0\x0c",  # for ever a.a.a
        b"\xc0\x0e\xc0\x0c",  # there and back
        b"\xc0\xff",  # behind the end
        b"\xc0",
        b"\x80\x00",
        b"\x3f" + b"x" * 10,
        b"\x3f".join([b""] + [b"y" * 63] * 5) + b"\x00",  # over 255 bytes
    ],
)
def test_a_name_that_leads_nowhere_ends_it(name):
    record = name + b"\x00\x01\x80\x01\x00\x00\x00\x0a\x00\x04\xc0\xa8\x01\x09"
    message = ID + b"\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00" + record
    assert mdns.read_records(message, ID) == []
    fine = ID + b"\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00\x01a\x00" + record[len(name) :]
    assert mdns.read_records(fine, ID) == [(b"\x01a\x00", mdns.A, "192.168.1.9")]


@given(st.binary(max_size=200))
def test_nothing_breaks_it(message):
    mdns.read_records(ID + b"\x84" + message, ID)


def test_a_second_pointer_that_is_cut():
    question = b"\xc0\x03" + bytes(6) + b"\xc0"  # to a label of 16 bytes, then to the end
    assert mdns.read_records(ID + b"\x84\x10\x00\x00\x00\x01\x00\x00\x00\x00" + question, ID) == []


@given(st.integers(0, len(ANSWER) - 1), st.integers(0, 255), st.integers(0, len(ANSWER)))
def test_nothing_that_is_nearly_an_answer_breaks_it(at, byte, end):
    message = bytearray(ANSWER)
    message[at] = byte
    found = find_broker.Found()
    for record in mdns.read_records(bytes(message[:end]), ID):
        found.take(*record, "192.168.1.9")
    found.candidates()


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"\x01a\x00", b"\x01b\x00", mdns.name_of("_mqtt._tcp.local")]),
            st.sampled_from([mdns.A, mdns.PTR, mdns.SRV]),
        ),
        max_size=200,
    )
)
def test_whatever_is_told_only_so_much_is_remembered(told):
    found = find_broker.Found()
    values = {mdns.A: "10.0.0.", mdns.PTR: b"\x01", mdns.SRV: 0}
    for i, (name, kind) in enumerate(told):
        value = {
            mdns.A: values[mdns.A] + str(i),
            mdns.PTR: b"\x01" + bytes([i]) + name,
            mdns.SRV: (i, b"\x02" + bytes([i, i]) + name),
        }[kind]
        found.take(name if i % 2 else bytes([1, i, 0]), kind, value, "10.0.0.1")
    assert len(found.candidates()) <= 8 and len(found.questions()) <= 40
