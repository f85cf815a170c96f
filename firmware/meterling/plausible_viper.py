"""Checking values against their limits: viper kernel (twin: plausible_plain)."""

import micropython


@micropython.viper
def check(values: ptr32, limits: ptr32, rules: ptr8, last: ptr32, count: int, known: bool) -> int:
    """0 if every value keeps its rule, and then `last` becomes `values`; else 1 + the
    index of the first that does not. known: `last` is of this meter."""
    i = 0
    while i < count:
        rule = rules[i]
        if rule:
            number = uint(values[i])
            if rule == 32:
                if known:
                    number = uint(values[i] - last[i])
                else:
                    number = uint(0)
            elif rule < 16:
                bits = (rule - 8) << 3
                if int(number >> (bits - 1)) & 1:
                    number = uint(0) - number
                    if bits == 8:
                        number = number & 0xFF
                    elif bits == 16:
                        number = number & 0xFFFF
            number = number & (uint(0xFFFF) << 16 | uint(0xFFFF))
            if number > uint(limits[i]):
                return i + 1
        i += 1
    i = 0
    while i < count:
        last[i] = values[i]
        i += 1
    return 0
