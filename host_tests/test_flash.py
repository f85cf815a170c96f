"""`meterling flash`, with the real esptool and mpremote, on a board that is a pseudo-terminal;
see fake_dongle."""

import argparse
import functools
import json
import os
import shutil
import subprocess
from types import SimpleNamespace

import esptool
import pytest
from fake_dongle import MIB, FakeDongle, contents
from meterling import __version__
from meterling_tools import (
    ROOT,
    CommandError,
    board_build,
    boards,
    flash,
    flash_dongle,
    flash_keep,
    image,
)
from test_image import stock

BOARD = "esp32-devkit-mbus"
_MAKE = board_build.make
ON_MICROPYTHON = pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)


@pytest.fixture(autouse=True)
def nobodys_computer(tmp_path, monkeypatch, built):
    """Neither this PC's caches nor its downloads; and no pages: npm has its own tests."""

    def make(board, folder, keys):
        shutil.copytree(built[0], folder, dirs_exist_ok=True)
        return built[1], []

    monkeypatch.setattr(flash.board_build, "make", make)
    monkeypatch.setattr(flash, "_CACHE", tmp_path / "cache")
    monkeypatch.setattr(flash.Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(flash.site, "build_or_say", lambda folder: None)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The firmware for BOARD, as it is built, once."""
    folder = tmp_path_factory.mktemp("built")
    files, _ = board_build.make(boards.load(BOARD), folder)
    return folder, files


@pytest.fixture
def release(interpreter, monkeypatch):
    """The release of MicroPython that the fake board runs is the one that is supported."""
    version = interpreter.version.replace(".preview", "-preview")
    monkeypatch.setattr(image, "MICROPYTHON", (version,))
    return version


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(flash_dongle, "_TIMEOUT", 0.5)
    monkeypatch.setattr(flash, "_PATIENCE", 1)
    monkeypatch.setattr(flash, "_PATIENCE_UNPLUGGED", 1)


def meterling_flash(*args):
    parser = argparse.ArgumentParser()
    flash.add_arguments(parser)
    flash.run(parser.parse_args([str(arg) for arg in args]))


def refusal(*args):
    with pytest.raises(CommandError) as raised:
        meterling_flash(*args)
    assert raised.value.status == 1
    return str(raised.value)


def stock_file(folder, version, chip="esp32"):
    path = folder / "ESP32_GENERIC-20250911-v1.26.1.bin"
    path.write_bytes(stock(chip, version))
    return path


def flashed(dongle, tmp_path, release, *args):
    meterling_flash(
        *("--port", dongle.path, "--board", BOARD, "--labels", tmp_path / "labels"),
        *("--micropython", stock_file(tmp_path, release), *args),
    )


@ON_MICROPYTHON
def test_a_board_out_of_the_bag(interpreter, tmp_path, release, capsys, monkeypatch, built):
    monkeypatch.setattr(flash.board_build, "make", _MAKE)  # all of it, really
    with FakeDongle(interpreter, tmp_path / "flash") as dongle:
        flashed(dongle, tmp_path, release)
        inside = contents(bytes(dongle.flash[2 * MIB :]))
        assert dongle.has_restarted()  # out of the REPL, into the firmware
    # All that the build makes, in machine code for that chip, and its settings.
    folder, files = built
    tree = {name: (folder / "tree" / name).read_bytes() for name, _, _ in files}
    settings = json.loads(inside.pop("settings.json"))
    tree.pop("settings.json.example")
    assert inside == tree
    assert settings["meter"]["rx_pin"] == 16
    password = settings["ap"]["password"]
    assert len(password) >= 10
    # MicroPython is where it belongs.
    assert dongle.flash[0x1000:0x9000] == stock(version=release)[:0x8000]
    said = capsys.readouterr().out
    assert "It is an esp32 with 4 MiB of flash, number 0001." in said
    assert f"It answers: Meterling {__version__} on MicroPython {release}." in said
    # The label says what the settings say.
    assert f"Password: {password}" in said
    assert "Wi-Fi: Meterling-0001" in said
    assert f"Passwort: {password}" in (tmp_path / "labels" / "label-0001.txt").read_text()
    assert (tmp_path / "labels" / "label-0001.svg").exists()
    # Nothing is left over, and next time nobody has to look for MicroPython.
    assert not list((tmp_path / "labels").glob("unfinished*"))
    assert len(list((tmp_path / "cache").glob("*.bin"))) == 1


OLD = {"wifi": {"ssid": "Home"}, "ap": {"password": "on-the-label"}, "meter": {"rx_pin": 4}}


def used_flash(settings, **more):
    """A flash in which an older Meterling lived."""
    files = {"main.py": b"", "meterling/app.mpy": b"old", **more}
    if settings is not None:
        files["settings.json"] = json.dumps(settings).encode()
    return image.merge(image.MicroPython(stock()), files, 4 * MIB)


@ON_MICROPYTHON
def test_flashed_again_it_keeps_what_is_its_owners(interpreter, tmp_path, release, capsys):
    old = used_flash(OLD, **{"line.json": b"{}", "layouts.txt": b"# mine \xe4"})
    with FakeDongle(interpreter, tmp_path / "flash", old) as dongle:
        flashed(dongle, tmp_path, release)
        inside = contents(bytes(dongle.flash[2 * MIB :]))
    settings = json.loads(inside["settings.json"])
    assert settings["wifi"]["ssid"] == "Home"
    assert settings["ap"]["password"] == "on-the-label"  # what is printed on it stays true
    assert settings["meter"]["rx_pin"] == 16  # the wires are those of the board ..
    assert (inside["line.json"], inside["layouts.txt"]) == (b"{}", b"# mine \xe4")
    assert "meterling/app.mpy" not in inside  # no leftovers
    said = capsys.readouterr().out
    assert "meter.rx_pin is 16 on this board; was 4." in said  # .. and that is said
    assert "It keeps its layouts.txt, line.json, settings.json." in said


@ON_MICROPYTHON
def test_erase_begins_anew(interpreter, tmp_path, release):
    with FakeDongle(interpreter, tmp_path / "flash", used_flash(OLD)) as dongle:
        flashed(dongle, tmp_path, release, "--erase")
        settings = json.loads(contents(bytes(dongle.flash[2 * MIB :]))["settings.json"])
        assert dongle.erased
    assert settings["wifi"]["ssid"] == ""
    assert settings["ap"]["password"] != "on-the-label"


@ON_MICROPYTHON
def test_settings_of_a_fleet_come_last(interpreter, tmp_path, release, capsys):
    own = {"mqtt": {"host": "192.168.1.2"}, "ap": {"password": "of-the-fleet"}}
    own["meter"] = {"rx_pin": 21}
    (tmp_path / "fleet.json").write_text(json.dumps(own))
    with FakeDongle(interpreter, tmp_path / "flash", used_flash(OLD)) as dongle:
        flashed(dongle, tmp_path, release, "--settings", tmp_path / "fleet.json")
        settings = json.loads(contents(bytes(dongle.flash[2 * MIB :]))["settings.json"])
    assert settings["mqtt"]["host"] == "192.168.1.2"
    assert settings["wifi"]["ssid"] == "Home"
    assert settings["meter"]["rx_pin"] == 21
    assert "Password: of-the-fleet" in capsys.readouterr().out


@pytest.fixture
def impatient(monkeypatch):
    """esptool waits less long for a port to come back, and for a chip."""
    monkeypatch.setattr(esptool.cmds, "DEFAULT_CONNECT_ATTEMPTS", 1)
    once = functools.partial(esptool.detect_chip, connect_attempts=1)
    monkeypatch.setattr(esptool, "detect_chip", once)


@ON_MICROPYTHON
@pytest.mark.parametrize(
    ("command", "number"),
    [
        *[("sync", 0), ("read-reg", 5)],  # is it a chip? which one?
        ("mem-data", 1),  # esptool's helper goes into its RAM
        ("read", 2),  # what do the settings say?
        *[("defl-data", 3), ("md5", 0)],
    ],
)
def test_a_cable_pulled_at_any_time_costs_no_settings(
    interpreter, tmp_path, release, impatient, command, number
):
    at = (command, number)
    with FakeDongle(interpreter, tmp_path / "flash", used_flash(OLD), dies_at=at) as dongle:
        with pytest.raises(CommandError) as lost:
            flashed(dongle, tmp_path, release)
        flash_now = dongle.flash
        touched = dongle.writes != []
    assert lost.value.status == 1
    assert str(lost.value).endswith((".", "?"))
    if touched:
        assert "broke off while the firmware was written" in str(lost.value)
        flash_now[2 * MIB :] = b"\0" * (2 * MIB)  # at the worst, nothing of the old files is left
    with FakeDongle(interpreter, tmp_path / "flash", flash_now) as dongle:
        flashed(dongle, tmp_path, release)
        settings = json.loads(contents(bytes(dongle.flash[2 * MIB :]))["settings.json"])
    assert settings["wifi"]["ssid"] == "Home"
    assert settings["ap"]["password"] == "on-the-label"
    assert not list((tmp_path / "labels").glob("unfinished*"))


@ON_MICROPYTHON
def test_what_is_kept_meanwhile_is_nobody_elses(interpreter, tmp_path, release, impatient):
    with FakeDongle(interpreter, tmp_path / "flash", used_flash(OLD), dies_at=("md5", 0)) as dongle:
        with pytest.raises(CommandError):
            flashed(dongle, tmp_path, release)
    unfinished = tmp_path / "labels" / "unfinished-0001.json"
    assert "on-the-label" in unfinished.read_text()
    assert unfinished.stat().st_mode & 0o77 == 0


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_make_clean_leaves_it_there(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for folder in ("firmware", "tools", "host_tests", "build/labels", "build/deps", "build/esp32"):
        (tmp_path / folder).mkdir(parents=True)
    unfinished = tmp_path / "build" / "labels" / "unfinished-0001.json"
    unfinished.write_text("{}")
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert unfinished.exists()
    assert {path.name for path in (tmp_path / "build").iterdir()} == {"deps", "labels"}


@pytest.mark.parametrize("raised", [KeyboardInterrupt, CommandError("lost"), ValueError])
def test_whatever_ends_a_read_of_the_old_files_ends_it_all(raised):
    """littlefs swallows what is raised while it waits for a block."""
    old = used_flash(OLD, **{"layouts.txt": bytes(20_000)})
    asked = []

    def read_files(ends_at=None):
        asked.clear()

        def read(offset, size):
            asked.append(offset)
            if len(asked) == ends_at:
                raise raised
            if ends_at and len(asked) > ends_at:
                raise OSError("out of step")  # the rest of an answer that nobody waited for
            return old[offset : offset + size]

        return flash_keep.read_files(read, 4 * MIB)

    assert set(read_files()) == {"settings.json", "layouts.txt"}
    reads = len(asked)
    assert reads > 5
    for ends_at in range(1, reads + 1):
        with pytest.raises(raised if isinstance(raised, type) else CommandError):
            read_files(ends_at)
        assert len(asked) == ends_at  # the port is not touched again


@ON_MICROPYTHON
def test_settings_that_cannot_be_read_are_not_thrown_away(interpreter, tmp_path, release):
    old = bytearray(used_flash(OLD))
    for block in (0, 1):  # the superblock's name stays, and its checksum does not hold
        old[2 * MIB + 4096 * block + 20 : 2 * MIB + 4096 * block + 4000] = bytes(3980)
    with FakeDongle(interpreter, tmp_path / "flash", old) as dongle:
        with pytest.raises(CommandError, match="cannot be read.*--erase"):
            flashed(dongle, tmp_path, release)
        assert dongle.writes == []


@ON_MICROPYTHON
def test_settings_that_nobody_understands_are_not_thrown_away(interpreter, tmp_path, release):
    old = used_flash(None, **{"settings.json": b'{"wifi": {"ssid": 7}}'})
    with FakeDongle(interpreter, tmp_path / "flash", old) as dongle:
        with pytest.raises(CommandError, match="cannot be kept: wifi.ssid.*--settings.*--erase"):
            flashed(dongle, tmp_path, release)
        assert dongle.writes == []


@ON_MICROPYTHON
def test_what_ran_there_before_need_not_be_micropython(interpreter, tmp_path, release):
    with FakeDongle(interpreter, tmp_path / "flash", bytes(range(256)) * (MIB // 64)) as dongle:
        flashed(dongle, tmp_path, release)
        assert "main.py" in contents(bytes(dongle.flash[2 * MIB :]))


@ON_MICROPYTHON
def test_a_larger_flash_gets_a_larger_file_system(interpreter, tmp_path, release):
    with FakeDongle(interpreter, tmp_path / "flash", b"\xff" * (8 * MIB)) as dongle:
        flashed(dongle, tmp_path, release)
        assert "main.py" in contents(bytes(dongle.flash[2 * MIB :]))


@ON_MICROPYTHON
@pytest.mark.parametrize("chip", boards.CHIPS)
def test_each_chip_is_recognised_and_written(interpreter, tmp_path, release, chip, capsys):
    board = next(b for b in map(boards.load, boards.names()) if b["kit"]["chip"] == chip)
    file = tmp_path / f"{board['kit']['image']}-20250911-v{release}.bin"
    file.write_bytes(stock(chip, release))  # where it was downloaded to
    flash_of_it = b"\xff" * (board["kit"]["flash_mib"] * MIB)
    with FakeDongle(interpreter, tmp_path / "flash", flash_of_it, chip) as dongle:
        labels = ("--labels", tmp_path / "labels")
        meterling_flash("--port", dongle.path, "--board", board["name"], *labels)
        settings = json.loads(contents(bytes(dongle.flash[2 * MIB :]))["settings.json"])
    start = boards.CHIPS[chip].bootloader
    assert dongle.flash[start : start + 0x1000] == file.read_bytes()[:0x1000]
    assert settings["meter"]["rx_pin"] == board["uart"]["rx"]
    assert f"It is an {chip} with {board['kit']['flash_mib']} MiB" in capsys.readouterr().out


# What goes wrong


@ON_MICROPYTHON
def test_another_chip(interpreter, tmp_path, release):
    with FakeDongle(interpreter, tmp_path / "flash", chip="esp8266") as dongle:
        sentence = refusal("--port", dongle.path)
    assert sentence == "This is an ESP8266. Meterling runs on: esp32, esp32s2, esp32s3, esp32c3."


@ON_MICROPYTHON
def test_another_board(interpreter, tmp_path, release, monkeypatch):
    restarted = []
    monkeypatch.setattr(flash.Chip, "restart", lambda self: restarted.append(self))
    with FakeDongle(interpreter, tmp_path / "flash") as dongle:
        sentence = refusal("--port", dongle.path, "--board", "lolin-s2-mini")
    assert len(restarted) == 1  # what is on it goes on, and does not wait in the bootloader
    assert sentence.startswith("lolin-s2-mini has an esp32s2, and this is an esp32")


@ON_MICROPYTHON
def test_an_image_of_another_chip_or_version(interpreter, tmp_path, release):
    with FakeDongle(interpreter, tmp_path / "flash") as dongle:
        args = ("--port", dongle.path, "--board", BOARD, "--micropython")
        assert "is for the esp32c3" in refusal(*args, stock_file(tmp_path, release, "esp32c3"))
        assert "is MicroPython 1.20.0" in refusal(*args, stock_file(tmp_path, "1.20.0"))
        assert "none.bin: No such file" in refusal(*args, tmp_path / "none.bin")
        assert dongle.writes == []


@ON_MICROPYTHON
def test_without_an_image_it_says_where_to_get_one(interpreter, tmp_path, release):
    with FakeDongle(interpreter, tmp_path / "flash") as dongle:
        sentence = refusal("--port", dongle.path, "--board", BOARD)
    assert f"get ESP32_GENERIC-....-v{release}.bin" in sentence
    assert "https://micropython.org/download/ESP32_GENERIC/" in sentence
    assert "--micropython" in sentence


def test_an_image_in_downloads_is_found(tmp_path):
    downloads = tmp_path / "home" / "Downloads"
    downloads.mkdir(parents=True)
    (downloads / "ESP32_GENERIC-20250809-v1.26.0.bin").write_bytes(stock(version="1.26.0"))
    (downloads / "ESP32_GENERIC-20251209-v1.27.0.bin").write_bytes(stock(version="1.27.0"))
    (downloads / "ESP32_GENERIC-20250911-v1.26.1.app-bin").write_bytes(b"")
    (downloads / "ESP32_GENERIC_C3-20250911-v1.26.1.bin").write_bytes(stock("esp32c3"))
    assert flash.find_micropython(boards.load(BOARD)).version == "1.26.0"


def test_a_board_that_stays_silent(impatient):
    master, slave = os.openpty()
    assert "Hold the button BOOT" in refusal("--port", os.ttyname(slave))
    os.close(master)
    os.close(slave)


@ON_MICROPYTHON
def test_a_dongle_that_does_not_answer_afterwards(interpreter, tmp_path, release, quick, capsys):
    class Mute(FakeDongle):
        def _to_micropython(self, data):
            pass

    with Mute(interpreter, tmp_path / "flash") as dongle:
        with pytest.raises(CommandError, match="It was written, and does not answer") as raised:
            flashed(dongle, tmp_path, release)
        settings = json.loads(contents(bytes(dongle.flash[2 * MIB :]))["settings.json"])
    assert raised.value.status == 1
    # Its password is on it, and so on its label.
    password = settings["ap"]["password"]
    assert f"Password: {password}" in capsys.readouterr().out
    assert f"Passwort: {password}" in (tmp_path / "labels" / "label-0001.txt").read_text()
    assert (tmp_path / "labels" / "label-0001.svg").exists()
    # It has been read back, so the dongle holds the settings; a copy here would soon be an old one.
    assert not (tmp_path / "labels" / "unfinished-0001.json").exists()


@ON_MICROPYTHON
def test_what_is_set_after_a_ctrl_c_once_it_is_written_is_kept(
    interpreter, tmp_path, release, monkeypatch
):
    def ctrl_c(device):
        raise KeyboardInterrupt

    with FakeDongle(interpreter, tmp_path / "flash", used_flash(OLD)) as dongle:
        with monkeypatch.context() as patch:
            patch.setattr(flash, "wait_for", ctrl_c)
            with pytest.raises(KeyboardInterrupt):
                flashed(dongle, tmp_path, release)
        dongle.flash[:] = used_flash({**OLD, "wifi": {"ssid": "Set since"}})  # by its owner
        flashed(dongle, tmp_path, release)
        settings = json.loads(contents(bytes(dongle.flash[2 * MIB :]))["settings.json"])
    assert settings["wifi"]["ssid"] == "Set since"


@ON_MICROPYTHON
def test_a_dongle_that_runs_something_else_afterwards(interpreter, tmp_path, release, monkeypatch):
    monkeypatch.setattr(image, "MICROPYTHON", ("1.19.1",))
    with FakeDongle(interpreter, tmp_path / "flash") as dongle:
        with pytest.raises(CommandError, match=r"it runs MicroPython .*, not MicroPython 1\.19\.1"):
            flashed(dongle, tmp_path, "1.19.1")


def test_a_port_that_is_gone_for_a_moment_is_asked_again(monkeypatch, quick):
    usb, others = (SimpleNamespace(device=f"/dev/none-{n}", vid=0x303A) for n in range(2))
    plugged_in = [[others], [others, usb]]  # it comes back
    asked = []

    def comports():
        return plugged_in[min(len(asked), 1)]

    def dongle(device):
        asked.append(device)
        if device != usb.device:
            raise CommandError("It does not answer.")
        return device

    monkeypatch.setattr(flash.flash_port.list_ports, "comports", comports)
    monkeypatch.setattr(flash, "Dongle", dongle)
    assert flash.wait_for(usb.device) == usb.device
    assert asked == [others.device, usb.device]


def test_wrong_settings_are_refused_before_anything_is_touched(tmp_path):
    (tmp_path / "fleet.json").write_text('{"meter": {"key": "short"}}')
    assert "meter.key" in refusal("--settings", tmp_path / "fleet.json", "--port", "none")


def test_no_such_file_of_settings(tmp_path):
    assert "none.json: No such file" in refusal("--settings", tmp_path / "none.json")


# Which board


def test_one_question_at_most(capsys):
    asked = []

    def ask(question):
        asked.append(question)
        return ["", "9000", "2"][len(asked) - 1]

    board = flash.choose_board("esp32c3", ask=ask)
    assert board["name"] == "esp32c3-supermini-optical"
    said = capsys.readouterr().out
    assert "1  esp32c3-supermini-mbus: " in said
    assert said.count("Which board is it?") == 1
    assert flash.choose_board("esp32s2", ask=None)["name"] == "lolin-s2-mini"


def test_with_nobody_to_ask_it_says_the_option(monkeypatch):
    with pytest.raises(CommandError, match="--board.*esp32-devkit-mbus"):
        flash.choose_board("esp32")
