"""Finding M-Bus long frames: plain twin of mbus_viper."""


def find(raw, at):
    """Look for a frame in `raw[START:END]`; the words of `at` are framer's."""
    start, end, quiet = at[0], at[1], at[5]
    keep = need = None
    failed = before = 0
    at[3] = at[6] = 0
    p = raw.find(0x68, start, end)
    while p >= 0:
        if p + 4 > end:
            if not quiet:
                if keep is None:
                    keep, before = p, failed
                need = min(need or p + 4, p + 4)
                break
        elif raw[p + 3] == 0x68 and raw[p + 1] == raw[p + 2]:
            short = raw[p + 1]
            waits = False
            for size in (short, short + 256):
                stop = p + size + 5
                if size < 3:
                    continue
                if stop >= end:
                    if quiet:
                        at[6] += size < 256
                        break
                    waits = size < 256
                    if keep is None:
                        keep, before = p, failed
                    need = min(need or stop + 1, stop + 1)
                    break
                if raw[stop] == 0x16 and sum(raw[p + 4 : stop - 1]) & 0xFF == raw[stop - 1]:
                    at[0], at[3], at[4] = p, size + 6, failed
                    return
                failed += size < 256
            if waits:
                break
        p = raw.find(0x68, p + 1, end)
    if keep is None:
        at[0], at[2], at[4] = end, end + 4, failed
    else:
        at[0], at[2], at[4] = keep, need, before
