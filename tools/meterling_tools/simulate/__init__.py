"""Simulated meters: ``make_meter("tinetz-kaifa").telegram(0)`` is what a real one would send.

The encoder shares no code with the firmware's decoder, so that each checks the other.
"""

from .meters import METERS, Line, Meter, make_meter

__all__ = ["METERS", "Line", "Meter", "make_meter"]
