"""Is this a reading that a meter can have? The last check before one is believed.

A telegram without a tag is protected by little: two flipped bits can leave an M-Bus
checksum as it was, and in counter mode they flip just those bits of the values. So
each value must be possible for its unit, and a register of energy may neither fall nor
jump. A step that stays is believed in the end: after three refusals the next telegram
is the new beginning.
"""

from array import array

from .cosem import clock
from .cosem.plan import KIND, NOWHERE, RECORD, SCALER, SIGNED, UNIT, UNSIGNED
from .python import VIPER, const, copy

if VIPER:
    from .plausible_viper import check
else:
    from .plausible_plain import check

# Rules; the low bits of a signed one are its width in bytes.
_NONE = const(0)
_SIGNED = const(8)
_UNSIGNED = const(16)
_REGISTER = const(32)

_HOUR = const(3600)
_PATIENCE = const(3)  # refusals in a row before a step is believed
_MOST = const(0x3FFFFFFF)

# Largest amount by unit (enumeration, see obis): W, VA, var, A, V, Hz
_LIMITS = {27: 10_000_000, 28: 10_000_000, 29: 10_000_000, 33: 10_000, 35: 1000, 44: 100}
# Largest step of a register within an hour: Wh, VAh, varh
_STEPS = (30, 31, 32)
_STEP = const(1_000_000)


class Plausible:
    """The limits of one shape (see plan) and what its last telegram said."""

    def __init__(self, plan):
        count = plan.count
        self._count = count
        self._clock = plan.clock
        self._rules = bytearray(count)
        self._limits = array("I", bytes(4 * count))
        self._last = array("I", bytes(4 * count))
        self._last_clock = bytearray(12)
        self._known = False
        self._refused = 0
        for i in range(count):
            at = RECORD * i
            kind = plan.records[at + KIND]
            unit = plan.records[at + UNIT]
            if kind == UNSIGNED and unit in _STEPS:
                rule, limit = _REGISTER, _STEP
            elif unit in _LIMITS and kind in (UNSIGNED, SIGNED):
                rule = _UNSIGNED if kind == UNSIGNED else _SIGNED | plan.ops[2 * i + 1]
                limit = _LIMITS[unit]
            else:
                continue
            scaler = plan.records[at + SCALER] - 128
            limit = limit * 10**-scaler if scaler < 0 else limit // 10**scaler
            self._rules[i] = rule
            self._limits[i] = min(max(limit, 1), _MOST)

    def forget(self):
        """The next telegram is of another meter."""
        self._known = False
        self._refused = 0

    def check(self, apdu, values):
        """True if `values` (as Plan.extract left them) are possible; then they are the
        last ones. apdu: where the telegram's clock stands."""
        known = self._known
        bad = check(values, self._limits, self._rules, self._last, self._count, known)
        if bad and known and self._rules[bad - 1] == _REGISTER:
            hours = self._hours(apdu, values)
            if hours:
                bad = self._slow(values, hours)
            if bad:
                self._refused += 1
                if self._refused > _PATIENCE:
                    bad = check(values, self._limits, self._rules, self._last, self._count, False)
        if bad:
            return False
        self._known = True
        self._refused = 0
        if self._clock != NOWHERE:
            copy(self._last_clock, 0, apdu, values[self._clock], 12)
        return True

    def _hours(self, apdu, values):
        # Hours, rounded up, since the last telegram, by the meter's own clock; or 0.
        if self._clock == NOWHERE:
            return 0
        before = clock.seconds(self._last_clock, 0)
        now = clock.seconds(apdu, values[self._clock])
        return (now - before) // _HOUR + 1 if 0 <= before < now else 0

    def _slow(self, values, hours):
        # After a gap a register may have gone on for as long as the gap was.
        for i in range(self._count):
            if self._rules[i] == _REGISTER:
                step = values[i] - self._last[i]
                if step < 0 or step > self._limits[i] * hours:
                    return i + 1
        return check(values, self._limits, self._rules, self._last, self._count, False)
