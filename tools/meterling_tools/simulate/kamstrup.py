"""Kamstrup's lists: Norway's (HAN-NVE interface description 3.1) and Denmark's longer one.

Numbers stand without scaler-unit: currents in 0.01 A, energies in 10 Wh, as the Norwegian
description says; power factors in 0.01.
"""

from dataclasses import replace

from .axdr import u16, u32
from .layouts import currents, kamstrup, voltages

_FIRST_HOURLY = "1-1:1.8.0"


def _quantities(elements, d, encoder, scaler):
    return [(f"1-1:{c}.{d}.0", encoder, scaler) for c in elements]


_TOTALS = (1, 2, 3, 4)
_NORWAY = [
    *_quantities(_TOTALS, 7, u32, 0),
    *currents(-2, u32, channel=1),
    *voltages(0, channel=1),
]
_DENMARK = [
    *_quantities(_TOTALS, 8, u32, 1),
    ("1-1:0.0.1", u32, 0),
    *_quantities((1, 2), 7, u32, 0),
    *voltages(0, channel=1),
    *currents(-2, u32, channel=1),
    *_quantities((21, 41, 61), 7, u32, 0),
    *_quantities((33, 53, 73, 13), 7, u16, -2),
    *_quantities((22, 42, 62), 7, u32, 0),
    *_quantities((22, 42, 62, 21, 41, 61), 8, u32, 1),
]


def norway(snapshot):
    """The 10 s list; with clock and energies on the hour's first telegram."""
    texts = {"1-1:0.0.5": snapshot.number, "1-1:96.1.1": snapshot.device_name}
    rows = list(_NORWAY)
    if snapshot.local.minute == 0 and snapshot.local.second < 10:
        rows += _quantities(_TOTALS, 8, u32, 1)
    return kamstrup(snapshot, rows, texts, with_clock=_FIRST_HOURLY)


def norway_one_phase(snapshot):
    """The list of a meter of one phase, as it is on the hour (section 3.3)."""
    texts = {"1-1:0.0.5": snapshot.number, "1-1:96.1.1": snapshot.device_name}
    rows = [*_quantities((1,), 7, u32, 0), *currents(-2, u32, 1)[:1], *voltages(0, 1)[:1]]
    rows += _quantities((1,), 8, u32, 1)
    return kamstrup(snapshot, rows, texts, with_clock=_FIRST_HOURLY)


def denmark(snapshot):
    """The encrypted 10 s list: 491 bytes on the wire. 0.0.1 is the serial number as a u32."""
    texts = {"1-1:0.0.5": snapshot.number}
    serial = {"0.0.1": int(snapshot.number[-8:])}
    snapshot = replace(snapshot, values={**snapshot.values, **serial})
    return kamstrup(snapshot, _DENMARK, texts, with_clock="1-1:32.7.0")
