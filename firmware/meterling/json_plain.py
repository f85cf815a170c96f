"""Writing numbers as JSON: plain twin of json_viper."""

from .reading import decimal_text


def put_numbers(out, state, spec, values):
    """See json_viper.put_numbers."""
    at, end, position, stop = state[0], state[1], state[2], state[3]
    while position < stop:
        index, kind, scaler, before, after = spec[position : position + 5]
        if kind == 255:
            break
        scaler -= 128
        if at + before + after + 14 + abs(scaler) > end:
            at = 0x3FFFFFFF
            break
        number = values[index]
        if kind and number >> (8 * kind - 1) & 1:
            number -= 1 << 8 * kind
        position += 5
        text = spec[position : position + before] + decimal_text(number, scaler).encode()
        position += before + after
        text += spec[position - after : position]
        out[at : at + len(text)] = text
        at += len(text)
    state[0] = at
    state[2] = position
