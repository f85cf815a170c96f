"""The parts of a Decoder, as they are before the first byte. Loaded once for that."""

from array import array

from .decoder import make_link
from .python import const

# Parts; see decoder.
_COUNTS = const(0)
_VALUES = const(1)
_PLANS = const(2)
_LAST = const(4)
_CLOCK = const(5)
_SIZE = const(13)
_LAYOUTS = const(14)
_UNPROTECTED = const(20)
_MODE5 = const(21)
_WEAK = const(22)
_READ_THEN = const(23)
_PARTS = const(26)

_CODES = const(22)
_MAX_PLANS = const(4)
_NONCE_LENGTH = const(12)
_CLOCK_LENGTH = const(12)

# What the payloads of a link are written in, where it is not A-XDR: a module of cosem
_LANGUAGES = {"p1": "text", "sml": "sml", "amis": "records"}


def set_up(link, size, own_layouts):
    """(link layer, language, parts): see Decoder."""
    parts = [None] * _PARTS
    parts[_COUNTS] = array("I", bytes(4 * _CODES))
    line = make_link(link, parts[_COUNTS], size)
    parts[_VALUES] = array("I")
    # A plan that fits nothing.
    parts[_PLANS] = [(array("H", bytes(8)), None, None, bytearray(1))] * _MAX_PLANS
    parts[_LAST] = bytearray(_NONCE_LENGTH)
    parts[_CLOCK] = bytearray(_CLOCK_LENGTH)
    parts[_SIZE] = size
    parts[_LAYOUTS] = own_layouts
    parts[_UNPROTECTED] = 0
    parts[_READ_THEN] = 0
    # A sum of 8 bits, in which two wrong ones can cancel, or nothing at all.
    parts[_WEAK] = link in ("mbus", "amis", "apdu")
    if link == "amis":
        parts[_MODE5] = []
    return line, _LANGUAGES.get(link), parts
