"""A dongle whose MicroPython answers, by mpremote: who it is, its files, its restart."""

import ast
import base64
import contextlib
import io
import time

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from . import CommandError, flash_port

_BAUDRATE = 115_200
_TIMEOUT = 3  # s without a byte from it
_CHUNK = 1024  # bytes at once: its heap, and 4096 bytes of flash, are small
_NEW = ".new"

# The firmware's watchdog cannot be stopped, and nobody feeds it now: this gives another minute.
_FEED = """
try:
    import machine
    machine.WDT(timeout=60000).feed()
except (ImportError, AttributeError, TypeError, ValueError, OSError):
    pass
"""
_WHO = """
import sys
def who():
    slot = number = version = None
    try:
        import machine
        number = machine.unique_id()
    except (ImportError, AttributeError):
        pass
    try:
        import boot_slots
        run, tried = boot_slots.read()[:2]
        slot = tried if tried in boot_slots.SLOTS else run
        if boot_slots.is_whole(slot):
            sys.path.insert(0, slot)
        else:
            slot = None
    except ImportError:
        pass
    try:
        import meterling
        version = meterling.__version__
    except ImportError:
        pass
    python = sys.implementation
    return tuple(python.version), python._mpy >> 10 & 15, number, slot, version
"""
_HASHES = """
import os, hashlib
def walk(folder, all):
    for entry in os.ilistdir(folder or "."):
        path = folder + "/" + entry[0] if folder else entry[0]
        if entry[1] & 0x4000:
            if all:
                walk(path, all)
            continue
        h = hashlib.sha256()
        with open(path, "rb") as file:
            while True:
                n = file.readinto(buffer)
                if not n:
                    break
                h.update(memoryview(buffer)[:n])
        print(repr((path, h.digest())), end=",")
buffer = bytearray(512)
def hashes(folders):
    for folder, all in folders:
        try:
            walk(folder, all)
        except OSError:
            pass
"""
_RECEIVE = """
import os
from binascii import a2b_base64
def begin(path):
    global file
    parts = path.split("/")[:-1]
    for i in range(len(parts)):
        try:
            os.mkdir("/".join(parts[:i + 1]))
        except OSError:
            pass
    file = open(path + ".new", "wb")
def take(data):
    file.write(a2b_base64(data))
def end(path):
    file.close()
    os.rename(path + ".new", path)
"""


class Dongle:
    """What answers on a serial port. version: str, of MicroPython, as "1.26.1"; arch: int, its
    machine code as in sys.implementation._mpy; number: bytes or None, of the chip; slot: str or
    None, the slot it runs from; firmware: str or None, Meterling's version.

    Everything raises CommandError, with exit code 1, if it does not answer (any more)."""

    def __init__(self, device):
        """Interrupt what runs on `device`, and ask it who it is."""
        self._device = device
        self._transport = None
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self):
        with self._sentences():
            try:
                # A read that waits for ever would be a command that does.
                self._transport = SerialTransport(self._device, _BAUDRATE, timeout=_TIMEOUT)
            except TransportError:
                flash_port.check(self._device)
                raise
            self._transport.enter_raw_repl(timeout_overall=_TIMEOUT)
        self._run(_FEED + _WHO)
        version, self.arch, self.number, self.slot, self.firmware = self._ask("who()")
        *numbers, kind = [*version, ""][:4]
        self.version = ".".join(map(str, numbers)) + (f"-{kind}" if kind else "")

    @contextlib.contextmanager
    def _sentences(self):
        try:
            # mpremote prints what it did not understand.
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except CommandError:
            raise
        except (TransportError, *flash_port.LOST, ValueError, SyntaxError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise CommandError(
                f"The dongle on {self._device} does not answer (any more): {lines[-1]}. Check the "
                "cable, unplug it, plug it in again, and run this again.",
                1,
            )

    def _run(self, code):
        with self._sentences():
            return self._transport.exec(code).decode()

    def _ask(self, expression):
        with self._sentences():
            return ast.literal_eval(self._transport.exec(f"print(repr({expression}))").decode())

    def hashes(self, folders):
        """{path: SHA-256 (bytes)} of the files in `folders` ([(path, whether also in those
        below)]; "" is where the settings are)."""
        self._run(_FEED + _HASHES)
        text = self._run(f"hashes({folders!r})")
        with self._sentences():
            return dict(ast.literal_eval(f"[{text}]"))

    def begin_writing(self):
        """To be called before `write`."""
        self._run(_FEED + _RECEIVE)

    def write(self, path, data, moved):
        """Write the file `path`; if the cable is pulled meanwhile, the old one is still whole.
        `moved`: called with the number of bytes of each step."""
        self._run(_FEED + f"begin({path!r})")
        for at in range(0, len(data), _CHUNK):
            chunk = data[at : at + _CHUNK]
            self._run(f"take({base64.b64encode(chunk)!r})")
            moved(len(chunk))
        self._run(f"end({path!r})")

    def remove(self, path):
        self._run(f"import os\nos.remove({path!r})")

    def trust(self, slot):
        """What is in `slot` (str) runs from now on, however often it was started before: who
        develops starts it often, and boot_slots counts."""
        self._run(
            "import boot_slots\n"
            f"boot_slots.write([{slot!r}, boot_slots.NONE, 0, boot_slots.NONE, boot_slots.NONE])"
        )

    def restart(self):
        """Let it start anew, and let go of the port."""
        with self._sentences():
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
            time.sleep(0.1)  # for the last byte
        self.close()

    def close(self):
        """Let go of the port."""
        if self._transport:
            try:
                self._transport.close()
            except OSError:
                pass
            self._transport = None
