"""Which slot runs: after an update, a failed one, crashes, and a power cut at any moment."""

import asyncio
import builtins
import itertools
import os
import sys
from pathlib import Path

import pytest
import updating
from hypothesis import given, settings
from hypothesis import strategies as st
from meterling.update import slots, trial, updater
from meterling.update.errors import Refused
from meterling_tools import FIRMWARE, interpreters

HERE = Path(__file__).parent
boot_slots = updating.boot_slots
OLD, NEW = updating.OLD, updating.NEW


@pytest.fixture
def root(tmp_path):
    """Two slots: `a` has proved itself, `b` holds the new version."""
    updating.install(tmp_path, "a", OLD)
    updating.install(tmp_path, "b", NEW)
    return f"{tmp_path}/"


def starts(root, count):
    return [boot_slots.choose(root) for _ in range(count)]


def test_without_a_state_the_first_whole_slot_runs(tmp_path):
    root = f"{tmp_path}/"
    assert boot_slots.choose(root) == ""  # neither
    assert not boot_slots.are_there(root)  # main.py then starts what lies beside it: test_app
    assert not os.listdir(tmp_path)  # a tree on a PC, without slots, is left alone
    updating.install(tmp_path, "b", OLD)
    assert boot_slots.choose(root) == "b"
    updating.install(tmp_path, "a", OLD)
    os.remove(tmp_path / "slots")
    assert boot_slots.choose(root) == "a"


def test_a_new_version_that_proves_itself_stays(root):
    slots.start_trial("b", "rn", root)
    assert starts(root, 1) == ["b"]
    assert slots.status(root) == {
        "slot": "b",
        "tried": True,
        "outcome": None,
        "versions": {"a": OLD, "b": NEW},
    }
    slots.proved(root)
    assert starts(root, 5) == ["b"] * 5
    assert slots.status(root)["outcome"] == "ok" and not slots.is_tried(root)


def test_the_old_version_does_not_speak_for_the_new_one(root):
    """It may have been judged just when the update was ready, before the restart."""
    starts(root, 1)
    slots.start_trial("b", "rn", root)
    slots.proved(root)
    assert slots.is_tried(root) and slots.running(root) == "a"
    assert starts(root, 4) == ["b", "b", "b", "a"]


def test_a_new_version_that_never_proves_itself_has_three_starts(root):
    slots.start_trial("b", "rn", root)
    assert starts(root, 5) == ["b", "b", "b", "a", "a"]
    status = slots.status(root)
    assert status["outcome"] == "failed-starts" and status["slot"] == "a"
    assert status["versions"] == {"a": OLD, "b": None}  # nothing ever falls back to it


def test_a_new_version_that_gives_up_is_not_started_again(root):
    slots.start_trial("b", "rn", root)
    assert starts(root, 1) == ["b"]
    boot_slots.give_up("failed-readings", root)
    assert starts(root, 3) == ["a"] * 3
    assert slots.status(root)["outcome"] == "failed-readings"


def test_what_proved_itself_and_then_crashes_for_ever_makes_room(root):
    slots.start_trial("b", "rn", root)
    boot_slots.choose(root)
    slots.proved(root)
    assert starts(root, 7) == ["b"] * 6 + ["a"]
    assert slots.status(root)["outcome"] == "failed-later"


def test_a_start_that_goes_well_is_not_counted(root):
    for _ in range(20):
        assert starts(root, 3) == ["a"] * 3
        slots.proved(root)


def test_power_that_comes_and_goes_is_no_fault_of_what_proved_itself(root, monkeypatch):
    monkeypatch.setattr(boot_slots, "_by_power", lambda: True)
    assert starts(root, 30) == ["a"] * 30
    assert not os.path.exists(f"{root}slots")  # nor is anything written
    slots.start_trial("b", "rn", root)
    assert starts(root, 4) == ["b"] * 3 + ["a"]  # who has yet to prove itself is not trusted


