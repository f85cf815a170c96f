"""AES-128-GCM (NIST SP 800-38D) as DLMS suite 0 uses it: 12-byte nonce, 12-byte tag.

On MicroPython: CTR from one multi-block ECB call of `cryptolib`, GHASH in viper. On
CPython: `cryptography`. Both behave the same; the tests hold them against each other
and against the published vectors.
"""

from ..python import VIPER

if VIPER:
    from .gcm_viper import Gcm, decrypt
else:
    from .gcm_plain import Gcm, decrypt

__all__ = ("Gcm", "decrypt")
