"""Releases: taken in, checked, unpacked beside what runs, tried, and kept or given up."""

import sys

from ..python import VIPER, const, unload

_MODULES = const("updater slots package errors keys ed25519 sha512 trial fetch")


def forget():
    """Unload all of it: it is needed rarely, and heap is short."""
    if VIPER:
        sys.modules.pop("boot_slots", None)
    unload("meterling.update", _MODULES)
