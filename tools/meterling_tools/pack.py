"""What goes into a slot of the dongle's flash: the built tree, its large modules packed.

`x.mpy` becomes `x.mpy.z` where that is worth it, and `meterling` begins with mounting the file
system of firmware/meterling/packed.py, which unpacks them as they are imported. A third of a
stock ESP32's flash is then free for years of updates, and imports take no more heap than before.
"""

import tempfile
import zlib
from pathlib import Path

from . import FIRMWARE, build

_WORTH = 1000  # bytes of flash that packing a module has to save
_ROOM = "meterling/"
_PACKAGE = FIRMWARE / "meterling" / "__init__.py"
BEGIN = """
from .packed import show

__path__ = show(__path__)
"""


def pack(files):
    """{path: bytes} of a built tree ({path: bytes}), packed."""
    packed = {}
    for name, data in files.items():
        less = build.deflate(data) if name.startswith(_ROOM) and name.endswith(".mpy") else data
        worth_it = len(data) - len(less) >= _WORTH
        packed[name + ".z" if worth_it else name] = less if worth_it else data
    packed[_ROOM + "__init__.mpy"] = _compiled("__init__", _PACKAGE.read_text() + BEGIN)
    packed[_ROOM + "packed.mpy"] = _compiled("packed", (_PACKAGE.parent / build.PACKED).read_text())
    return dict(sorted(packed.items()))


def modules(files):
    """{path as it would be if nothing was packed: bytes, unpacked} of the compiled modules of a
    tree ({path: bytes}), packed or not."""
    return {
        name.removesuffix(".z"): zlib.decompress(data) if name.endswith(".z") else data
        for name, data in files.items()
        if name.endswith((".mpy", ".mpy.z"))
    }


def _compiled(name, text):
    with tempfile.TemporaryDirectory(prefix="meterling-") as scratch:
        source = Path(scratch) / f"{name}.py"
        source.write_text(text, encoding="utf-8")
        target = source.with_suffix(".mpy")
        build.compile_module(source, target, f"{_ROOM}{name}.py")
        return target.read_bytes()
