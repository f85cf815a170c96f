"""Compare and pick up: plain twin of plan_viper, by `struct`."""

from struct import Struct

_NUMBERS = {1: "B", 2: "H", 4: "I"}


def compile_ops(template, ops):
    """What `extract` works from: two `struct` formats, one for the constant runs and
    one for the numbers, and where the other values stand."""
    constants = numbers = ">"
    numeric = []
    positions = []
    behind = 0
    count = len(ops) // 2
    for i in range(count):
        run, width = ops[2 * i], ops[2 * i + 1]
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
    constants = Struct(f"{constants}{ops[2 * count]}s").unpack_from
    return constants, constants(template), Struct(numbers).unpack_from, numeric, positions


def extract(apdu, _template, compiled, values, begin, _count):
    """See plan."""
    constants, expected, numbers, numeric, positions = compiled
    if constants(apdu, begin) != expected:
        return 0
    for i, number in zip(numeric, numbers(apdu, begin)):
        values[i] = number
    for i, position in positions:
        values[i] = begin + position
    return 1
