"""Simulated meters: ``make_meter("tinetz-kaifa").telegram(0)`` is what a real one would send.

The encoder shares no code with the firmware's decoder, so that each checks the other.
"""

from .meters import DLMS, METERS, Meter, make_meter
from .settings import Line

__all__ = ["DLMS", "METERS", "Line", "Meter", "make_meter"]
