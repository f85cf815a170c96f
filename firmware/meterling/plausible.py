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
from .python import VIPER, const

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
    """The limits of one shape (see plan) and what its last telegram said.

    check(parts, values) -> 0 if `values` (as extract left them) keep their rules, and
    then they are the last ones; else 1 + the index of the first that does not.
    """

    def __init__(self, plan):
        count = plan.count
        self._count = count
        self._clock = plan.clock
        self._rules = bytearray(count)
        self._limits = array("I", bytes(4 * count))
        self._last = array("I", bytes(4 * count))
        self._known = bytearray(1)
        self._refused = 0
        self.parts = (self._rules, self._limits, self._last, self._known, count)
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
        self._known[0] = 0
        self._refused = 0

    def excused(self, bad, apdu, values, last_clock):
        """True if the step that `check` found (`bad`, its result) is to be believed after
        all: the meter's clock went on that long since `last_clock` (bytearray, 12), or
        the step has stayed for several telegrams."""
        if self._rules[bad - 1] != _REGISTER:
            return False
        self._refused += 1
        if self._refused <= _PATIENCE and not self._had_time(apdu, values, last_clock):
            return False
        self.forget()
        return check(self.parts, values) == 0

    def _had_time(self, apdu, values, last_clock):
        # After a gap a register may have gone on for as long as the gap was.
        if self._clock == NOWHERE:
            return False
        before = clock.seconds(last_clock, 0)
        now = clock.seconds(apdu, values[self._clock])
        if not 0 <= before < now:
            return False
        hours = (now - before) // _HOUR + 1
        for i in range(self._count):
            if self._rules[i] == _REGISTER:
                step = values[i] - self._last[i]
                if step < 0 or step > self._limits[i] * hours:
                    return False
        return True
