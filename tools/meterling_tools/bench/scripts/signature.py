"""signature COUNT: checks a signature so often, and prints how often it fitted."""

import sys

from meterling.update import ed25519


def unhex(text):
    return bytes(int(text[i : i + 2], 16) for i in range(0, len(text), 2))


public, message, signature = [unhex(text) for text in sys.argv[2:]]
print(sum(ed25519.verify(public, message, signature) for _ in range(int(sys.argv[1]))))
