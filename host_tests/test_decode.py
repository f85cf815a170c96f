"""`meterling decode`: captures as people have them, and everything that is wrong with them."""

import json
import subprocess

import pytest
from meterling_tools import cli, interpreters
from meterling_tools.decode import parse_key, to_bytes
from meterling_tools.simulate import make_meter

# Netz NÖ's printed example ("Smart Meter Kundenschnittstelle", 2022).
from mqtt_telegram import FRAMES
from mqtt_telegram import KEY as KEY_HEX

KEY = bytes.fromhex(KEY_HEX)


@pytest.fixture
def decode(tmp_path, capsys):
    """Run `meterling decode` on bytes; (exit code, standard output, standard error)."""

    def run(data, *options):
        path = tmp_path / "capture"
        path.write_bytes(data)
        status = cli.main(["decode", str(path), *options])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def key_of(name):
    meter = make_meter(name)
    options = []
    if meter.key:
        options += ["--key", meter.key.hex()]
    if meter.auth_key:
        options += ["--auth-key", meter.auth_key.hex()]
    return options


def test_a_table_for_people(decode):
    status, out, err = decode(FRAMES, "--key", KEY.hex())
    assert status == 0 and err == ""
    assert "Meter 181220000009   2021-09-27T07:47:15Z" in out
    assert "1-0:1.8.0                12937  Wh" in out
    assert "1-0:32.7.0               233.7  V" in out
    assert out.endswith("282 bytes, 2 frames, 1 telegrams, 1 readings\n")


def test_one_json_object_a_line(decode):
    status, out, _ = decode(FRAMES, "--key", KEY.hex(), "--json")
    reading, summary = map(json.loads, out.splitlines())
    assert status == 0
    assert list(reading) == [
        "type",
        "meter",
        "system_title",
        "time",
        "invocation_counter",
        "authenticated",
        "values",
    ]
    assert reading["values"]["1-0:1.8.0"] == {"value": 12937, "unit": "Wh"}
    assert summary == {
        "type": "summary",
        "bytes": 282,
        "frames": 2,
        "telegrams": 1,
        "readings": 1,
        "errors": {},
    }


@pytest.mark.parametrize(
    "text",
    [
        FRAMES.hex(),
        FRAMES.hex(" ").upper(),
        "\n".join(FRAMES.hex(":", 16).split(":")),
        ", ".join(f"0x{byte:02x}" for byte in FRAMES),
        "# a remark\n" + FRAMES.hex(),
    ],
)
def test_hex_as_people_paste_it(text):
    assert to_bytes(text.encode()) == FRAMES


@pytest.mark.parametrize("name", ["micropython", "micropython32"])
@pytest.mark.parametrize("meter", ["tinetz-kaifa", "klagenfurt-e450", "kamstrup-dk", "aidon-no"])
def test_every_interpreter_prints_the_same_bytes(decode, name, meter):
    if not interpreters.find(name):
        pytest.skip(interpreters.find(name).reason)
    data = b"".join(make_meter(meter).telegram(n) for n in range(3))
    here = decode(data, "--json", *key_of(meter))
    assert here[0] == 0 and here[1].count('"reading"') == 3
    assert decode(data, "--json", *key_of(meter), "--on", name) == here


def test_an_interpreter_that_takes_too_long_is_said_in_a_sentence(decode, monkeypatch):
    def run(*args, timeout, **kwargs):
        raise subprocess.TimeoutExpired("micropython", timeout)

    monkeypatch.setattr(interpreters, "find", lambda name: True)
    monkeypatch.setattr(interpreters, "run", run)
    expected = (1, "", "meterling: micropython has not come to an end in 600 s.\n")
    assert decode(FRAMES, "--on", "micropython") == expected


@pytest.mark.parametrize("meter", ["tinetz-kaifa", "wien-im150", "klagenfurt-e450"])
def test_the_link_layer_is_found_even_where_half_the_telegrams_are_broken(decode, meter):
    subject = make_meter(meter)
    telegrams = [bytearray(subject.telegram(n)) for n in range(4)]
    for telegram in telegrams[::2]:
        telegram[40] ^= 1
    status, out, _ = decode(b"".join(telegrams), "--json", *key_of(meter))
    assert status == 0 and out.count('"type":"reading"') == 2


def test_what_a_checksum_refuses_is_not_read_as_a_bare_apdu(decode):
    telegram = bytearray(make_meter("kamstrup-dk").telegram(0))
    telegram[-2] ^= 1  # FCS
    status, out, err = decode(bytes(telegram), "--json", *key_of("kamstrup-dk"))
    assert status == 1 and '"type":"reading"' not in out
    assert "[checksum]" in err


def test_a_bare_apdu_is_found_too(decode):
    status, out, _ = decode(
        make_meter("steiermark-t210d").telegram(0), "--json", *key_of("steiermark-t210d")
    )
    assert status == 0 and '"authenticated":true' in out


def test_a_plain_apdu_is_read_without_any_link_layer(decode):
    status, out, _ = decode(make_meter("netznoe-kaifa").apdu(0).hex().encode(), "--json")
    assert status == 0 and '"system_title":null' in out


def test_without_the_authentication_key_it_is_read_and_said(decode):
    key = key_of("kamstrup-dk")[:2]
    status, out, err = decode(make_meter("kamstrup-dk").telegram(0), "--json", *key)
    assert status == 0 and '"authenticated":false' in out
    assert "[no-auth-key]" in err


@pytest.mark.parametrize(
    ("data", "options", "status", "code"),
    [
        (b"", [], 1, "empty"),
        (b"hello", [], 2, "not-hex"),
        (b"68f", [], 2, "odd-hex"),
        (FRAMES, [], 1, "no-key"),
        (FRAMES, ["--key", "00" * 16], 1, "wrong-key"),
        (FRAMES, ["--key", "00" * 15], 2, "key-length"),
        (FRAMES, ["--key", "my secret"], 2, "not-hex"),
        (FRAMES[:200], ["--key", KEY.hex()], 1, "truncated"),
        (FRAMES[:100] + b"\0" + FRAMES[101:], ["--key", KEY.hex()], 1, "checksum"),
        (b"\x7e\xa7\xff" + bytes(65536), [], 1, "checksum"),
        (b"\x0f\0\0\0\0\0\x77", [], 1, "data-type"),
        (b"\x0f\0\0\0\0\0\x02\x82\xff\xff", [], 1, "decode"),
        (bytes(1000), [], 1, "noise"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_with_a_code(decode, data, options, status, code):
    got, out, err = decode(data, *options)
    assert got == status
    assert f"[{code}]" in err
    assert "Traceback" not in err


def test_a_key_is_never_repeated_to_whoever_looks_on(decode):
    _, out, err = decode(FRAMES, "--key", "0123456789")
    assert "0123456789" not in out + err


@pytest.mark.parametrize(
    "text", ["00" * 16, " ".join(["00"] * 16), ":".join(["00"] * 16), "0x" + "00" * 16]
)
def test_a_key_as_it_is_pasted(text):
    assert parse_key("key", text) == bytes(16)


def test_a_telegram_of_text_is_not_taken_for_hex(decode):
    """As it comes, and as an editor leaves it."""
    telegram = make_meter("nl-dsmr5").telegram(0)
    for capture in (telegram, telegram.replace(b"\r\n", b"\n")):
        status, out, err = decode(capture)
        assert (status, err) == (0, "")
        assert "1-0:1.8.1" in out and "kWh" in out and "GJ" in out
    # The code is shown once, the values one below the other.
    assert out.count("0-1:24.2.1") == 1
