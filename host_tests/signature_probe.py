"""Standard input: lines of public key, message (or "-"), signature, as hex. Prints for each
1 or 0, whether the signature fits, on one line."""

import sys
from binascii import unhexlify

from meterling.update import ed25519

verdicts = []
for line in sys.stdin:
    public, message, signature = [unhexlify(x) if x != "-" else b"" for x in line.split()]
    verdicts.append("1" if ed25519.verify(public, message, signature) else "0")
print("".join(verdicts))
