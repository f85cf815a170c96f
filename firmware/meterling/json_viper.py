"""Writing a reading's JSON: viper kernel (twin: json_plain)."""

import micropython
from micropython import const

_FULL = const(0x3FFFFFFF)  # as the position: there is no room
_LONGEST_NUMBER = const(14)


@micropython.viper
def put_steps(out: ptr8, state: ptr32, script: ptr8, values: ptr32, apdu: ptr8, nonce: ptr8):
    """Do the steps of a script (see reading) until one is not known here, or the end.

    state: 0 position in `out`, 1 its end, 2 position in the script, 3 its end, 4 whether
    the tag was checked. Stops with state[2] at the unknown step; state[0] beyond the end
    of `out`: there is no room.
    """
    at = state[0]
    end = state[1]
    position = state[2]
    while position < state[3]:
        step = script[position]
        if step > 5:
            break
        if step == 0:
            n = script[position + 1]
            position += 2
            if at + n > end:
                at = _FULL
                break
            s = ptr8(int(script) + position)
            position += n
            o = ptr8(int(out) + at)
            at += n
            while n >= 4:
                o[0] = s[0]
                o[1] = s[1]
                o[2] = s[2]
                o[3] = s[3]
                o = ptr8(int(o) + 4)
                s = ptr8(int(s) + 4)
                n -= 4
            while n > 0:
                o[0] = s[0]
                o = ptr8(int(o) + 1)
                s = ptr8(int(s) + 1)
                n -= 1
        elif step == 1 or step == 4:
            scaler = 0
            number = uint(0)
            if step == 1:
                number = uint(values[script[position + 1]])
                scaler = script[position + 3] - 128
                room = scaler
                if scaler < 0:
                    room = 0 - scaler
                if at + room + _LONGEST_NUMBER > end:
                    at = _FULL
                    break
                n = script[position + 2]
                if n and int(number >> ((n << 3) - 1)) & 1:
                    # Two's complement of 8, 16 or 32 bits.
                    out[at] = 45  # -
                    at += 1
                    number = uint(0) - number
                    if n == 1:
                        number = number & 0xFF
                    elif n == 2:
                        number = number & 0xFFFF
                number = number & (uint(0xFFFF) << 16 | uint(0xFFFF))
                position += 4
            else:
                if at + _LONGEST_NUMBER > end:
                    at = _FULL
                    break
                number = uint(nonce[8] << 24 | nonce[9] << 16 | nonce[10] << 8 | nonce[11])
                number = number & (uint(0xFFFF) << 16 | uint(0xFFFF))
                position += 1
            if int(number) == 0 and scaler > 0:
                scaler = 0
            # Digits come out from the last to the first; count them first.
            n = 1
            power = uint(10)
            while n < 10 and number >= power:
                n += 1
                power = power * 10
            point = 0
            if scaler < 0:
                if n <= 0 - scaler:
                    n = 1 - scaler
                n += 1
                point = at + n - 1 + scaler
            i = at + n - 1
            while i >= at:
                if scaler < 0 and i == point:
                    out[i] = 46  # .
                else:
                    # Division by 10 without the port's division of negative numbers.
                    tenth = int(number >> 1) // 5
                    out[i] = 48 + int(number) - tenth * 10
                    number = uint(tenth)
                i -= 1
            at += n
            while scaler > 0:
                out[at] = 48
                at += 1
                scaler -= 1
        elif step == 2:
            n = script[position + 2] << 8 | script[position + 3]
            if at + 2 * n + 2 > end:
                at = _FULL
                break
            s = ptr8(int(apdu) + values[script[position + 1]])
            position += 4
            out[at] = 34
            at += 1
            printable = 1
            i = 0
            while i < n:
                if s[i] < 32 or s[i] > 126:
                    printable = 0
                i += 1
            i = 0
            while i < n:
                if printable:
                    if s[i] == 34 or s[i] == 92:
                        out[at] = 92
                        at += 1
                    out[at] = s[i]
                    at += 1
                else:
                    high = s[i] >> 4
                    low = s[i] & 15
                    out[at] = 48 + high + (39 if high > 9 else 0)
                    out[at + 1] = 48 + low + (39 if low > 9 else 0)
                    at += 2
                i += 1
            out[at] = 34
            at += 1
        elif step == 3:
            if at + 16 > end:
                at = _FULL
                break
            i = 0
            while i < 8:
                high = nonce[i] >> 4
                low = nonce[i] & 15
                out[at] = 48 + high + (7 if high > 9 else 0)
                out[at + 1] = 48 + low + (7 if low > 9 else 0)
                at += 2
                i += 1
            position += 1
        else:
            if at + 5 > end:
                at = _FULL
                break
            position += 1
            if state[4]:
                out[at] = 116
                out[at + 1] = 114
                out[at + 2] = 117
            else:
                out[at] = 102
                out[at + 1] = 97
                out[at + 2] = 108
                out[at + 3] = 115
                at += 1
            out[at + 3] = 101
            at += 4
    state[0] = at
    state[2] = position
