"""General ciphering (IEC 62056-5-3): AES-128-GCM with a tag of 12 bytes, or without one.

    DB | 08 | system title (8) | length | SC | invocation counter (4) | text | [tag 12]

SC (security control): bit 4 authenticated, bit 5 encrypted, bits 0-3 suite.
"""

import json
import random
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from decoding import DATA, Listener, bare_meter, notification, of_meter, probe
from meterling.errors import NAMES
from meterling_tools import interpreters
from meterling_tools.simulate import axdr, glo, hdlc, make_meter, mbus
from meterling_tools.simulate.base import DEMO_AUTH_KEY, DEMO_KEY

TITLE = b"KAM\x45\x01\x02\x00\x01"
GCM_PROBE = Path(__file__).with_name("gcm_probe.py")
GREEN_BOOK = json.loads((DATA / "std-greenbook-gcm.json").read_text())["expected"]
GMAC = json.loads((DATA / "std-greenbook-gmac.json").read_text())["expected"]
NIST = json.loads((DATA / "std-nist-gcm-128-iv96-tag96.json").read_text())["expected"]["cases"]
ACCEPTED = (0x10, 0x11, 0x20, 0x21, 0x30, 0x31)


TAG_ERROR = NAMES.index("tag")


def gcm(interpreter, cases):
    """The words of each line that gcm_probe prints under that interpreter."""
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    run = interpreters.run(interpreter, GCM_PROBE, stdin=lines.encode())
    assert run.returncode == 0, run.stderr.decode()
    words = [line.split() for line in run.stdout.decode().splitlines()]
    assert len(words) == len(cases)
    return words


def opened(interpreter, cases):
    """What each (key, authentication key, APDU) holds (bytes), or the code of its error."""
    words = gcm(
        interpreter,
        [
            {"key": key.hex(), "auth_key": (auth_key or b"").hex(), "apdu": apdu.hex()}
            for key, auth_key, apdu in cases
        ],
    )
    return [int(code) or bytes.fromhex(text) for code, text in words]


def general(security, title, counter, text):
    """A general-glo-ciphering APDU around a text that is ciphered already."""
    body = bytes([security]) + counter + text
    return b"\xdb\x08" + title + axdr.length(len(body)) + body


def seal(watts, security=0x30, counter=1, size=0, key=DEMO_KEY, auth_key=DEMO_AUTH_KEY, **options):
    return glo.cipher(notification(watts, size), security, key, auth_key, TITLE, counter, **options)


def hear(*apdus, key=DEMO_KEY, auth_key=DEMO_AUTH_KEY, **options):
    """What is read of these APDUs, each in an M-Bus frame or two of its own."""
    listener = Listener("mbus", key, auth_key, **options)
    for apdu in apdus:
        listener.hear(mbus.frames(apdu))
    return listener


# ---- published vectors -----------------------------------------------------------------------


def test_the_green_book(interpreter):
    key, auth_key, title, counter, plain, sealed, only_text, mac = (
        bytes.fromhex(GREEN_BOOK[name])
        for name in (
            *("key_hex", "auth_key_hex", "system_title_hex", "invocation_counter"),
            *("plaintext_hex", "security_30_ciphertext_and_tag_hex"),
            *("computed_here_security_20_ciphertext_hex", "computed_here_security_10_tag_hex"),
        )
    )

    def case(security, text, with_auth_key=True):
        apdu = general(security, title, counter, text)
        return key, auth_key if with_auth_key else None, apdu

    assert (
        opened(
            interpreter,
            [
                case(0x30, sealed),
                case(0x30, sealed[:-1] + b"\x00"),
                case(0x31, sealed),  # the security control is authenticated, too
                case(0x31, sealed, with_auth_key=False),
                case(0x20, only_text),
                case(0x21, only_text, with_auth_key=False),
                case(0x10, plain + mac),
                case(0x10, plain + sealed[-12:]),
                case(0x11, plain + mac),
            ],
        )
        == [plain, TAG_ERROR, TAG_ERROR, plain, plain, plain, plain, TAG_ERROR, TAG_ERROR]
    )


