"""Writing numbers as JSON: viper kernel (twin: json_plain)."""

import micropython


@micropython.viper
def put_numbers(out: ptr8, state: ptr32, spec: ptr8, values: ptr32):
    """Write one value after the other as `spec` says, until one is no number.

    state: 0 position in `out`, 1 its end, 2 position in `spec`, 3 end of `spec`.
    spec, for each value: index, kind (0 unsigned, 1/2/4 signed of that many bytes,
    255 no number), scaler + 128, length of text before and after, the two texts.
    Stops with state[2] at a value that is no number; state[0] = -1: no room.
    """
    at = state[0]
    end = state[1]
    s = ptr8(int(spec) + state[2])
    stop = int(spec) + state[3]
    while int(s) < stop:
        kind = s[1]
        if kind == 255:
            break
        scaler = s[2] - 128
        before = s[3]
        after = s[4]
        room = before + after + 14
        if scaler > 0:
            room += scaler
        else:
            room -= scaler
        if at + room > end:
            at = 0x3FFFFFFF
            break
        number = uint(values[s[0]])
        s = ptr8(int(s) + 5)
        i = 0
        while i < before:
            out[at] = s[0]
            s = ptr8(int(s) + 1)
            at += 1
            i += 1
        if kind:
            # Two's complement of 8, 16 or 32 bits; what goes beyond 32 is cut off.
            shift = 32 - (kind << 3)
            i = int(number >> ((kind << 3) - 1))
            if i & 1:
                out[at] = 45  # -
                at += 1
                number = uint(0) - number
                if shift == 24:
                    number = number & 0xFF
                elif shift == 16:
                    number = number & 0xFFFF
                else:
                    number = number & (uint(0xFFFF) << 16 | uint(0xFFFF))
        zeros = scaler
        if int(number) == 0:
            zeros = 0
        # Digits come out from the last to the first; count them first.
        n = 1
        power = uint(10)
        while n < 10 and number >= power:
            n += 1
            power = power * 10
        if scaler < 0:
            if n <= 0 - scaler:
                n = 1 - scaler
            n += 1
        i = at + n - 1
        point = i + scaler if scaler < 0 else 0
        while i >= at:
            if scaler < 0 and i == point:
                out[i] = 46  # .
            else:
                # Division by 10 without the port's division of negative numbers.
                half = int(number >> 1) // 5
                out[i] = 48 + int(number) - half * 10
                number = uint(half)
            i -= 1
        at += n
        while zeros > 0:
            out[at] = 48
            at += 1
            zeros -= 1
        i = 0
        while i < after:
            out[at] = s[0]
            s = ptr8(int(s) + 1)
            at += 1
            i += 1
    state[0] = at
    state[2] = int(s) - int(spec)
