"""What looks wrong and may be right all the same. Loaded when there is first a doubt.

The invocation counter must rise: what was heard once is never believed again. A meter
that restarts may count from the beginning. (A replaced one has another system title.) A
restart is believed when several telegrams in a row rise among themselves and, where they
carry a time, the meter's clock has gone on: somebody who plays old telegrams back cannot
show a newer time.

A register of energy may neither fall nor jump. A jump is believed if the meter's clock
went on for long enough, and any step if it stays: after three refusals in a row the next
telegram is the new beginning.
"""

from .cosem.clock import seconds
from .python import VIPER, const

if VIPER:
    from .cosem.plan_viper import check
else:
    from .cosem.plan_plain import check

_TITLE = const(8)  # of the nonce
_NONCE = const(12)
_LAST_THEN = const(13)
_RESTART = const(3)  # older telegrams in a row that make a restart
_HOUR = const(3600)
_PATIENCE = const(3)  # refusals in a row before a step is believed

# Parts of a plan; see cosem.plan.
_SHAPE = const(0)
_RULES = const(3)
_LIMITS = const(4)
_COUNT = const(1)
_CLOCK_AT = const(2)
_NOWHERE = const(255)
_REGISTER = const(32)


# Parts of the decoder; see decoder.
_VALUES = const(1)
_NONCE_AT = const(3)
_LAST = const(4)
_CLOCK = const(5)
_DOUBT = const(11)


def believe(parts, data, plan, bad):
    """For a telegram whose invocation counter is older than the last (`bad`: 0), or one in
    which `check` found something (`bad`, its result), and that is right in everything
    else: 1 if it is to be believed after all, else 0. parts: of the decoder."""
    if bad:
        return _step(parts, data, plan, bad)
    if parts[_DOUBT] is None:
        # Nonce of the latest telegram that was older; how many rose among themselves; nonce
        # of the last reading when they came.
        parts[_DOUBT] = bytearray(_LAST_THEN + _NONCE)
    return _older(parts, data, plan)


def _older(parts, data, plan):
    doubt, nonce, clock = parts[_DOUBT], parts[_NONCE_AT], parts[_CLOCK]
    if doubt[_LAST_THEN:] != parts[_LAST]:
        # A good telegram came in between: not in a row.
        doubt[_NONCE] = 0
        doubt[_LAST_THEN:] = parts[_LAST]
    clock_at = plan[_SHAPE][_CLOCK_AT]
    if clock_at != _NOWHERE and clock[0]:
        now = seconds(data, parts[_VALUES][clock_at])
        if 0 <= now <= seconds(clock, 0):
            doubt[_NONCE] = 0
            return 0
    before = bytes(doubt[:_NONCE])
    if not (doubt[_NONCE] and before[:_TITLE] == nonce[:_TITLE] and before < bytes(nonce)):
        doubt[_NONCE] = 0
    doubt[_NONCE] += 1
    doubt[:_NONCE] = nonce
    if doubt[_NONCE] < _RESTART:
        return 0
    doubt[_NONCE] = 0
    return 1


def _step(parts, data, plan, bad):
    rules = plan[_RULES]
    if rules[bad - 1] != _REGISTER:
        return 0
    rules[-1] += 1
    if rules[-1] - 1 <= _PATIENCE and not _had_time(parts, data, plan):
        return 0
    rules[-1] = 0
    return int(check(rules, plan[_LIMITS], parts[_VALUES], plan[_SHAPE][_COUNT]) == 0)


def _had_time(parts, data, plan):
    # After a gap a register may have gone on for as long as the gap was.
    values = parts[_VALUES]
    clock_at = plan[_SHAPE][_CLOCK_AT]
    if clock_at == _NOWHERE:
        return False
    before = seconds(parts[_CLOCK], 0)
    now = seconds(data, values[clock_at])
    if not 0 <= before < now:
        return False
    hours = (now - before) // _HOUR + 1
    rules, limits, count = plan[_RULES], plan[_LIMITS], plan[_SHAPE][_COUNT]
    for i in range(count):
        if rules[i] == _REGISTER:
            step = values[i] - limits[count + i]
            if step < 0 or step > limits[i] * hours:
                return False
    return True