def test_the_green_books_gmac(interpreter):
    """The answer to a challenge: authentication only."""
    challenge, mac, title, counter, key, auth_key = (
        bytes.fromhex(GMAC[name])
        for name in (
            *("challenge_hex", "gmac_12_hex", "system_title_hex", "invocation_counter"),
            *("key_hex", "auth_key_hex"),
        )
    )
    assert opened(
        interpreter,
        [
            (key, auth_key, general(0x10, title, counter, challenge + mac)),
            (key, auth_key, general(0x10, title, bytes(4), challenge + mac)),
            (key, key, general(0x10, title, counter, challenge + mac)),
        ],
    ) == [challenge, TAG_ERROR, TAG_ERROR]


def test_the_green_book_in_a_frame():
    """Its text is a get-request: opened, but nothing that a meter pushes."""
    apdu = bytes.fromhex(
        "db08" + GREEN_BOOK["system_title_hex"] + "1e30" + GREEN_BOOK["invocation_counter"]
    ) + bytes.fromhex(GREEN_BOOK["security_30_ciphertext_and_tag_hex"])
    keys = bytes.fromhex(GREEN_BOOK["key_hex"]), bytes.fromhex(GREEN_BOOK["auth_key_hex"])
    assert hear(apdu, key=keys[0], auth_key=keys[1]).errors == {"apdu": 1}
    for position in range(16, len(apdu)):
        bad = bytearray(apdu)
        bad[position] ^= 0x80
        assert hear(bytes(bad), key=keys[0], auth_key=keys[1]).errors == {"tag": 1}


def by_cryptography(case):
    """The plaintext (hex), or None if the tag does not fit."""
    key, iv, text, data, tag = (
        bytes.fromhex(case[name]) for name in ("Key", "IV", "CT", "AAD", "Tag")
    )
    reader = Cipher(algorithms.AES(key), modes.GCM(iv, tag, min_tag_length=12)).decryptor()
    reader.authenticate_additional_data(data)
    try:
        return (reader.update(text) + reader.finalize()).hex()
    except InvalidTag:
        return None


@pytest.mark.parametrize("case", NIST, ids=range(len(NIST)))
def test_cryptography_passes_nists_vectors(case):
    """The judge of the other tests is judged first."""
    assert by_cryptography(case) == (None if case.get("FAIL") else case["PT"])


def test_nists_texts(interpreter):
    """Counter mode does not care for the additional data."""
    cases = [case for case in NIST if case["CT"] and not case.get("FAIL")]
    assert len(cases) == 40
    sealed = [
        (
            bytes.fromhex(case["Key"]),
            None,
            general(
                0x20,
                bytes.fromhex(case["IV"])[:8],
                bytes.fromhex(case["IV"])[8:],
                bytes.fromhex(case["CT"]),
            ),
        )
        for case in cases
    ]
    assert opened(interpreter, sealed) == [bytes.fromhex(case["PT"]) for case in cases]


def test_nists_tags(interpreter):
    """Those without text, whose additional data can be read as security control,
    authentication key and plain text. Each of them must be refused with another tag, too."""
    cases = [case for case in NIST if not case["PTlen"] and case["AADlen"] >= 160]
    assert sum("FAIL" in case for case in cases) == 3 and len(cases) == 9
    questions, answers = [], []
    for case in cases:
        question = {
            "key": case["Key"],
            "auth_key": case["AAD"][2:34],
            "title": case["IV"][:16],
            "counter": case["IV"][16:],
            "security": int(case["AAD"][:2], 16),
            "text": case["AAD"][34:],
            "tag": case["Tag"],
        }
        questions.append(question)
        answers.append("FAIL" not in case)
        for bit in (0, 47, 95):
            tag = f"{int(case['Tag'], 16) ^ 1 << bit:024x}"
            questions.append({**question, "tag": tag})
            answers.append(False)
    assert [words == ["1"] for words in gcm(interpreter, questions)] == answers


