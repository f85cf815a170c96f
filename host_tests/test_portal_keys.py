"""The key doctor: what people paste, what it understands, and whether that fits."""

import json
from pathlib import Path

import decoding  # noqa: F401 (hypothesis profile)
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling.portal.key_check import check
from meterling.portal.key_doctor import digits_of, understand
from meterling.portal.sample import Sample
from meterling_tools import interpreters
from meterling_tools.simulate import make_meter

KEY = "36C66639E48A8CA4D6BC8B282A793BBB"  # the example that Netz NÖ prints
AUTH = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"  # IEC 62056-5-3's
ASCII = "7kQz!pW2mX9#bTr4"
PAIRS = [KEY[i : i + 2] for i in range(0, 32, 2)]
SPELLED = KEY.encode().hex().upper()

ONE = [
    # what was pasted, what is noted
    (KEY, []),
    (KEY.lower(), ["lower-case"]),
    (f"  {KEY}\r\n", []),
    (f"\u200b{KEY}\u00a0", []),
    (f"\ufeff{KEY}", []),
    (" ".join(PAIRS), ["separators"]),
    (":".join(PAIRS).lower(), ["lower-case", "separators"]),
    ("-".join(PAIRS), ["separators"]),
    (", ".join("0x" + pair for pair in PAIRS), ["prefix", "separators"]),
    ("{" + ",".join("0x" + pair.lower() for pair in PAIRS) + "};", None),
    (KEY[:16] + "\n" + KEY[16:], ["separators"]),
    (" ".join(KEY[i : i + 8] for i in range(0, 32, 8)), ["separators"]),
    ("\n".join(PAIRS), ["separators"]),
    ("\t".join(KEY), ["separators"]),
    (f"0x{KEY}", ["prefix"]),
    (f'"{KEY}"', ["quotes"]),
    (f"\u201e{KEY}\u201c", ["quotes"]),
    (f"<key>{KEY}</key>", ["quotes"]),
    (f"Ihr Schlüssel lautet: {KEY}.", []),
    (f"GUEK: {KEY}", ["labels"]),
    (f"Encryption Key {KEY}", ["labels"]),
    (f"Entschlüsselungskey = {KEY}", ["labels"]),
    (f"Kundennummer 1234567890\nKey {KEY}", []),
    (f"Zählpunkt AT0010000000000000001000000000123\n{KEY}", []),
    (f"1. {KEY}", []),
    ("1. " + " ".join(PAIRS), ["separators"]),
    (f"Key from 2026-11-22: {KEY}", []),
    (KEY.replace("0", "O").replace("1", "l") if "0" in KEY else KEY, None),
    (SPELLED, ["hex-of-hex"]),
    (KEY.lower().encode().hex(), ["hex-of-hex", "lower-case"]),
    (" ".join(SPELLED[i : i + 2] for i in range(0, 64, 2)), ["hex-of-hex", "separators"]),
    (f"{KEY}\nEine Authentifizierung ist nicht notwendig.", None),
    (f"Ihr Key: {KEY}. Halten Sie ihn geheim: Die Authentifizierung ist im Portal.", []),
    (f"Die Authentifizierung war erfolgreich. Ihr Key lautet: {KEY}", []),
    (f"Zählernummer 12345678, 87654321\n{KEY}", []),
    (f"IBAN AT61 1904 3002 3457 3201\nKey: {KEY}", []),
    (f"Zählpunkt 0010000000000000001000000000123\nKey {KEY}", []),
    (f"{KEY} ({' '.join(PAIRS)})", []),
    ("const byte KEY[16] = {\n" + ", ".join("0x" + pair for pair in PAIRS) + "};", None),
    ("AES-128:\n" + " ".join(PAIRS[:8]) + "\n" + " ".join(PAIRS[8:]), ["separators"]),
    (f"\u2192{KEY}", []),
    (f"\U0001f511{KEY}", []),
    (f"\uf0b7{KEY}\ufffc", []),
    (f"\u2502{KEY}\u2502", []),
    (f"Key\uff1a{KEY}", []),
    (f"{KEY}\n" + "Mit freundlichen Grüßen " * 60, []),
]


@pytest.mark.parametrize(("text", "notes"), ONE)
def test_one_key_as_people_paste_it(text, notes):
    found = understand(text)
    assert (found.code, found.auth_key) == ("key", None)
    assert digits_of(found.key) == KEY
    if notes is not None:
        assert found.notes == notes


