"""OMS security mode 5: AES-128-CBC over the records of an M-Bus telegram.

    5B | id (4) | maker (2) | version | medium | access | status | configuration (2) | text ..

Configuration word: bits 8-12 the mode, bits 4-7 the number of ciphered blocks. Initial value:
maker, id, version, medium, access x 8. The plaintext begins with 2F 2F.
"""

import json
import random

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from decoding import DATA
from hypothesis import given
from hypothesis import strategies as st
from meterling.ciphering.mode5 import make, open_telegram
from meterling_tools import interpreters
from meterling_tools.simulate.amis import DEMO_KEY, frame, header, sealed

PROBE = interpreters.ROOT / "host_tests" / "amis_probe.py"
TOO_LONG, CIPHERING, SECURITY, NO_KEY, WRONG_KEY, REPLAY = 8, 10, 11, 12, 15, 16
STATE, BUFFER, END, BEGIN = 0, 1, 0, 1  # parts, and words of the state


def capture(name):
    return json.loads((DATA / f"{name}.json").read_text())


DOCUMENT = capture("at-netzooe-amis-td3511-doc")
NIST = capture("std-nist-cbc-128")["expected"]["cases"]
KEYS = st.binary(min_size=16, max_size=16)


def opened(parts, data):
    """(error code, header and plaintext or None)"""
    code = open_telegram(parts, b"\xaa" + data + b"\xbb", 1, 1 + len(data))
    state = parts[STATE]
    return code, None if code else bytes(parts[BUFFER][state[BEGIN] : state[END]])


def test_the_documents_telegram():
    """Netz OÖ prints the telegram, its key, its initial value and what it says."""
    payload = bytes.fromhex(DOCUMENT["raw_hex"])[6:-2]
    code, plain = opened(make(bytes.fromhex(DOCUMENT["key_hex"])), payload)
    assert code == 0
    assert plain[:13] == payload[:13]  # the header, as it was
    assert plain[13:23].hex() == "2f2f066d5f0c48c1171b"  # 2F 2F, and the clock
    assert plain[-6:].hex() == "140000002f2f"
    # And the other way round.
    assert sealed(plain[15:-2], bytes.fromhex(DOCUMENT["key_hex"]), access=0x0D) == payload


@pytest.mark.parametrize("case", NIST, ids=lambda case: case["CIPHERTEXT"][:8])
def test_vectors_of_nist(case, interpreter):
    """CBCGFSbox128: their initial value is 0, as that of a telegram with nothing but zeros."""
    telegram = header("00000000", 0, 0x0510)
    telegram = telegram[:5] + bytes(2) + bytes(2) + telegram[9:] + bytes.fromhex(case["CIPHERTEXT"])
    assert case["IV"] == bytes(16).hex()
    printed = probe(interpreter, [(frame(telegram), bytes.fromhex(case["KEY"]))])
    assert printed.splitlines()[0] == f"{WRONG_KEY} - {case['PLAINTEXT']}"


def probe(interpreter, jobs, chunk=0):
    lines = [
        json.dumps({"raw": raw.hex(), "key": (key or b"").hex(), "chunk": chunk})
        for raw, key in jobs
    ]
    run = interpreters.run(interpreter, PROBE, stdin="\n".join(lines).encode() + b"\n")
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode()


@given(st.binary(max_size=220), KEYS, st.integers(0, 255), st.integers(0, 99999999))
def test_what_was_sealed_is_opened(records, key, access, number):
    telegram = sealed(records, key, f"{number:08}", access)
    code, plain = opened(make(key), telegram)
    assert code == 0
    assert plain[:13] == telegram[:13]
    assert plain[13:].rstrip(b"\x2f") == (b"\x2f\x2f" + records).rstrip(b"\x2f")


@given(st.integers(1, 15), st.binary(min_size=238, max_size=238), st.integers(0, 40))
def test_what_follows_the_ciphered_blocks_is_plain(blocks, text, rest):
    """The configuration word says how many blocks are ciphered."""
    text = b"\x2f\x2f" + text[: 16 * blocks - 2]
    clear = header("12345678", 7, 0x0500 | blocks << 4)
    iv = clear[5:7] + clear[1:5] + clear[7:9] + clear[9:10] * 8
    cbc = Cipher(algorithms.AES(DEMO_KEY), modes.CBC(iv)).encryptor()
    tail = bytes(range(rest))[: 240 - 16 * blocks]
    code, plain = opened(make(DEMO_KEY), clear + cbc.update(text) + tail)
    assert (code, plain) == (0, clear + text + tail)


