"""Reads hex lines; prints for each, as JSON, what meterling.improv finds in those bytes: of a
packet [type, hex of its data], of a bad one null, and outside of packets the bytes, as numbers.
A blank in a line is a silence."""

import binascii
import json
import sys

from meterling.improv import BAD, OUTSIDE, PACKET, Parser


def find(parts):
    parser = Parser()
    found = []
    for part in parts:
        parser.reset()
        for byte in binascii.unhexlify(part):
            kind = parser.feed(byte)
            if kind == PACKET:
                data = bytes(parser.data[: parser.length])
                found.append([parser.type, binascii.hexlify(data).decode()])
            elif kind == BAD:
                found.append(None)
            elif kind == OUTSIDE:
                found.append(byte)
    return found


for line in sys.stdin:
    print(json.dumps(find(line.strip().split(" "))))
