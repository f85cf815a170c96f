"""`meterling flash --app-only`, with the real mpremote, on MicroPython's unix port behind a
pseudo-terminal; and what is said where a port cannot be used."""

import argparse
import errno
import os
from types import SimpleNamespace

import pytest
import serial
from fake_dongle import FakeDongle
from meterling_tools import CommandError, build, flash, flash_app, flash_port, interpreters

ON_MICROPYTHON = pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """What the dongle has on its flash: the firmware, as somebody built it, and more."""
    monkeypatch.setattr(flash_app, "ROOT", tmp_path)
    monkeypatch.setattr(flash_app.site, "build_or_say", lambda folder: None)
    home = tmp_path / "home"
    build.build("unix", home)
    (home / "settings.json").write_text("{}")
    (home / "settings.json.example").unlink()
    (home / "lib" / "somebodys.py").write_text("")
    return home


def app_only(dongle, *more):
    parser = argparse.ArgumentParser()
    flash.add_arguments(parser)
    flash.run(parser.parse_args(["--app-only", "--port", dongle.path, *more]))


def everything(folder):
    files = {}
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
    return files


@ON_MICROPYTHON
def test_only_what_differs_is_copied(interpreter, home, capsys):
    new = everything(home)
    (home / "meterling" / "meter.mpy").write_bytes(b"older")
    (home / "meterling" / "update" / "package.mpy").unlink()
    (home / "main.py").write_bytes(b"older")
    (home / "meterling" / "gone_since.mpy").write_bytes(b"M")
    with FakeDongle(interpreter, home) as dongle:
        app_only(dongle)
        assert dongle.has_restarted()
    assert everything(home) == new
    assert f"3 of {len(new) - 2} files copied, 1 removed" in capsys.readouterr().out


@ON_MICROPYTHON
def test_an_empty_flash_gets_all_of_it_and_runs_it(interpreter, home, tmp_path):
    new = everything(home)
    with FakeDongle(interpreter, tmp_path / "empty") as dongle:
        app_only(dongle)
    copied = everything(tmp_path / "empty")
    assert copied == {
        n: d for n, d in new.items() if n not in ("settings.json", "lib/somebodys.py")
    }
    script = "from meterling.decoder import Decoder; print(Decoder('mbus').counters is not None)"
    result = interpreters.run(interpreter, "-c", [script], path=(tmp_path / "empty",))
    assert result.stdout == b"True\n"


@ON_MICROPYTHON
def test_the_slot_that_runs_is_the_one_that_changes(interpreter, home, tmp_path):
    flat = everything(home)
    there = tmp_path / "slots"
    there.mkdir()
    (there / "boot_slots.mpy").write_bytes(flat["boot_slots.mpy"])
    for slot in "ab":
        (there / slot).mkdir()
        (there / slot / "release").write_bytes(b"x")
    (there / "slots").write_text("1 b - 5 - -\n")
    (there / "a" / "meterling").mkdir()
    (there / "a" / "meterling" / "app.mpy").write_bytes(b"the other one")
    with FakeDongle(interpreter, there) as dongle:
        app_only(dongle)
    now = everything(there)
    assert {name for name in now if name.startswith("a/")} == {"a/release", "a/meterling/app.mpy"}
    assert now["b/meterling/app.mpy"] == flat["meterling/app.mpy"]
    assert now["main.py"] == flat["main.py"]
    assert now["slots"] == b"1 b - 0 - -\n"  # it has all its starts again


@ON_MICROPYTHON
def test_what_does_not_go_together_is_said(interpreter, home):
    with FakeDongle(interpreter, home) as dongle:
        for option in (["--erase"], ["--settings", "x.json"], ["--micropython", "x.bin"]):
            with pytest.raises(CommandError, match=f"leave out {option[0]}") as raised:
                app_only(dongle, *option)
            assert raised.value.status == 1


@ON_MICROPYTHON
def test_a_cable_pulled_while_copying(interpreter, home, monkeypatch):
    (home / "meterling" / "meter.mpy").write_bytes(b"older")
    with FakeDongle(interpreter, home) as dongle:
        monkeypatch.setattr(
            flash_app.Dongle, "begin_writing", lambda self: dongle.pull(), raising=True
        )
        with pytest.raises(CommandError, match="does not answer") as raised:
            app_only(dongle)
    assert raised.value.status == 1


# Ports


def test_no_such_port():
    with pytest.raises(CommandError, match="There is no port /dev/none: is the dongle plugged in"):
        flash_port.check("/dev/none")


def test_a_port_that_another_program_uses():
    master, slave = os.openpty()
    with serial.Serial(os.ttyname(slave), exclusive=True):
        with pytest.raises(CommandError, match="Another program uses") as raised:
            flash_port.check(os.ttyname(slave))
    assert raised.value.status == 1
    os.close(master)
    os.close(slave)


def test_a_port_without_permission():
    # As pyserial raises it; the tests may run as root, who may use every port.
    error = serial.SerialException(errno.EACCES, "could not open port: Permission denied")
    assert "dialout" in flash_port.reason("/dev/ttyUSB0", error)


@pytest.fixture
def plugged_in(monkeypatch):
    def plug(*rows):
        class Port(SimpleNamespace):
            def __lt__(self, other):
                return self.device < other.device

        found = [Port(device=d, description=t, vid=v) for d, t, v in rows]
        monkeypatch.setattr(flash_port.list_ports, "comports", lambda: found)

    return plug


def test_the_only_port_on_usb_is_taken(plugged_in):
    plugged_in(("/dev/ttyS0", "n/a", None), ("/dev/ttyUSB0", "CP2102", 0x10C4))
    assert flash_port.find() == "/dev/ttyUSB0"
    assert flash_port.find("/dev/ttyS0") == "/dev/ttyS0"


def test_of_several_ports_one_is_asked_for(plugged_in, capsys):
    plugged_in(("/dev/ttyUSB1", "CH340", 0x1A86), ("/dev/ttyACM0", "USB JTAG", 0x303A))
    assert flash_port.find(ask=lambda question: "2") == "/dev/ttyUSB1"
    assert "1  /dev/ttyACM0  USB JTAG" in capsys.readouterr().out
    with pytest.raises(CommandError, match="--port: /dev/ttyACM0  USB JTAG; /dev/ttyUSB1"):
        flash_port.find()


def test_a_dongle_that_comes_back_under_another_name_is_found(plugged_in):
    plugged_in(("/dev/ttyS0", "n/a", None), ("/dev/none-1", "MicroPython", 0x303A))
    assert flash_port.again("/dev/none-0") == "/dev/none-1"
    assert flash_port.again("/dev/null") == "/dev/null"
    plugged_in(("/dev/none-1", "", 1), ("/dev/none-2", "", 1))
    assert flash_port.again("/dev/none-0") == "/dev/none-0"
    assert flash_port.again("/dev/none-2") == "/dev/none-2"


def test_without_any_it_says_what_to_check(plugged_in):
    plugged_in(("/dev/ttyS0", "n/a", None))
    with pytest.raises(CommandError, match="data lines.*driver.*BOOT") as raised:
        flash_port.find()
    assert raised.value.status == 1
