"""Ed25519 as the dongle checks it: the RFC's examples, every way to be wrong, and the same
verdict on every interpreter."""

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from meterling.update import ed25519, sha512
from meterling_tools import interpreters

PROBE = Path(__file__).parent / "signature_probe.py"

# RFC 8032, 7.1: private key, public key, message, signature. The last message is
# a hash, as a release's is.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").hexdigest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]

P = ed25519._P
L = ed25519._L
D = ed25519._D
BASE = (ed25519._BX, ed25519._BY)


# Points as schoolbooks add them: shares nothing with what is tested but the constants.
def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P,
    )


def times(k, point):
    result = (0, 1)
    while k:
        if k & 1:
            result = add(result, point)
        point = add(point, point)
        k >>= 1
    return result


def encoded(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def number(value):
    return value.to_bytes(32, "little")


def hashed(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


# Of order 4 and of order 8: every small point is a multiple of the latter.
ORDER_4 = (pow(2, (P - 1) // 4, P), 0)


def order_8():
    y = 2
    while True:
        x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        x = pow(x2, (P + 3) // 8, P)
        x = x if x * x % P == x2 else x * ORDER_4[0] % P
        if x * x % P == x2:
            point = times(L, (x, y))
            if times(4, point) != (0, 1):
                return point
        y += 1


SMALL = [times(i, order_8()) for i in range(8)]
SECRET = 0x1234567890ABCDEF1234567890ABCDEF1234567890ABCDEF
PUBLIC = times(SECRET, BASE)
MESSAGE = b"Meterling-rel-1" + bytes(32)


def signed(public, r_point, secret, nonce, shift=0):
    """Signature with R as given: fits where [S]B = R + [k]A."""
    r = encoded(r_point)
    k = hashed(r, public, MESSAGE)
    return r + number((nonce + k * secret) % L + shift)


GOOD = signed(encoded(PUBLIC), times(77, BASE), SECRET, 77)


def wrong():
    """(what is wrong, public key, signature)"""
    public = encoded(PUBLIC)
    yield "S + L", public, signed(public, times(77, BASE), SECRET, 77, L)
    yield "S + 8 L", public, signed(public, times(77, BASE), SECRET, 77, 8 * L)
    yield "S = L", public, GOOD[:32] + number(L)
    yield "S = 2**256 - 1", public, GOOD[:32] + b"\xff" * 32
    yield "S = 0", public, GOOD[:32] + bytes(32)
    yield "R = 0", public, bytes(32) + GOOD[32:]
    yield "other sign of R", public, GOOD[:31] + bytes((GOOD[31] ^ 128,)) + GOOD[32:]
    yield "other sign of A", public[:31] + bytes((public[31] ^ 128,)), GOOD
    yield "too short", public, GOOD[:-1]
    yield "too long", public, GOOD + b"\0"
    yield "empty", public, b"-"[:0]
    yield "short key", public[:-1], GOOD
    # [S]B = R + [k]A up to a small point: only with the cofactor would these fit.
    for i in range(1, 8):
        yield (
            f"R + small point {i}",
            public,
            signed(public, add(times(77, BASE), SMALL[i]), SECRET, 77),
        )
    # A key of small order: whatever is signed, some R and S = 0 fit.
    for i, point in enumerate(SMALL):
        key = encoded(point)
        for r in SMALL:
            yield f"small key {i}", key, encoded(r) + bytes(32)
    # The same, written as no number below p.
    for y in (P, P + 1, 2**255 - 1):
        for sign in (0, 1 << 255):
            yield f"y = p + {y - P}", number(y | sign), encoded((0, 1)) + bytes(32)
    # x = 0 has no negative.
    yield "-0", number(1 | 1 << 255), encoded((0, 1)) + bytes(32)
    # No point has this y.
    y = next(y for y in range(2, 99) if pow((y * y - 1) * (D * y * y + 1), (P - 1) // 2, P) != 1)
    yield "not on the curve", number(y), GOOD


WRONG = list(wrong())


def fits(public, message, signature):
    """What OpenSSL says."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verdicts(interpreter, cases):
    lines = [" ".join(x.hex() or "-" for x in case) for case in cases]
    result = interpreters.run(interpreter, PROBE, stdin="\n".join(lines).encode())
    assert result.stderr == b""
    return [x == "1" for x in result.stdout.decode().strip()]


def test_the_rfcs_signatures_fit(interpreter):
    cases = [tuple(bytes.fromhex(x) for x in row[1:]) for row in RFC_8032]
    assert verdicts(interpreter, cases) == [True] * len(cases)
    for (secret, *_), (public, message, signature) in zip(RFC_8032, cases, strict=True):
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
        assert key.public_key().public_bytes_raw() == public
        assert key.sign(message) == signature


def test_what_is_wrong_does_not_fit(interpreter):
    assert fits(encoded(PUBLIC), MESSAGE, GOOD)
    cases = [(encoded(PUBLIC), MESSAGE, GOOD)]
    cases += [(public, MESSAGE, signature) for _, public, signature in WRONG]
    found = verdicts(interpreter, cases)
    assert found[0]
    accepted = [WRONG[i][0] for i, verdict in enumerate(found[1:]) if verdict]
    assert not accepted


def test_openssl_takes_more_only_where_the_key_itself_is_bad():
    """The stricter rules are about keys, and no key of ours is such a one."""
    taken = {what.split()[0] for what, public, sig in WRONG if fits(public, MESSAGE, sig)}
    assert taken <= {"small", "y", "-0"}
    assert "small" in taken


def decompressed(number):
    work = ed25519._decompressed(number)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_a_point_is_written_in_one_way():
    """Half of the numbers from p to 2**255 stand for points below, and 0 has no sign."""
    sign = 1 << 255
    assert sum(decompressed(y) is not None for y in range(19)) > 5
    assert not any(decompressed(P + y) or decompressed(P + y | sign) for y in range(19))
    assert decompressed(1) == (0, 1) and decompressed(P - 1) == (0, P - 1)
    assert decompressed(1 | sign) is decompressed(P - 1 | sign) is None
    for k in range(1, 20):
        point = times(k, BASE)
        assert decompressed(int.from_bytes(encoded(point), "little")) == point


def test_a_key_with_a_small_part_is_taken_as_openssl_does():
    """Mixed order: such a key has a private half, and nobody else can sign."""
    for small in SMALL[1:]:
        public = encoded(add(PUBLIC, small))
        for nonce in range(20):
            signature = signed(public, times(nonce, BASE), SECRET, nonce)
            assert ed25519.verify(public, MESSAGE, signature) == fits(public, MESSAGE, signature)


@settings(max_examples=60)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300), st.data())
def test_as_openssl_whatever_bit_is_turned(secret, message, data):
    key = Ed25519PrivateKey.from_private_bytes(secret)
    public = key.public_key().public_bytes_raw()
    signature = key.sign(message)
    assert ed25519.verify(public, message, signature)
    whole = bytearray(public + signature + message)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8
    case = bytes(whole[:32]), bytes(whole[96:]), bytes(whole[32:96])
    assert ed25519.verify(*case) is fits(*case) is False


@settings(max_examples=60)
@given(st.binary(max_size=600))
def test_sha512_is_hashlibs(data):
    work = sha512.steps(data)
    while True:
        try:
            next(work)
        except StopIteration as end:
            assert end.value == hashlib.sha512(data).digest()
            return


class CountingPrime(int):
    """p, which counts how often something is reduced by it: each product is."""

    count = 0

    def __rmod__(self, other):
        CountingPrime.count += 1
        return int(other) % int(self)


def test_no_step_is_long(monkeypatch):
    """A product takes 15 000 instructions on 32 bits, 0.15 ms on the ESP32: the others wait
    for no more than 15 ms, and 300 times they have their turn."""
    monkeypatch.setattr(ed25519, "_P", CountingPrime(P))
    counts = []
    CountingPrime.count = 0
    for _ in ed25519.steps(encoded(PUBLIC), MESSAGE, GOOD):
        counts.append(CountingPrime.count)
        CountingPrime.count = 0
    assert len(counts) > 260
    assert max(counts) <= 100
    assert sum(counts) < 4500
