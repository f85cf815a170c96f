"""Plays one line's history to the sniffer, under any Python, and prints what it makes of it.

Standard input: one JSON object. "options": of Sniffer. "events": [ms, hex of what came] or
[ms, level of the idle line or null]. Or "noise": bytes to invent, at each setting.
Prints the steps, what it settled on, and which link layers were loaded.
"""

import json
import sys
from binascii import unhexlify

from meterling.decoder import make_link
from meterling.link.sniffer import LOCKED, NOTHING, Sniffer

SETTINGS = (
    (115200, "8N1"),
    (9600, "8N1"),
    (9600, "8E1"),
    (2400, "8E1"),
    (2400, "8N1"),
    (300, "7E1"),
)
_PIECE = 256


def play(job, write):
    def tell(step, sniffer):
        write(f"{step} {sniffer.reason} {sniffer.setting} {sniffer.link}")

    sniffer = Sniffer(make_link, tell=tell, **job["options"])
    result = NOTHING
    for now, what in job["events"]:
        if isinstance(what, str):
            data = unhexlify(what)
            result = sniffer.hear(data, len(data), now)
        else:
            result = sniffer.tick(now, what)
        write(str(result))
    if result == LOCKED:
        write(f"{sniffer.link} {sniffer.setting} {bytes(sniffer.burst())}")


def noise(count, write):
    """`count` bytes as good as random, in bursts of 1024, at each setting."""
    data = bytearray(_PIECE)
    seed = 12345
    for baudrate, framing in SETTINGS + ((None, None),):
        sniffer = Sniffer(make_link, baudrate, framing)
        now = 0
        for piece in range(count // _PIECE):
            for i in range(_PIECE):
                seed = (seed * 1103 + 12345) & 0xFFFFF
                data[i] = seed >> 8 & 0xFF ^ seed >> 4 & 0x0F
            now += 20
            if sniffer.hear(data, _PIECE, now) == LOCKED:
                write(f"locked {baudrate} {framing} {sniffer.link}")
                break
            if piece & 3 == 3:
                for _ in range(4):
                    now += 50
                    sniffer.tick(now)
    write("done")


def main():
    job = json.loads(sys.stdin.readline())
    if "noise" in job:
        noise(job["noise"], print)
    else:
        play(job, print)


if __name__ == "__main__":
    main()