def test_every_length_of_text(interpreter):
    """Against `cryptography`: 1 to 70 bytes, then some of up to 4 kB, with random keys."""
    draw = random.Random(7)
    cases, texts = [], []
    for count in [*range(1, 71), 127, 128, 255, 256, 257, 511, 1000, 1023, 1024, 4000]:
        key, auth_key, title = (draw.randbytes(n) for n in (16, 16, 8))
        text, counter = draw.randbytes(count), draw.randrange(1 << 32)
        for security in ACCEPTED:
            apdu = glo.cipher(text, security, key, auth_key, title, counter)
            cases.append((key, auth_key, apdu))
            texts.append(text)
            if security & 0x10:
                wrong = bytearray(apdu)
                wrong[-1 - draw.randrange(12 + count)] ^= 1 << draw.randrange(8)
                cases.append((key, auth_key, bytes(wrong)))
                texts.append(TAG_ERROR)
    assert opened(interpreter, cases) == texts


# ---- security control ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 100, 400])
@pytest.mark.parametrize("tag", [glo.GENERAL_GLO, glo.GENERAL_DED])
@pytest.mark.parametrize("security", ACCEPTED)
def test_accepted(security, tag, size):
    seen = hear(*(seal(n, security, counter=n, size=size, tag=tag) for n in (1, 2)))
    assert (seen.watts, seen.errors) == ([1, 2], {})
    assert [r.authenticated for r in seen.readings] == [bool(security & 0x10)] * 2
    assert [r.invocation_counter for r in seen.readings] == [1, 2]
    assert seen.readings[0].system_title == TITLE.hex().upper()


def test_accepted_on_every_interpreter(interpreter):
    jobs = [
        {
            "link": "hdlc",
            "raw": b"".join(
                hdlc.frames(seal(n, security, n, size), b"\x03\x03") for n in (1, 2, 2, 1)
            ),
            "key": DEMO_KEY,
            "auth_key": auth_key,
        }
        for security in ACCEPTED
        for size in (0, 41, 42, 43, 44, 300)
        for auth_key in (DEMO_AUTH_KEY, None, bytes(16))
    ]
    assert probe(interpreter, jobs) == probe(interpreters.find("cpython"), jobs)


@pytest.mark.parametrize("security", sorted(set(range(256)) - set(ACCEPTED)))
def test_refused(security):
    """00 (nothing), 22 (another suite), 40.. (another key set), 80.. (compressed), ..."""
    apdu = bytearray(seal(1, 0x30 if security & 0x10 else 0x20))
    apdu[11] = security
    seen = hear(bytes(apdu), seal(2, counter=2))
    assert (seen.watts, seen.errors) == ([2], {"security": 1})


# ---- lengths -----------------------------------------------------------------------------------


def with_length(apdu, length):
    """The same APDU with its length (one byte) spelled differently."""
    assert apdu[10] < 0x80
    return apdu[:10] + length + apdu[11:]


def test_longer_forms_of_length():
    apdu = seal(1, 0x20)
    size = apdu[10]
    for form in (bytes([0x81, size]), bytes([0x82, 0, size])):
        assert hear(with_length(apdu, form)).watts == [1]


@pytest.mark.parametrize("form", ["80", "83000000", "8400000030", "ff", "8200", "81"])
def test_forms_that_no_meter_uses(form):
    seen = hear(with_length(seal(1), bytes.fromhex(form)), seal(2, counter=2))
    assert seen.watts == [2]
    assert len(seen.errors) == 1 and set(seen.errors) <= {"ciphering", "security", "tag", "apdu"}


@pytest.mark.parametrize("security", [0x20, 0x30])
def test_a_length_that_lies(security):
    true = seal(1, security)[10]
    for length in range(128):
        if length == true:
            continue
        seen = hear(with_length(seal(1, security), bytes([length])), seal(2, security, counter=2))
        assert seen.watts[-1] == 2
        if security == 0x30:
            assert seen.watts == [2], length
        if length > true:
            assert seen.errors == {"ciphering": 1}
        assert seen.errors, length


def test_a_system_title_of_another_length():
    apdu = seal(1)
    seen = hear(b"\xdb\x00" + apdu[10:], seal(2, counter=2))
    assert (seen.watts, seen.errors) == ([2], {"ciphering": 1})


def test_a_header_cut_short():
    apdu = seal(1)
    for stop in range(1, 17):
        seen = hear(apdu[:stop], seal(2, counter=2))
        assert (seen.watts, seen.errors) == ([2], {"ciphering": 1}), stop