def test_letters_for_digits_that_look_alike():
    found = understand("O0112233445566778899AABBCCDDEEFl")
    assert digits_of(found.key) == "00112233445566778899AABBCCDDEEF1"
    assert "lookalike" in found.notes


@pytest.mark.parametrize("text", [ASCII, f"  {ASCII}\n", f"Key: {ASCII}", f"Schlüssel {ASCII}"])
def test_sixteen_characters_are_the_key_s_bytes(text):
    found = understand(text)
    assert (found.code, found.key, found.digits) == ("key", ASCII.encode(), 16)
    assert "ascii" in found.notes


TWO = [
    f"{KEY}\n{AUTH}",
    f"{KEY} {AUTH}",
    f"{KEY},{AUTH}",
    f"{KEY};{AUTH.lower()}",
    f"{KEY}/{AUTH}",
    KEY + AUTH,
    f"GUEK: {KEY}\nGAK: {AUTH}",
    f"GAK: {AUTH}\nGUEK: {KEY}",
    f"AK {AUTH} EK {KEY}",
    f"Authentication Key: {AUTH}, Encryption Key: {KEY}",
    f"Authentifizierungsschlüssel\n{AUTH}\nVerschlüsselungsschlüssel\n{KEY}",
    f"Global Unicast Encryption Key (GUEK) {KEY} Global Authentication Key (GAK) {AUTH}",
    f"{AUTH} (GAK)\n{KEY} (GUEK)",
    f"{KEY}\nAuthentication key: {AUTH}",
    f"{AUTH}\nEncryption key: {KEY}",
    " ".join(PAIRS) + "\n" + " ".join(AUTH[i : i + 2] for i in range(0, 32, 2)),
    "EK: " + ":".join(PAIRS) + " AK: " + ":".join(AUTH[i : i + 2] for i in range(0, 32, 2)),
    SPELLED + "\n" + AUTH.encode().hex(),
    (KEY + AUTH).encode().hex(),
    f"GUEK\tGAK\n{KEY}\t{AUTH}",
    f"GAK\tGUEK\n{AUTH}\t{KEY}",
    f"GUEK\nGAK\n{KEY}\n{AUTH}",
    f"Schlüssel für Verschlüsselung und Authentifizierung:\n{KEY}\n{AUTH}",
    f"Zähler 12345678\nGUEK {KEY}\nGAK {AUTH}",
]


@pytest.mark.parametrize("text", TWO)
def test_two_keys_in_one_paste(text):
    found = understand(text)
    assert found.code == "two-keys"
    assert (digits_of(found.key), digits_of(found.auth_key)) == (KEY, AUTH)


def test_a_second_field_for_the_second_key():
    assert understand(KEY, AUTH).auth_key.hex().upper() == AUTH
    assert understand(KEY, "  ").code == "key"
    assert understand(KEY, f"GAK {AUTH}").code == "two-keys"
    assert understand("", AUTH).code == "auth-key"
    assert understand(f"AK: {AUTH}").code == "auth-key"
    assert understand(f"Global Authentication Key (GAK): {AUTH}").code == "auth-key"
    assert understand(f"{AUTH} (Authentication Key)").code == "auth-key"
    assert understand(f"{AUTH}\nals GAK").code == "auth-key"
    assert understand(f"GAK\tGUEK\n-\t{KEY}").code == "key"
    assert understand(KEY, KEY).code == "same-twice"
    assert understand(f"{KEY} {AUTH}", AUTH).code == "too-many"
    assert understand(KEY, AUTH[:-1]).code == "too-short"


OTHERS = [
    ("", "empty", 0),
    (" \n\u200b", "empty", 0),
    ("...", "empty", 0),
    (KEY[:-1], "too-short", 31),
    (" ".join(PAIRS[:-1]), "too-short", 30),
    (KEY + "A", "too-long", 33),
    (KEY + "AB", "too-long", 34),
    (KEY + AUTH[:-1], "too-long", 63),
    (KEY[:16], "too-short", 16),
    (f"GUEK: {KEY}\nGAK: {AUTH[:-2]}", "too-short", 30),
    ("1234567890", "customer-number", 10),
    ("Kundennummer: 12345678", "customer-number", 8),
    ("1234 5678 9012 3456", "customer-number", 16),
    ("AT0010000000000000001000000000123", "customer-number", None),
    ("AT 001000 00000 00000001000000000123", "customer-number", None),
    ("1KFM0200000001", "customer-number", 14),
    ("KFM1200200000001", None, None),
    ("Key not yet available", "not-hex", None),
    ("Benutzerpasswort", "not-hex", None),
    ("Wird geladen …", "not-hex", None),
    (KEY[:-1] + "G", "not-hex", 32),
    ("https://portal.example/schluessel", "not-hex", None),
    (KEY + "\n" + AUTH + "\n" + KEY[::-1], "too-many", 32),
    (KEY + "\n" + KEY.lower(), "same-twice", 32),
    ("0" * 32, "placeholder", 32),
    ("Sehr geehrter Kunde, " * 60 + KEY, "long-text", None),
    ("Sehr geehrter Kunde, " * 48 + KEY, "long-text", None),
    ("F" * 32, "placeholder", 32),
]


