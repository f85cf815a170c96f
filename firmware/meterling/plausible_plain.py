"""Checking values against their limits: plain twin of plausible_viper."""


def check(parts, values):
    """See Plausible."""
    rules, limits, last, known, count = parts
    for i in range(count):
        rule = rules[i]
        if rule:
            number = values[i]
            if rule == 32:
                number = number - last[i] & 0xFFFFFFFF if known[0] else 0
            elif rule < 16:
                bits = (rule - 8) * 8
                if number >> bits - 1 & 1:
                    number = (1 << bits) - number
            if number > limits[i]:
                return i + 1
    last[:count] = values[:count]
    known[0] = 1
    return 0
