"""Compare and pick up: viper kernel of plan (twin: plan_plain)."""

import micropython


_TEMPLATE = micropython.const(0)  # of a plan's parts
_OPS = micropython.const(1)
_COUNT = micropython.const(2)


@micropython.viper
def extract(parts, apdu: ptr8, begin: int, end: int, values: ptr32) -> int:
    """See plan."""
    template = parts[_TEMPLATE]
    if int(len(template)) > end - begin:
        return 0
    p = ptr8(int(apdu) + begin)
    t = ptr8(template)
    ops = ptr16(parts[_OPS])
    count = int(parts[_COUNT])
    i = 0
    while True:
        n = ops[0]
        while n >= 4:
            if (p[0] ^ t[0]) | (p[1] ^ t[1]) | (p[2] ^ t[2]) | (p[3] ^ t[3]):
                return 0
            p = ptr8(int(p) + 4)
            t = ptr8(int(t) + 4)
            n -= 4
        while n:
            if p[0] != t[0]:
                return 0
            p = ptr8(int(p) + 1)
            t = ptr8(int(t) + 1)
            n -= 1
        if i == count:
            return 1
        n = ops[1]
        if n == 4:
            values[i] = p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]
        elif n == 2:
            values[i] = p[0] << 8 | p[1]
        elif n == 1:
            values[i] = p[0]
        else:
            values[i] = int(p) - int(apdu)
            n &= 0x7FFF
        p = ptr8(int(p) + n)
        t = ptr8(int(t) + n)
        ops = ptr16(int(ops) + 4)
        i += 1