def test_no_text_at_all():
    empty = glo.cipher(b"", 0x30, DEMO_KEY, DEMO_AUTH_KEY, TITLE, 1)
    assert hear(empty, seal(2, counter=2)).errors == {"ciphering": 1}


@pytest.mark.parametrize("size", [3000, 30000, 40000, 65000])
def test_a_telegram_of_up_to_64_kb(size):
    """Too long for the usual buffer, and read where the buffer is large enough for it."""
    frames = hdlc.frames(seal(1, size=size), b"\x03\x03", max_information=1000)
    last = hdlc.frames(seal(2, counter=2), b"\x03\x03")
    seen = Listener("hdlc", DEMO_KEY, DEMO_AUTH_KEY).hear(frames + last)
    assert seen.watts == [2]
    assert seen.errors["too-long"] >= 1
    seen = Listener("hdlc", DEMO_KEY, DEMO_AUTH_KEY, size=66000).hear(frames + last)
    assert seen.watts == [1, 2]
    text = seen.readings[0].values["0-0:96.13.0"]
    assert len(text) in range(size - 60, size)


# ---- keys --------------------------------------------------------------------------------------


def test_no_key():
    seen = hear(seal(1, 0x20), seal(2, 0x30), key=None, auth_key=None)
    assert (seen.watts, seen.errors) == ([], {"no-key": 2})


def test_a_wrong_key_with_a_tag():
    seen = hear(seal(1), seal(2, counter=2), key=bytes(16))
    assert (seen.watts, seen.errors) == ([], {"tag": 2})


def test_a_wrong_key_without_a_tag():
    """Nothing but the text can show it, whatever it becomes."""
    draw = random.Random(3)
    for _ in range(300):
        seen = hear(seal(1, 0x20), seal(2, 0x20, counter=2), key=draw.randbytes(16))
        assert (seen.watts, seen.errors) == ([], {"wrong-key": 2})


def test_a_wrong_key_that_makes_a_single_value():
    """One octet string from the first to the last byte: 1 in 14000 short texts is like that."""
    for text in (axdr.octets(bytes(range(40))), axdr.u32(1), axdr.obis("1-0:1.7.0")):
        sealed = glo.cipher(text, 0x20, DEMO_KEY, None, TITLE, 1)
        assert hear(sealed).errors == {"wrong-key": 1}
    rows = axdr.obis("1-0:1.7.0"), axdr.u32(1)
    for text in (axdr.structure(*rows), axdr.array(axdr.structure(*rows)), notification(1)):
        assert hear(glo.cipher(text, 0x20, DEMO_KEY, None, TITLE, 1)).watts == [1]


@pytest.mark.parametrize("name", ["tinetz-kaifa", "netznoe-kaifa", "kaernten-im350", "wien-im150"])
def test_a_wrong_key_for_a_whole_telegram(name):
    meter = make_meter(name)
    draw = random.Random(4)
    for n in range(50):
        seen = Listener(meter.link, draw.randbytes(16)).hear(meter.telegram(n))
        assert (seen.readings, seen.errors) == ([], {"wrong-key": 1})


def test_a_wrong_authentication_key():
    seen = hear(seal(1), seal(2, 0x10, counter=2), auth_key=bytes(16))
    assert (seen.watts, seen.errors) == ([], {"tag": 2})


def test_a_wrong_authentication_key_does_not_matter_without_a_tag():
    seen = hear(seal(1, 0x20), auth_key=bytes(16))
    assert (seen.watts, seen.errors) == ([1], {})


@pytest.mark.parametrize("security", [0x10, 0x30, 0x31])
def test_no_authentication_key(security):
    """Read all the same, and it is said that nobody checked it."""
    seen = hear(seal(1, security), seal(2, security, counter=2), auth_key=None)
    assert (seen.watts, seen.errors) == ([1, 2], {"no-auth-key": 2})
    assert [reading.authenticated for reading in seen.readings] == [False, False]


def test_the_right_key_after_a_wrong_one():
    """What was heard with the wrong key leaves nothing behind."""
    apdu = seal(1, 0x20)
    assert hear(apdu, key=bytes(16)).watts == []
    assert hear(apdu).watts == [1]


