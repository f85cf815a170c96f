"""Lives of a dongle, in the folder that is its argument: prints what is known, as JSON.

Each word after it is a start: its cause, and with "+crash" behind a part that fails in it.
"""

import json
import os
import sys

from meterling import starts
from meterling.health import Health

os.chdir(sys.argv[1])


def fail():
    raise ValueError("S3cret")


def live(word):
    cause, _, crash = word.partition("+")
    health = Health()
    health.begin(cause)
    if crash:
        try:
            fail()
        except ValueError as error:
            health.crashed("mqtt", error)
    return health


for word in sys.argv[2:]:
    health = live(word)
print(
    json.dumps(
        [health.number, health.brown_outs, starts.read(), starts.crash()],
    )
)
