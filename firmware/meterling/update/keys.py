"""Whose releases are taken: Ed25519 public keys, 64 hex digits each.

`meterling release --new-key FILE` makes a pair and prints the line for here; `meterling build
--release-key FILE.pub` adds one without a change here. None: no release is taken, and the
dongle is updated by flashing. More than one: while a key is replaced by the next.
"""

KEYS = ()
