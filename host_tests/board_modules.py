"""For tests that give `meterling.board` another chip to import."""

import sys


def forget_board():
    """Whoever imports it now does so anew."""
    for name in list(sys.modules):
        if name == "meterling.board" or name.startswith("meterling.board."):
            del sys.modules[name]
        elif name in ("network", "network_scene"):
            del sys.modules[name]
