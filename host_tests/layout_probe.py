"""Runs on every interpreter: one JSON job a line, a text of layouts and an APDU (hex). Prints
what is wrong with the text, and which layout the APDU is found to have, with its fields."""

import json
import sys
from binascii import hexlify, unhexlify

from meterling.cosem.layout_check import check
from meterling.cosem.learn import learn

for line in sys.stdin:
    job = json.loads(line)
    apdu = unhexlify(job["apdu"])
    print(check(job["text"]))
    plan = learn(apdu, 0, len(apdu), b"", job["text"])
    print(plan if isinstance(plan, int) else (plan[8], hexlify(plan[6])))
