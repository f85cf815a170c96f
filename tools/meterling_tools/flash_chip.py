"""The chip in its bootloader, by esptool: what it is, its flash read and written."""

from contextlib import contextmanager

import esptool
from esptool.logger import TemplateLogger, log
from rich.progress import Progress

from . import CommandError, flash_port
from .boards import CHIPS

_FIRST_BAUDRATE = 115_200
_KIB = 1024
_FAILED = (esptool.FatalError, *flash_port.LOST, LookupError, TypeError)
_NO_ANSWER = (
    "No chip answers on {device}. Hold the button BOOT, press and let go of RESET (EN; or plug the "
    "cable in while you hold BOOT), let go of BOOT, and run this again."
)
_LOST = (
    "The connection broke off while {doing} ({why}). Check the cable, and run this again: it "
    "begins anew, and no settings are lost. If it happens again, try --baudrate 115200."
)


class _Quiet(TemplateLogger):
    """esptool's messages are for its own users; its progress is for ours."""

    on_progress = None  # (done, total)

    def print(self, *args, **kwargs):
        pass

    def note(self, message):
        pass

    def warning(self, message):
        pass

    def error(self, message):
        pass

    def stage(self, finish=False):
        pass

    def set_verbosity(self, verbosity):
        pass

    def progress_bar(self, cur_iter, total_iters, prefix="", suffix="", bar_length=30):
        if self.on_progress:
            self.on_progress(cur_iter, total_iters)


_quiet = _Quiet()
log.set_logger(_quiet)  # there is one for the process, and it can be set once


@contextmanager
def progress(title):
    """A bar on the terminal: gives a function (done, total) to be called as it grows."""
    with Progress(transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Chip:
    """A chip in its bootloader. name: as in boards.CHIPS; mac: bytes, 6, its number; flash: int,
    bytes. Everything raises CommandError, a sentence with exit code 1, if it cannot be done."""

    def __init__(self, device, baudrate):
        """Find the one on `device`, and talk to it at `baudrate`."""
        flash_port.check(device)
        self._device = device
        try:
            self._esp = esptool.detect_chip(device, _FIRST_BAUDRATE)
        except _FAILED:
            flash_port.check(device)  # it may have gone, or have been taken
            raise CommandError(_NO_ANSWER.format(device=device), 1)
        try:
            with self._doing("the chip was asked what it is"):
                self._meet(baudrate)
        except BaseException:
            self.close()
            raise

    def _meet(self, baudrate):
        esp = self._esp
        self.name = esp.CHIP_NAME.lower().replace("-", "")
        if self.name not in CHIPS:
            raise CommandError(
                f"This is an {esp.CHIP_NAME}. Meterling runs on: {', '.join(CHIPS)}.", 1
            )
        if esp.secure_download_mode or esp.get_flash_encryption_enabled():
            raise CommandError("This chip is locked by its maker: it takes no other firmware.", 1)
        self.mac = bytes(esp.read_mac("BASE_MAC"))
        self._esp = esp = esptool.run_stub(esp)
        if baudrate != _FIRST_BAUDRATE:
            esp.change_baud(baudrate)
        esptool.attach_flash(esp)
        size = esptool.detect_flash_size(esp)
        if size is None or not size.endswith("MB"):
            raise CommandError("The chip's flash does not answer: the board may be broken.", 1)
        self.flash = int(size[:-2]) * _KIB * _KIB

    @contextmanager
    def _doing(self, doing):
        try:
            yield
        except CommandError:
            raise
        except _FAILED as error:
            why = str(error).strip().splitlines() or [type(error).__name__]
            raise CommandError(_LOST.format(doing=doing, why=why[0].rstrip(".")), 1)

    def read(self, offset, size):
        """`size` bytes from `offset` of the flash."""
        with self._doing("the flash was read"):
            return esptool.read_flash(self._esp, offset, size, no_progress=True)

    def write(self, data, erase=False):
        """Write `data` (bytes) at 0 of the flash, read back by its MD5, with a bar; `erase`:
        everything else in the flash, too."""
        with self._doing("the firmware was written"), progress("Writing the firmware") as moved:
            _quiet.on_progress = moved
            esptool.write_flash(self._esp, [(0, data)], erase_all=erase, compress=True)

    def restart(self):
        """Let it run what is in its flash, and let go of the port."""
        with self._doing("the chip was restarted"):
            esptool.reset_chip(self._esp, "hard-reset")
        self.close()

    def close(self):
        """Let go of the port."""
        try:
            self._esp._port.close()
        except OSError:
            pass