@pytest.mark.parametrize(("text", "code", "digits"), OTHERS)
def test_what_is_no_key_is_named(text, code, digits):
    found = understand(text)
    if code is None:  # 16 characters: may be a key; the wire tells
        assert found.code == "key" and found.notes == ["ascii"]
        return
    assert found.code == code
    assert found.key is None and found.auth_key is None
    if digits is not None:
        assert found.digits == digits


keys = st.binary(min_size=16, max_size=16).filter(lambda key: len(set(key)) > 1)
between = st.sampled_from(["", " ", ":", "-", ", ", "\n", "\t", "\u00a0", ".", ";"])


@given(keys, between, st.booleans(), st.booleans(), st.sampled_from([1, 2, 4, 8]))
def test_any_key_in_any_dress(key, separator, lower, prefix, size):
    text = key.hex() if lower else key.hex().upper()
    pieces = [text[i : i + 2 * size] for i in range(0, 32, 2 * size)]
    if prefix:
        separator = separator or ","
        pieces = ["0x" + piece for piece in pieces]
    found = understand(separator.join(pieces))
    assert (found.code, found.key) == ("key", key)


@given(keys, keys, st.sampled_from(["\n", " ", ", ", "\nGAK: ", " / AK = "]))
def test_any_two_keys(key, auth_key, separator):
    if key == auth_key:
        return
    found = understand(key.hex() + separator + auth_key.hex())
    assert (found.code, found.key, found.auth_key) == ("two-keys", key, auth_key)


@given(st.text(max_size=200), st.text(max_size=40))
def test_no_text_breaks_it(text, auth_text):
    found = understand(text, auth_text)
    for key in (found.key, found.auth_key):
        assert key is None or len(key) == 16
    assert (found.key or found.auth_key) is None or found.code in ("key", "two-keys", "auth-key")


@given(st.text("0123456789abcdefxOIl:,. \nGAKUE", max_size=200))
def test_no_text_that_is_nearly_a_key_breaks_it(text):
    understand(text)


# On the wire


def sample_of(name):
    """The ciphered APDU of a simulated telegram, and its keys."""
    from meterling.decoder import Decoder

    meter = make_meter(name)
    sample = Sample()
    link = {"mbus": "mbus", "hdlc": "hdlc"}[meter.link]
    decoder = Decoder(link, meter.key, meter.auth_key)
    apdus = decoder.apdus

    def hook(data, begin, end, source):
        at = begin + 3 if data[begin] == 0xE6 else begin  # behind the LLC
        if data[at] in (0xDB, 0xDC):
            sample.take(data, at, end)
        return apdus(data, begin, end, source)

    decoder.apdus = hook
    for number in range(3):
        telegram = meter.telegram(number)
        decoder.feed(telegram, len(telegram))
    assert sample.length
    return sample, meter.key, meter.auth_key


def test_without_a_tag_the_plaintext_tells():
    sample, key, _ = sample_of("tinetz-kaifa")
    wrong = bytes(16)
    assert check(sample, key, None) == ("fits", False)
    assert check(sample, wrong, None) == ("does-not-fit", False)
    assert check(sample, key, wrong) == ("fits", False)
    assert check(sample, wrong, key) == ("fits", True)
    assert check(sample, None, key) == ("auth-key-only", False)
    assert check(Sample(), key, None) == ("no-telegram", False)


@pytest.mark.parametrize("name", ["burgenland-e450", "kamstrup-dk"])
def test_with_a_tag_it_tells_which_of_two_is_wrong(name):
    sample, key, auth_key = sample_of(name)
    wrong = b"neither of them."
    assert check(sample, key, auth_key) == ("fits", False)
    assert check(sample, auth_key, key) == ("fits", True)
    assert check(sample, key, None) == ("auth-key-missing", False)
    assert check(sample, key, wrong) == ("auth-key-wrong", False)
    assert check(sample, wrong, auth_key) == ("does-not-fit", False)
    assert check(sample, wrong, wrong[::-1]) == ("does-not-fit", False)
    assert check(sample, wrong, key)[0] in ("auth-key-wrong", "does-not-fit")


