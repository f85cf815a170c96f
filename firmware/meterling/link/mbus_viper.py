"""Finding M-Bus long frames: viper kernel (twin: mbus_plain)."""

import micropython


@micropython.viper
def find(raw: ptr8, at: ptr32):
    """Look for a frame in `raw[START:END]`; the words of `at` are framer's."""
    p = at[0]
    end = at[1]
    keep = 0x3FFFFFFF  # first byte of a frame that may still become complete
    need = 0x3FFFFFFF
    failed = 0
    before = 0  # failed ahead of `keep`
    at[3] = 0
    at[6] = 0
    while p < end:
        if raw[p] == 0x68:
            if p + 4 > end:
                if not at[5]:
                    if p < keep:
                        keep = p
                        before = failed
                    if p + 4 < need:
                        need = p + 4
                    break
            elif raw[p + 3] == 0x68 and raw[p + 1] == raw[p + 2]:
                size = raw[p + 1]  # first as it stands, then as L + 256
                waits = 0
                while size < 512:
                    stop = p + size + 5
                    if stop >= end:
                        if size < 3:
                            size += 256
                            continue
                        if at[5]:
                            at[6] += int(size < 256)
                            break
                        waits = size
                        if p < keep:
                            keep = p
                            before = failed
                        if stop + 1 < need:
                            need = stop + 1
                        break
                    if raw[stop] == 0x16 and size >= 3:
                        total = 0
                        q = ptr8(int(raw) + p + 4)
                        n = size
                        while n >= 8:
                            total += q[0] + q[1] + q[2] + q[3] + q[4] + q[5] + q[6] + q[7]
                            q = ptr8(int(q) + 8)
                            n -= 8
                        while n > 0:
                            total += q[0]
                            q = ptr8(int(q) + 1)
                            n -= 1
                        if total & 0xFF == q[0]:
                            at[0] = p
                            at[3] = size + 6
                            at[4] = failed
                            return
                    failed += int(3 <= size) & int(size < 256)
                    size += 256
                if waits and waits < 256:
                    break  # let it become complete before looking inside it
        p += 1
    if keep == 0x3FFFFFFF:
        at[0] = end
        at[2] = end + 4
        at[4] = failed
    else:
        at[0] = keep
        at[2] = need
        at[4] = before
