"""OBIS codes (IEC 62056-6-1) and COSEM units (IEC 62056-6-2, table 4)."""

from ..python import const

# Only the units that occur on customer interfaces; by the standard's enumeration. 0: the
# frame gives none, and nobody knows. From 200 on, where the standard has none: units as
# text telegrams write them, so that values are shown as the meter shows them.
_UNITS = const(
    "1 a 5 h 6 min 7 s 8 ° 9 °C 13 m³ 14 m³ 27 W 28 VA 29 var 30 Wh 31 VAh 32 varh 33 A 35 V 44 Hz "
    "200 kWh 201 kW 202 kvarh 203 kvar 204 kVAh 205 kVA 206 m3 207 GJ 208 MWh 209 MW 210 dm3 211 l "
    "212 s 213 Mvarh 214 Mvar 215 Hz 216 bar 217 % 218 MJ 219 ft3 220 gal 221 kcal 222 K "
    "223 VArh 224 VAr 225 kVArh 226 kVAr"
)


def unit_name(number):
    """Name of the unit (str) with that enumeration value, "" if it has none here."""
    words = _UNITS.split(" ")
    for i in range(0, len(words), 2):
        if words[i] == str(number):
            return words[i + 1]
    return ""


def unit_number(name):
    """The enumeration value of a unit, 255 for ""; ValueError if there is none."""
    words = _UNITS.split(" ")
    return int(words[words.index(name) - 1]) if name else 255


def parse(text):
    """`1-0:1.8.0` or `1.8.0` (then 1-0) as bytes, 6 (F = 255); ValueError if it is none."""
    head, colon, tail = text.rpartition(":")
    a, dash, b = (head if colon else "1-0").partition("-")
    parts = [a, b] + tail.split(".")
    if len(parts) == 5:
        parts.append("255")
    if len(parts) != 6 or not dash:
        raise ValueError(text)
    return bytes([int(part) for part in parts])
