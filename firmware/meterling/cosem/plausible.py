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

# Largest amount by unit (enumeration, see obis): W, VA, var, A, V, Hz
_LIMITS = {27: 10_000_000, 28: 10_000_000, 29: 10_000_000, 33: 10_000, 35: 1000, 44: 100}
# Largest step of a register within an hour: Wh, VAh, varh
_STEPS = const(b"\x1e\x1f\x20")
_STEP = const(1_000_000)


def rules_and_limits(records, places):
    """Rules (bytearray) and limits (array('I')) of a plan with these records and places."""
    count = len(places) // 2
    rules = bytearray(count + 1)
    limits = array("I", bytes(8 * count))
    for i in range(count):
        at = _RECORD * i
        kind = records[at + _KIND]
        unit = records[at + _UNIT]
        if kind == 0 and unit in _STEPS:
            rule, limit = _REGISTER, _STEP
        elif unit in _LIMITS and kind <= 1:
            rule = _UNSIGNED if kind == 0 else _SIGNED | places[2 * i + 1]
            limit = _LIMITS[unit]
        else:
            continue
        scaler = records[at + _SCALER] - 128
        limit = limit * 10**-scaler if scaler < 0 else limit // 10**scaler
        rules[i] = rule
        limits[i] = min(max(limit, 1), _MOST)
    return rules, limits