def test_plain_telegrams_do_not_need_the_key():
    seen = hear(notification(1), seal(2), notification(3))
    assert seen.watts == [1, 2, 3]
    assert [r.system_title for r in seen.readings] == [None, TITLE.hex().upper(), None]
    assert [r.authenticated for r in seen.readings] == [False, True, False]
    assert [r.invocation_counter for r in seen.readings] == [None, 1, None]


# ---- altered telegrams -------------------------------------------------------------------------


def flipped(data, bits):
    for bit in bits:
        bad = bytearray(data)
        bad[bit >> 3] ^= 1 << (bit & 7)
        yield bit, bytes(bad)


@pytest.mark.parametrize("security", [0x30, 0x10])
def test_no_flipped_bit_of_a_tagged_telegram_is_believed(security):
    """Neither as the first, nor when its shape is known."""
    before, apdu, good = (seal(n, security, counter=n) for n in (1, 2, 3))
    for bit, bad in flipped(apdu, range(8 * len(apdu))):
        for first in ((), (before,)):
            seen = hear(*first, bad, good)
            assert seen.watts == [1, 3][-1 - len(first) :], bit
            assert seen.errors, bit


def test_no_flipped_bit_of_a_whole_telegram_is_believed():
    """Bare on the line, without any other check, behind a good one or not."""
    meter = bare_meter()
    before, data = meter.telegram(0), meter.telegram(1)
    for bit, bad in flipped(data, range(8 * len(data))):
        assert of_meter(meter).hear(bad).quiet().readings == [], bit
        assert len(of_meter(meter).hear(before).hear(bad).quiet().readings) == 1, bit


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_no_flipped_bit_is_believed_by_micropython(interpreter):
    meter = bare_meter()
    before, data = meter.telegram(0), meter.telegram(1)
    jobs = [
        {"link": "apdu", "raw": before + bad, "key": meter.key, "auth_key": meter.auth_key}
        for _, bad in flipped(data, [*range(8 * 8, 8 * 20), *range(0, 8 * len(data), 13)])
    ]
    jobs = [{**jobs[0], "raw": before + data}, *jobs]
    printed = probe(interpreter, jobs)
    assert printed.count('{"meter"') == len(jobs) + 1
    assert printed == probe(interpreters.find("cpython"), jobs)


@pytest.mark.parametrize("tag", [glo.GENERAL_GLO, glo.GENERAL_DED])
@pytest.mark.parametrize("security", [0x30, 0x10])
def test_a_telegram_that_says_it_has_no_tag(security, tag):
    """After one whose tag fitted it is refused; other keys know nothing of that."""
    seen = hear(seal(1, security, tag=tag), seal(2, 0x20, counter=2, tag=tag))
    assert (seen.watts, seen.errors) == ([1], {"tag": 1})
    seen.hear(mbus.frames(seal(3, security, counter=3, tag=tag)))
    assert seen.watts == [1, 3]
    seen.decoder.set_keys(DEMO_KEY, DEMO_AUTH_KEY)
    seen.hear(mbus.frames(seal(4, 0x20, counter=4)))
    assert (seen.watts, seen.errors) == ([1, 3, 4], {"tag": 1})


def test_a_tag_that_nobody_checks_is_not_missed():
    seen = hear(seal(1), seal(2, 0x20, counter=2), auth_key=None)
    assert (seen.watts, seen.errors) == ([1, 2], {"no-auth-key": 1})


def test_a_text_of_another_telegram_under_this_ones_counter():
    one, two = seal(1, counter=1), seal(2, counter=2)
    mixed = one[:16] + two[16:]
    assert hear(mixed).errors == {"tag": 1}


def test_a_value_beyond_the_text():
    """A structure that says it has more elements than there are."""
    body = bytes([0x02, 3]) + axdr.obis("1-0:1.7.0") + axdr.u32(1)
    apdu = axdr.data_notification(1, None, body)
    sealed = glo.cipher(apdu, 0x30, DEMO_KEY, DEMO_AUTH_KEY, TITLE, 1)
    assert hear(sealed).errors == {"decode": 1}
