"""SHA-512 (FIPS 180-4) for Ed25519: a release needs one block of it, so it is written for
its size. hashlib of MicroPython ends at SHA-256.

The constants are the first 64 bits of the fractional parts of the primes' square and cube
roots (4.2.3, 5.3.5): counted out where they are needed, for they would fill a kilobyte.
"""

_WORD = (1 << 64) - 1
_BLOCK = 128  # bytes
_LENGTH = 16  # bytes, of the length behind the padding
_ROUNDS = 80
_STATE = 8


def _primes(count):
    primes = [2]
    number = 3
    while len(primes) < count:
        for prime in primes:
            if prime * prime > number:
                primes.append(number)
                break
            if not number % prime:
                break
        number += 2
    return primes


def _root(value, degree):
    """The root of `value`, rounded down; `value` < 2**67 to the power of `degree`."""
    root = 1 << 67
    while True:  # Newton, from above
        power = root if degree == 3 else 1
        smaller = ((degree - 1) * root + value // (power * root)) // degree
        if smaller >= root:
            return root
        root = smaller


def _turned(word, n):
    return (word >> n | word << (64 - n)) & _WORD


def steps(data):
    """The hash (bytes, 64) of `data` (bytes), as a generator: returned after its last step."""
    primes = _primes(_ROUNDS)
    state = [_root(prime << 128, 2) & _WORD for prime in primes[:_STATE]]
    constants = []
    for prime in primes:
        if not len(constants) & 7:
            yield
        constants.append(_root(prime << 192, 3) & _WORD)
    # data | 80 | 00 .. | length in bits (16)
    length = (8 * len(data)).to_bytes(_LENGTH, "big")
    data += b"\x80" + bytes((-len(data) - 1 - _LENGTH) % _BLOCK) + length
    for start in range(0, len(data), _BLOCK):
        yield from _block_steps(state, data, start, constants)
    return b"".join(word.to_bytes(8, "big") for word in state)


def _block_steps(state, data, start, constants):
    """Take one block of `data` into the `state` (6.4.2); a generator."""
    words = [int.from_bytes(data[i : i + 8], "big") for i in range(start, start + _BLOCK, 8)]
    a, b, c, d, e, f, g, h = state
    for i in range(_ROUNDS):
        if not i & 15:
            yield
        if i < 16:
            word = words[i]
        else:
            # The last 16 words are all that is kept.
            x = words[i + 1 & 15]
            y = words[i - 2 & 15]
            word = words[i & 15] + words[i - 7 & 15]
            word += _turned(x, 1) ^ _turned(x, 8) ^ x >> 7
            word += _turned(y, 19) ^ _turned(y, 61) ^ y >> 6
            word &= _WORD
            words[i & 15] = word
        first = h + constants[i] + word + (g ^ e & (f ^ g))
        first += _turned(e, 14) ^ _turned(e, 18) ^ _turned(e, 41)
        second = (_turned(a, 28) ^ _turned(a, 34) ^ _turned(a, 39)) + (a & b | c & (a | b))
        h, g, f, e, d, c, b, a = g, f, e, d + first & _WORD, c, b, a, first + second & _WORD
    for i, word in enumerate((a, b, c, d, e, f, g, h)):
        state[i] = state[i] + word & _WORD
