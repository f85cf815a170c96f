"""Meterling: reads a smart meter's customer interface."""

__version__ = "0.1.0"
