"""The admin password as it is kept: PBKDF2-HMAC-SHA256, against CPython's own."""

import asyncio
import hashlib

import pytest
from meterling import config
from meterling.portal import gate, passwords, session
from meterling_tools import interpreters

DERIVE = """
import asyncio, sys, time
from binascii import hexlify, unhexlify
from meterling.portal import passwords
async def main():
    held = [0]
    async def watch():
        while True:
            before = time.ticks_ms()
            await asyncio.sleep_ms(0)
            held[0] = max(held[0], time.ticks_diff(time.ticks_ms(), before))
    asyncio.create_task(watch())
    key = await passwords.derive(unhexlify(sys.argv[1]), unhexlify(sys.argv[2]), int(sys.argv[3]))
    print(hexlify(key).decode(), held[0])
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("password", "rounds"), [("x", 1), ("Sonnenblume 7", 2500), ("ü" * 40, 77), ("p" * 64, 50)]
)
def test_it_is_pbkdf2(interpreter, password, rounds):
    salt = bytes(range(16))
    expected = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    if interpreter.name == "cpython":
        assert asyncio.run(passwords.derive(password.encode(), salt, rounds)) == expected
        return
    done = interpreters.run(
        interpreter, "-c", [DERIVE, password.encode().hex(), salt.hex(), rounds]
    )
    key, held = done.stdout.decode().split()
    assert key == expected.hex()
    assert int(held) < 50


def test_the_same_password_is_kept_differently_each_time():
    async def both():
        one, other = (
            await passwords.record("Sonnenblume 7"),
            await passwords.record("Sonnenblume 7"),
        )
        assert one != other and one.startswith("pbkdf2-sha256$")
        assert len(one) <= 160
        assert await passwords.fits("Sonnenblume 7", one)
        assert not await passwords.fits("Sonnenblume 8", one)
        assert not await passwords.fits("", one)

    asyncio.run(both())


@pytest.mark.parametrize(
    "kept",
    ["", "$", "$$$", "x$1$00$00", "pbkdf2-sha256$0$00$" + "0" * 64, "pbkdf2-sha256$1$0$zz",
     "pbkdf2-sha256$99999999$00$" + "0" * 64, "pbkdf2-sha256$1$00$"],
)  # fmt: skip
def test_what_was_never_kept_fits_nothing(kept):
    assert asyncio.run(passwords.fits("", kept)) is False


def test_comparing_looks_at_every_byte():
    assert session.same(b"abc", b"abc")
    for other in (b"abd", b"bbc", b"ab", b"abcd", b""):
        assert not session.same(b"abc", other)


def test_sessions_that_nobody_uses_end():
    sessions = session.Sessions()
    used, unused = sessions.open(), sessions.open()
    for _ in range(30 * 24 * 60 + 1):
        sessions.minute()
        if len(sessions) == 2:
            assert sessions.holds(used)
    assert sessions.holds(used) and not sessions.holds(unused)


RECORD = {"portal.password": "pbkdf2-sha256$1$00$00"}
DAY = 24 * 60  # minutes


def test_each_restart_counts_as_a_day_as_there_is_no_clock(tmp_path):
    path = str(tmp_path / "sessions.json")
    token = session.Sessions(RECORD, path).open()
    for _ in range(29):
        assert len(session.Sessions(RECORD, path)) == 1
    sessions = session.Sessions(RECORD, path)
    assert sessions.holds(token)  # used, on the last of the 30 days
    for _ in range(DAY):
        sessions.minute()
    for _ in range(29):
        assert len(session.Sessions(RECORD, path)) == 1
    assert len(session.Sessions(RECORD, path)) == 0


def test_the_flash_is_written_once_a_day(tmp_path, monkeypatch):
    path = str(tmp_path / "sessions.json")
    writes = []
    write = config.write_document
    monkeypatch.setattr(config, "write_document", lambda *args: writes.append(1) or write(*args))
    sessions = session.Sessions(RECORD, path)
    for _ in range(3 * DAY):
        sessions.minute()
    assert writes == [], "nobody is logged in"
    token = sessions.open()
    for _ in range(10 * DAY):
        sessions.minute()
        assert sessions.holds(token)
    assert len(writes) == 11
    assert session.Sessions(RECORD, path).holds(token)


def test_what_cannot_be_written_does_not_stay_either(tmp_path, monkeypatch, capsys):
    """A session that was ended must not come back."""
    path = str(tmp_path / "sessions.json")
    sessions = session.Sessions(RECORD, path)
    token = sessions.open()

    def full(*args):
        raise OSError(28)

    monkeypatch.setattr(config, "write_document", full)
    sessions.close(token)
    assert not (tmp_path / "sessions.json").exists()
    assert not session.Sessions(RECORD, path).holds(token)
    other = sessions.open()
    assert sessions.holds(other), "until the next start"
    assert "not kept" in capsys.readouterr().out and other not in capsys.readouterr().out


def test_the_wait_after_failures_doubles_up_to_a_minute(monkeypatch):
    now = [0]
    monkeypatch.setattr(gate, "ticks_ms", lambda: now[0])
    kept = asyncio.run(passwords.record("right"))
    tries = [0, 0, False]
    waits = []
    for _ in range(12):
        asyncio.run(gate.Gate(tries).fits("wrong", kept))
        waits.append(gate.Gate(tries).wait())
        now[0] += gate.Gate(tries).wait()
        assert gate.Gate(tries).wait() == 0
    assert waits == [0, 0, 1000, 2000, 4000, 8000, 16000, 32000] + [60000] * 4
    assert asyncio.run(gate.Gate(tries).fits("right", kept)) and gate.Gate(tries).wait() == 0
