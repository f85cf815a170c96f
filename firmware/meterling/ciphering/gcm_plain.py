"""AES-128-GCM on CPython, by `cryptography`: plain twin of gcm_viper."""

from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_TAG = 12


def decrypt(gcm, data, title, counter, begin, count):
    """See gcm_viper.decrypt."""
    nonce = data[title : title + 8] + data[counter : counter + 4]
    gcm.nonce[:] = nonce
    # Encrypting once more is decrypting; the tag that comes with it means nothing.
    plain = gcm.aes.encrypt(nonce, data[begin : begin + count], None)
    gcm.buffer[16 : 16 + count] = plain[:count]


class Gcm:
    """See gcm_viper.Gcm."""

    def __init__(self, key, auth_key, buffer, nonce):
        self.parts = self  # for `decrypt`
        self.buffer = buffer
        self.nonce = nonce
        self.aes = AESGCM(key)
        self._auth_key = auth_key

    def tag_fits(self, security, data, begin, count):
        """See gcm_viper.Gcm.tag_fits."""
        plain = bytes(self.buffer[16 : 16 + count])
        made = self.aes.encrypt(bytes(self.nonce), plain, bytes((security,)) + self._auth_key)
        return compare_digest(
            made[count : count + _TAG], bytes(data[begin + count : begin + count + _TAG])
        )

    def plain_tag_fits(self, security, data, title, counter, begin, count):
        """See gcm_viper.Gcm.plain_tag_fits."""
        nonce = self.nonce
        nonce[:8] = data[title : title + 8]
        nonce[8:] = data[counter : counter + 4]
        plain = bytes(data[begin : begin + count])
        self.buffer[16 : 16 + count] = plain
        made = self.aes.encrypt(bytes(nonce), b"", bytes((security,)) + self._auth_key + plain)
        return compare_digest(made[:_TAG], bytes(data[begin + count : begin + count + _TAG]))
