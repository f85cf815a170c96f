"""Copying bytes without a slice object: viper kernel (twin: copy_plain)."""

import micropython


@micropython.viper
def copy(target: ptr8, at: int, source: ptr8, begin: int, count: int):
    """Copy `count` bytes from `source[begin]` to `target[at]`, upwards (a move
    towards lower addresses inside one buffer is fine)."""
    t = ptr8(int(target) + at)
    s = ptr8(int(source) + begin)
    if (int(t) | int(s)) & 3 == 0:
        # Four bytes at a time where both sides allow it: Xtensa traps on others.
        t32 = ptr32(int(t))
        s32 = ptr32(int(s))
        while count >= 16:
            t32[0] = s32[0]
            t32[1] = s32[1]
            t32[2] = s32[2]
            t32[3] = s32[3]
            t32 = ptr32(int(t32) + 16)
            s32 = ptr32(int(s32) + 16)
            count -= 16
        t = ptr8(int(t32))
        s = ptr8(int(s32))
    while count >= 4:
        t[0] = s[0]
        t[1] = s[1]
        t[2] = s[2]
        t[3] = s[3]
        t = ptr8(int(t) + 4)
        s = ptr8(int(s) + 4)
        count -= 4
    while count > 0:
        t[0] = s[0]
        t = ptr8(int(t) + 1)
        s = ptr8(int(s) + 1)
        count -= 1
