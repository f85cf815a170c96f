"""Finding HDLC frames and CRC-16/X.25: plain twin of hdlc_viper."""

from binascii import crc_hqx

_REVERSED = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
_GOOD = 0x1D0F  # what F0B8 is, read from the other end


def crc_table():
    """The unreflected CRC of the C library serves; no table is needed."""
    return None


def _right(raw, begin, end):
    return crc_hqx(bytes(raw[begin:end]).translate(_REVERSED), 0xFFFF) == _GOOD


def find(raw, at, _table):
    """Look for a frame in `raw[START:END]`; the words of `at` are framer's."""
    end, quiet = at[1], at[5]
    failed = 0
    at[3] = at[6] = 0
    p = raw.find(0x7E, at[0], end)
    while p >= 0:
        if p + 3 > end:
            if quiet:
                break
            at[0], at[2], at[4] = p, p + 3, failed
            return
        if raw[p + 1] & 0xF0 == 0xA0:
            size = (raw[p + 1] & 7) << 8 | raw[p + 2]
            stop = p + size + 1
            q = p + 3
            addresses = 0
            while addresses < 2 and q < end and q < p + 11:
                addresses += raw[q] & 1
                q += 1
            q += 1
            bad = size < q - p
            if addresses < 2:
                bad = bad or q <= end
            elif q + 2 <= end and q + 2 <= stop and (raw[q] or raw[q + 1]):
                bad = bad or not _right(raw, p + 1, q + 2)
            if bad:
                failed += 1
            elif stop >= end:
                if not quiet:
                    need = q + 2 if end < q + 2 <= stop else stop + 1
                    at[0], at[2], at[4] = p, need, failed
                    return
                at[6] += 1
            elif raw[stop] == 0x7E and (
                not (raw[stop - 1] or raw[stop - 2]) or _right(raw, p + 1, stop)
            ):
                at[0], at[3], at[4] = p, size + 1, failed
                return
            else:
                failed += 1
        p = raw.find(0x7E, p + 1, end)
    at[0], at[2], at[4] = end, end + 3, failed
