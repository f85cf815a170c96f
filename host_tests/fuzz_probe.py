"""Runs on every interpreter: feeds a file to the decoder and prints what became of it.

Arguments: link, key, authentication key (hex or "-"), file, bytes fed at once. Prints the
invocation counter of each reading, the counters, and the most memory that was in use at the
eighths of the first and of the second half of the file (bytes; CPython: 0).
"""

import gc
import sys
from binascii import unhexlify

from meterling.decoder import Decoder


def used():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0


link, key, auth_key, path, step = sys.argv[1:]
step = int(step)
decoder = Decoder(
    link,
    unhexlify(key) if key != "-" else None,
    unhexlify(auth_key) if auth_key != "-" else None,
    lambda reading: print(reading.invocation_counter, reading.time),
)
part = bytearray(step)
file = open(path, "rb")
file.seek(0, 2)
total = file.tell()
file.seek(0)


def feed_until(stop):
    while file.tell() < stop:
        decoder.feed(part, file.readinto(part))
    decoder.quiet()
    return used()


marks = [feed_until(total * eighth // 8) for eighth in range(1, 9)]
print("counters", list(decoder.counters.counts))
print("memory", max(marks[:4]), max(marks[4:]), file=sys.stderr)