def test_with_one_slot_only_a_rescue_has_its_turn_and_then_the_slot_again(root):
    os.remove(f"{root}b/release")
    assert starts(root, 9) == ["a"] * 6 + [""] + ["a"] * 2


def test_a_slot_that_was_erased_is_not_started(root):
    os.remove(f"{root}a/release")
    assert starts(root, 2) == ["b", "b"]


def test_nothing_is_written_where_nothing_changes(root, monkeypatch):
    boot_slots.choose(root)
    slots.proved(root)

    def write(*_):
        raise AssertionError

    monkeypatch.setattr(boot_slots, "write", write)
    slots.proved(root)


def test_a_flash_that_takes_nothing_starts_what_has_proved_itself(root, monkeypatch):
    slots.start_trial("b", "rn", root)

    def rename(*_):
        raise OSError(30, "read-only")

    monkeypatch.setattr(boot_slots.os, "rename", rename)
    assert starts(root, 5) == ["a"] * 5


@settings(max_examples=60)
@given(st.binary(max_size=60) | st.from_regex(rb"1 [ab-] [ab-] [0-9]{1,3} r?n? ok\n?"))
def test_whatever_the_state_says_a_whole_slot_starts(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("state")
    for slot in "ab":
        (folder / slot).mkdir()
        (folder / slot / "release").write_bytes(b"x")
    (folder / "slots").write_bytes(data)
    for _ in range(20):
        boot_slots.choose(f"{folder}/")  # "" is a rescue's turn
    assert boot_slots.read(f"{folder}/")[0] in "ab"


# The verdict about a new version


@pytest.mark.parametrize(
    ("before", "looks", "verdict"),
    [
        # s since the start, readings so far, network
        ("rn", [(5, 0, True), (30, 2, True), (60, 9, True)], "ok"),
        ("rn", [(59, 5, True)], None),  # the first minute proves nothing
        ("rn", [(500, 1, False), (501, 2, True)], "ok"),
        ("rn", [(20, 5, True), (300, 5, False)], "ok"),  # it was back
        ("rn", [(599, 0, True)], None),
        ("rn", [(599, 0, True), (600, 0, True)], "failed-readings"),
        ("rn", [(599, 5, False), (600, 50, False)], "failed-network"),
        ("rn", [(600, 0, False)], "failed-readings"),
        ("n", [(60, 0, True)], "ok"),  # nothing was read before either
        ("r", [(60, 3, False)], "ok"),
        ("-", [(10, 0, False)], None),
        ("-", [(60, 0, False)], "ok"),
    ],
)
def test_a_version_has_to_do_what_the_old_one_did(before, looks, verdict):
    judged = trial.Trial(before)
    for look in looks:
        found = judged.look(*look)
    assert found == verdict


def judge(root, monkeypatch, readings=1, network=True):
    """How often the chip was reset."""
    seconds = []
    resets = []

    async def sleep_ms(milliseconds):
        seconds.append(milliseconds / 1000)

    monkeypatch.setattr(trial, "sleep_ms", sleep_ms)
    asyncio.run(trial.judge(lambda: readings, lambda: network, lambda: resets.append(1), root))
    return sum(seconds), len(resets)


def test_the_new_version_stays_after_a_minute(root, monkeypatch):
    slots.start_trial("b", "rn", root)
    boot_slots.choose(root)
    assert judge(root, monkeypatch) == (60, 0)
    assert starts(root, 4) == ["b"] * 4


@pytest.mark.parametrize(
    ("left", "why"),
    [({"readings": 0}, "failed-readings"), ({"network": False}, "failed-network")],
)
def test_the_old_version_is_back_after_ten_minutes(root, monkeypatch, left, why):
    slots.start_trial("b", "rn", root)
    boot_slots.choose(root)
    assert judge(root, monkeypatch, **left) == (600, 1)
    assert starts(root, 1) == ["a"]
    assert slots.status(root)["outcome"] == why


def test_what_proved_itself_long_ago_is_not_judged(root, monkeypatch):
    starts(root, 5)
    assert judge(root, monkeypatch, readings=0, network=False) == (60, 0)
    assert starts(root, 6) == ["a"] * 6


# A start that fails


class Timer:
    """Waits for nobody: a test calls `late`."""

    ONE_SHOT = 0

    def __init__(self, number):
        pass

    def init(self, mode, period, callback):
        Timer.late = callback


@pytest.fixture
def chip(monkeypatch):
    """What was done to the chip (list of str)."""
    done = []
    machine, micropython = type(sys)("machine"), type(sys)("micropython")
    machine.reset = lambda: done.append("reset")
    machine.Timer = Timer
    micropython.kbd_intr = lambda byte: done.append(f"interrupted by {byte}")
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.setitem(sys.modules, "micropython", micropython)
    monkeypatch.setattr(boot_slots.time, "sleep", lambda seconds: done.append(f"{seconds} s"))
    return done


def failing(error):
    def fail(*_):
        raise error

    return fail


def test_who_reads_along_has_five_seconds(root, chip):
    boot_slots.failed("a", ValueError("no"), root)
    assert chip == ["interrupted by 3", "5 s", "reset"]


@pytest.mark.parametrize("name", ["sleep", "print", "read", "give_up"])
@pytest.mark.parametrize("error", [OSError(28), MemoryError()])
def test_whatever_fails_while_a_start_fails_the_chip_starts_anew(
    root, chip, monkeypatch, name, error
):
    if name == "give_up":
        slots.start_trial("b", "rn", root)
    owner = boot_slots.time if name == "sleep" else boot_slots
    monkeypatch.setattr(owner, name, failing(error), raising=False)
    boot_slots.failed("b" if name == "give_up" else "a", ValueError("no"), root)
    assert chip[-1] == "reset"


def test_after_ctrl_c_it_does_not(root, chip, monkeypatch):
    monkeypatch.setattr(boot_slots.time, "sleep", failing(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        boot_slots.failed("a", ValueError("no"), root)
    assert "reset" not in chip


@pytest.mark.parametrize("name", ["read", "give_up"])
def test_the_clock_starts_the_chip_anew_whatever_fails(root, chip, monkeypatch, name):
    slots.start_trial("b", "rn", root)
    boot_slots._arm(root)
    monkeypatch.setattr(boot_slots, name, failing(OSError(28)))
    with pytest.raises(OSError):
        Timer.late(None)
    assert chip == ["reset"]


def test_the_clock_does_nothing_to_what_has_proved_itself(root, chip, monkeypatch):
    boot_slots._arm(root)
    Timer.late(None)
    assert chip == []


# The start itself, on each interpreter

RUNS = "print('this runs')\n"


@pytest.fixture
def start(interpreter, tmp_path):
    def run():
        arguments = [FIRMWARE / "main.py", tmp_path]
        path = (HERE, FIRMWARE)
        result = interpreters.run(interpreter, HERE / "boot_probe.py", arguments, path=path)
        return result.stdout.decode().split("\n")[:-1]

    return run


def app(folder, slot, body):
    (folder / slot / "meterling" / "app.py").write_text("def run():\n    " + body)


def test_the_start_runs_the_slots_own_app(start, root, tmp_path):
    assert start() == [f"this is {OLD}", "ended"]
    slots.start_trial("b", "rn", root)
    assert start() == [f"this is {NEW}", "ended"]


def test_a_new_version_that_raises_is_given_up_at_once(start, root, tmp_path):
    app(tmp_path, "b", "raise ValueError('no')")
    slots.start_trial("b", "rn", root)
    assert start()[-1] == "reset"
    assert start() == [f"this is {OLD}", "ended"]
    assert slots.status(root)["outcome"] == "failed-start"


def test_a_new_version_that_does_not_even_import_is_given_up(start, root, tmp_path):
    (tmp_path / "b" / "meterling" / "app.py").write_text("import nothing_like_it\n")
    slots.start_trial("b", "rn", root)
    assert start()[-1] == "reset"
    assert start() == [f"this is {OLD}", "ended"]


def test_what_proved_itself_may_say_why_it_does_not_start(start, root, tmp_path):
    app(tmp_path, "a", "raise ValueError('a setting is wrong')")
    *said, last = start()
    assert "ValueError" in "".join(said) and last == "reset"
    assert slots.status(root)["versions"] == {"a": OLD, "b": NEW}  # it is not given up


def test_without_room_for_who_handles_a_failed_start_the_chip_starts_anew(start, root, tmp_path):
    app(tmp_path, "a", "import sys; sys.path[:] = ['nowhere']; raise MemoryError")
    assert start() == ["reset"]


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
def test_a_crash_loop_of_both_ends_in_the_rescue(start, root, tmp_path):
    for slot in "ab":
        app(tmp_path, slot, f"print('{slot}'); import machine; machine.reset()")
    started = [start()[0] for _ in range(27)]
    assert started == 6 * ["a"] + 6 * ["b"] + ["rescue"] + 6 * ["a"] + 6 * ["b"] + ["rescue", "a"]


def test_a_new_version_that_never_decides_is_given_up_by_the_clock(start, root, tmp_path):
    fire = "import machine; (period, late), = machine.Timer.armed; print(period); late(None)\n"
    app(tmp_path, "b", fire)
    slots.start_trial("b", "rn", root)
    assert start() == ["660000", "reset"]
    assert start() == [f"this is {OLD}", "ended"]
    assert slots.status(root)["outcome"] == "failed-time"


def test_with_no_whole_slot_a_rescue_starts(start, root):
    for slot in "ab":
        os.remove(f"{root}{slot}/release")
    assert start() == ["rescue", "ended"]


# Power cuts


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
@pytest.mark.parametrize("spare", [None, "1.1.0"])
def test_a_power_cut_at_any_write_or_erase_of_the_flash(interpreter, tmp_path, spare):
    """On LittleFS itself, torn in the middle of each operation: a whole version runs, and the
    old one is back after three starts until the new one has said that it proved itself."""
    before = tmp_path / "before"
    updating.install(before, "a", OLD)
    if spare:
        updating.install(before, "b", spare)
    (before / "settings.json").write_text('{"device": "x"}\n')
    (tmp_path / "release").write_bytes(updating.make())
    again = 10
    arguments = [before, tmp_path / "release", 128, again]
    result = interpreters.run(interpreter, HERE / "power_cut_probe.py", arguments, heapsize=1 << 23)
    assert result.stderr == b""
    rows = [line.split() for line in result.stdout.decode().splitlines()]
    assert len(rows) > 40
    first = [row[0] for row in rows]
    later = [row[1] for row in rows]
    switch, proved = first.index(NEW), later.index(NEW)
    assert first == [OLD] * switch + [NEW] * (len(rows) - switch)
    assert later == [OLD] * proved + [NEW] * (len(rows) - proved)
    assert switch < proved  # in between it is tried, and gone after three starts
    assert {row[2] for row in rows} == {"True"}  # settings, and nothing seems whole that is not
    tried = [row[3] for row in rows if row[3] != "-"]
    assert tried == [NEW] * (proved // again)  # nothing is in the next update's way


class PowerCut(BaseException):
    pass


class Model:
    """A file system that shows every write at once, and stops for ever at its n-th step: a
    harder one than LittleFS, which shows a file's new content when it is closed."""

    def __init__(self, left):
        self.left = left
        self.steps = 0
        for name in ("listdir", "stat", "statvfs"):
            setattr(self, name, getattr(os, name))
        for name in ("mkdir", "remove", "rename", "rmdir"):
            setattr(self, name, self._counted(getattr(os, name)))

    def step(self):
        self.steps += 1
        if self.steps >= self.left:
            raise PowerCut

    def _counted(self, function):
        def call(*arguments):
            self.step()
            function(*arguments)

        return call

    def open(self, path, mode="r"):
        if "w" not in mode:
            return builtins.open(path, mode)
        self.step()
        return Written(self, builtins.open(path, mode))


class Written:
    def __init__(self, model, file):
        self._model = model
        self._file = file

    def write(self, data):
        self._file.write(data[: len(data) // 2])
        self._file.flush()
        self._model.step()
        self._file.write(data[len(data) // 2 :])
        self._file.flush()

    def flush(self):
        pass

    def close(self):
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def cut_at(root, n, monkeypatch, do):
    """`do()`, with the power off from the n-th step on; steps taken, None if it was cut."""
    model = Model(n)
    with monkeypatch.context() as patch:
        for module in (boot_slots, slots, updater):
            patch.setattr(module, "os", model)
            patch.setattr(module, "open", model.open, raising=False)
        try:
            do()
        except PowerCut:
            return None
    return model.steps


@pytest.mark.parametrize("spare", [None, "1.1.0"])
def test_a_power_cut_at_any_step_of_a_harder_file_system(tmp_path, monkeypatch, spare):
    release = updating.make()
    outcomes = []
    for n in itertools.count(1):
        folder = tmp_path / str(n)
        root = f"{folder}/"
        updating.install(folder, "a", OLD)
        if spare:
            updating.install(folder, "b", spare)

        def update():
            work = updater.Updater(False, root, (updating.PUBLIC,), OLD, 6)  # noqa: B023
            for start in range(0, len(release), 700):
                work.write(release[start : start + 700])
            asyncio.run(work.finish("rn"))

        def whole():
            update()
            boot_slots.choose(root)  # noqa: B023
            slots.proved(root)  # noqa: B023

        done = cut_at(root, n, monkeypatch, whole)
        for slot in filter(lambda slot: boot_slots.is_whole(slot, root), "ab"):  # noqa: B023
            assert updating.version_of(updating.contents(folder / slot))
        slot = boot_slots.choose(root)
        first = updating.version_of(updating.contents(folder / slot))
        later = updating.version_of(updating.contents(folder / starts(root, 4)[-1]))
        outcomes.append((first, later))
        if later == OLD:
            update()
            slot = boot_slots.choose(root)
            assert updating.version_of(updating.contents(folder / slot)) == NEW
        if done is not None:
            break
    assert len(outcomes) > 30
    phases = [key for key, _ in itertools.groupby(outcomes)]
    assert phases == [(OLD, OLD), (NEW, OLD), (NEW, NEW)]


def test_the_return_to_the_old_one_is_cut_too(tmp_path, monkeypatch):
    for n in itertools.count(1):
        folder = tmp_path / str(n)
        root = f"{folder}/"
        updating.install(folder, "a", OLD)
        updating.install(folder, "b", NEW)
        slots.start_trial("b", "rn", root)
        starts(root, 1)
        done = cut_at(root, n, monkeypatch, lambda: boot_slots.give_up("failed-time", root))  # noqa: B023
        slot = starts(root, 3)[-1]
        assert updating.version_of(updating.contents(folder / slot)) == OLD
        if done is not None:
            break
    assert n > 3


def test_the_probe_would_notice_a_slot_that_is_not_whole(tmp_path):
    """The tests above can fail."""
    updating.install(tmp_path, "a", OLD)
    files = updating.contents(tmp_path / "a")
    assert updating.version_of(files) == OLD
    for name in files:
        with pytest.raises((AssertionError, KeyError, Refused)):
            updating.version_of({**files, name: files[name] + b"x"})
    with pytest.raises(AssertionError):
        updating.version_of({**files, "more.py": b""})
    assert "boot_slots" in sys.modules
