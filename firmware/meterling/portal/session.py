"""Who is logged in."""

import hashlib
import os
from binascii import hexlify

from ..python import const, unload

_SESSIONS = const(6)  # phones and PCs of a home; a seventh ends the one unused longest
_TOKEN = const(16)  # bytes, random
_LONGEST_IDLE = const(30 * 24 * 60)  # minutes
_DAY = const(24 * 60)  # minutes

SHORTEST_PASSWORD = const(8)  # characters
COOKIE = "session"


class Sessions:
    """At most 6 sessions, each a random number of 128 bits that only its browser knows.

    settings: with the "portal.password" (its record) that they are of: with another one they
    all end; path: of the file in which they outlast a restart, "" for none.
    """

    def __init__(self, settings=None, path=""):
        self._settings = settings or {"portal.password": ""}
        self._path = path
        self._minutes = 0  # since they were written
        self._kept = []  # [digest, minutes unused]; the one used last is last
        if path:
            self._kept = self._on_file("load", _SESSIONS, _LONGEST_IDLE)

    def __len__(self):
        return len(self._kept)

    def open(self):
        """A new session's token (str, 32 hex digits)."""
        token = hexlify(os.urandom(_TOKEN)).decode()
        if len(self._kept) >= _SESSIONS:
            self._kept.pop(0)
        self._kept.append([self._digest(token), 0])
        self._save()
        return token

    def holds(self, token):
        """True if `token` (str, as the browser sent it) is one of a session."""
        found = self._find(token)
        if found is None:
            return False
        found[1] = 0
        self._kept.remove(found)
        self._kept.append(found)
        return True

    def close(self, token):
        """End that session."""
        found = self._find(token)
        if found is not None:
            self._kept.remove(found)
            self._save()

    def close_all(self):
        """End all of them."""
        self._kept.clear()
        self._save()

    def minute(self):
        """To be called once a minute: a session that was unused for 30 days ends."""
        for one in list(self._kept):
            one[1] += 1
            if one[1] > _LONGEST_IDLE:
                self._kept.remove(one)
        self._minutes += 1
        if self._minutes >= _DAY and self._kept:
            self._save()

    def _digest(self, token):
        return hashlib.sha256((token + self._settings["portal.password"]).encode()).digest()

    def _find(self, token):
        digest = self._digest(token)
        for one in self._kept:
            if same(one[0], digest):
                return one
        return None

    def _save(self):
        self._minutes = 0
        if self._path:
            self._on_file("save", self._kept)

    def _on_file(self, function, *args):
        try:
            from . import kept_sessions

            return getattr(kept_sessions, function)(self._path, *args)
        finally:
            unload("meterling.portal", "kept_sessions")


def same(one, other):
    """True if two bytes-likes are equal, in a time that tells nothing about where not."""
    difference = len(one) ^ len(other)
    for i in range(min(len(one), len(other))):
        difference |= one[i] ^ other[i]
    return difference == 0
