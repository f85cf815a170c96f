"""Payloads that are no A-XDR: written again in the normal form (see cosem.normal), and from
there read like any other. Loaded when the first of them comes."""

from .octets import extend
from .python import const, unload

# Parts of the decoder, words of a plan's shape, and of the ciphering; see decoder.
_COUNTS = const(0)
_PLANS = const(2)
_SHAPE = const(0)
_LENGTH = const(0)
_AUTHENTICATED = const(2)
_OPENED = const(10)
_LANGUAGE = const(15)
_NORMAL = const(16)  # bytearray: the latest payload in the normal form
_TRANSLATE = const(17)  # function of the language's module

_AT_FIRST = const(256)  # bytes
_STEP = const(256)
_LONGEST = const(6144)

_TELEGRAMS = const(2)
_ERR_TOO_LONG = const(8)
_ERR_WRONG_KEY = const(15)

# A layout of what every translator writes. Its name is the language.
_LAYOUT = const(" * { same clock? [ meter ]? ( obis value unit? )* }")


def take(decoder, language, data, begin, end, ciphered):
    """Read the payload `data[begin:end]`; 0 if it is none of its language (counted), else 1.

    language: name of the module in cosem ("text", "sml", "records") whose
    `translate(data, begin, end, out)` returns the end of what it wrote to `out`
    (bytearray), 0 if that is too small, or minus a code of errors.
    """
    parts = decoder.parts
    stop = -_ERR_TOO_LONG
    try:
        if parts[_LANGUAGE] != language:
            name = "meterling.cosem." + language
            parts[_TRANSLATE] = __import__(name, None, None, ("translate",)).translate
            parts[_LANGUAGE] = language
            if parts[_NORMAL] is None:
                parts[_NORMAL] = bytearray(_AT_FIRST)
        out = parts[_NORMAL]
        stop = parts[_TRANSLATE](data, begin, end, out)
        while not stop and len(out) < _LONGEST and extend(out, len(out) + _STEP):
            stop = parts[_TRANSLATE](data, begin, end, out)
        stop = stop or -_ERR_TOO_LONG
    except (MemoryError, ImportError):
        unload("meterling.cosem", language)
    if stop < 0:
        parts[_COUNTS][_TELEGRAMS] += 1
        guess = ciphered and not parts[_OPENED][_AUTHENTICATED]
        fitted = not guess or parts[_PLANS][0][_SHAPE][_LENGTH]
        parts[_COUNTS][-stop if fitted else _ERR_WRONG_KEY] += 1
        return 0
    return 1 if decoder._notification(out, 0, stop, ciphered, language + _LAYOUT) else 0
