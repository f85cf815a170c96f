"""Is this a reading that a meter can have? The last check before one is believed.

A telegram without a tag is protected by little: two flipped bits can leave an M-Bus
checksum as it was, and in counter mode they flip just those bits of the values. So
each value must be possible for its unit, and a register of energy may neither fall nor
jump. Here the limits of one shape are made; plan says what checks them, and doubt
what is believed although it is beyond them.
"""

from array import array

from ..python import const

# Rules; the low bits of a signed one are its width in bytes.
_SIGNED = const(8)
_UNSIGNED = const(16)
_REGISTER = const(32)

# Records of a plan; see plan.
_RECORD = const(10)
_SCALER = const(7)
_UNIT = const(8)
_KIND = const(9)

_MOST = const(0x3FFFFFFF)

# Largest amount by unit (enumeration, see obis): A, V, Hz; W, VA, var; kW, kvar, kVA
_LIMITS = {33: 10_000, 35: 1000, 44: 100}
_LARGE_LIMITS = const(b"\x1b\x1c\x1d\xe0")
_LARGE_LIMIT = const(10_000_000)
_KILO_LIMITS = const(b"\xc9\xcb\xcd\xe2")
_KILO_LIMIT = const(10_000)
# Largest step of a register within an hour: Wh, VAh, varh; kWh, kvarh, kVAh
_STEPS = const(b"\x1e\x1f\x20\xdf")
_STEP = const(1_000_000)
_KILO_STEPS = const(b"\xc8\xca\xcc\xe1")
_KILO_STEP = const(1000)


def rules_and_limits(records, places):
    """Rules (bytearray) and limits (array('I')) of a plan with these records and places."""
    count = len(places) // 2
    rules = bytearray(count + 1)
    limits = array("I", bytes(8 * count))
    for i in range(count):
        at = _RECORD * i
        kind = records[at + _KIND]
        unit = records[at + _UNIT]
        # A register that counts both ways may fall.
        counts_up = kind == 0 or (
            kind == 1 and places[2 * i + 1] == 4 and records[at + 2] % 20 != 16
        )
        if counts_up and unit in _STEPS:
            rule, limit = _REGISTER, _STEP
        elif counts_up and unit in _KILO_STEPS:
            rule, limit = _REGISTER, _KILO_STEP
        elif kind <= 1:
            rule = _UNSIGNED if kind == 0 else _SIGNED | places[2 * i + 1]
            if unit in _LARGE_LIMITS:
                limit = _LARGE_LIMIT
            elif unit in _KILO_LIMITS:
                limit = _KILO_LIMIT
            elif unit in _LIMITS:
                limit = _LIMITS[unit]
            else:
                continue
        else:
            continue
        scaler = records[at + _SCALER] - 128
        limit = limit * 10**-scaler if scaler < 0 else limit // 10**scaler
        rules[i] = rule
        limits[i] = min(max(limit, 1), _MOST)
    return rules, limits
