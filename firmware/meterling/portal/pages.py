"""The site's files: gzipped when the firmware is built, served as they are.

The folder is read once, and only what was in it then is served: no path of a request
ever becomes the path of a file. The gzip trailer holds the text's CRC-32: its ETag.

    .. | CRC-32 (4) | length (4)
"""

import os
import sys
from binascii import hexlify

from microdot import Response

from ..python import const

_PIECE = const(1024)  # bytes
_TRAILER = const(8)
_HASH = const(8)  # hex digits in a name
_END = ".gz"
FOLDER = "site"
_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
    "txt": "text/plain; charset=utf-8",
}
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


class _File:
    """A file as microdot's body: in pieces, through one buffer, and closed at the end."""

    def __init__(self, path):
        self._file = open(path, "rb")
        self._view = memoryview(bytearray(_PIECE))

    def __aiter__(self):
        return self

    async def __anext__(self):
        count = self._file.readinto(self._view)
        if not count:
            self._file.close()
            raise StopAsyncIteration
        return self._view[:count]

    async def aclose(self):
        self._file.close()


class Pages:
    """The files of `folder` (path), by their names without ".gz"."""

    def __init__(self, folder):
        self._folder = folder
        self._files = {}  # name: (ETag, bytes)
        for name in os.listdir(folder) if folder else ():
            if name.endswith(_END):
                self._files[name[: -len(_END)]] = self._look_at(folder + "/" + name)

    @staticmethod
    def _look_at(path):
        size = os.stat(path)[6]
        with open(path, "rb") as file:
            file.seek(size - _TRAILER)
            trailer = file.read(_TRAILER)
        return '"' + hexlify(trailer).decode() + '"', size

    def answer(self, name, known):
        """Response with the file `name`, without it if `known` (str, If-None-Match) says
        that the browser has it; None if there is none."""
        file = self._files.get(name)
        if file is None:
            return None
        etag, size = file
        headers = {
            "ETag": etag,
            "Cache-Control": _MAY_BE_KEPT if _has_hash(name) else _MUST_BE_ASKED,
            "Content-Type": _TYPES.get(name.rsplit(".", 1)[-1], "application/octet-stream"),
        }
        if known and etag in known:
            return Response(b"", 304, headers)
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(size)
        return Response(_File(self._folder + "/" + name + _END), 200, headers)


def _has_hash(name):
    # app.1a2b3c4d.js, app-1A2B3C4D.js (esbuild's hashes are letters and digits)
    parts = name.replace("-", ".").split(".")
    return (
        len(parts) > 2
        and len(parts[-2]) == _HASH
        and all("0" <= c <= "9" or "A" <= c <= "Z" or "a" <= c <= "f" for c in parts[-2])
    )
