"""Compare and pick up: viper kernel of plan (twin: plan_plain)."""

from array import array

import micropython

_OFFSET_ONLY = 0x8000


def compile_ops(template, ops):
    """What `extract` works from: a mask, FF where a byte is constant (bytearray, as long
    as the template), and for each value its position and width (array('H'))."""
    mask = bytearray(b"\xff" * len(template))
    places = array("H", bytes(4 * (len(ops) // 2)))
    behind = 0
    for i in range(len(ops) // 2):
        width = ops[2 * i + 1]
        places[2 * i] = behind + ops[2 * i]
        places[2 * i + 1] = width
        behind += ops[2 * i]
        for _ in range(width & ~_OFFSET_ONLY):
            mask[behind] = 0
            behind += 1
    return mask, places


@micropython.viper
def extract(apdu: ptr8, template: ptr8, compiled, values: ptr32, begin: int, count: int) -> int:
    """See plan."""
    base = int(apdu)
    mask = ptr8(compiled[0])
    n = int(len(compiled[0]))
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
    places = ptr16(compiled[1])
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
