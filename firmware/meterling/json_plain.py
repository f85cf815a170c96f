"""Writing a reading's JSON: plain twin of json_viper."""

from binascii import hexlify

_FULL = 0x3FFFFFFF
_LONGEST_NUMBER = 14


def put_steps(out, state, script, values, apdu, nonce):
    """See json_viper.put_steps."""
    from .reading import decimal_text

    at, end, position, stop, authenticated = state
    while position < stop:
        step = script[position]
        if step > 5:
            break
        if step == 0:
            behind = position + 2 + script[position + 1]
            text = script[position + 2 : behind]
            room = len(text)
            position = behind
        elif step == 1:
            number = values[script[position + 1]]
            width, scaler = script[position + 2], script[position + 3] - 128
            if width and number >> 8 * width - 1 & 1:
                number -= 1 << 8 * width
            text = decimal_text(number, scaler).encode()
            room = abs(scaler) + _LONGEST_NUMBER
            position += 4
        elif step == 2:
            begin = values[script[position + 1]]
            text = bytes(apdu[begin : begin + (script[position + 2] << 8 | script[position + 3])])
            room = 2 * len(text) + 2
            if all(32 <= byte < 127 for byte in text):
                text = text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            else:
                text = hexlify(text)
            text = b'"' + text + b'"'
            position += 4
        elif step == 3:
            text = hexlify(bytes(nonce[:8])).upper()
            room = len(text)
            position += 1
        elif step == 4:
            text = str(int.from_bytes(bytes(nonce[8:]), "big")).encode()
            room = _LONGEST_NUMBER
            position += 1
        else:
            text = b"true" if authenticated else b"false"
            room = 5
            position += 1
        if at + room > end:
            at = _FULL
            break
        out[at : at + len(text)] = text
        at += len(text)
    state[0] = at
    state[2] = position
