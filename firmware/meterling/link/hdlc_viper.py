"""Finding HDLC frames and CRC-16/X.25: viper kernels (twin: hdlc_plain)."""

from array import array

import micropython


def crc_table():
    """256 words of CRC-16/X.25 (polynomial 8408, reflected), array('H')."""
    table = array("H", bytes(512))
    for i in range(256):
        crc = i
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
        table[i] = crc
    return table


@micropython.viper
def crc(table: ptr16, raw: ptr8, begin: int, count: int) -> int:
    """CRC-16/X.25 of `count` bytes; over data and its own CRC it is F0B8."""
    value = 0xFFFF
    p = ptr8(int(raw) + begin)
    while count >= 4:
        value = (value >> 8) ^ table[(value ^ p[0]) & 0xFF]
        value = (value >> 8) ^ table[(value ^ p[1]) & 0xFF]
        value = (value >> 8) ^ table[(value ^ p[2]) & 0xFF]
        value = (value >> 8) ^ table[(value ^ p[3]) & 0xFF]
        p = ptr8(int(p) + 4)
        count -= 4
    while count > 0:
        value = (value >> 8) ^ table[(value ^ p[0]) & 0xFF]
        p = ptr8(int(p) + 1)
        count -= 1
    return value


@micropython.viper
def find(raw: ptr8, at: ptr32, table):
    """Look for a frame in `raw[START:END]`; the words of `at` are framer's. LENGTH is
    from the opening flag to the FCS: the closing flag may open the next frame."""
    p = at[0]
    end = at[1]
    failed = 0
    at[3] = 0
    at[6] = 0
    while p < end:
        if raw[p] != 0x7E:
            p += 1
            continue
        if p + 3 > end:
            if at[5]:
                p = end
                continue
            at[0] = p
            at[2] = p + 3
            at[4] = failed
            return
        if raw[p + 1] & 0xF0 != 0xA0:
            p += 1
            continue
        # Two addresses of 1 to 4 bytes, each ending with bit 0 set.
        size = (raw[p + 1] & 7) << 8 | raw[p + 2]
        stop = p + size + 1
        q = p + 3
        addresses = 0
        while addresses < 2 and q < end and q < p + 11:
            addresses += raw[q] & 1
            q += 1
        q += 1  # control
        bad = 0
        if addresses < 2:
            if q <= end:
                bad = 1  # no address is that long
        elif q + 2 <= end and q + 2 <= stop:
            # The HCS of a bogus header shows at once, without waiting for its end.
            if raw[q] | raw[q + 1] and int(crc(table, raw, p + 1, q + 1 - p)) != 0xF0B8:
                bad = 1
        if size < q - p:
            bad = 1
        if not bad:
            if stop >= end:
                if not at[5]:
                    at[0] = p
                    at[2] = stop + 1
                    if q + 2 > end and q + 2 <= stop:
                        at[2] = q + 2
                    at[4] = failed
                    return
                at[6] += 1
            elif raw[stop] == 0x7E and (
                not raw[stop - 1] | raw[stop - 2] or int(crc(table, raw, p + 1, size)) == 0xF0B8
            ):
                at[0] = p
                at[3] = size + 1
                at[4] = failed
                return
            else:
                failed += 1
        else:
            failed += 1
        p += 1
    at[0] = end
    at[2] = end + 3
    at[4] = failed
