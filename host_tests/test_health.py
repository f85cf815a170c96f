"""Why the dongle started, what crashed, and the watchdog that is fed only while all loops go on."""

import http.client
import importlib
import json
import os
import sys
import time

import pytest
from meterling import starts
from meterling.health import Health
from meterling_tools import FIRMWARE, interpreters
from mqtt_probes import HERE
from mqtt_telegram import FRAMES, KEY
from running import LINE, Firmware, kind_broker, latest, wait_for


def live(interpreter, folder, *words):
    """(number, brown-outs in a row, [number, in a row, causes], last crash) after these starts,
    and what was printed."""
    run = interpreters.run(
        interpreter, HERE / "health_probe.py", [folder, *words], path=(FIRMWARE,)
    )
    assert run.returncode == 0, run
    *printed, found = run.stdout.decode().splitlines()
    return json.loads(found), printed


def test_starts_are_counted_by_cause_and_over_restarts(interpreter, tmp_path):
    live(interpreter, tmp_path, "power-on", "watchdog", "hard")
    found, _ = live(interpreter, tmp_path, "watchdog")
    assert found[:3] == [4, 0, [4, 0, {"power-on": 1, "watchdog": 2, "hard": 1}]]
    assert found[3] is None


def test_brown_outs_in_a_row_are_counted_until_another_start(interpreter, tmp_path):
    assert live(interpreter, tmp_path, "power-on", "brown-out", "brown-out")[0][:2] == [3, 2]
    assert live(interpreter, tmp_path, "brown-out")[0][:2] == [4, 3]
    assert live(interpreter, tmp_path, "hard")[0][:2] == [5, 0]


def test_a_crash_is_kept_by_its_lines_and_never_by_its_text(interpreter, tmp_path):
    _, printed = live(interpreter, tmp_path, "power-on+crash")
    assert "mqtt: failed: ValueError" in printed
    found, _ = live(interpreter, tmp_path, "hard")
    crash = found[3]
    where = crash.pop("where")
    assert crash == {"start": 1, "after": 0, "part": "mqtt", "error": "ValueError"}
    assert "health_probe.py" in where[-1] and "fail" in where[-1] and "line 17" in where[-1]
    everything = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "S3cret" not in everything + str(printed)


_HUGE = '{"number": 1e400, "brown_outs_in_a_row": 0, "causes": {}}'
_HUGE_CRASH = '{"part": "", "error": "", "where": [], "start": 1e400, "after": 0}'


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", "7", '{"number": "x"}', '{"causes": 1}', "\x00", _HUGE, _HUGE_CRASH],
)
def test_damaged_files_count_as_none(interpreter, tmp_path, damage):
    for name in (starts.STARTS, starts.CRASH):
        (tmp_path / name).write_text(damage)
    found, _ = live(interpreter, tmp_path, "soft")
    assert found == [1, 0, [1, 0, {"soft": 1}], None]


def crash(health):
    try:
        raise OSError(5)
    except OSError as error:
        health.crashed("wifi", error)


