"""What is done with a telegram whose plan is known: viper kernels (twin: plan_plain)."""

import micropython
from micropython import const

# Parts of a plan, and words of its shape; see plan.
_SHAPE = const(0)
_TEMPLATE = const(1)
_COMPILED = const(2)
_PLACES = const(5)
_LENGTH = const(0)
_COUNT = const(1)


@micropython.viper
def extract(apdu: ptr8, plan, values: ptr32, begin: int) -> int:
    """See plan."""
    base = int(apdu)
    template = ptr8(plan[_TEMPLATE])
    mask = ptr8(plan[_COMPILED])
    shape = ptr16(plan[_SHAPE])
    n = shape[_LENGTH]
    apdu = ptr8(base + begin)
    if int(apdu) & 3 == 0:
        # What was deciphered begins on a word boundary, as template and mask do.
        a = ptr32(int(apdu))
        t = ptr32(int(template))
        m = ptr32(int(mask))
        while n >= 16:
            if (
                (a[0] ^ t[0]) & m[0]
                | (a[1] ^ t[1]) & m[1]
                | (a[2] ^ t[2]) & m[2]
                | (a[3] ^ t[3]) & m[3]
            ):
                return 0
            a = ptr32(int(a) + 16)
            t = ptr32(int(t) + 16)
            m = ptr32(int(m) + 16)
            n -= 16
        apdu = ptr8(int(a))
        template = ptr8(int(t))
        mask = ptr8(int(m))
    while n > 0:
        if (apdu[0] ^ template[0]) & mask[0]:
            return 0
        apdu = ptr8(int(apdu) + 1)
        template = ptr8(int(template) + 1)
        mask = ptr8(int(mask) + 1)
        n -= 1
    places = ptr16(plan[_PLACES])
    count = shape[_COUNT]
    begin += base
    while count > 0:
        apdu = ptr8(begin + places[0])
        n = places[1]
        if n == 4:
            values[0] = apdu[0] << 24 | apdu[1] << 16 | apdu[2] << 8 | apdu[3]
        elif n == 2:
            values[0] = apdu[0] << 8 | apdu[1]
        elif n == 1:
            values[0] = apdu[0]
        else:
            values[0] = int(apdu) - base
        values = ptr32(int(values) + 4)
        places = ptr16(int(places) + 4)
        count -= 1
    return 1


@micropython.viper
def check(rules: ptr8, limits: ptr32, values: ptr32, count: int) -> int:
    """See plan."""
    last = ptr32(int(limits) + (count << 2))
    i = 0
    while i < count:
        rule = rules[i]
        if rule:
            number = uint(values[i])
            if rule == 32:
                if rules[count]:
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
    rules[count] = 1
    return 0


@micropython.viper
def newer(nonce: ptr8, last: ptr8) -> int:
    """See plan."""
    i = 0
    while i < 12:
        if nonce[i] != last[i]:
            if i < 8:
                return 2
            if nonce[i] > last[i]:
                return 1
            return 0
        i += 1
    return 3
