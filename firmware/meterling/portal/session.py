"""Who is logged in, and how fast passwords may be tried.

Sessions live in memory only: after a restart everybody logs in again.
"""

import os
from binascii import hexlify

from ..publish.loop import ticks_diff, ticks_ms
from ..python import const, unload

_SESSIONS = const(6)  # phones and PCs of a home; a seventh ends the one unused longest
_TOKEN = const(16)  # bytes, random
_LONGEST_IDLE = const(30 * 24 * 60)  # minutes
_FREE_TRIES = const(3)
_LONGEST_WAIT = const(60_000)  # ms
_SHORTEST_PASSWORD = const(8)  # characters
_LONGEST_PASSWORD = const(128)  # bytes

SHORTEST_PASSWORD = _SHORTEST_PASSWORD
COOKIE = "session"
_ATTRIBUTES = "; Path=/; HttpOnly; SameSite=Strict; Max-Age="
_MAX_AGE = const(30 * 24 * 3600)  # s


def cookie(token):
    """The value of Set-Cookie that gives a browser its session, or takes it ("")."""
    return COOKIE + "=" + token + _ATTRIBUTES + str(_MAX_AGE if token else 0)


class Sessions:
    """At most 6 sessions, each a random number of 128 bits that only its browser knows."""

    def __init__(self):
        self._tokens = []  # bytes, hex digits; the one used last is last
        self._idle = {}  # minutes

    def __len__(self):
        return len(self._tokens)

    def open(self):
        """A new session's token (str, 32 hex digits)."""
        token = hexlify(os.urandom(_TOKEN))
        if len(self._tokens) >= _SESSIONS:
            self._remove(self._tokens[0])
        self._tokens.append(token)
        self._idle[token] = 0
        return token.decode()

    def holds(self, token):
        """True if `token` (str, as the browser sent it) is one of a session."""
        found = self._find(token)
        if found is None:
            return False
        self._idle[found] = 0
        self._tokens.remove(found)
        self._tokens.append(found)
        return True

    def close(self, token):
        """End that session."""
        found = self._find(token)
        if found is not None:
            self._remove(found)

    def close_all(self):
        """End all of them."""
        self._tokens.clear()
        self._idle.clear()

    def minute(self):
        """To be called once a minute: a session that was unused for 30 days ends."""
        for token in list(self._tokens):
            self._idle[token] += 1
            if self._idle[token] > _LONGEST_IDLE:
                self._remove(token)

    def _find(self, token):
        token = token.encode()
        for kept in self._tokens:
            if same(kept, token):
                return kept
        return None

    def _remove(self, token):
        self._tokens.remove(token)
        del self._idle[token]


class Gate:
    """Tries passwords: one at a time, and after three failures slower and slower,
    whoever it is that tries. Who is logged in already does not notice."""

    def __init__(self):
        self._failures = 0
        self._failed = 0  # ticks_ms
        self._busy = False

    def wait(self):
        """ms until the next try, 0 if it may be now."""
        if self._busy:
            return 1000
        if self._failures < _FREE_TRIES:
            return 0
        delay = min(1000 << min(self._failures - _FREE_TRIES, 6), _LONGEST_WAIT)
        elapsed = ticks_diff(ticks_ms(), self._failed)
        if elapsed >= delay or elapsed < 0:  # negative: so long ago that the clock wrapped
            return 0
        return delay - elapsed

    async def fits(self, password, kept):
        """True if `password` fits what was `kept`. Only if `wait` is 0."""
        from .passwords import fits as fits_kept

        self._busy = True
        try:
            fits = await fits_kept(password, kept)
        finally:
            self._busy = False
            unload("meterling.portal", "passwords")
        if fits:
            self._failures = 0
        else:
            self._failures = min(self._failures + 1, _FREE_TRIES + 6)
            self._failed = ticks_ms()
        return fits

    async def record(self, password):
        """How a new password is kept. Only if `wait` is 0."""
        from .passwords import record

        self._busy = True
        try:
            return await record(password)
        finally:
            self._busy = False
            unload("meterling.portal", "passwords")


def problem(password):
    """What is wrong with a new password: a code, or "" if nothing is."""
    if not isinstance(password, str) or len(password) < _SHORTEST_PASSWORD:
        return "password-short"
    return "password-long" if len(password.encode()) > _LONGEST_PASSWORD else ""


def same(one, other):
    """True if two bytes-likes are equal, in a time that tells nothing about where not."""
    difference = len(one) ^ len(other)
    for i in range(min(len(one), len(other))):
        difference |= one[i] ^ other[i]
    return difference == 0
