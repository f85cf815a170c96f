"""Compare and pick up: plain twin of plan_viper, by `struct`."""

from struct import Struct

_NUMBERS = {1: "B", 2: "H", 4: "I"}


def _compile(template, ops, count):
    constants = numbers = ">"
    numeric = []
    positions = []
    behind = 0
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
    constants = Struct(f"{constants}{ops[2 * count]}s")
    return (
        constants.size,
        constants.unpack_from,
        constants.unpack(template),
        Struct(numbers).unpack_from,
        numeric,
        positions,
    )


def extract(parts, apdu, begin, end, values):
    """See plan."""
    if parts[3] is None:
        parts[3] = _compile(*parts[:3])
    size, constants, expected, numbers, numeric, positions = parts[3]
    if size > end - begin or constants(apdu, begin) != expected:
        return 0
    for i, number in zip(numeric, numbers(apdu, begin)):
        values[i] = number
    for i, position in positions:
        values[i] = begin + position
    return 1
