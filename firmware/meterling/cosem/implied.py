"""Unit and scaler of a value whose frame gives none: by its OBIS code, and by what the maker
documents. Only used while a layout is matched; see layouts, `quantity`."""


def implied(word, code):
    """(unit, scaler) of the value under an OBIS code (bytes, 6): unit by its enumeration
    value, 0 if nobody knows it.

    word (bytes): `quantity` or `pushed`, and behind it what is documented, as
    `:current:-2:energy:1`. ValueError: a scaler is no number.
    """
    if code[0] != 1 or not 7 <= code[3] <= 9 or not 1 <= code[2] <= 80:
        return 0, 0
    # The phases repeat the sums' codes at 20, 40 and 60 more.
    c = code[2] % 20
    phase = code[2] > 20
    kind = b"power"
    unit = 0
    if 1 <= c <= 10:
        unit = 27 if c < 3 else 29 if c < 9 else 28  # W, var, VA
        if code[3] > 7:
            kind = b"energy"
            unit = 30 if c < 3 else 32 if c < 9 else 31
    elif code[3] > 7:
        return 0, 0
    elif c == 11 and phase:
        kind, unit = b"current", 33
    elif c == 12 and phase:
        kind, unit = b"voltage", 35
    elif c == 13:
        kind, unit = b"factor", 255
    rules = word.split(b":")
    for i in range(1, len(rules) - 1, 2):
        if rules[i] == kind:
            return unit, int(rules[i + 1])
    return (unit if 1 <= c <= 10 else 0), 0
