"""General-glo-ciphering and general-ded-ciphering (IEC 62056-5-3, 7.2).

    DB | 08 | system title (8) | BER length | SC | invocation counter (4) | text .. | [tag 12]
    DC |

SC (security control): bits 0-3 suite, bit 4 authenticated, bit 5 encrypted, bit 6 key
set, bit 7 compressed. 10, 20, 30 and, as TINETZ sends them, 11, 21, 31 are the same
AES-128-GCM; anything else is refused by name. There is no dedicated-key transport on
a customer interface: DC is opened with the same key.
"""

from array import array

from ..octets import copy
from ..python import VIPER, const, micropython
from .gcm import Gcm, decrypt

if not VIPER:
    from ..python import ptr8, ptr32

_TITLE = const(2)
_LENGTH = const(10)
_SC_AUTHENTICATED = const(0x10)
_SC_ENCRYPTED = const(0x20)
_SC_REFUSED = const(0xCE)
_TAG_LENGTH = const(12)
_PLAIN = const(16)  # where the plaintext begins in the buffer

# Words of the state
_END = const(0)  # behind the plaintext in the buffer
_NEXT = const(1)  # position of the next APDU, 0 = nobody can know
_AUTHENTICATED = const(2)
_UNCHECKED = const(3)
_SIZE = const(4)  # longest plaintext
_KEYED = const(5)  # 1: there is a key
_CHECKABLE = const(6)  # 1: there is an authentication key

_STATE = const(0)  # of the parts
_BUFFER = const(1)
_GCM = const(2)
_GCM_PARTS = const(3)
_NONCE = const(4)

# Codes of errors
_ERR_TOO_LONG = const(8)
_ERR_CIPHERING = const(10)
_ERR_SECURITY = const(11)
_ERR_NO_KEY = const(12)
_ERR_TAG = const(14)


@micropython.viper
def open_apdu(parts, data, begin: int, end: int) -> int:
    """Open the APDU at `data[begin]`, which ends by `end`. Returns 0 or an error code:
    CIPHERING, SECURITY, NO_KEY, TAG, TOO_LONG."""
    octets = ptr8(data)
    state = ptr32(parts[_STATE])
    state[_NEXT] = 0
    state[_AUTHENTICATED] = 0
    state[_UNCHECKED] = 0
    position = begin + _LENGTH
    if position + 3 > end or octets[begin + 1] != 8:
        return _ERR_CIPHERING
    length = octets[position]
    position += 1
    if length == 0x81:
        length = octets[position]
        position += 1
    elif length == 0x82:
        length = octets[position] << 8 | octets[position + 1]
        position += 2
    elif length > 0x7F:
        return _ERR_CIPHERING
    stop = position + length
    if length <= 5 or stop > end:
        return _ERR_CIPHERING
    state[_NEXT] = stop
    security = octets[position]
    if security & _SC_REFUSED or security & 0x30 == 0:
        return _ERR_SECURITY
    text = position + 5
    count = stop - text
    tagged = security & _SC_AUTHENTICATED
    if tagged:
        count -= _TAG_LENGTH
    if count <= 0:
        return _ERR_CIPHERING
    if count > state[_SIZE]:
        return _ERR_TOO_LONG
    state[_END] = _PLAIN + count
    checkable = state[_CHECKABLE]
    if security & _SC_ENCRYPTED:
        if state[_KEYED] == 0:
            return _ERR_NO_KEY
        decrypt(parts[_GCM_PARTS], data, begin + _TITLE, position + 1, text, count)
        if tagged and checkable:
            if int(parts[_GCM].tag_fits(security, data, text, count)) == 0:
                return _ERR_TAG
            state[_AUTHENTICATED] = 1
        elif tagged:
            state[_UNCHECKED] = 1
    elif checkable:
        if int(parts[_GCM].plain_tag_fits(
            security, data, begin + _TITLE, position + 1, text, count
        )) == 0:
            return _ERR_TAG
        state[_AUTHENTICATED] = 1
    else:
        copy(parts[_NONCE], data, 0, begin + _TITLE, 8)
        copy(parts[_NONCE], data, 8, position + 1, 4)
        copy(parts[_BUFFER], data, _PLAIN, text, count)
        state[_UNCHECKED] = 1
    return 0


class GeneralCiphering:
    """Opens ciphered APDUs of up to `size` bytes with one key pair; see `open_apdu`,
    whose first argument is `parts`.

    key: bytes, 16, or None; auth_key: bytes, 16, or None. The plaintext is
    `buffer[16:state[0]]`. nonce: bytearray, 12: system title and invocation counter.
    """

    def __init__(self, key, auth_key, size):
        self.buffer = bytearray(_PLAIN + size + 32)
        self.nonce = bytearray(12)
        self.state = array("i", bytes(28))
        self.state[_SIZE] = size
        self.state[_KEYED] = int(key is not None)
        self.state[_CHECKABLE] = int(key is not None and auth_key is not None)
        gcm = Gcm(key, auth_key, self.buffer, self.nonce) if key else None
        self.parts = (self.state, self.buffer, gcm, gcm and gcm.parts, self.nonce)

    @property
    def authenticated(self):
        """True if the tag of the APDU opened last was checked and fits."""
        return self.state[_AUTHENTICATED] == 1

    @property
    def unchecked(self):
        """True if the APDU opened last has a tag, but there is no key to check it."""
        return self.state[_UNCHECKED] == 1