def test_each_start_writes_once_and_crashes_at_most_once_an_hour(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = []
    write = starts.write_document
    monkeypatch.setattr(
        starts, "write_document", lambda path, what: written.append(path) or write(path, what)
    )
    health = Health()
    health.begin("power-on")
    for _ in range(10):
        crash(health)
        health.look([0])
    assert written == [starts.STARTS, starts.CRASH]
    for i in range(709):
        health.look([i])
    crash(health)
    assert len(written) == 2
    health.look([0])
    crash(health)
    assert len(written) == 3
    assert starts.crash()["after"] == 3600


def test_a_traceback_is_cut_to_what_a_small_file_takes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def deep(level):
        if level:
            deep(level - 1)
        raise ValueError

    health = Health()
    health.begin("power-on")
    try:
        deep(50)
    except ValueError as error:
        health.crashed("meter", error)
    assert (tmp_path / starts.CRASH).stat().st_size < 1400
    assert "deep" in starts.crash()["where"][-1]


def test_a_flash_that_takes_nothing_stops_nobody(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def refuse(path, document):
        raise OSError(28)

    monkeypatch.setattr(starts, "write_document", refuse)
    health = Health()
    health.begin("power-on")
    crash(health)
    assert health.number == 1
    assert "start: cannot be counted\n" in capsys.readouterr().out


def test_a_start_that_nobody_counts_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    crash(Health())
    assert os.listdir() == []


def test_without_room_to_write_it_down_what_crashed_goes_on(tmp_path, monkeypatch, capsys):
    """MicroPython asks the file system of packed modules whether one is there, and takes its
    MemoryError for a no."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr("meterling.starts")
    monkeypatch.setitem(sys.modules, "meterling.starts", None)  # importing it: ImportError
    health = Health()
    health.begin("power-on")
    crash(health)
    assert capsys.readouterr().out == "wifi: failed: OSError\n"


# The watchdog


def looks_until_dead(health, beats):
    for count in range(1, 1000):
        if not health.look(beats(count)):
            return count
    return None


def test_a_loop_that_stands_still_for_two_minutes_starves_the_watchdog(capsys):
    assert looks_until_dead(Health(), lambda i: [7, i]) == 25
    assert capsys.readouterr().out == "watchdog: loop 0 stands still\n"
    assert looks_until_dead(Health(), lambda i: [i, 7, i]) == 25


def test_all_loops_going_on_feed_it_for_ever():
    assert looks_until_dead(Health(), lambda i: [i, i & 1, -i]) is None


def test_a_wait_of_a_minute_and_a_half_is_no_death():
    # The publisher's longest pause, and a name and a broker that do not answer, take 76 s.
    assert looks_until_dead(Health(), lambda i: [i // 18, i]) is None


def test_a_loop_that_goes_on_again_is_alive():
    health = Health()
    assert looks_until_dead(health, lambda i: [7]) == 25
    assert health.look([8])


@pytest.fixture
def chip(monkeypatch):
    """`meterling.board.cause`, and the `machine` it has."""
    machine = type(sys)("machine")
    machine.PWRON_RESET, machine.HARD_RESET, machine.WDT_RESET = 1, 2, 3
    machine.DEEPSLEEP_RESET, machine.SOFT_RESET = 4, 5
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.delitem(sys.modules, "meterling.board.cause", raising=False)
    yield importlib.import_module("meterling.board.cause"), machine
    sys.modules.pop("meterling.board.cause")


@pytest.mark.parametrize(
    ("number", "cause"),
    [(0, "unknown"), (1, "power-on"), (2, "hard"), (3, "watchdog"), (4, "deep-sleep"), (5, "soft")],
)
def test_the_chip_s_reset_causes_have_names(chip, number, cause):
    module, machine = chip
    machine.reset_cause = lambda: number
    assert module.find() == cause
    assert cause in starts.CAUSES


def test_a_power_on_that_the_rtc_s_memory_survived_is_a_brown_out(chip):
    module, machine = chip
    kept = [b""]

    class RTC:
        def memory(self, data=None):
            if data is None:
                return kept[0]
            kept[0] = data
            return None

    machine.RTC = RTC
    machine.reset_cause = lambda: machine.PWRON_RESET
    assert module.find() == "power-on"
    assert module.find() == "brown-out"
    machine.reset_cause = lambda: machine.HARD_RESET
    assert module.find() == "hard"
    kept[0] = b""  # the power was away
    machine.reset_cause = lambda: machine.PWRON_RESET
    assert module.find() == "power-on"


def test_a_port_that_knows_brown_outs_is_believed(chip):
    module, machine = chip
    machine.BROWNOUT_RESET = 6
    machine.reset_cause = lambda: 6
    assert module.find() == "brown-out"


# The whole firmware, start after start


@pytest.fixture(params=["micropython", "micropython32"])
def dongle(request):
    interpreter = interpreters.find(request.param)
    if not interpreter:
        pytest.skip(interpreter.reason)
    return interpreter


class Life:
    """A dongle that is started again and again; `watched`: how often its watchdog was fed."""

    def __init__(self, interpreter, home, monkeypatch, settings, tree=None):
        self._interpreter = interpreter
        self._home = home
        self._settings = settings
        self._environment = monkeypatch
        self._tree = tree
        for name in ("rtc", "watchdog"):
            monkeypatch.setenv("METERLING_" + name.upper(), str(home / name))

    def start(self, cause):
        self._environment.setenv("METERLING_RESET", cause)
        return Firmware(self._interpreter, self._home, self._settings, tree=self._tree)

    def lose_power(self):
        (self._home / "rtc").unlink()

    def watched(self):
        path = self._home / "watchdog"
        return path.stat().st_size if path.exists() else 0


def said(firmware, text):
    return wait_for(lambda: [line for line in firmware.lines if text in line])


def test_the_firmware_knows_why_it_started(dongle, tmp_path, monkeypatch):
    life = Life(dongle, tmp_path, monkeypatch, {"meter": LINE})
    with life.start("power-on") as firmware:
        said(firmware, "start 1: power-on")
        wait_for(life.watched)
    with life.start("watchdog") as firmware:
        said(firmware, "start 2: watchdog")
    with life.start("power-on") as firmware:
        said(firmware, "start 3: brown-out")
    life.lose_power()
    with life.start("power-on") as firmware:
        said(firmware, "start 4: power-on")
    causes = {"power-on": 2, "watchdog": 1, "brown-out": 1}
    assert starts.read(str(tmp_path / starts.STARTS)) == (4, 0, causes)


def test_a_start_that_failed_is_known_to_the_next(dongle, tmp_path, monkeypatch):
    life = Life(dongle, tmp_path, monkeypatch, {"meter": {"key": "S3cret"}})
    with life.start("power-on") as firmware:
        assert firmware.process.wait(10) != 0
    crash = starts.crash(str(tmp_path / starts.CRASH))
    assert (crash["part"], crash["error"], crash["start"]) == ("start", "ConfigError", 1)
    assert "S3cret" not in (tmp_path / starts.CRASH).read_text()


_FAILS = """
async def fail(self):
    await asyncio.sleep(0.2)
    raise ValueError("S3cret")

app.Wifi.run = fail
"""


def test_the_last_crash_is_on_the_page_after_a_restart(dongle, tmp_path_factory, monkeypatch):
    tmp_path = tmp_path_factory.mktemp("c")  # short: 100 characters of each line are kept
    (tmp_path / "tree").mkdir()
    tree = hanging(tmp_path / "tree", _FAILS)
    life = Life(dongle, tmp_path, monkeypatch, {"meter": LINE}, tree)
    with life.start("power-on") as firmware:
        said(firmware, "wifi: failed: ValueError")
        wait_for((tmp_path / starts.CRASH).exists)
    monkeypatch.setattr(life, "_tree", None)
    with life.start("hard") as firmware:
        cookie = log_in(firmware)
        status = json.loads(ask(firmware, "GET", "/api/status", cookie)[0])
        assert (status["start"], status["cause"]) == (2, "hard")
        assert 0 <= status["uptime"] < 60
        log = ask(firmware, "GET", "/api/log", cookie)[0].decode()
    head, _, rest = log.partition("\n\n")
    lines = head.split("\n")
    assert lines[:2] == ["start 2: hard", "all starts: 1 power-on, 1 hard"]
    assert lines[2].startswith("last crash: wifi: ValueError, start 1, after ")
    assert "main.py" in lines[-1] and lines[-1].endswith("in fail")
    assert "mqtt: no broker is set" in rest
    assert "S3cret" not in log


_NO_ROOM = """
from meterling.update import trial

async def no_room(*_):
    trial.judge = judge
    raise ImportError("no module named 'meterling.update.slots'")

async def judge(*_):
    print("judged")

trial.judge = no_room
"""


@pytest.mark.parametrize("slots", [True, False], ids=["slots", "no-slots"])
def test_the_verdict_about_a_version_is_tried_again(dongle, tmp_path, monkeypatch, slots):
    """It is given up only where nothing has slots: else a good version would have to go."""
    (tmp_path / "tree").mkdir()
    tree = hanging(tmp_path / "tree", _NO_ROOM)
    if slots:
        (tree / "boot_slots.py").symlink_to(FIRMWARE / "boot_slots.py")
    life = Life(dongle, tmp_path, monkeypatch, {"meter": LINE}, tree)
    with life.start("power-on") as firmware:
        if slots:
            said(firmware, "judged")
        else:
            wait_for(lambda: life.watched() > 30)
        failed = [line for line in firmware.lines if line.startswith("update: failed")]
        assert failed == ["update: failed: ImportError"] * slots
        assert firmware.process.poll() is None


def ask(firmware, method, path, cookie="", body=None):
    """(answer's body, its cookie)"""
    connection = http.client.HTTPConnection("127.0.0.1", firmware.page_port, timeout=10)
    headers = {"X-Meterling": "1", "Cookie": cookie, "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return text, (answer.headers["Set-Cookie"] or "").partition(";")[0]


def log_in(firmware):
    def is_up():
        try:
            return ask(firmware, "GET", "/api/hello")
        except OSError:
            return None

    wait_for(is_up)
    return ask(firmware, "POST", "/api/setup", body={"password": "Sonnenblume"})[1]


_HANGS = """
import asyncio
import meterling.board.chip as chip

feed = chip.feed_watchdog
chip.feed_watchdog = lambda is_alive: feed(is_alive, every=0.08)

from meterling import app
{}
app.run()
"""
_READER = """
async def hang(self):
    await asyncio.sleep(1000)

app.MeterReader.run = hang
"""
_WIFI = """
async def hang(self):
    await asyncio.sleep(1000)

app.Wifi.run = hang
"""


def hanging(folder, code):
    """A tree whose main.py has a look every 80 ms instead of 5 s, and `code` before it runs."""
    for name in ("meterling", "site"):
        (folder / name).symlink_to(FIRMWARE / name)
    (folder / "main.py").write_text(_HANGS.format(code))
    from meterling_tools import dependencies

    (folder / "lib").symlink_to(dependencies.fetch())
    return folder


def settings_for(port):
    return {
        "device": "dongle",
        "meter": {**LINE, "key": KEY},
        "mqtt": {"host": "127.0.0.1", "port": port},
    }


def test_the_watchdog_is_fed_while_the_meter_is_silent_and_while_it_speaks(
    dongle, tmp_path, monkeypatch
):
    (tmp_path / "tree").mkdir()
    tree = hanging(tmp_path / "tree", "")
    with kind_broker() as (port, packets):
        life = Life(dongle, tmp_path, monkeypatch, settings_for(port), tree)
        with life.start("power-on") as firmware:
            wait_for(lambda: life.watched() > 30)  # longer than a dead loop would be fed
            os.write(firmware.master, FRAMES)
            wait_for(lambda: latest(packets, "reading"))
            fed = life.watched()
            wait_for(lambda: life.watched() > fed + 30)


@pytest.mark.parametrize(
    ("code", "words", "number"), [(_READER, FRAMES, 0), (_WIFI, b"", 1)], ids=["reader", "wifi"]
)
def test_it_starves_if_one_loop_hangs_though_all_others_go_on(
    dongle, tmp_path, monkeypatch, code, words, number
):
    (tmp_path / "tree").mkdir()
    tree = hanging(tmp_path / "tree", code)
    with kind_broker() as (port, _):
        life = Life(dongle, tmp_path, monkeypatch, settings_for(port), tree)
        with life.start("power-on") as firmware:
            wait_for(life.watched)
            os.write(firmware.master, words)
            said(firmware, "stands still")
            fed = life.watched()
            time.sleep(0.5)
            assert life.watched() == fed
            dead = [line for line in firmware.lines if line.startswith("watchdog: ")]
            assert dead == [f"watchdog: loop {number} stands still"]
            firmware.process.kill()  # as the chip's watchdog would, a minute later
        with life.start("watchdog") as firmware:
            said(firmware, "start 2: watchdog")