def test_what_is_no_telegram_cannot_be_checked():
    sample = Sample()
    for telegram in (
        b"\xdb",
        b"\xdb\x08" + bytes(40),
        b"\xdb\x08" + bytes(8) + b"\x05\x40" + bytes(9),
    ):
        sample.take(telegram, 0, len(telegram))
        assert check(sample, bytes(16), None) == ("cannot-check", False)


@given(st.binary(min_size=1, max_size=300), keys, keys)
def test_no_telegram_breaks_it(data, key, auth_key):
    sample = Sample()
    for head in (b"", b"\xdb\x08", b"\x5b", b"\xdb\x08KFM\x00\x00\x00\x00\x01\x21\x20"):
        telegram = head + data
        sample.take(telegram, 0, len(telegram))
        check(sample, key, auth_key)


@given(keys)
def test_no_wrong_key_ever_fits(key):
    sample, right, _ = _ONCE
    assert key == right or check(sample, key, None) == ("does-not-fit", False)


_ONCE = sample_of("tinetz-kaifa")


def test_amis_keys_are_checked_on_what_mode_5_opens():
    capture = json.loads((decoding.DATA / "at-netzooe-amis-td3511-doc.json").read_text())
    frame = bytes.fromhex(capture["raw_hex"])
    at = frame.index(b"\x5b")
    sample = Sample()
    sample.take(frame, at, len(frame) - 2)
    key = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    assert check(sample, key, None) == ("fits", False)
    assert check(sample, bytes(16), None) == ("does-not-fit", False)


def test_a_sample_is_kept_whole_or_not_at_all():
    sample = Sample()
    sample.take(b"x" * 2049, 0, 2049)
    assert sample.length == 0
    sample.take(b"..abc..", 2, 5)
    assert sample.buffer[: sample.length] == b"abc"
    sample.take(b"z" * 2048, 0, 2048)
    assert sample.length == 2048
    sample.take(b"12", 0, 2)
    assert sample.buffer[: sample.length] == b"12"


@pytest.mark.parametrize("interpreter", interpreters.NAMES[1:], indirect=True)
def test_micropython_understands_the_same(interpreter):
    sample, key, auth_key = sample_of("burgenland-e450")
    telegram = bytes(sample.buffer[: sample.length]).hex()
    tasks = [{"text": text} for text, *_ in ONE + OTHERS] + [{"text": text} for text in TWO]
    tasks += [
        {"text": key.hex() + " " + auth_key.hex(), "telegram": telegram},
        {"text": auth_key.hex() + " " + key.hex(), "telegram": telegram},
        {"text": key.hex(), "telegram": telegram},
        {"text": AUTH, "telegram": telegram},
    ]
    lines = "\n".join(map(json.dumps, tasks)).encode()
    results = []
    for python in (interpreters.find("cpython"), interpreter):
        done = interpreters.run(python, Path(__file__).with_name("key_probe.py"), stdin=lines)
        assert not done.returncode, done.stderr
        results.append([json.loads(line) for line in done.stdout.splitlines()])
    assert len(results[0]) == len(tasks)
    assert results[1] == results[0]
    assert [answer[5:] for answer in results[0][-4:]] == [
        ["fits", False],
        ["fits", True],
        ["auth-key-missing", False],
        ["does-not-fit", False],
    ]


MACHINE_CODE = """
import sys
from binascii import unhexlify
from meterling.portal.key_check import check
from meterling.portal.sample import Sample

def loaded():
    return sys.modules["meterling.ciphering.tag_viper"]

sample = Sample()
telegram, key, auth_key = map(unhexlify, sys.stdin.read().split())
sample.take(telegram, 0, len(telegram))
print(check(sample, key, auth_key)[0])
first = loaded()
print(check(sample, auth_key, key)[0], loaded() is first)
"""


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_machine_code_is_loaded_once_however_many_keys_are_tried(interpreter):
    """An ESP32 gives its memory back with a restart only."""
    sample, key, auth_key = sample_of("burgenland-e450")
    telegram = bytes(sample.buffer[: sample.length])
    given = " ".join(part.hex() for part in (telegram, key, auth_key)).encode()
    run = interpreters.run(interpreter, "-c", [MACHINE_CODE], stdin=given)
    assert run.stdout.split() == [b"fits", b"fits", b"True"], run.stderr
