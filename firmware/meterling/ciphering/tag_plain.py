"""The tag of AES-128-GCM: plain twin of tag_viper, by `cryptography` where there is such a
thing, else by integers."""

try:
    from hmac import compare_digest

    from cryptography.hazmat.primitives.ciphers import aead as CRYPTOGRAPHY
except ImportError:  # MicroPython without machine code
    CRYPTOGRAPHY = None

from .gcm_plain import decrypt

_TAG = 12

# The parts; see glo.
_BUFFER = 1
_NONCE = 2
_CIPHER = 4
_FITS = 5
_PLAIN_FITS = 6
_HASH_KEY = 7
_AUTH_KEY = 9


def set_up(parts, auth_key):
    """See tag_viper.set_up."""
    parts[_FITS] = tag_fits
    parts[_PLAIN_FITS] = plain_tag_fits
    parts[_AUTH_KEY] = auth_key
    if CRYPTOGRAPHY is None:
        parts[_HASH_KEY] = int.from_bytes(parts[_CIPHER](bytes(16)), "big")


def tag_fits(parts, security, data, begin, count):
    """See tag_viper.tag_fits."""
    plain = bytes(parts[_BUFFER][16 : 16 + count])
    text = data[begin : begin + count]
    return _fits(parts, bytes((security,)) + parts[_AUTH_KEY], plain, text, data, begin + count)


def plain_tag_fits(parts, security, data, title, counter, begin, count):
    """See tag_viper.plain_tag_fits."""
    decrypt(parts, data, title, counter, begin, 0)
    text = bytes(data[begin : begin + count])
    additional = bytes((security,)) + parts[_AUTH_KEY] + text
    fits = _fits(parts, additional, b"", b"", data, begin + count)
    parts[_BUFFER][16 : 16 + count] = text
    return fits


def _fits(parts, additional, plain, _text, data, at):
    made = parts[_CIPHER].encrypt(bytes(parts[_NONCE]), plain, additional)
    return compare_digest(made[-16:][:_TAG], bytes(data[at : at + _TAG]))


def _integer_fits(parts, additional, _plain, text, data, at):
    hashed = 0
    lengths = (len(additional) * 8 << 64 | len(text) * 8).to_bytes(16, "big")
    for part in (additional, bytes(text), lengths):
        for i in range(0, len(part), 16):
            block = part[i : i + 16]
            block += bytes(16 - len(block))
            hashed = _times(hashed ^ int.from_bytes(block, "big"), parts[_HASH_KEY])
    made = hashed ^ int.from_bytes(bytes(parts[_BUFFER][:16]), "big")
    # In numbers of this length nothing is constant-time; neither is the rest.
    return made >> 32 == int.from_bytes(bytes(data[at : at + _TAG]), "big")


def _times(a, b):
    # Product in GF(2^128), bit 127 being the coefficient of x^0.
    product = 0
    for bit in range(127, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ 0xE1 << 120 if b & 1 else b >> 1
    return product


if CRYPTOGRAPHY is None:
    _fits = _integer_fits