# ---- what is refused ------------------------------------------------------------------------


def test_the_same_telegram_twice():
    """The meter repeats what it has no E5 for. The next telegram has another access number."""
    parts = make(DEMO_KEY)
    one, two = sealed(b"\x04\x03abcd", DEMO_KEY, access=1), sealed(b"\x04\x03abcd", DEMO_KEY)
    codes = [opened(parts, telegram)[0] for telegram in (one, one, two, two, one)]
    assert codes == [0, REPLAY, 0, REPLAY, 0]


def test_the_same_access_number_with_another_text():
    """It has only 8 bits, and may begin anew: it alone is no repetition."""
    parts = make(DEMO_KEY)
    for text in (b"\x04\x03abcd", b"\x04\x03abce"):
        assert opened(parts, sealed(text, DEMO_KEY))[0] == 0


def test_without_a_key():
    assert opened(make(None), sealed(b"", DEMO_KEY)) == (NO_KEY, None)


def test_a_wrong_key_and_then_the_right_one():
    telegram = sealed(b"\x04\x03abcd", DEMO_KEY)
    assert opened(make(bytes(16)), telegram) == (WRONG_KEY, None)
    parts = make(DEMO_KEY)
    assert opened(parts, sealed(b"\x04\x03abcd", bytes(16)))[0] == WRONG_KEY
    assert opened(parts, telegram)[0] == 0


@pytest.mark.parametrize("key", [DEMO_KEY, None])
def test_plain_telegrams_do_not_need_the_key(key):
    telegram = header("00000000", 1, 0) + b"\x2f\x2f\x04\x03abcd"
    parts = make(key)
    assert opened(parts, telegram) == (0, telegram)
    assert opened(parts, telegram) == (0, telegram)


@pytest.mark.parametrize("mode", [1, 2, 3, 4, 6, 7, 8, 13, 31])
def test_other_modes(mode):
    telegram = header("00000000", 1, mode << 8 | 0x10) + bytes(16)
    assert opened(make(DEMO_KEY), telegram) == (SECURITY, None)


@pytest.mark.parametrize("key", [DEMO_KEY, None])
@pytest.mark.parametrize(
    "telegram",
    [
        b"",
        header("00000000", 1, 0)[:12],
        header("00000000", 1, 0x0500) + bytes(16),  # ciphered, and not a block of it
        header("00000000", 1, 0x0510),
        header("00000000", 1, 0x0510) + bytes(15),
        header("00000000", 1, 0x05F0) + bytes(239),
    ],
    ids=["nothing", "half a header", "no block", "no text", "half a block", "15 blocks"],
)
def test_lengths_that_contradict(telegram, key):
    assert opened(make(key), telegram) == (CIPHERING, None)


def test_longer_than_a_frame():
    assert opened(make(DEMO_KEY), header("00000000", 1, 0x05F0) + bytes(241))[0] == TOO_LONG


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_no_telegram(data, keyed):
    """Nothing is raised, and without the right key nothing comes out."""
    parts = make(DEMO_KEY if keyed else None)
    code, plain = opened(parts, data)
    if code == 0:
        assert data[12] & 0x1F == 0 or plain[13:15] == b"\x2f\x2f"
    assert len(parts[BUFFER]) == 256
    assert opened(parts, sealed(b"", DEMO_KEY))[0] == (0 if keyed else NO_KEY)


def test_the_same_on_every_interpreter(interpreter):
    draw = random.Random(5)
    jobs = []
    for n in range(120):
        records = b"".join(b"\x04\x03" + draw.randbytes(4) for _ in range(n % 37))
        telegram = bytearray(sealed(records, DEMO_KEY, f"{draw.randrange(10**8):08}", n))
        if n % 4 == 1:
            telegram[draw.randrange(len(telegram))] ^= 1 << draw.randrange(8)
        if n % 4 == 2:
            telegram[11] = draw.randrange(256)
        jobs.append((frame(bytes(telegram)) * (1 + n % 2), DEMO_KEY if n % 5 else bytes(16)))
    printed = probe(interpreter, jobs)
    assert printed == probe(interpreters.find("cpython"), jobs)
    codes = {line.split()[0] for line in printed.splitlines()}
    assert {"0", str(WRONG_KEY), str(REPLAY), str(CIPHERING)} <= codes
