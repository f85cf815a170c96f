"""Payload layouts: from what a meter measures to its A-XDR elements, and what they mean.

A layout is called with a ``Snapshot`` and returns ``(body, expected)``: the encoded
notification body, and the values that a correct decoder reads from it:

    {"1-0:1.8.0": (raw, scaler, unit)}    unit None: neither telegram nor document tells it
    {"0-0:96.1.0": "1KFM0100000035"}      text that stands beside its OBIS code

Clocks, and texts without an OBIS code, are not among them (a decoder gives those as the
reading's time and meter number). Letters A to G are those of the project's wire notes.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from . import axdr, clock
from .axdr import array, i8, i16, obis, octets, scaler_unit, structure, u16, u32, visible
from .household import SCALE

PUSH_SETUP = "0-8:25.9.0"


@dataclass(frozen=True)
class Snapshot:
    """What a meter knows when it sends: its names, the time, the measured integers."""

    local: datetime  # aware
    values: dict  # "C.D.E" -> integer in the scale of household.SCALE
    number: str = ""
    device_name: str = ""
    deviation: bool = True  # whether the clock tells its distance from UTC

    @property
    def date_time(self):
        return clock.date_time(self.local, self.deviation)

    def raw(self, code, scaler):
        """The integer of a quantity (``A-B:C.D.E``) in units of 10^scaler."""
        element = code.split(":")[1]
        return self.values[element] // 10 ** (scaler - SCALE[element][0])


def unit_of(code):
    return SCALE[code.split(":")[1]][1]


# Without a scaler-unit "the OBIS code says the unit": it does for powers and energies.
IMPLIED_UNITS = ("W", "var", "Wh", "varh")

# A row: (OBIS code, A-XDR encoder, scaler of the raw value).
ENERGY = [(f"1-0:{c}.8.0", u32, 0) for c in (1, 2, 3, 4)]
POWER = [(f"1-0:{c}.7.0", u32, 0) for c in (1, 2)]
REACTIVE_POWER = [(f"1-0:{c}.7.0", u32, 0) for c in (3, 4)]


def voltages(scaler, channel=0):
    return [(f"1-{channel}:{c}.7.0", u16, scaler) for c in (32, 52, 72)]


def currents(scaler, encoder=u16, channel=0):
    return [(f"1-{channel}:{c}.7.0", encoder, scaler) for c in (31, 51, 71)]


def _scaled(snapshot, rows):
    """[(OBIS, encoded value, encoded scaler-unit)], expected."""
    encoded, expected = [], {}
    for code, encoder, scaler in rows:
        raw, unit = snapshot.raw(code, scaler), unit_of(code)
        encoded.append((obis(code), encoder(raw), scaler_unit(scaler, unit)))
        expected[code] = (raw, scaler, unit)
    return encoded, expected


def _plain(snapshot, rows, units=IMPLIED_UNITS):
    """[(OBIS, encoded value)], expected: of these ``units`` a decoder knows without being told."""
    encoded, expected = [], {}
    for code, encoder, scaler in rows:
        raw, unit = snapshot.raw(code, scaler), unit_of(code)
        encoded.append((obis(code), encoder(raw)))
        # Without a scaler-unit a decoder reads the raw number.
        expected[code] = (raw, 0, unit if unit in units else None)
    return encoded, expected


def nested(snapshot, rows):
    """A: flat clock, then structures: ``02 02`` texts and ``02 03`` with scaler-unit."""
    texts = {"0-0:96.1.0": snapshot.number, "0-0:42.0.0": snapshot.device_name}
    encoded, expected = _scaled(snapshot, rows)
    body = structure(
        # Kaifa and Honeywell spell the clock without a structure of its own around it.
        obis("0-0:1.0.0"),
        octets(snapshot.date_time),
        *(structure(obis(code), octets(text)) for code, text in texts.items()),
        *(structure(*row) for row in encoded),
    )
    return body, {**texts, **expected}


def flat_scaled(snapshot, rows, with_number=True):
    """B: date-time, then OBIS, value, scaler-unit each, last the meter number alone."""
    encoded, expected = _scaled(snapshot, rows)
    elements = [octets(snapshot.date_time)]
    for row in encoded:
        elements += row
    if with_number:
        elements.append(octets(snapshot.number))
    return structure(*elements), expected


def flat(snapshot, rows, units=IMPLIED_UNITS):
    """C: OBIS, value each; clock and meter number among them."""
    encoded, expected = _plain(snapshot, rows, units)
    elements = [obis("0-0:1.0.0"), octets(snapshot.date_time)]
    elements += [obis("0-0:96.1.0"), octets(snapshot.number)]
    for row in encoded:
        elements += row
    return structure(*elements), {"0-0:96.1.0": snapshot.number, **expected}


def burgenland(snapshot):
    """D: 14 elements by position; nobody knows the three before the meter number."""
    rows = [*voltages(0), *currents(-2), *POWER, *ENERGY[:2]]
    encoded, expected = _plain(snapshot, rows)
    for code, _, scaler in rows:  # the operator's list tells scaler and unit of all ten
        expected[code] = (expected[code][0], scaler, unit_of(code))
    elements = [value for _, value in encoded]
    for c in (33, 53, 73):
        raw = snapshot.values[f"{c}.7.0"]
        expected[f"?{len(elements)}"] = (raw, 0, None)
        elements.append(u16(raw))
    elements.append(octets(snapshot.number))
    return structure(*elements), expected


def kaernten(snapshot, customer_texts=True):
    """E: push setup, meter number, time, date, six u32 and, with 12 elements, two empty texts."""
    encoded, expected = _plain(snapshot, [*ENERGY, *POWER])
    elements = [
        octets(axdr.logical_name("0-6:25.9.0")),
        octets(snapshot.number),
        octets(clock.time(snapshot.local)),
        octets(clock.date(snapshot.local)),
        *(value for _, value in encoded),
    ]
    if customer_texts:
        elements += [octets(""), octets("")]
    return structure(*elements), expected


def vienna(snapshot, with_device_name=False):
    """F: date-time and eight u32; Siemens IM350 puts its logical device name before them."""
    encoded, expected = _plain(snapshot, [*ENERGY, *POWER, *REACTIVE_POWER])
    elements = [octets(snapshot.device_name)] if with_device_name else []
    elements += [octets(snapshot.date_time), *(value for _, value in encoded)]
    return structure(*elements), expected


def _capture_object(class_id, code, attribute):
    return structure(u16(class_id), octets(axdr.logical_name(code)), i8(attribute), u16(0))


def push_list(snapshot, rows):
    """G: an array of capture objects first, then one value for each of them.

    The first object is the push setup's own list: that array is its value. The second is
    the push setup's logical name.
    """
    encoded, expected = _plain(snapshot, rows)
    objects = [
        (40, PUSH_SETUP, 2),
        (40, PUSH_SETUP, 1),
        (1, "0-0:96.1.0", 2),
        (8, "0-0:1.0.0", 2),
        *((3, code, 2) for code, _, _ in rows),
    ]
    body = structure(
        array(*(_capture_object(*each) for each in objects)),
        octets(axdr.logical_name(PUSH_SETUP)),
        octets(snapshot.number),
        octets(snapshot.date_time),
        *(value for _, value in encoded),
    )
    return body, {"0-0:96.1.0": snapshot.number, **expected}


# What Kamstrup's description tells unit and scaler of: all but the number of the meter.
DOCUMENTED = [code for code in SCALE if code != "0.0.1"]


def kamstrup(snapshot, rows, texts, with_clock):
    """Kamstrup's lists: the list's name, then OBIS, value each; ``texts`` are visible-strings."""
    elements, expected = [visible("Kamstrup_V0001")], {}
    for code, text in texts.items():
        elements += [obis(code), visible(text)]
        expected[code] = text
    encoded, plain = _plain(snapshot, rows)
    for (code, _, scaler), row in zip(rows, encoded, strict=True):
        # Nothing in the telegram says it; Kamstrup's document does, but not of every value.
        unit = unit_of(code) if code.split(":")[1] in DOCUMENTED else None
        plain[code] = (plain[code][0], scaler, unit)
        if with_clock == code:
            elements += [obis("0-1:1.0.0"), octets(snapshot.date_time)]
        elements += row
    return structure(*elements), {**expected, **plain}


def aidon(snapshot, rows):
    """Aidon's lists: an array of structures, visible-strings first (NEK HAN, list 2)."""
    texts = {
        "1-1:0.2.129": "AIDON_V0001",
        "0-0:96.1.0": snapshot.number,
        "0-0:96.1.7": "6525",
    }
    encoded, expected = _scaled(snapshot, rows)
    body = array(
        *(structure(obis(code), visible(text)) for code, text in texts.items()),
        *(structure(*row) for row in encoded),
    )
    return body, {**texts, **expected}


KAIFA = partial(nested, rows=[*voltages(-1), *currents(-2), *POWER, *ENERGY])
HONEYWELL_SHORT = partial(flat_scaled, rows=[ENERGY[0], ENERGY[2]], with_number=False)
LOWER_AUSTRIA = partial(
    flat_scaled,
    rows=[*ENERGY[:2], *POWER, *voltages(-1), *currents(-2), ("1-0:13.7.0", u16, -3)],
)
STYRIA = partial(
    flat,
    rows=[*voltages(0), *currents(-2), *POWER, *ENERGY, ("1-0:13.7.0", u16, -2)],
)
KLAGENFURT = partial(
    push_list, rows=[*POWER, *ENERGY[:2], *REACTIVE_POWER, *ENERGY[2:], *currents(-2), *voltages(0)]
)
AIDON = partial(aidon, rows=[*POWER, *REACTIVE_POWER, *currents(-1, i16), *voltages(-1)])
