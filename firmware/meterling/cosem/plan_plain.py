"""Compare and pick up: plain twin of plan_viper, by `struct`."""

from struct import Struct

_NUMBERS = {1: "B", 2: "H", 4: "I"}


def _compile(plan):
    constants = numbers = ">"
    numeric = []
    positions = []
    behind = 0
    for i in range(plan.count):
        run, width = plan.ops[2 * i], plan.ops[2 * i + 1]
        behind += run
        letter = _NUMBERS.get(width)
        width &= 0x7FFF
        constants += f"{run}s{width}x"
        numbers += f"{run}x" + (letter or f"{width}x")
        if letter:
            numeric.append(i)
        else:
            positions.append((i, behind))
        behind += width
    constants = Struct(f"{constants}{plan.ops[2 * plan.count]}s")
    return (
        constants.unpack_from,
        constants.unpack(plan.template),
        Struct(numbers).unpack_from,
        numeric,
        positions,
    )


def extract(plan, apdu, begin, values):
    """See Plan.extract."""
    if plan.compiled is None:
        plan.compiled = _compile(plan)
    constants, expected, numbers, numeric, positions = plan.compiled
    if constants(apdu, begin) != expected:
        return False
    for i, number in zip(numeric, numbers(apdu, begin)):
        values[i] = number
    for i, position in positions:
        values[i] = begin + position
    return True
