"""Checking values against their limits: viper kernel (twin: plausible_plain)."""

import micropython
from micropython import const


_RULES = const(0)  # of the parts
_LIMITS = const(1)
_LAST = const(2)
_KNOWN = const(3)
_COUNT = const(4)


@micropython.viper
def check(parts, values: ptr32) -> int:
    """See Plausible."""
    rules = ptr8(parts[_RULES])
    limits = ptr32(parts[_LIMITS])
    last = ptr32(parts[_LAST])
    known = ptr8(parts[_KNOWN])
    count = int(parts[_COUNT])
    i = 0
    while i < count:
        rule = rules[i]
        if rule:
            number = uint(values[i])
            if rule == 32:
                if known[0]:
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
    known[0] = 1
    return 0
