"""What all simulated meters have in common."""

from . import clock
from .household import Registers

# Public keys: those of the Green Book's ciphering example (IEC 62056-5-3). Never a real meter's.
DEMO_KEY = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
DEMO_AUTH_KEY = bytes.fromhex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")

_SC_AUTHENTICATED = 0x10


class SimulatedMeter:
    """One simulated meter. Telegram ``n`` (from 0) is the same whenever it is asked for.

    Attributes: ``name``, ``description``, ``line`` (``Line``), ``interval_ms``, ``link``,
    ``security_control`` (int or None), ``system_title``, ``key``, ``auth_key`` (bytes or
    None), ``number`` (the meter number its telegrams tell, or None).

    A kind of meter adds ``telegram(n)``, the bytes as they go down the line, and
    ``expected(n)``, what a correct decoder reads from them; see ``layouts``.
    """

    def __init__(self, name, spec, seed=0, key=None, auth_key=None, start=None, interval_ms=None):
        self._spec = spec
        self.name = name
        self.description = spec.description
        self.line = spec.line
        self.interval_ms = interval_ms or spec.interval_ms
        self.link = spec.link
        self.security_control = spec.security_control
        self.system_title = getattr(spec, "system_title", b"")
        ciphered = spec.security_control is not None
        tagged = ciphered and spec.security_control & _SC_AUTHENTICATED
        self.key = (key or DEMO_KEY) if ciphered else None
        self.auth_key = (auth_key or DEMO_AUTH_KEY) if tagged else None
        self.number = spec.number
        self._registers = Registers(
            seed, clock.as_utc(start or clock.DEFAULT_START), self.interval_ms
        )

    def utc(self, n):
        """The meter's clock in telegram ``n``: aware datetime, UTC."""
        return self._registers.utc(n)

    def time(self, n):
        """What a reader can know of it: "2026-06-18T11:30:00Z", or None where the telegram
        has no clock or does not tell its distance from UTC."""
        return

    def invocation_counter(self, n):
        """int, or None for a plain meter."""
        return
