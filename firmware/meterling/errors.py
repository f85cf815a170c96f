"""What can go wrong on the way from a byte to a reading, each with a stable code.

Nothing is raised on wire data: every refusal counts up here and the next telegram
is read. The sentences a person sees live with the page and the tool, not here. On a
dongle, the modules repeat the codes that they use: that costs no heap.
"""

from .counters import Counters, names  # noqa: F401
from .python import const

# Progress
BYTES = const(0)
FRAMES = const(1)
TELEGRAMS = const(2)
READINGS = const(3)

# Link layer
NOISE = const(4)  # a stretch of bytes that belongs to no frame
TRUNCATED = const(5)  # a frame or telegram began and never ended
CHECKSUM = const(6)  # checksum, HCS, FCS or stop byte is wrong
SEGMENT = const(7)  # a segment or block is missing, or came twice
TOO_LONG = const(8)  # longer than the buffer that was set up for it

# Ciphering
APDU = const(9)  # no APDU that a meter pushes
CIPHERING = const(10)  # the ciphering header contradicts itself
SECURITY = const(11)  # a security control byte that is not supported
NO_KEY = const(12)  # ciphered, and no key is set
NO_AUTH_KEY = const(13)  # a tag is there, and no authentication key to check it
TAG = const(14)  # the tag does not fit, or is no longer there: wrong key or altered telegram
WRONG_KEY = const(15)  # no tag, and the plaintext is no telegram
REPLAY = const(16)  # invocation counter repeated or older than the last

# COSEM
DECODE = const(17)  # the structure of the data is broken
DATA_TYPE = const(18)  # a data type that A-XDR does not know
EMPTY = const(19)  # well-formed, but without any value
IMPLAUSIBLE = const(20)  # a value or a step that no meter takes
UNPROTECTED = const(21)  # no checksum, or a weak one, and its shape has not come before

NAMES = tuple(names())
