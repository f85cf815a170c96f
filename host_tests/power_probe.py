"""Prints, as JSON, what becomes of a few dongles; see test_power."""

import json
import sys

import capacitor
from meterling.power import Policy

SOURCES = {
    "p1": capacitor.p1(),
    "p1, 47 ohms": capacitor.p1(47),
    "p1, 250 mA": capacitor.p1(10, 250),
    "mbus": capacitor.mbus(),
}


def play(job):
    def make(brown_outs):
        if job["careless"]:
            return capacitor.Careless()
        return Policy(job["source"].partition(",")[0], brown_outs)

    return capacitor.simulate(
        make, SOURCES[job["source"]], job["seconds"], measured=job["measured"]
    )


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(play(json.loads(line))))
