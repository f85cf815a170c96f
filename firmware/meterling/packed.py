"""The built firmware's modules, of which the large ones are packed: `x.mpy.z` (zlib) for `x.mpy`.

MicroPython imports from whatever file system is mounted. This one shows the files of the
firmware's folder, and unpacks those as they are read. The build has `meterling` begin with it;
where nothing is packed, on a PC and in what `mip` installs, it is not there.
"""

import os

from deflate import ZLIB, DeflateIO
from vfs import mount, umount

_ROOT = "/m"  # short: MicroPython keeps the path of each module


class Packed:
    """A file system, as `vfs.mount` wants it, that shows the files of `folder` (path)."""

    def __init__(self, folder):
        self._folder = folder

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def stat(self, path):
        path = self._folder + path  # that begins with "/"
        try:
            return os.stat(path)
        except OSError:
            return os.stat(path + ".z")

    def open(self, path, mode):
        path = self._folder + path
        try:
            return open(path, mode)
        except OSError:
            return DeflateIO(open(path + ".z", mode), ZLIB, 0, True)


def show(folder):
    """Mount `folder` (path); returns where."""
    try:
        umount(_ROOT)  # of a slot that did not start; see rescue
    except OSError:
        pass
    mount(Packed(folder), _ROOT)
    return _ROOT
