"""Runs under MicroPython in as little heap as possible: a release from a file into a slot.

update ROOT FILE PUBLIC_KEY

Prints "done" if it is there. As .mpy, and with nothing in it that the updater would not need
anyway: what it takes is counted, too.
"""

import asyncio
import sys

_CHUNK = 1024


def main(root, path, key):
    from meterling.update.updater import Updater

    updater = Updater(True, root, (key,))
    buffer = bytearray(_CHUNK)
    with open(path, "rb") as file:
        while True:
            length = file.readinto(buffer)
            if not length:
                break
            updater.write(memoryview(buffer)[:length])
    asyncio.run(updater.finish())
    print(updater.progress[0])


main(*sys.argv[1:])
