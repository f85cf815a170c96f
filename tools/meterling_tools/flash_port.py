"""Serial ports: which one the dongle is on, and why one cannot be used, in a sentence."""

import errno
import os
import struct
import sys

import serial
from serial.tools import list_ports

from . import CommandError

NO_PORT = (
    "No dongle is plugged in. Check the cable (many only charge: it needs the data lines), try "
    "another USB socket, and look whether the board wants a driver (CP210x or CH340, by the chip "
    "beside its USB socket). A board that stays silent: hold BOOT while you plug it in."
)
try:
    from termios import error as _terminal_error  # what pyserial lets through, and is no OSError
except ImportError:
    _terminal_error = OSError
LOST = (OSError, _terminal_error, struct.error)  # what a port raises whose cable is pulled

_BUSY = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)
_GONE = (errno.ENOENT, errno.ENXIO, errno.ENODEV)


def find(named=None, ask=input):
    """The device (str) that the dongle is on: `named`, or the only serial port on USB; if there
    are several, `ask` (as input) which. CommandError if there is none, or nobody to ask."""
    if named:
        return named
    ports = sorted(port for port in list_ports.comports() if port.vid is not None)
    if not ports:
        raise CommandError(NO_PORT, 1)
    if len(ports) == 1:
        return ports[0].device
    rows = [f"{port.device}  {port.description}" for port in ports]
    return ports[choose("Several things are plugged in:", rows, "--port", ask)].device


def again(device):
    """Where what was on `device` is now: there, or if that is gone, on the only port on USB."""
    ports = list_ports.comports()
    if os.path.exists(device) or any(port.device == device for port in ports):
        return device
    on_usb = [port.device for port in ports if port.vid is not None]
    return on_usb[0] if len(on_usb) == 1 else device


def choose(title, rows, option, ask=input):
    """The index (int) of the one of `rows` (list of str) that the person at the terminal wants.
    CommandError, naming `option`, if there is nobody."""
    if not sys.stdin.isatty() and ask is input:
        raise CommandError(f"{title} say which with {option}: {'; '.join(rows)}.", 1)
    print(title)
    for number, row in enumerate(rows, 1):
        print(f"  {number}  {row}")
    while True:
        try:
            answer = ask(f"Which one? 1 to {len(rows)}: ").strip()
        except EOFError:
            raise CommandError(f"Nobody said which; say it with {option}.", 1)
        if answer.isdecimal() and 1 <= int(answer) <= len(rows):
            return int(answer) - 1


def reason(device, error):
    """Why `device` could not be opened, or was lost: a sentence, from an OSError."""
    number = getattr(error, "errno", None)
    text = str(error)
    if number in _BUSY or "exclusively lock" in text or "Access is denied" in text:
        return f"Another program uses {device}: close it (a monitor, an editor's console)."
    if number == errno.EACCES:
        if os.name == "nt":
            return f"Another program uses {device}: close it (a monitor, an editor's console)."
        return (
            f"You may not use {device}. Put yourself into the group that owns it, once "
            '(on Debian and Ubuntu: "sudo usermod -a -G dialout $USER"), log out and in again.'
        )
    if number in _GONE or "FileNotFoundError" in text:
        return f"There is no port {device}: is the dongle plugged in?"
    return f"{device} cannot be used: {text}"


def check(device):
    """CommandError, saying why, if `device` cannot be opened."""
    try:
        serial.serial_for_url(device, exclusive=True).close()
    except (*LOST, ValueError) as error:
        raise CommandError(reason(device, error), 1)
