"""Compare and pick up: viper kernel of plan (twin: plan_plain)."""

import micropython


def compile_ops(_template, ops):
    """What `extract` works from: the operations as they are."""
    return ops


@micropython.viper
def extract(
    apdu: ptr8, template: ptr8, ops: ptr16, values: ptr32, begin: int, count: int
) -> int:
    """See plan."""
    base = int(apdu)
    apdu = ptr8(base + begin)
    while True:
        n = ops[0]
        if (int(apdu) ^ int(template)) & 3 == 0:
            # Both reach a word boundary together: words in place of bytes from there.
            while n > 0 and int(apdu) & 3:
                if apdu[0] != template[0]:
                    return 0
                apdu = ptr8(int(apdu) + 1)
                template = ptr8(int(template) + 1)
                n -= 1
            while n >= 4:
                if ptr32(int(apdu))[0] != ptr32(int(template))[0]:
                    return 0
                apdu = ptr8(int(apdu) + 4)
                template = ptr8(int(template) + 4)
                n -= 4
        while n > 0:
            if apdu[0] != template[0]:
                return 0
            apdu = ptr8(int(apdu) + 1)
            template = ptr8(int(template) + 1)
            n -= 1
        if count == 0:
            return 1
        count -= 1
        n = ops[1]
        if n == 4:
            values[0] = apdu[0] << 24 | apdu[1] << 16 | apdu[2] << 8 | apdu[3]
        elif n == 2:
            values[0] = apdu[0] << 8 | apdu[1]
        elif n == 1:
            values[0] = apdu[0]
        else:
            values[0] = int(apdu) - base
            n &= 0x7FFF
        values = ptr32(int(values) + 4)
        apdu = ptr8(int(apdu) + n)
        template = ptr8(int(template) + n)
        ops = ptr16(int(ops) + 4)
