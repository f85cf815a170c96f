"""Loops over bytes: copying, searching, checksum. Viper kernels (twin: octets_plain)."""

from .python import VIPER, micropython

if not VIPER:
    from .python import ptr8

# A kernel's first two locals live in registers, the others in memory: the parameters
# come in the order of how much they are used in the loops.


@micropython.viper
def copy(target: ptr8, source: ptr8, at: int, begin: int, count: int):
    """Copy `count` bytes from `source[begin]` to `target[at]`, upwards (a move
    towards lower addresses inside one buffer is fine)."""
    target = ptr8(int(target) + at)
    source = ptr8(int(source) + begin)
    if (int(target) ^ int(source)) & 3 == 0 and count > 15:
        # Whole words where both sides allow it: Xtensa traps on others.
        while int(target) & 3:
            target[0] = source[0]
            target = ptr8(int(target) + 1)
            source = ptr8(int(source) + 1)
            count -= 1
        t = ptr32(int(target))
        s = ptr32(int(source))
        at = count >> 4
        while at > 0:
            t[0] = s[0]
            t[1] = s[1]
            t[2] = s[2]
            t[3] = s[3]
            t = ptr32(int(t) + 16)
            s = ptr32(int(s) + 16)
            at -= 1
        target = ptr8(int(t))
        source = ptr8(int(s))
        count &= 15
    while count >= 8:
        target[0] = source[0]
        target[1] = source[1]
        target[2] = source[2]
        target[3] = source[3]
        target[4] = source[4]
        target[5] = source[5]
        target[6] = source[6]
        target[7] = source[7]
        target = ptr8(int(target) + 8)
        source = ptr8(int(source) + 8)
        count -= 8
    while count > 0:
        target[0] = source[0]
        target = ptr8(int(target) + 1)
        source = ptr8(int(source) + 1)
        count -= 1


@micropython.viper
def index(data: ptr8, value: int, begin: int, end: int) -> int:
    """Position of the first byte `value` in `data[begin:end]`, or `end`."""
    while begin < end and data[begin] != value:
        begin += 1
    return begin


@micropython.viper
def checksum(data: ptr8, begin: int, count: int) -> int:
    """Sum of `count` bytes modulo 256."""
    data = ptr8(int(data) + begin)
    total = 0
    while count >= 16:
        begin = data[0] + data[1] + data[2] + data[3] + data[4] + data[5] + data[6] + data[7]
        total += begin + data[8] + data[9] + data[10] + data[11]
        total += data[12] + data[13] + data[14] + data[15]
        data = ptr8(int(data) + 16)
        count -= 16
    while count > 0:
        total += data[0]
        data = ptr8(int(data) + 1)
        count -= 1
    return total & 0xFF


def extend(buffer, size):
    """Make `buffer` (bytearray) `size` bytes long, in place; False if there is no memory
    for it, and then it is as it was."""
    try:
        buffer.extend(bytes(size - len(buffer)))
    except MemoryError:
        return False
    return True


if not VIPER:
    from .octets_plain import checksum, copy, index  # noqa: F401, F811
