"""Runs on every interpreter: decodes what standard input says, one JSON job a line (see
decoding.probe), and prints each reading as the firmware writes it, and the counters."""

import json
import sys
from binascii import unhexlify

from meterling.decoder import Decoder

out = bytearray(16384)


def show(reading):
    end = reading.put_json(out, 0)
    print(end, bytes(out[:end]).decode())
    # What the accessors say must be the same everywhere, too.
    for i in range(len(reading)):
        print(
            reading.name(i),
            reading.value(i),
            reading.unit(i),
            reading.raw(i),
            reading.scaler(i),
            reading.is_number(i),
        )
    print(reading.layout, reading.meter, reading.time, reading.time_as_sent)


for line in sys.stdin:
    job = json.loads(line)
    raw = unhexlify(job["raw"])
    decoder = Decoder(
        job["link"],
        unhexlify(job.get("key", "")) or None,
        unhexlify(job.get("auth_key", "")) or None,
        show,
        lenient=job.get("lenient", False),
    )
    chunk = job.get("chunk") or len(raw) or 1
    for begin in range(0, len(raw), chunk):
        part = raw[begin : begin + chunk]
        decoder.feed(part, len(part))
    if job.get("quiet", True):
        decoder.quiet()
    print(sorted(decoder.counters.as_dict()["errors"].items()), list(decoder.counters.counts))
