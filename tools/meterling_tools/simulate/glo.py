"""general-glo-ciphering and general-ded-ciphering (IEC 62056-5-3, 5.3.7.2; AES-128-GCM).

    DB | 08 | system title (8) | length | SC | invocation counter (4) | text | [tag 12]

Nonce = system title + invocation counter. Additional data = SC + authentication key,
followed by the text itself where it is authenticated only (SC 10).
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .axdr import length

GENERAL_GLO = 0xDB
GENERAL_DED = 0xDC

_AUTHENTICATED = 0x10  # security control, bit 4
_ENCRYPTED = 0x20  # security control, bit 5
_TAG_LENGTH = 12


def protect(apdu, security_control, key, auth_key, system_title, invocation_counter):
    """The protected text of ``apdu``, with its tag where the security control asks for one."""
    counter = invocation_counter.to_bytes(4, "big")
    nonce = system_title + counter
    associated = bytes([security_control]) + (auth_key or b"")
    if not security_control & _AUTHENTICATED:
        # GCM's counter starts at 2: block 1 is kept for the tag.
        stream = Cipher(algorithms.AES(key), modes.CTR(nonce + b"\x00\x00\x00\x02")).encryptor()
        return stream.update(apdu) + stream.finalize()
    if not security_control & _ENCRYPTED:
        tag = AESGCM(key).encrypt(nonce, b"", associated + apdu)
        return apdu + tag[:_TAG_LENGTH]
    sealed = AESGCM(key).encrypt(nonce, apdu, associated)
    # The tag of DLMS suite 0 is GCM's 16 octets, cut to 12.
    return sealed[: len(apdu) + _TAG_LENGTH]


def cipher(
    apdu, security_control, key, auth_key, system_title, invocation_counter, tag=GENERAL_GLO
):
    """``apdu`` in general ciphering: bytes. Keys: bytes, 16; system title: bytes, 8."""
    text = protect(apdu, security_control, key, auth_key, system_title, invocation_counter)
    body = bytes([security_control]) + invocation_counter.to_bytes(4, "big") + text
    return bytes([tag]) + length(len(system_title)) + system_title + length(len(body)) + body
