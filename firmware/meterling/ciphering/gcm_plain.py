"""AES-128-GCM on CPython, by `cryptography`: plain twin of gcm_viper."""

from hmac import compare_digest

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_TAG = 12


class Gcm:
    """See gcm_viper.Gcm."""

    def __init__(self, key, auth_key, buffer, nonce):
        self.checkable = int(auth_key is not None)
        self._buffer = buffer
        self._nonce = nonce
        self._auth_key = auth_key
        self._aes = AESGCM(key)

    def decrypt(self, data, title, counter, begin, count):
        """See gcm_viper.Gcm.decrypt."""
        nonce = self._nonce
        nonce[:8] = data[title : title + 8]
        nonce[8:] = data[counter : counter + 4]
        # Encrypting once more is decrypting; the tag that comes with it means nothing.
        plain = self._aes.encrypt(bytes(nonce), bytes(data[begin : begin + count]), None)
        self._buffer[16 : 16 + count] = plain[:count]

    def tag_fits(self, security, data, begin, count):
        """See gcm_viper.Gcm.tag_fits."""
        plain = bytes(self._buffer[16 : 16 + count])
        made = self._aes.encrypt(bytes(self._nonce), plain, bytes((security,)) + self._auth_key)
        return compare_digest(
            made[count : count + _TAG], bytes(data[begin + count : begin + count + _TAG])
        )

    def plain_tag_fits(self, security, data, title, counter, begin, count):
        """See gcm_viper.Gcm.plain_tag_fits."""
        nonce = self._nonce
        nonce[:8] = data[title : title + 8]
        nonce[8:] = data[counter : counter + 4]
        plain = bytes(data[begin : begin + count])
        self._buffer[16 : 16 + count] = plain
        made = self._aes.encrypt(bytes(nonce), b"", bytes((security,)) + self._auth_key + plain)
        return compare_digest(made[:_TAG], bytes(data[begin + count : begin + count + _TAG]))
