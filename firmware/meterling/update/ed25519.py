"""Ed25519 (RFC 8032): whether a signature fits, in steps that hold nobody up.

MicroPython multiplies long integers in C: a product modulo p takes 15 000 instructions on
32 bits. A signature takes 94 million, and the longest of its 290 steps 3.4 million (x86-32,
counted by qemu): at 1.5 cycles each and 160 MHz that is 0.9 s and 32 ms on an ESP32, where
30 s and 100 ms are allowed. RSA-3072 with the exponent 65 537, of the same strength, would
take 29 million; for that second once a release, its keys and signatures are twelve and six
times as long, and a padding has to be checked that others have got wrong before. ECDSA over
P-256 needs about as many products as this, and a fresh secret number for each signature.

Stricter than the RFC, so that a signature has one form and a key cannot be one that
everything fits: S < L, y < p, no key of small order, and R is compared as bytes (5.1.7
without the cofactor, as OpenSSL does).
"""

from . import sha512

_P = (1 << 255) - 19
_L = (1 << 252) + 27742317777372353535851937790883648493
_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
_2D = 2 * _D % _P
_ROOT = 19681161376707505956807079304988542015446066515923890162744021073123829784752  # of -1
_BX = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BY = 46316835694926478169428394003475163141307993866256225615783033603165251855960
_SIGN = 1 << 255
_BITS = 253  # of a number below L


def verify(public, message, signature):
    """True if `signature` (bytes, 64) of `message` (bytes) was made with the private half
    of `public` (bytes, 32). At once; `steps` is for where others wait."""
    work = steps(public, message, signature)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def steps(public, message, signature):
    """`verify` as a generator: returns the bool after the last of some 290 steps."""
    if len(public) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= _L:
        return False
    point = yield from _decompressed(int.from_bytes(public, "little"))
    if point is None:
        return False
    x, y = point
    if _is_small(x, y):
        return False
    digest = yield from sha512.steps(bytes(signature[:32]) + bytes(public) + bytes(message))
    k = int.from_bytes(digest, "little") % _L
    # R = s B - k A, both from the highest bit on: a bit of s adds B, one of k adds -A.
    base = (_BX, _BY, 1, _BX * _BY % _P)
    minus = (_P - x, y, 1, (_P - x) * y % _P)
    both = _prepared(_sum(base, _prepared(minus)))
    summands = (None, _prepared(base), _prepared(minus), both)
    result = (0, 1, 1, 0)
    for bit in range(_BITS - 1, -1, -1):
        yield
        result = _double(result)
        summand = summands[s >> bit & 1 | (k >> bit & 1) << 1]
        if summand:
            result = _sum(result, summand)
    x, y, z, _ = result
    z = yield from _inverse(z)
    encoded = y * z % _P | (x * z % _P & 1) << 255
    return encoded.to_bytes(32, "little") == bytes(signature[:32])


# Points are (X, Y, Z, T): x = X / Z, y = Y / Z, T = X Y / Z (5.1.4).


def _prepared(point):
    """A summand for `_sum`: (Y - X, Y + X, 2 d T, 2 Z)."""
    x, y, z, t = point
    return (y - x) % _P, (y + x) % _P, t * _2D % _P, 2 * z


def _sum(point, summand):
    x, y, z, t = point
    minus, plus, t2, z2 = summand
    a = (y - x) * minus % _P
    b = (y + x) * plus % _P
    c = t * t2 % _P
    d = z * z2 % _P
    e = b - a
    f = d - c
    g = d + c
    h = b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _double(point):
    x, y, z, _ = point
    a = x * x % _P
    b = y * y % _P
    h = a + b
    x += y
    e = h - x * x % _P
    g = a - b
    f = 2 * z * z % _P + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _is_small(x, y):
    # 8 times such a point is the neutral one.
    point = (x, y, 1, x * y % _P)
    for _ in range(3):
        point = _double(point)
    return point[0] == 0 and point[1] == point[2]


def _decompressed(encoded):
    """(x, y) of an encoded point (int), None if it is none (5.1.3); a generator."""
    sign = encoded >> 255
    y = encoded & _SIGN - 1
    if y >= _P:
        return None
    # x**2 = u / v; x = u v**3 (u v**7)**((p - 5) / 8), perhaps times the root of -1
    u = (y * y - 1) % _P
    v = (_D * y * y + 1) % _P
    v3 = v * v % _P * v % _P
    base = u * v3 % _P * (v3 * v % _P) % _P
    power, _ = yield from _chain(base)
    x = u * v3 % _P * (_squared(power, 2) * base % _P) % _P
    square = v * x % _P * x % _P
    if square != u:
        if square != (_P - u) % _P:
            return None
        x = x * _ROOT % _P
    if x == 0 and sign:
        return None
    return (_P - x if x & 1 != sign else x), y


def _inverse(z):
    """z**(p - 2), p - 2 = (2**250 - 1) 2**5 + 11; a generator."""
    power, z11 = yield from _chain(z)
    return _squared(power, 5) * z11 % _P


def _squared(z, times):
    for _ in range(times):
        z = z * z % _P
    return z


def _chain(z):
    """(z**(2**250 - 1), z**11); a generator. Half as many products as pow(), and in steps."""
    z2 = z * z % _P
    z9 = _squared(z2, 2) * z % _P
    z11 = z9 * z2 % _P
    z5 = z11 * z11 % _P * z9 % _P  # z**(2**5 - 1); and so on
    z10 = _squared(z5, 5) * z5 % _P
    z20 = _squared(z10, 10) * z10 % _P
    yield
    z40 = _squared(z20, 20) * z20 % _P
    yield
    z50 = _squared(z40, 10) * z10 % _P
    yield
    z100 = _squared(z50, 50) * z50 % _P
    yield
    z200 = z100
    for _ in range(4):
        z200 = _squared(z200, 25)
        yield
    return _squared(z200 * z100 % _P, 50) * z50 % _P, z11
