"""AES-128-GCM, the decryption: plain twin of gcm_viper, by `cryptography` where there is
such a thing, else by MicroPython's `cryptolib`."""

try:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:  # MicroPython without machine code
    AESGCM = None
    from cryptolib import aes

# The parts; see glo.
_BUFFER = 1
_NONCE = 2
_CIPHER = 4


def cipher(key):
    """See gcm_viper.cipher."""
    return AESGCM(key)


def decrypt(parts, data, title, counter, begin, count):
    """See gcm_viper.decrypt."""
    nonce = data[title : title + 8] + data[counter : counter + 4]
    parts[_NONCE][:] = nonce
    # Encrypting once more is decrypting; the tag that comes with it means nothing.
    plain = parts[_CIPHER].encrypt(nonce, data[begin : begin + count], None)
    parts[_BUFFER][16 : 16 + count] = plain[:count]
    return 1


def _cipher(key):
    return aes(key, 1).encrypt


def _decrypt(parts, data, title, counter, begin, count):
    nonce = bytes(data[title : title + 8]) + bytes(data[counter : counter + 4])
    parts[_NONCE][:] = nonce
    buffer = parts[_BUFFER]
    # E(J0) for the tag comes first, as in gcm_viper.
    for block in range((count + 31) // 16):
        at = 16 * block
        buffer[at : at + 16] = parts[_CIPHER](nonce + (block + 1).to_bytes(4, "big"))
    for i in range(count):
        buffer[16 + i] ^= data[begin + i]
    return 1


if AESGCM is None:
    cipher, decrypt = _cipher, _decrypt
