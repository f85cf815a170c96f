"""Does a key fit? Tried at once on the latest telegram, with what reads telegrams anyway.

A tag says it for certain. Without one, the plaintext must be a telegram from its first
to its last byte; 1 of about 10**6 wrong keys would begin like one, and none goes on.
"""

from .. import cosem  # noqa: F401 (what `unload` takes modules out of)
from ..ciphering.glo import make, open_apdu
from ..python import const, unload

_AMIS = const(0x5B)
_TEXT = const(0x2F)  # "/"
_PLAIN = const(16)
_DATA_NOTIFICATION = const(0x0F)
_OCTET_STRING = const(0x09)
_DATE_TIME = const(12)
_COMPOUND = const(b"\x01\x02")  # array, structure
_LOOKED_AT = const(64)  # characters of a text

_STATE = const(0)  # see ciphering.glo
_BUFFER = const(1)
_END = const(0)
_AUTHENTICATED = const(2)
_UNCHECKED = const(3)

_ERR_TAG = const(14)
_ERR_WRONG_KEY = const(15)


def check(sample, key, auth_key):
    """(code of API.md, whether the keys are swapped) for `key` and `auth_key` (bytes, 16,
    or None) on `sample` (Sample). MemoryError if there is none for it."""
    if not sample.length:
        return "no-telegram", False
    if key is None:
        return "auth-key-only", False
    apdu = sample.buffer
    end = sample.length
    try:
        code = _try(apdu, end, key, auth_key)
        if code == "does-not-fit" and auth_key is not None:
            swapped = _try(apdu, end, auth_key, key)
            if swapped != "does-not-fit":
                return swapped, True
        return code, False
    finally:
        unload("meterling.cosem", "axdr")
        # Not mode5, nor tag_viper: machine code's memory comes back with a restart only.


def _try(apdu, end, key, auth_key):
    if apdu[0] == _AMIS:
        return _amis(apdu, end, key)
    parts = make(key, auth_key, end)
    error = open_apdu(parts, apdu, 0, end)
    if error == _ERR_TAG:
        # Which of the two is wrong?
        parts = None  # 2 kB
        parts = make(key, None, end)
        opened = not open_apdu(parts, apdu, 0, end) and _plausible(parts)
        return "auth-key-wrong" if opened else "does-not-fit"
    if error:
        return "cannot-check"
    state = parts[_STATE]
    if state[_AUTHENTICATED]:
        return "fits"
    if not _plausible(parts):
        return "does-not-fit"
    return "auth-key-missing" if state[_UNCHECKED] else "fits"


def _amis(telegram, end, key):
    from ..ciphering.mode5 import make, open_telegram

    error = open_telegram(make(key), telegram, 0, end)
    if error == _ERR_WRONG_KEY:
        return "does-not-fit"
    return "cannot-check" if error else "fits"


def _plausible(parts):
    # Is the plaintext a telegram?
    buffer = parts[_BUFFER]
    end = parts[_STATE][_END]
    if buffer[_PLAIN] == _TEXT:
        for byte in buffer[_PLAIN : min(end, _PLAIN + _LOOKED_AT)]:
            if not (32 <= byte < 127 or byte in (10, 13)):
                return False
        return True
    from ..cosem.axdr import Axdr

    position = _head_end(buffer)
    if buffer[position] not in _COMPOUND:
        return False
    reader = Axdr(buffer, position, end)
    try:
        reader.read()
    except ValueError:
        return False
    return reader.position == end


def _head_end(buffer):
    # Behind what stands before the data, if anything does (see cosem.learn):
    # 0F | long invoke id and priority (4) | [09] | 00 or 0C date-time (12)
    if buffer[_PLAIN] != _DATA_NOTIFICATION:
        return _PLAIN
    at = _PLAIN + 5
    if buffer[at] == _OCTET_STRING and buffer[at + 1] == _DATE_TIME:
        at += 1
    return at + 1 + (_DATE_TIME if buffer[at] == _DATE_TIME else 0)
