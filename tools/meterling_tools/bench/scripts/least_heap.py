"""Runs under MicroPython in as little heap as possible: bytes from a file into a decoder.

least_heap FILE LINK KEY AUTH_KEY

Prints how many readings came; with the LINK "none" it only reads the file. As .mpy, and with
nothing in it that the decoder would not need anyway: what it takes is counted, too.
"""

import sys

_CHUNK = 64


def main(path, link, key, auth_key):
    count = [0]
    decoder = None
    if link != "none":
        from meterling.decoder import Decoder

        def on_reading(reading):
            count[0] += 1

        decoder = Decoder(link, _key(key), _key(auth_key), on_reading)
    buffer = bytearray(_CHUNK)
    with open(path, "rb") as file:
        while True:
            length = file.readinto(buffer)
            if not length:
                break
            if decoder:
                decoder.feed(buffer, length)
    print(count[0])


def _key(text):
    return None if text == "-" else bytes.fromhex(text)


main(*sys.argv[1:])
