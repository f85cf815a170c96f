"""What there is to know of the site's files, once, at the start.

The gzip trailer holds the text's CRC-32: its ETag.

    .. | CRC-32 (4) | length (4)
"""

import os
import sys
from binascii import hexlify

from ..python import const

FOLDER = "site"

_TRAILER = const(8)
_HASH = const(8)  # hex digits in a name
_END = ".gz"
# Of a name's end: one text, as each short one would be a name that stays in heap.
_TYPES = const(
    "html text/html; charset=utf-8\n"
    "js text/javascript; charset=utf-8\n"
    "css text/css; charset=utf-8\n"
    "svg image/svg+xml\n"
    "png image/png\n"
    "ico image/x-icon\n"
    "json application/json\n"
    "webmanifest application/manifest+json\n"
    "txt text/plain; charset=utf-8"
)
_OTHER = "application/octet-stream"
_MAY_BE_KEPT = "max-age=31536000, immutable"
_MUST_BE_ASKED = "no-cache"


def find_folder():
    """Where the site is: beside the settings, else beside the firmware; "" if nowhere."""
    for folder in [""] + sys.path:
        path = folder + "/" + FOLDER if folder else FOLDER
        try:
            os.listdir(path)
            return path
        except OSError:
            pass
    return ""


def index(folder):
    """{name without ".gz": (ETag, Cache-Control, Content-Type, bytes)}, all of them str, of
    the files in `folder` (path, "" if there is none)."""
    found = {}
    for name in os.listdir(folder) if folder else ():
        if name.endswith(_END):
            etag, size = _look_at(folder + "/" + name)
            name = name[: -len(_END)]
            cache = _MAY_BE_KEPT if _has_hash(name) else _MUST_BE_ASKED
            found[name] = (etag, cache, _type(name.rsplit(".", 1)[-1]), size)
    return found


def _type(ending):
    for line in _TYPES.split("\n"):
        known, _, kind = line.partition(" ")
        if known == ending:
            return kind
    return _OTHER


def _look_at(path):
    size = os.stat(path)[6]
    with open(path, "rb") as file:
        file.seek(size - _TRAILER)
        trailer = file.read(_TRAILER)
    return '"' + hexlify(trailer).decode() + '"', str(size)


def _has_hash(name):
    # app.1a2b3c4d.js, app-1A2B3C4D.js (esbuild's hashes are letters and digits)
    parts = name.replace("-", ".").split(".")
    return (
        len(parts) > 2
        and len(parts[-2]) == _HASH
        and all("0" <= c <= "9" or "A" <= c <= "Z" or "a" <= c <= "f" for c in parts[-2])
    )
