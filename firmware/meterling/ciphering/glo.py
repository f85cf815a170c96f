"""General-glo-ciphering and general-ded-ciphering (IEC 62056-5-3, 7.2).

    DB | 08 | system title (8) | BER length | SC | invocation counter (4) | text .. | [tag 12]
    DC |

SC (security control): bits 0-3 suite, bit 4 authenticated, bit 5 encrypted, bit 6 key
set, bit 7 compressed. 10, 20, 30 and, as TINETZ sends them, 11, 21, 31 are the same
AES-128-GCM; anything else is refused by name. There is no dedicated-key transport on
a customer interface: DC is opened with the same key.
"""

from ..octets import copy, extend
from ..python import VIPER, const, micropython, words

if VIPER:
    from .gcm_viper import cipher, decrypt
else:
    from ..python import ptr8, ptr32
    from .gcm_plain import cipher, decrypt

_TITLE = const(2)
_LENGTH = const(10)
_SC_AUTHENTICATED = const(0x10)
_SC_ENCRYPTED = const(0x20)
_SC_REFUSED = const(0xCE)
_TAG_LENGTH = const(12)
_PLAIN = const(16)  # where the plaintext begins in the buffer
_AROUND = const(48)  # bytes that the buffer has beside the plaintext
_STEP = const(64)  # bytes; the buffer grows to multiples of it
_FITTED = const(2)  # CHECKABLE, once a tag has fitted

# Words of the state
_END = const(0)  # behind the plaintext in the buffer
_NEXT = const(1)  # position of the next APDU, 0 = nobody can know
_AUTHENTICATED = const(2)
_UNCHECKED = const(3)
_SIZE = const(4)  # longest plaintext that the buffer holds, and
_SIZE_MAX = const(5)  # how long it may become
_KEYED = const(6)  # 1: there is a key
_CHECKABLE = const(7)  # 1: there is an authentication key; 2: a tag has fitted it
_WORDS = const(8)

# The parts, a list: subscripts are cheaper than attributes.
_STATE = const(0)
_BUFFER = const(1)  # bytearray; see gcm_viper
_NONCE = const(2)  # bytearray, 12: system title and invocation counter
_VIEWS = const(3)  # of the buffer, by number of blocks; see gcm_viper
_CIPHER = const(4)
_TAG_FITS = const(5)  # functions; this and what follows see tag_viper
_PLAIN_TAG_FITS = const(6)
_COUNT = const(10)

# Codes of errors
_ERR_TOO_LONG = const(8)
_ERR_CIPHERING = const(10)
_ERR_SECURITY = const(11)
_ERR_NO_KEY = const(12)
_ERR_TAG = const(14)


@micropython.viper
def open_apdu(parts, data, begin: int, end: int) -> int:
    """Open the APDU at `data[begin]`, which ends by `end`. Returns 0 or an error code:
    CIPHERING, SECURITY, NO_KEY, TAG (also for one without, after one that fitted), TOO_LONG."""
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
    checkable = state[_CHECKABLE]
    if tagged:
        count -= _TAG_LENGTH
    elif checkable == _FITTED:
        # This meter's telegrams have a tag. Without this, one flipped bit of SC would make
        # the tag a text that is left over, and everything else believed unchecked.
        return _ERR_TAG
    if count <= 0:
        return _ERR_CIPHERING
    if count > state[_SIZE] and int(_grow(parts, count)) == 0:
        return _ERR_TOO_LONG
    state[_END] = _PLAIN + count
    if security & _SC_ENCRYPTED:
        if state[_KEYED] == 0:
            return _ERR_NO_KEY
        if int(decrypt(parts, data, begin + _TITLE, position + 1, text, count)) == 0:
            return _ERR_TOO_LONG
        if tagged and checkable:
            if int(parts[_TAG_FITS](parts, security, data, text, count)) == 0:
                return _ERR_TAG
            state[_AUTHENTICATED] = 1
            state[_CHECKABLE] = _FITTED
        elif tagged:
            state[_UNCHECKED] = 1
    elif checkable:
        fits = parts[_PLAIN_TAG_FITS]
        if int(fits(parts, security, data, begin + _TITLE, position + 1, text, count)) == 0:
            return _ERR_TAG
        state[_AUTHENTICATED] = 1
        state[_CHECKABLE] = _FITTED
    else:
        copy(parts[_NONCE], data, 0, begin + _TITLE, 8)
        copy(parts[_NONCE], data, 8, position + 1, 4)
        copy(parts[_BUFFER], data, _PLAIN, text, count)
        state[_UNCHECKED] = 1
    return 0


def _grow(parts, size):
    # Make the buffer hold a plaintext of `size` bytes; 0 if it may not, or there is no
    # memory. A meter's longest telegram needs this once.
    state = parts[_STATE]
    if size > state[_SIZE_MAX]:
        return 0
    size = min(size + _STEP - 1 & -_STEP, state[_SIZE_MAX])
    try:
        views = [None] * ((size + _AROUND) // 16 + 1)
    except MemoryError:
        return 0
    parts[_VIEWS] = views  # the old ones look at where the buffer was
    if not extend(parts[_BUFFER], size + _AROUND):
        return 0
    state[_SIZE] = size
    return 1


def make(key, auth_key, size):
    """The parts (list) with which `open_apdu` opens APDUs of up to `size` bytes.

    key: bytes, 16, or None; auth_key: bytes, 16, or None (then tags go unchecked). The
    plaintext is `buffer[16:END]`. The buffer begins small and grows when a telegram
    needs it.
    """
    parts = [None] * _COUNT
    parts[_STATE] = state = words(_WORDS)
    parts[_BUFFER] = bytearray(_AROUND)
    parts[_NONCE] = bytearray(12)
    parts[_VIEWS] = [None] * (_AROUND // 16 + 1)
    state[_SIZE_MAX] = size
    if key is not None:
        state[_KEYED] = 1
        parts[_CIPHER] = cipher(key)
        if auth_key is not None:
            if VIPER:
                from .tag_viper import set_up
            else:
                from .tag_plain import set_up
            state[_CHECKABLE] = 1
            set_up(parts, auth_key)
    return parts
