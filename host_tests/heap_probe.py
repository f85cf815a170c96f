"""Runs on MicroPython: what feeding a telegram allocates once its shape is known.

Arguments: link, key, authentication key (hex or "-"), file of telegrams (each with its length
in two bytes ahead), warm, chunk. The first `warm` telegrams may allocate. Then half of the
others are fed while allocations are summed up, the other half while the heap is locked (an
allocation raises MemoryError). Prints: readings, bytes allocated, telegrams that failed.
"""

import gc
import sys
from binascii import unhexlify

import micropython
from meterling.decoder import Decoder

link, key, auth_key, path, warm, chunk = sys.argv[1:]
warm, chunk = int(warm), int(chunk)
readings = 0


def on_reading(reading):
    global readings
    readings += 1


def keyed(text):
    return None if text == "-" else unhexlify(text)


telegrams = []
with open(path, "rb") as file:
    data = file.read()
position = 0
while position < len(data):
    length = data[position] << 8 | data[position + 1]
    telegram = data[position + 2 : position + 2 + length]
    telegrams.append([telegram[i : i + chunk] for i in range(0, length, chunk)])
    position += 2 + length

decoder = Decoder(link, keyed(key), keyed(auth_key), on_reading)
feed = decoder.feed


def run(parts):
    for part in parts:
        feed(part, len(part))


def measure(telegrams):
    """Bytes that are allocated."""
    allocated = 0
    for parts in telegrams:
        before = gc.mem_alloc()
        run(parts)
        allocated += gc.mem_alloc() - before
    return allocated


def count_failed(telegrams):
    """How many need memory where there is none."""
    failed = 0
    for parts in telegrams:
        micropython.heap_lock()
        try:
            run(parts)
        except MemoryError:
            failed += 1
        micropython.heap_unlock()
    return failed


for parts in telegrams[:warm]:
    run(parts)
middle = (warm + len(telegrams)) // 2
first, second = telegrams[warm:middle], telegrams[middle:]
gc.collect()
gc.disable()
allocated = measure(first)
failed = count_failed(second)
print(readings, allocated, failed)
