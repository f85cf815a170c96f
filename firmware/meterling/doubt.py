"""What looks wrong and may be right all the same. Loaded when there is first a doubt.

The invocation counter must rise: what was heard once is never believed again. A meter
that restarts may count from the beginning. (A replaced one has another system title.) A
restart is believed when several telegrams in a row rise among themselves and, where they
carry a time, the meter's clock has gone on: somebody who plays old telegrams back cannot
show a newer time.

A register of energy may neither fall nor jump. A jump is believed if the meter's clock
went on for long enough, and any step if it stays: after three refusals in a row the next
telegram is the new beginning.

Each system title has its own counter. Those of a few are kept: else what two meters have sent
could be played back in turn.

Where little protects a telegram, a new shape is believed from its second telegram on.
"""

from binascii import crc32

from .cosem.clock import seconds
from .python import VIPER, const, unload

if VIPER:
    from .cosem.plan_viper import check, newer
else:
    from .cosem.plan_plain import check, newer

_TITLE = const(8)  # of the nonce
_NONCE = const(12)
_LAST_THEN = const(13)
_RESTART = const(3)  # older telegrams in a row that make a restart
_HOUR = const(3600)
_PATIENCE = const(3)  # refusals in a row before a step is believed
_KEPT = const(3)  # system titles beside the last
_MARKS = const(64)  # bytes, 4 a shape

# Parts of a plan; see cosem.plan.
_SHAPE = const(0)
_TEMPLATE = const(1)
_RULES = const(3)
_LIMITS = const(4)
_PLACES = const(5)
_COUNT = const(1)
_CLOCK_AT = const(2)
_NOWHERE = const(255)
_REGISTER = const(32)


# Parts of the decoder; see decoder.
_VALUES = const(1)
_PLANS = const(2)
_NONCE_AT = const(3)
_LAST = const(4)
_CLOCK = const(5)
_DOUBT = const(11)  # nonce of the latest telegram that was older; how many rose among
#                     themselves; nonce of the last reading when they came
_OTHERS = const(24)  # list of (LAST, CLOCK, DOUBT) of other titles, the latest behind; or None
_MARKED = const(25)  # bytes: marks of shapes that were new once; or None

_NEW_SHAPE = const(-2)

# What `newer` says; see cosem.plan.
_OLDER = const(0)
_NEWER = const(1)
_SAME = const(3)


def believe(parts, data, plan, bad):
    """For a telegram whose invocation counter is older than the last (`bad`: 0), whose shape
    is new (-2), or in which `check` found something (`bad`, its result), and that is right in
    everything else: 1 if it is to be believed after all, else 0. For one whose system title
    is another than the last (-1): 1, or 3 if it is played back. parts: of the decoder."""
    if bad > 0:
        return _step(parts, data, plan, bad)
    if bad == _NEW_SHAPE:
        return _came_before(parts, plan)
    if parts[_DOUBT] is None:
        parts[_DOUBT] = bytearray(_LAST_THEN + _NONCE)
    last = parts[_LAST], parts[_CLOCK], parts[_DOUBT]
    if bad:
        return _other(parts, data, plan, last)
    return _older(parts, data, plan, last)


def _other(parts, data, plan, last):
    # Nothing changes before it is certain that the telegram is good.
    title = parts[_NONCE_AT][:_TITLE]
    kept = bytearray(_NONCE), bytearray(_NONCE), bytearray(_LAST_THEN + _NONCE)
    others = []
    for each in parts[_OTHERS] or ():
        if each[0][:_TITLE] == title:
            kept = each
        else:
            others.append(each)
    others = others[1 - _KEPT :] + [last]
    order = newer(parts[_NONCE_AT], kept[0])
    if order == _SAME or order == _OLDER and not _older(parts, data, plan, kept):
        return _SAME
    # Its registers are others, too.
    rules = plan[_RULES]
    before = rules[-1]
    rules[-1] = 0
    if check(rules, plan[_LIMITS], parts[_VALUES], plan[_SHAPE][_COUNT]):
        rules[-1] = before
        return _NEWER
    for each in parts[_PLANS]:
        if each is not plan:
            each[_RULES][-1] = 0
    parts[_OTHERS] = others
    parts[_LAST], parts[_CLOCK], parts[_DOUBT] = kept
    return _NEWER


def _older(parts, data, plan, heard):
    last, clock, doubt = heard
    nonce = parts[_NONCE_AT]
    if doubt[_LAST_THEN:] != last:
        # A good telegram came in between: not in a row.
        doubt[_NONCE] = 0
        doubt[_LAST_THEN:] = last
    clock_at = plan[_SHAPE][_CLOCK_AT]
    if clock_at != _NOWHERE and clock[0]:
        now = seconds(data, parts[_VALUES][clock_at])
        if 0 <= now <= seconds(clock, 0):
            doubt[_NONCE] = 0
            return 0
    before = bytes(doubt[:_NONCE])
    if before >= bytes(nonce):
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


def _came_before(parts, plan):
    # Its plan may have made room for others since. What is kept of a few more shapes than there
    # are plans is a checksum of what is constant.
    unload("meterling", "doubt", False)  # not needed again soon
    constant = bytearray(plan[_TEMPLATE])
    places = plan[_PLACES]
    for i in range(0, len(places), 2):
        at, width = places[i], places[i + 1]
        width = width if width < 0xFFF8 else width & 7
        constant[at : at + width] = bytes(width)
    mark = crc32(constant).to_bytes(4, "big")
    marked = parts[_MARKED] or b""
    if mark in marked:
        return 1
    parts[_MARKED] = (mark + marked)[:_MARKS]
    return 0
