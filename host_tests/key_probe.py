"""Runs on every interpreter: the key doctor, told by lines of JSON and answering with them."""

import json
import sys
from binascii import hexlify, unhexlify

from meterling.portal.key_check import check
from meterling.portal.key_doctor import understand
from meterling.portal.sample import Sample


def text(key):
    return None if key is None else hexlify(key).decode().upper()


for line in sys.stdin.read().split("\n"):
    if not line:
        continue
    task = json.loads(line)
    found = understand(task["text"], task.get("auth", ""))
    answer = [found.code, text(found.key), text(found.auth_key), found.notes, found.digits]
    if "telegram" in task:
        sample = Sample()
        telegram = unhexlify(task["telegram"])
        sample.take(telegram, 0, len(telegram))
        answer += check(sample, found.key, found.auth_key)
    print(json.dumps(answer))
