"""A board on a pseudo-terminal: the bootloader of a chip with a flash, for esptool; and what
its flash holds, run by MicroPython's unix port, for mpremote.

Which of the two answers is told by who speaks: esptool's frames begin with C0 (there is no reset
line on a pseudo-terminal), mpremote with Ctrl-C. esptool's commands and answers (its
documentation, "Serial Protocol"), each in a SLIP frame (C0 .. C0; DB DC, DB DD inside):

    00 | command | length (2) | checksum (4) | data
    01 | command | length (2) | value (4)    | data | status (2; the ROM: 4)
"""

import errno
import hashlib
import os
import select
import struct
import subprocess
import threading
import tty
import zlib
from collections import namedtuple
from pathlib import Path

from littlefs import LittleFS, LittleFSError
from meterling_tools import interpreters
from mqtt_probes import STANDINS

MIB = 1 << 20
NUMBER = bytes.fromhex("020000000001")  # as the stand-in for `machine` says

_MAGIC = 0x40001000  # a word of the ROM, other on each chip that has no number

# magic: that word; answer: to "security-info", None where the ROM has no such command; number: two
# words in the fuses; data: the first register of the data from and to the flash.
_Chip = namedtuple("_Chip", "magic answer number data")
_NOTHING_SECURE = bytes(12)
_CHIPS = {
    "esp8266": _Chip(0xFFF0C101, None, 0, 0),
    "esp32": _Chip(0x00F01D83, None, 0x3FF5A004, 0x3FF42080),
    "esp32s2": _Chip(0x000007C6, _NOTHING_SECURE, 0x3F41A044, 0x3F402058),
    "esp32s3": _Chip(0, _NOTHING_SECURE + struct.pack("<II", 9, 0), 0x60007044, 0x60002058),
    "esp32c3": _Chip(0, _NOTHING_SECURE + struct.pack("<II", 5, 0), 0x60008844, 0x60002058),
}
_COMMANDS = {
    "mem-end": 0x06,
    "mem-data": 0x07,
    "sync": 0x08,
    "read-reg": 0x0A,
    "defl-begin": 0x10,
    "defl-data": 0x11,
    "md5": 0x13,
    "security-info": 0x14,
    "erase": 0xD0,
    "read": 0xD2,
}
_NAMES = {number: name for name, number in _COMMANDS.items()}
_RAW = b"raw REPL; CTRL-B to exit\r\n>"
_RESET = 76  # status with which the stand-in for `machine` ends


