"""General-glo-ciphering and general-ded-ciphering (IEC 62056-5-3, 7.2).

    DB | 08 | system title (8) | BER length | SC | invocation counter (4) | text .. | [tag 12]
    DC |

SC (security control): bits 0-3 suite, bit 4 authenticated, bit 5 encrypted, bit 6 key
set, bit 7 compressed. 10, 20, 30 and, as TINETZ sends them, 11, 21, 31 are the same
AES-128-GCM; anything else is refused by name. There is no dedicated-key transport on
a customer interface: DC is opened with the same key.
"""

from ..errors import CIPHERING, NO_KEY, SECURITY, TAG, TOO_LONG
from ..python import const
from .gcm import Gcm

_SC_AUTHENTICATED = const(0x10)
_SC_ENCRYPTED = const(0x20)
_SC_REFUSED = const(0xCE)
_TAG_LENGTH = const(12)


class GeneralCiphering:
    """Opens ciphered APDUs of up to `size` bytes with one key pair.

    key: bytes, 16, or None; auth_key: bytes, 16, or None. After `open` returned 0:
    the plaintext is `buffer[begin:end]`; `authenticated` (bool): its tag was checked
    and fits; `unchecked` (bool): it has a tag, but there is no key to check it. Also
    after an error: `next` (int) is where the next APDU begins, 0 if nobody can know.
    """

    def __init__(self, key, auth_key, size):
        self._size = size
        self._gcm = Gcm(key, auth_key, size) if key else None
        self.nonce = self._gcm.nonce if key else bytearray(12)
        self.buffer = None
        self.begin = 0
        self.end = 0
        self.next = 0
        self.authenticated = False
        self.unchecked = False

    def open(self, data, begin, end):
        """Open the APDU at `data[begin]`, which ends by `end`. Returns 0 or an error
        code: CIPHERING, SECURITY, NO_KEY, TAG, TOO_LONG."""
        self.next = 0
        position = begin + 10
        if position >= end or data[begin + 1] != 8:
            return CIPHERING
        length = data[position]
        position += 1
        if length > 0x7F:
            if length == 0x81 and position < end:
                length = data[position]
                position += 1
            elif length == 0x82 and position + 1 < end:
                length = data[position] << 8 | data[position + 1]
                position += 2
            else:
                return CIPHERING
        stop = position + length
        if length <= 5 or stop > end:
            return CIPHERING
        self.next = stop
        security = data[position]
        if security & _SC_REFUSED or not security & 0x30:
            return SECURITY
        text = position + 5
        count = stop - text
        if security & _SC_AUTHENTICATED:
            count -= _TAG_LENGTH
            if count <= 0:
                return CIPHERING
        if count > self._size:
            return TOO_LONG
        gcm = self._gcm
        self.authenticated = self.unchecked = False
        if security & _SC_ENCRYPTED:
            if gcm is None:
                return NO_KEY
            gcm.decrypt(data, begin + 2, position + 1, text, count)
            if security & _SC_AUTHENTICATED:
                if not gcm.has_auth_key:
                    self.unchecked = True
                elif gcm.tag_fits(security, data, text, count):
                    self.authenticated = True
                else:
                    return TAG
            self.buffer = gcm.buffer
            self.begin = 16
        elif gcm is not None and gcm.has_auth_key:
            if not gcm.plain_tag_fits(security, data, begin + 2, position + 1, text, count):
                return TAG
            self.authenticated = True
            self.buffer = gcm.buffer
            self.begin = 16
        else:
            for i in range(8):
                self.nonce[i] = data[begin + 2 + i]
            for i in range(4):
                self.nonce[8 + i] = data[position + 1 + i]
            self.unchecked = True
            self.buffer = data
            self.begin = text
        self.end = self.begin + count
        return 0
