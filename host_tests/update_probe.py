"""Takes a release in, as a dongle does: arguments: root (ends with "/"), file of the release,
public key (hex), version that runs, mpy (int), bytes a piece, 1 to force.

Prints "ok" or why it was refused, and at which of write and finish."""

import asyncio
import sys

if sys.implementation.name == "cpython":
    import deflate_on_cpython  # noqa: F401

from meterling.update.errors import Refused
from meterling.update.updater import Updater

root, path, key, version, mpy, piece, force = sys.argv[1:]
updater = Updater(force == "1", root, (key,), version, int(mpy))
phases = set()
where = "write"
try:
    with open(path, "rb") as file:
        while True:
            chunk = file.read(int(piece))
            if not chunk:
                break
            updater.write(chunk)
            phases.add(updater.progress[0])
    where = "finish"
    asyncio.run(updater.finish("rn"))
    print("ok", *updater.progress)
except Refused as refused:
    print(refused.code, where)
    # The first refusal is the last word.
    try:
        updater.write(b"more")
    except Refused as again:
        assert again.code == refused.code
    assert updater.progress == ("refused", 0, 0)
