"""Runs under MicroPython: what a telegram allocates once its shape is known.

    steady_heap.py FILE LINK KEY AUTH_KEY WARM

Prints: telegrams measured, readings of all, bytes allocated in `feed` by those measured, and
how many of as many more telegrams a locked heap made fail. WARM telegrams go ahead of them.
Every other telegram comes in pieces, as from a UART.
"""

import gc
import sys

import micropython
from meterling.decoder import Decoder

_PIECE = 32

# Counts every byte ever allocated, even if it was given back at once; where MicroPython was
# built without that count, only what waits for the (disabled) collector is seen.
allocated = getattr(micropython, "mem_total", gc.mem_alloc)

readings = 0


def on_reading(reading):
    global readings
    readings += 1


def key(text):
    return None if text == "-" else bytes.fromhex(text)


def pieces(file, buffer):
    """Read the file piece by piece into `buffer`: yields (number of the telegram, length)."""
    head = bytearray(2)
    number = 0
    while file.readinto(head) == 2:
        left = head[0] << 8 | head[1]
        size = _PIECE if number & 1 else len(buffer)
        while left:
            length = file.readinto(buffer, min(size, left))
            left -= length
            yield number, length
        number += 1


def main(path, link, encryption, authentication, warm):
    warm = int(warm)
    decoder = Decoder(link, key(encryption), key(authentication), on_reading)
    feed = decoder.feed
    buffer = bytearray(2048)
    with open(path, "rb") as file:
        end = (sum(1 for _ in telegrams(file)) - warm) // 2 + warm
    total = 0
    failed = set()
    gc.collect()
    gc.disable()
    with open(path, "rb") as file:
        for number, length in pieces(file, buffer):
            if number < warm:
                feed(buffer, length)
            elif number < end:
                before = allocated()
                feed(buffer, length)
                total += allocated() - before
            else:
                refused = False
                micropython.heap_lock()
                try:
                    feed(buffer, length)
                except MemoryError:
                    refused = True
                micropython.heap_unlock()
                if refused:
                    failed.add(number)
    print(end - warm, readings, total, len(failed))


def telegrams(file):
    """The length of each telegram in the file."""
    head = bytearray(2)
    while file.readinto(head) == 2:
        length = head[0] << 8 | head[1]
        file.seek(length, 1)
        yield length


main(*sys.argv[1:])
