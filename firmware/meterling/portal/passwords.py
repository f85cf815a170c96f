"""The admin password, as it is kept: PBKDF2-HMAC-SHA256 (RFC 8018, 5.2), one block.

    pbkdf2-sha256$1500$<salt, 32 hex digits>$<key, 64 hex digits>

A round is 27 300 instructions (valgrind, x86-64), so 1500 take an ESP32 at 160 MHz about
0.3 s: far fewer than a PC could afford. The number stands in the text, so that it can grow;
and whoever has the flash in hand has the meter's key anyway. The
work is done in slices, so that neither the line nor a page waits for it.
"""

import hashlib
import os
from binascii import hexlify, unhexlify

from ..publish.loop import sleep_ms
from ..python import const
from .session import same

_ROUNDS = const(1500)
_MOST_ROUNDS = const(100_000)  # what a record may ask for
_SLICE = const(50)  # rounds without letting others run: some 10 ms on an ESP32
_BLOCK = const(64)  # bytes, of SHA-256
_DIGEST = const(32)
_NAME = "pbkdf2-sha256"


async def derive(password, salt, rounds):
    """The key (bytes, 32) of `password` and `salt` (bytes)."""
    if len(password) > _BLOCK:
        password = hashlib.sha256(password).digest()
    password = password + bytes(_BLOCK - len(password))
    inner = bytes(byte ^ 0x36 for byte in password)
    outer = bytes(byte ^ 0x5C for byte in password)
    sha256 = hashlib.sha256
    last = salt + b"\x00\x00\x00\x01"
    # As an integer: machine code, which is loaded for each login, the ESP32 would not free.
    result = 0
    while rounds:
        for _ in range(min(rounds, _SLICE)):
            digest = sha256(inner)
            digest.update(last)
            last = digest.digest()
            digest = sha256(outer)
            digest.update(last)
            last = digest.digest()
            result ^= int.from_bytes(last, "big")
        rounds -= min(rounds, _SLICE)
        await sleep_ms(0)
    return result.to_bytes(_DIGEST, "big")


async def record(password):
    """How `password` (str) is kept (str), with a new salt."""
    salt = os.urandom(16)
    key = await derive(password.encode(), salt, _ROUNDS)
    return "$".join((_NAME, str(_ROUNDS), hexlify(salt).decode(), hexlify(key).decode()))


async def fits(password, kept):
    """True if `password` (str) is the one that was kept as `kept` (str)."""
    try:
        name, rounds, salt, key = kept.split("$")
        rounds = int(rounds)
        salt = unhexlify(salt)
        key = unhexlify(key)
    except ValueError:
        return False
    if name != _NAME or not 0 < rounds <= _MOST_ROUNDS or len(key) != _DIGEST:
        return False
    return same(await derive(password.encode(), salt, rounds), key)
