"""Runs on every interpreter: the firmware's ciphering, one JSON case a line.

{"key", "auth_key", "apdu"} (hex): prints the error code and, if that is 0, the text.
{"key", "auth_key", "security", "title", "counter", "text", "tag"}: prints whether this is the
tag of a text that is authenticated only, under any security control (int).
"""

import json
import sys
from binascii import hexlify, unhexlify

from meterling.ciphering import glo
from meterling.python import VIPER

if VIPER:
    from meterling.ciphering.tag_viper import plain_tag_fits
else:
    from meterling.ciphering.tag_plain import plain_tag_fits

for line in sys.stdin:
    case = json.loads(line)
    keys = [unhexlify(case[name]) or None for name in ("key", "auth_key")]
    parts = glo.make(keys[0], keys[1], 4096)
    if "apdu" in case:
        apdu = unhexlify(case["apdu"])
        code = int(glo.open_apdu(parts, apdu, 0, len(apdu)))
        text = bytes(parts[1][16 : parts[0][0]])  # see glo: the buffer, up to END
        print(code, hexlify(text).decode() if code == 0 else "-")
    else:
        # As in a telegram: title, security control, counter, text, tag.
        text = unhexlify(case["text"])
        data = unhexlify(case["title"]) + bytes((case["security"],)) + unhexlify(case["counter"])
        begin = len(data)
        data += text + unhexlify(case["tag"])
        apdu = b"\xdb\x08" + bytes(8) + b"\x82" + (len(text) + 5).to_bytes(2, "big") + b"\x20"
        apdu += bytes(4) + text
        glo.open_apdu(parts, apdu, 0, len(apdu))  # the buffer grows with what is opened
        print(int(plain_tag_fits(parts, case["security"], data, 0, 9, begin, len(text))))
