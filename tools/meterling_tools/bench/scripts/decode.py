"""Runs under MicroPython, below a counter of instructions: decodes and does nothing else.

    decode.py FILE LINK KEY AUTH_KEY MODE COUNT

MODE "feed": raw bytes; "apdus": APDUs without link layer; "put_json": raw bytes, and each
reading as JSON; "dumps": raw bytes, and a document of the same values through json.dumps.
All of FILE is read, COUNT telegrams are decoded. Prints the number of readings.
"""

import json
import sys

from meterling.decoder import Decoder

out = bytearray(4096)
document = {}
readings = 0


def count(reading):
    global readings
    readings += 1


def put_json(reading):
    count(reading)
    reading.put_json(out, 0)


def dumps(reading):
    count(reading)
    if not document:
        # Made once and not counted: json.dumps alone is compared.
        document.update(json.loads(bytes(out[: reading.put_json(out, 0)])))
    json.dumps(document)


def key(text):
    return None if text == "-" else bytes.fromhex(text)


def read(path):
    telegrams = []
    with open(path, "rb") as file:
        while True:
            head = file.read(2)
            if not head:
                return telegrams
            telegrams.append(file.read(head[0] << 8 | head[1]))


def decode(feed, telegrams, number):
    for i in range(number):
        telegram = telegrams[i]
        feed(telegram, len(telegram))


def decode_apdus(apdus, telegrams, number):
    for i in range(number):
        telegram = telegrams[i]
        apdus(telegram, 0, len(telegram), 0)


def main(path, link, encryption, authentication, mode, number):
    on_reading = {"put_json": put_json, "dumps": dumps}.get(mode, count)
    decoder = Decoder(link, key(encryption), key(authentication), on_reading)
    telegrams = read(path)
    if mode == "apdus":
        decode_apdus(decoder.apdus, telegrams, int(number))
    else:
        decode(decoder.feed, telegrams, int(number))
    print(readings)


main(*sys.argv[1:])
