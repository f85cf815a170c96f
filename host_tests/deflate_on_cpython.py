"""MicroPython's `deflate`, as far as an update uses it, for CPython: import it before."""

import sys
import types
import zlib

_RAW = 1


class _DeflateIO:
    def __init__(self, stream, kind, window):
        assert kind == _RAW
        self._stream = stream
        self._packer = zlib.decompressobj(-window)
        self._data = b""

    def readinto(self, buffer):
        data = self._packer.decompress(self._data or self._stream.read(64), len(buffer))
        while not data and not self._packer.eof:
            more = self._packer.unconsumed_tail or self._stream.read(64)
            if not more:
                raise OSError("the stream ends too early")
            data = self._packer.decompress(more, len(buffer))
        self._data = self._packer.unconsumed_tail
        buffer[: len(data)] = data
        return len(data)


sys.modules.setdefault("deflate", types.ModuleType("deflate"))
sys.modules["deflate"].RAW = _RAW
sys.modules["deflate"].DeflateIO = _DeflateIO
