"""Finding bare ciphered APDUs: viper kernel (twin: apdu_plain)."""

import micropython


@micropython.viper
def find(raw: ptr8, at: ptr32):
    """Look for an APDU in `raw[START:END]`; the words of `at` are framer's."""
    p = at[0]
    end = at[1]
    at[3] = 0
    at[4] = 0
    at[6] = 0
    while p < end:
        if raw[p] & 0xF8 != 0xD8 or (raw[p] != 0xDB and raw[p] != 0xDC):
            p += 1
            continue
        # Everything up to the security control byte must be right, or it is none.
        q = p + 1
        need = 0
        size = 0
        if q >= end:
            need = q + 1
        elif raw[q] == 8:
            q += 9
            if q >= end:
                need = q + 1
            else:
                size = raw[q]
                q += 1
                if size == 0x81:
                    if q >= end:
                        need = q + 1
                    else:
                        size = raw[q]
                        q += 1
                elif size == 0x82:
                    if q + 1 >= end:
                        need = q + 2
                    else:
                        size = raw[q] << 8 | raw[q + 1]
                        q += 2
                elif size > 0x7F:
                    size = 0
                if not need and size > 5:
                    if q >= end:
                        need = q + 1
                    elif (raw[q] & 0xCE) or not raw[q] & 0x30:
                        size = 0
        if not need:
            if size <= 5:
                p += 1
                continue
            stop = q + size
            # The same tag and title once more before the end: this one was cut short.
            r = p + 10
            limit = stop - 10
            if limit > end - 10:
                limit = end - 10
            cut = 0
            while r <= limit:
                if raw[r] == raw[p] and raw[r + 1] == 8:
                    i = 2
                    while i < 10 and raw[r + i] == raw[p + i]:
                        i += 1
                    if i == 10:
                        cut = 1
                        break
                r += 1
            if cut:
                at[6] += 1
                p = r
                continue
            if stop <= end:
                at[0] = p
                at[3] = stop - p
                return
            need = stop
        if at[5]:
            at[6] += int(size > 5)
            p += 1
            continue
        at[0] = p
        at[2] = need
        return
    at[0] = end
    at[2] = end + 1
