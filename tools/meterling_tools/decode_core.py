"""What `meterling decode` does under each interpreter: bytes of a file into JSON lines.

Runs unchanged on CPython and MicroPython, as a module or as a script. As a script it
takes its job from standard input, one JSON object: {"path", "link", "key", "auth_key", "layouts"}
(keys as hex, so that they show in no process list), and writes the lines to standard
output.
"""

import sys
from binascii import unhexlify
from json import loads

from meterling.decoder import LINKS, Decoder

SIZE = 2048  # longest telegram: an HDLC frame can claim as much

_CHUNK = 512
_PLAIN_APDU = 0x0F
_JSON = 4096  # longest line first thought of; doubled as needed
_LLC = b"\xe6\xe7\x00"


def decode(path, link, key, auth_key, write, layouts=""):
    """Decode the file `path` (raw bytes), and call `write` with each line (str).

    link: one of LINKS or "auto"; key, auth_key: bytes, 16, or None; layouts: str, an
    owner's own. Returns the number of readings.
    """
    if link == "auto":
        link = detect(path)
    line = [bytearray(_JSON)]

    def show(reading):
        while True:
            buffer = line[0]
            end = reading.put_json(buffer, 0)
            if end >= 0:
                break
            line[0] = bytearray(2 * len(buffer))
        write('{"type":"reading",' + bytes(buffer[1:end]).decode())

    decoder = feed(path, link, key, auth_key, show, layouts)
    counts = decoder.counters.as_dict()
    text = '{"type":"summary"'
    for name in ("bytes", "frames", "telegrams", "readings"):
        text += f',"{name}":{counts[name]}'
    errors = counts["errors"]
    listed = ",".join(f'"{code}":{errors[code]}' for code in sorted(errors))
    text += ',"errors":{' + listed + "}}"
    write(text)
    return counts["readings"]


def detect(path):
    """The link layer (one of LINKS) that the bytes of the file speak."""
    found = {}
    for link in LINKS:
        counts = feed(path, link, None, None, None).counters.as_dict()
        errors = counts["errors"]
        broken = errors.get("checksum", 0) + errors.get("truncated", 0)
        found[link] = (counts["telegrams"], counts["frames"], broken)
    if found["sml"][1]:
        return "sml"
    if found["amis"][1] and not found["mbus"][0]:
        return "amis"
    framed = max(("hdlc", "mbus"), key=lambda link: found[link])
    if (found["p1"][1] or found["p1"][2]) and not found[framed][1]:
        return "p1"
    # A frame's ruins count, too: an APDU inside is not to be read past a wrong checksum.
    if found[framed][1] or not found["apdu"][0] or found["mbus"][2] or _holds(path, _LLC):
        return framed
    return "apdu"


def feed(path, link, key, auth_key, on_reading, layouts=""):
    """A Decoder that has been fed the file; arguments as of `decode`."""
    decoder = Decoder(link, key, auth_key, on_reading, SIZE, layouts, lenient=True)
    with open(path, "rb") as file:
        chunk = file.read(_CHUNK)
        if link == "apdu" and chunk[:1] == bytes((_PLAIN_APDU,)):
            # A plain APDU has no length of its own: the file is it.
            whole = chunk + file.read(SIZE)
            decoder.counters.add(0, len(whole))
            decoder.apdus(whole, 0, len(whole), 0)
            return decoder
        while chunk:
            decoder.feed(chunk, len(chunk))
            chunk = file.read(_CHUNK)
    decoder.quiet()
    return decoder


def _holds(path, wanted):
    with open(path, "rb") as file:
        last = b""
        chunk = file.read(_CHUNK)
        while chunk:
            if wanted in last + chunk:
                return True
            last = chunk[-len(wanted) :]
            chunk = file.read(_CHUNK)
    return False


def main():
    """Do the job that standard input describes; 0 if there was a reading, else 1."""
    job = loads(sys.stdin.readline())
    keys = [unhexlify(job[name]) if job[name] else None for name in ("key", "auth_key")]
    readings = decode(job["path"], job["link"], keys[0], keys[1], print, job["layouts"])
    return 0 if readings else 1


if __name__ == "__main__":
    sys.exit(main())
