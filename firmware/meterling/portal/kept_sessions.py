"""The file in which sessions outlast a restart: written at a login, a logout, once a day, and at
the start.

    {"sessions": [["<SHA-256 of the session's number and the password's record, hex>", 123]]}

The number behind is for how many minutes it was unused. Nobody who reads the file can log in
with it; and when the password is another one, whoever changed it, nothing in it fits any more.
"""

import os
from binascii import hexlify, unhexlify

from .. import config
from ..python import const

_DIGEST = const(32)  # bytes
_DAY = const(24 * 60)  # minutes


def load(path, most, longest):
    """[[digest, minutes unused]] as `save` wrote it; [] if it never did. At most `most` of
    them. There is no clock: a restart counts as a day, and who is above `longest` is left out."""
    kept = []
    try:
        for digest, minutes in config.read_document(path)["sessions"][-most:]:
            digest = unhexlify(digest)
            if len(digest) == _DIGEST and 0 <= minutes <= longest - _DAY:
                kept.append([digest, minutes + _DAY])
    except (config.ConfigError, KeyError, TypeError, ValueError, OSError):
        return []
    if kept:
        save(path, kept)
    return kept


def save(path, kept):
    """Write [[digest, minutes unused]], whole. If that fails, nothing stays: better to log in
    again than to be able to with a session that was ended."""
    document = [[hexlify(digest).decode(), minutes] for digest, minutes in kept]
    try:
        config.write_document(path, {"sessions": document})
    except OSError:
        print("portal: sessions are not kept: the flash refuses")
        for name in (path, path + ".new"):
            try:
                os.remove(name)
            except OSError:
                pass
