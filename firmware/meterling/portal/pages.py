"""The site's files: gzipped when the firmware is built, served as they are.

The folder is read once (see page_index), and only what was in it then is served: no path of
a request ever becomes the path of a file.
"""

from ..python import unload
from .answer import Answer


class Pages:
    """The files of `folder` (path), by their names without ".gz"."""

    def __init__(self, folder):
        from .page_index import index

        self._folder = folder
        self._files = index(folder)
        unload("meterling.portal", "page_index")

    def answer(self, name, known):
        """Answer with the file `name`, without it if `known` (str, If-None-Match) says
        that the browser has it; None if there is none."""
        file = self._files.get(name)
        if file is None:
            return None
        etag, cache, kind, size = file
        headers = {"ETag": etag, "Cache-Control": cache, "Content-Type": kind}
        if known and etag in known:
            return Answer(b"", 304, headers)
        headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = size
        return Answer(open(self._folder + "/" + name + ".gz", "rb"), 200, headers)
