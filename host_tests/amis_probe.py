"""Runs on every interpreter: AMIS from the line to the normal form.

Reads standard input, a JSON job a line: raw, key (hex), chunk (int, 0 = all at once). Prints
for each payload the error code of the ciphering, the end of the normal form or minus an error
code, and the normal form (what came out, if the key seems wrong); then the answers owed and the
counters.

With the argument "heap", for the first job only: how many payloads there were, and how many
of those behind the second needed memory while the heap was locked.
"""

import json
import sys
from array import array
from binascii import hexlify, unhexlify

from meterling.ciphering.mode5 import make, open_telegram
from meterling.cosem.records import translate
from meterling.link.amis import link
from meterling.link.framer import feed, quiet

STATE, READY, BEGIN, STOP, ANSWER = 2, 11, 12, 13, 23  # see framer
WRONG_KEY = 15
out = bytearray(1024)


def show(line, parts):
    state = line[STATE]
    code = int(open_telegram(parts, line[0], state[BEGIN], state[STOP]))
    if code == WRONG_KEY:
        print(code, "-", hexlify(parts[1][16 : parts[0][0]]).decode())
    elif code:
        print(code)
    else:
        end = int(translate(parts[1], parts[0][1], parts[0][0], out))
        print(0, end, hexlify(out[: max(end, 0)]).decode())


def run(job):
    raw, key = unhexlify(job["raw"]), unhexlify(job["key"]) or None
    counts = array("I", bytes(4 * 21))
    line, parts = link(counts, 1024), make(key)
    state = line[STATE]
    step = job["chunk"] or len(raw) or 1
    for begin in range(0, len(raw), step):
        chunk = raw[begin : begin + step]
        position = 0
        while True:
            position = int(feed(line, chunk, position, len(chunk)))
            if not state[READY]:
                break
            show(line, parts)
    while True:
        quiet(line)
        if not state[READY]:
            break
        show(line, parts)
    print("answers", state[ANSWER], list(counts))


def count_failed(job):
    """(payloads, of those behind the second: how many failed with a locked heap)"""
    import micropython

    raw, step = unhexlify(job["raw"]), job["chunk"]
    chunks = [raw[i : i + step] for i in range(0, len(raw), step)]
    line, parts = link(array("I", bytes(4 * 21)), 1024), make(unhexlify(job["key"]))
    state, opened = line[STATE], parts[0]
    payloads = failed = 0
    for chunk in chunks:
        position = 0
        ready = 1
        while ready:
            ready = 0
            if payloads > 1:
                micropython.heap_lock()
            try:
                position = int(feed(line, chunk, position, len(chunk)))
                ready = state[READY]
                if ready and not open_telegram(parts, line[0], state[BEGIN], state[STOP]):
                    translate(parts[1], opened[1], opened[0], out)
            except MemoryError:
                failed += 1
            if payloads > 1:
                micropython.heap_unlock()
            payloads += ready
    return payloads, failed


for text in sys.stdin:
    if sys.argv[1:] == ["heap"]:
        print(*count_failed(json.loads(text)))
        break
    run(json.loads(text))
