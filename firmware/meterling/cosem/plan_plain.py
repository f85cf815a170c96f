"""What is done with a telegram whose plan is known: plain twin of plan_viper, by `struct`."""

from array import array

try:
    from struct import Struct
except ImportError:  # MicroPython
    from struct import unpack_from

    class Struct:
        """As much of CPython's class as is needed here."""

        def __init__(self, layout):
            self.unpack_from = lambda data, begin=0: unpack_from(layout, data, begin)


_COMPILED = 2
_NUMBERS = {1: "B", 2: "H", 4: "I"}


def compile_plan(template, places):
    """Two `struct` formats, one for the constant runs and one for the numbers, and where
    the other values stand."""
    constants = numbers = ">"
    numeric = []
    positions = []
    behind = 0
    for i in range(len(places) // 2):
        position, width = places[2 * i], places[2 * i + 1]
        run = position - behind
        letter = _NUMBERS.get(width)
        if width >= 0xFFF8:
            width &= 7
        constants += f"{run}s{width}x"
        numbers += f"{run}x" + (letter or f"{width}x")
        if letter:
            numeric.append(i)
        else:
            positions.append((i, position))
        behind = position + width
    constants = Struct(f"{constants}{len(template) - behind}s").unpack_from
    if numeric and len(numeric) == numeric[-1] + 1 - numeric[0]:
        numeric = (numeric[0], numeric[-1] + 1)  # the usual case, and faster
    return constants, constants(template), Struct(numbers).unpack_from, numeric, positions


def extract(apdu, plan, values, begin):
    """See plan."""
    constants, expected, numbers, numeric, positions = plan[_COMPILED]
    if constants(apdu, begin) != expected:
        return 0
    if isinstance(numeric, tuple):
        values[numeric[0] : numeric[1]] = array("I", numbers(apdu, begin))
    else:
        for i, number in zip(numeric, numbers(apdu, begin)):
            values[i] = number
    for i, position in positions:
        values[i] = begin + position
    return 1


def newer(nonce, last):
    """See plan."""
    if nonce == last:
        return 3
    if nonce[:8] != last[:8]:
        return 2
    return int(bytes(nonce) > bytes(last))


def check(rules, limits, values, count):
    """See plan."""
    i = 0
    known = rules[count]
    for rule, number, limit, last in zip(rules[:count], values, limits, limits[count:]):
        i += 1
        if rule:
            if rule == 32:
                number = number - last & 0xFFFFFFFF if known else 0
            elif rule < 16:
                bits = (rule - 8) * 8
                if number >> bits - 1 & 1:
                    number = (1 << bits) - number
            if number > limit:
                return i
    limits[count:] = values[:count]
    rules[count] = 1
    return 0