class FakeDongle:
    """On the port `path` (str), from `with` on. flash: bytearray, all that was written; chip:
    str, one of _CHIPS; dies_at: (name of a command, its number), where the cable is pulled;
    writes: [(offset, size)]; starts: how often MicroPython began."""

    def __init__(self, interpreter, home, flash=b"\xff" * (4 * MIB), chip="esp32", dies_at=None):
        self.flash = bytearray(flash)
        self.home = home
        self.starts = 0
        self._restarted = threading.Event()
        self.writes = []  # [(offset, bytes)]
        self.erased = False
        home.mkdir(exist_ok=True)
        self._interpreter = interpreter
        self._chip = _CHIPS[chip]
        self._dies_at = dies_at
        self._process = None
        self._unpacked = None
        self._stub = False
        self._frame = None
        self._defl = None
        self._seen = 0
        self._running = True

    def __enter__(self):
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._running = False
        self._thread.join(10)
        self._stop()
        self.pull()

    def pull(self):
        """The cable is pulled."""
        for handle in (self._master, self._slave):
            try:
                os.close(handle)
            except OSError:
                pass
        self._running = False

    def has_restarted(self):
        """Whether machine.reset was called, soon."""
        return self._restarted.wait(5)

    def _run(self):
        try:
            while self._running:
                if select.select([self._master], [], [], 0.05)[0]:
                    self._take(os.read(self._master, 65536))
        except OSError as error:
            if error.errno not in (errno.EBADF, errno.EIO):
                raise

    def _take(self, data):
        if not self._frame and data.startswith(b"\r"):
            self._frame = None
        if self._frame is None and not data.startswith(b"\xc0"):
            self._to_micropython(data)
            return
        if self._frame is None:
            self._stop()
            self._stub = False
            self._frame = b""
        for byte in data:
            if byte != 0xC0:
                self._frame += bytes((byte,))
            elif self._frame:
                packet = self._frame.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")
                self._frame = b""
                self._answer(packet)
                if not self._running:
                    return

    # The bootloader

    def _send(self, packet):
        packet = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
        data = b"\xc0" + packet + b"\xc0"
        while data:
            data = data[os.write(self._master, data) :]

    def _answer(self, packet):
        if len(packet) == 4:
            return  # an acknowledgement of flash that was read
        command = packet[1]
        name = _NAMES.get(command)
        if self._dies_at and name == self._dies_at[0]:
            if self._dies_at[1] == self._seen:
                self.pull()
                return
            self._seen += 1
        data = packet[8:]
        value, answer, status = 0, b"", b"\0\0"
        if name == "sync":
            value = 0 if self._stub else 0x20120707
        elif name == "read-reg":
            value = self._register(struct.unpack("<I", data)[0])
        elif name == "security-info":
            answer = self._chip.answer or b""
            if self._chip.answer is None:
                status = b"\1\5"  # invalid message
        elif name == "defl-begin":
            self._defl = [struct.unpack_from("<I", data, 12)[0], zlib.decompressobj()]
        elif name == "defl-data":
            self._write(data[16:])
        elif name == "md5":
            offset, size = struct.unpack_from("<II", data)
            answer = hashlib.md5(self.flash[offset : offset + size]).digest()
        elif name == "erase":
            self.erased = True
            self.flash[:] = b"\xff" * len(self.flash)
        tail = status if self._stub else status + b"\0\0"
        head = struct.pack("<BBHI", 1, command, len(answer + tail), value)
        for _ in range(8 if name == "sync" else 1):
            self._send(head + answer + tail)
        if name == "read":
            self._read(*struct.unpack_from("<III", data))
        elif name == "mem-end":
            self._stub = True
            self._send(b"OHAI")

    def _register(self, address):
        words = {
            _MAGIC: self._chip.magic,
            self._chip.number: int.from_bytes(NUMBER[2:], "big"),
            self._chip.number + 4: int.from_bytes(NUMBER[:2], "big"),
            self._chip.data: (len(self.flash).bit_length() - 1) << 16 | 0x40EF,  # size, maker
        }
        return words.get(address, 0)

    def _write(self, data):
        data = self._defl[1].decompress(data)
        at = self._defl[0]
        self.flash[at : at + len(data)] = data
        self._defl[0] += len(data)
        self.writes.append((at, len(data)))

    def _read(self, offset, size, block):
        data = bytes(self.flash[offset : offset + size])
        for at in range(0, size, block):
            self._send(data[at : at + block])
        self._send(hashlib.md5(data).digest())

    # MicroPython

    def _to_micropython(self, data):
        if self._process is None:
            self._boot()
        os.write(self._inner, data)

    def _boot(self):
        """Its file system becomes the folder `home`; what was written there since stays."""
        files = bytes(self.flash[2 * MIB :])
        if files != self._unpacked:
            self._unpacked = files
            for name, data in contents(files).items():
                path = self.home / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        self._start()

    def _start(self, raw=False):
        """raw: its prompt is to be that of the raw REPL, at once, as after a soft reset."""
        self._inner, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.starts += 1
        self._interpreter.starts += 1
        ends = dict.fromkeys(("stdin", "stdout", "stderr"), self._theirs)
        path = (self.home, self.home / "lib", STANDINS)
        self._process = subprocess.Popen(
            [self._interpreter.path],
            cwd=self.home,
            env=interpreters.environment(self._interpreter, path),
            **ends,
        )
        if raw:
            os.write(self._inner, b"\x01")
        output = threading.Thread(target=self._output, args=(self._process, raw), daemon=True)
        output.start()

    def _output(self, process, raw):
        """Its output goes out. Where it ends by Ctrl-D it begins anew, as a board does."""
        inner, theirs = self._inner, self._theirs
        hidden = b"" if raw else None  # the banner, and the prompt before the raw one
        while True:
            if not select.select([inner], [], [], 0.02)[0]:
                if process.poll() is None:
                    continue
                break
            data = os.read(inner, 65536)
            if hidden is not None:
                hidden += data
                if _RAW not in hidden:
                    continue
                data = hidden[hidden.index(_RAW) :]
                hidden = None
            try:
                os.write(self._master, data)
            except OSError:
                break
        os.close(inner)
        os.close(theirs)
        if process is self._process and self._running:
            self._process = None
            if process.returncode == _RESET:
                self._restarted.set()
            else:
                os.write(self._master, b"MPY: soft reboot\r\n")
                self._start(raw=True)

    def _stop(self):
        if self._process:
            process, self._process = self._process, None
            process.kill()
            process.wait(5)


def contents(data):
    """{path: bytes} of the LittleFS in `data`, {} if there is none."""
    fs = LittleFS(block_size=4096, block_count=len(data) // 4096, mount=False)
    fs.context.buffer = bytearray(data)
    try:
        fs.mount()
    except LittleFSError:
        return {}
    found = {}
    for folder, _, names in fs.walk("/"):
        for name in names:
            path = str(Path(folder.lstrip("/")) / name)
            with fs.open(path, "rb") as file:
                found[path] = file.read()
    return found
