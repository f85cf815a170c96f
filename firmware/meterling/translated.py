"""Payloads that are no A-XDR: written again in the normal form (see cosem.normal), and from
there read like any other. Loaded when the first of them comes."""

from .octets import extend
from .python import VIPER, const, micropython, unload

if not VIPER:
    from .python import ptr32

# Parts of the decoder, words of a plan's shape, and of the ciphering; see decoder.
_COUNTS = const(0)
_PLANS = const(2)
_SHAPE = const(0)
_LENGTH = const(0)
_AUTHENTICATED = const(2)
_OPENED = const(10)
_LANGUAGE = const(16)
_NORMAL = const(17)  # bytearray: the latest payload in the normal form
_TRANSLATE = const(18)  # function of the language's module
_LAYOUT = const(19)  # str, see cosem.layouts
_MODE5 = const(21)

# Parts of what opens telegrams of mode 5, and words of its state; see ciphering.mode5.
_STATE = const(0)
_BUFFER = const(1)
_OPEN = const(6)  # its function, which the decoder adds
_END = const(0)
_BEGIN = const(1)

_AT_FIRST = const(256)  # bytes
_STEP = const(256)
_LONGEST = const(6144)

_TELEGRAMS = const(2)
_ERR_TOO_LONG = const(8)
_ERR_WRONG_KEY = const(15)

# What every translator writes. The layout's name is the language.
_PATTERN = const(" * { same clock? [ meter ]? ( obis value unit? )* }")


@micropython.viper
def take(decoder, language, data, begin: int, end: int, ciphered: int) -> int:
    """Read the payload `data[begin:end]`; 0 if it is none of its language (counted), else 1.

    language: name of the module in cosem ("text", "sml", "records") whose
    `translate(data, begin, end, out)` returns the end of what it wrote to `out`
    (bytearray), 0 if that is too small, or minus a code of errors.
    """
    parts = decoder.parts
    stop = 0
    mode5 = parts[_MODE5]
    if mode5:
        if decoder.on_ciphered:
            decoder.on_ciphered(data, begin, end)
        stop = int(mode5[_OPEN](mode5, data, begin, end))
        if stop:
            _count(parts, stop, 0)
            return 0
        state = ptr32(mode5[_STATE])
        data = mode5[_BUFFER]
        begin = state[_BEGIN]
        end = state[_END]
    if parts[_LANGUAGE] == language:
        stop = int(parts[_TRANSLATE](data, begin, end, parts[_NORMAL]))
    if stop == 0:
        stop = int(_prepare(parts, language, data, begin, end))
    if stop < 0:
        _count(parts, 0 - stop, ciphered)
        return 0
    if int(decoder._notification(parts[_NORMAL], 0, stop, ciphered, parts[_LAYOUT])):
        return 1
    return 0


def _prepare(parts, language, data, begin, end):
    # The first telegram of a language, or one that is longer than all before.
    try:
        if parts[_LANGUAGE] != language:
            name = "meterling.cosem." + language
            parts[_TRANSLATE] = __import__(name, None, None, ("translate",)).translate
            parts[_LAYOUT] = language + _PATTERN
            parts[_NORMAL] = bytearray(_AT_FIRST)
            parts[_LANGUAGE] = language
        out = parts[_NORMAL]
        stop = parts[_TRANSLATE](data, begin, end, out)
        while not stop and len(out) < _LONGEST and extend(out, len(out) + _STEP):
            stop = parts[_TRANSLATE](data, begin, end, out)
        return stop or -_ERR_TOO_LONG
    except (MemoryError, ImportError):
        parts[_LANGUAGE] = None
        unload("meterling.cosem", language)
        return -_ERR_TOO_LONG


def _count(parts, error, ciphered):
    counts = parts[_COUNTS]
    counts[_TELEGRAMS] += 1
    # Without a tag, the text itself must show that the key is right.
    guess = ciphered and not parts[_OPENED][_AUTHENTICATED]
    fitted = not guess or parts[_PLANS][0][_SHAPE][_LENGTH]
    counts[error if fitted else _ERR_WRONG_KEY] += 1
