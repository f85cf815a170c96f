"""Finding bare ciphered APDUs: plain twin of apdu_viper."""


def _header(raw, p, end):
    """(need, size, body): bytes needed to tell, or body length (0: none) and start."""
    if p + 1 >= end:
        return p + 2, 0, 0
    if raw[p + 1] != 8:
        return 0, 0, 0
    q = p + 10
    if q >= end:
        return q + 1, 0, 0
    size = raw[q]
    q += 1
    if size in (0x81, 0x82):
        more = size & 0x0F
        if q + more > end:
            return q + more, 0, 0
        size = int.from_bytes(raw[q : q + more], "big")
        q += more
    elif size > 0x7F:
        return 0, 0, 0
    if size <= 5:
        return 0, 0, 0
    if q >= end:
        return q + 1, size, 0
    if raw[q] & 0xCE or not raw[q] & 0x30:
        return 0, 0, 0
    return 0, size, q


def find(raw, at):
    """Look for an APDU in `raw[START:END]`; the words of `at` are framer's."""
    p, end, quiet = at[0], at[1], at[5]
    at[3] = at[4] = at[6] = 0
    while p < end:
        if raw[p] not in (0xDB, 0xDC):
            p += 1
            continue
        need, size, body = _header(raw, p, end)
        if not need:
            if not size:
                p += 1
                continue
            stop = body + size
            again = raw.find(raw[p : p + 10], p + 10, min(stop, end))
            if again >= 0:
                at[6] += 1
                p = again
                continue
            if stop <= end:
                at[0], at[3] = p, stop - p
                return
            need = stop
        if quiet:
            at[6] += size > 5
            p += 1
            continue
        at[0], at[2] = p, need
        return
    at[0], at[2] = end, end + 1
