"""Which layout does a telegram have? Only used for a shape not seen before."""

from ..python import const, unload
from .layout import Layout

_HERE = const("meterling.cosem")
_LAYOUTS = const("layouts nordic implied")
_COMMENT = const(35)  # "#"


def choose_layout(apdu, elements, maker, own_layouts):
    """(name, fields) of the first layout that fits: str, "" if none does, and bytearray, see
    plan. elements: see axdr; maker: bytes, 3, or b""; own_layouts: str."""
    layout = Layout(apdu, elements)
    name = _first_that_fits(layout, maker, own_layouts.encode().split(b"\n"))
    for module in ("layouts", "nordic", "positional", "iskra"):
        if not name:
            unload(_HERE, _LAYOUTS)
            name = _first_that_fits(layout, maker, _layouts_of(module))
    if not name:
        from .tagged import take_tagged

        take_tagged(layout)
    return name, layout.fields


def _layouts_of(module):
    return __import__(_HERE + "." + module, None, None, ("LAYOUTS",)).LAYOUTS


def _first_that_fits(layout, maker, lines):
    for line in lines:
        words = line.split(None, 2)
        if (
            len(words) == 3
            and words[0][0] != _COMMENT
            and (words[1] == b"*" or maker in words[1].split(b","))
            and _fits(layout, words[2])
        ):
            return words[0].decode()
    return ""


def _fits(layout, pattern):
    try:
        return layout.fits(pattern) and len(layout.fields) > 0
    except (ValueError, IndexError, RuntimeError):  # an owner's own: brackets, a word, too deep
        return False
