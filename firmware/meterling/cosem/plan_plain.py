"""What is done with a telegram whose plan is known: plain twin of plan_viper."""

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
    """What is constant, as one large number and its mask; how many bytes that are; a
    `struct` format for the numbers; and where the other values stand."""
    mask = bytearray(b"\xff" * len(template))
    numbers = ">"
    numeric = []
    positions = []
    behind = 0
    for i in range(len(places) // 2):
        position, width = places[2 * i], places[2 * i + 1]
        letter = _NUMBERS.get(width)
        if width >= 0xFFF8:
            width &= 7
        numbers += f"{position - behind}x" + (letter or f"{width}x")
        if letter:
            numeric.append(i)
        else:
            positions.append((i, position))
        behind = position + width
        mask[position:behind] = bytes(width)
    if numeric and len(numeric) == numeric[-1] + 1 - numeric[0]:
        numeric = (numeric[0], numeric[-1] + 1)  # the usual case, and faster
    mask = int.from_bytes(mask, "big")
    constant = int.from_bytes(template, "big") & mask
    return constant, mask, len(template), Struct(numbers).unpack_from, numeric, positions


def extract(apdu, plan, values, begin):
    """See plan."""
    constant, mask, length, numbers, numeric, positions = plan[_COMPILED]
    if int.from_bytes(apdu[begin : begin + length], "big") & mask != constant:
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


_by_rule = {}  # rules -> what they say, taken apart once for each shape


def _take_apart(rules):
    found = {16: [], 32: [], 8: []}
    for i in range(len(rules)):
        if rules[i]:
            found[rules[i] if rules[i] >= 16 else 8].append(i)
    return found[16], found[32], found[8]


def check(rules, limits, values, count):
    """See plan."""
    key = bytes(rules[:count])
    parts = _by_rule.get(key)
    if parts is None:
        parts = _by_rule[key] = _take_apart(key)
    unsigned, registers, signed = parts
    bad = [i for i in unsigned if values[i] > limits[i]]
    if rules[count]:
        for i in registers:
            if values[i] - limits[count + i] & 0xFFFFFFFF > limits[i]:
                bad.append(i)
    for i in signed:
        bits = (rules[i] - 8) * 8
        number = values[i]
        if number >> bits - 1 & 1:
            number = (1 << bits) - number
        if number > limits[i]:
            bad.append(i)
    if bad:
        return min(bad) + 1
    limits[count:] = values[:count]
    rules[count] = 1
    return 0
