"""`meterling detect DEVICE`: what the dongle does at its first start, on this PC.

Listens to a serial port, says each step of the search in a sentence, and at the end what speaks
there: line settings, link layer, maker, encrypted or not. Exit code: 0 if it was found, else 1.

A pseudo-terminal has no settings: its bytes come right at any, and only the link layer is found
out. With --settings it is taken for a line that really has those, by simulate.uart's model.
"""

import argparse
import os
import re
import time
from contextlib import closing

import serial
from meterling.decoder import Decoder, make_link
from meterling.link.sniffer import LOCKED, RETUNE, Sniffer

from . import CommandError, flash_port
from .sentences import sentence
from .simulate.settings import Line
from .simulate.uart import TICKS, Receiver, Wire

_READ = 0.02  # s, longest wait for bytes
_TELEGRAM = 15  # s, for a telegram after the search: the longest push interval, and more
_PAUSE = 12  # bits of silence that end a byte

LINKS = {
    "mbus": "M-Bus",
    "hdlc": "HDLC",
    "apdu": "bare APDU",
    "p1": "text as of P1",
    "sml": "SML",
    "amis": "Siemens AMIS",
}
_MAKERS = {
    "DZG": "DZG",
    "ELS": "Elster/Honeywell",
    "EMH": "EMH",
    "ESY": "Easymeter",
    "ISK": "Iskraemeco",
    "ISK5": "Iskraemeco",
    "KAM": "Kamstrup",
    "KFM": "Kaifa",
    "LGZ": "Landis+Gyr",
    "SAG": "Sagemcom",
    "SMS": "Siemens",
}
# Where a telegram tells its maker: a system title, a text's head, SML's server id, a list's version
_MAKER = re.compile(
    rb"[\xdb\xdc]\x08([A-Z]{3})|/([A-Za-z]{3})\d|\x0b(?:\x06|[\x09\x0a]\x01)([A-Z]{3})"
    rb"|([A-Za-z]{4,9})_V\d"
)
_LISTENING = {
    "start": "Listening at {line}.",
    "too-fast": "These are runs of equal bits: the line is slower. Listening at {line}.",
    "parity": "There may well be a parity bit: listening at {line}.",
    "no-frame": "A burst was heard from its beginning and held no frame: listening at {line}.",
    "silent": "Nothing comes here: listening at {line}.",
}


def add_arguments(parser):
    parser.add_argument("device", help="a serial port, or a pseudo-terminal")
    parser.add_argument(
        "--seconds", type=float, default=60, metavar="S", help="give up after (default: 60)"
    )
    parser.add_argument(
        "--settings",
        type=parse_line,
        metavar="LINE",
        help='for a pseudo-terminal: what the line is to be taken for, as "2400 8E1"',
    )


def parse_line(text):
    """A settings.Line from text like "2400 8E1"."""
    match = re.fullmatch(r"(300|600|1200|2400|4800|9600|19200|115200) ([78])([NEO])([12])", text)
    if not match:
        raise argparse.ArgumentTypeError(f'{text!r} is no line like "2400 8E1"')
    baud, bits, parity, stop = match.groups()
    return Line(int(baud), int(bits), parity, int(stop))


def run(args):
    with closing(_open(args.device, args.settings)) as port:
        search = Search(port)
        try:
            found = search.run(args.seconds)
        except serial.SerialException as error:
            raise CommandError(f"{args.device}: the line is gone: {error}", 1) from error
        if not found:
            print(f"Not found. {sentence('no-frames' if search.count else 'no-bytes')}")
            if search.count:
                print("P1 lines are inverted: they need an adapter that turns them round.")
            return 1
        link, line = found
        telegram = search.telegram(link, _TELEGRAM)
    if not port.has_settings:
        line = f"{port.name}, whose settings nobody can tell"
    print(f"Found: {line}, {LINKS[link]}; {telegram}.")
    return 0


class SerialPort:
    """A real serial port, by pyserial."""

    has_settings = True

    def __init__(self, device):
        self.name = device
        self._port = serial.Serial(device, timeout=_READ)

    def tune(self, baudrate, framing):
        self._port.apply_settings(
            {
                "baudrate": baudrate,
                "bytesize": int(framing[0]),
                "parity": framing[1],
                "stopbits": int(framing[2]),
            }
        )
        self._port.reset_input_buffer()

    def read(self):
        """What has come (bytes), b"" after a short wait."""
        return self._port.read(self._port.in_waiting or 1)

    def close(self):
        self._port.close()


class PseudoTerminal(SerialPort):
    """One end of a pseudo-terminal. `line`: what it is to be taken for, or None."""

    def __init__(self, device, line=None):
        super().__init__(device)
        self.has_settings = line is not None
        self._line = line
        self._receiver = None

    def tune(self, baudrate, framing):
        self._port.reset_input_buffer()
        self._receiver = None
        here = Line(baudrate, int(framing[0]), framing[1], int(framing[2]))
        if self._line and here != self._line:
            self._wire = Wire(self._line)
            self._receiver = Receiver(here)
            self._pause = _PAUSE * TICKS // baudrate

    def read(self):
        data = super().read()
        if not data or not self._receiver:
            return data
        edges = []
        self._wire.send(data, 0, edges)
        self._wire.free += self._pause
        return bytes(self._receiver.hear(edges, self._wire.free))


def _open(device, line):
    try:
        if re.match(r"/dev/(pts/|ttys\d)", os.path.realpath(device)):
            if not line:
                print(
                    "This is a pseudo-terminal: it has no speed and no parity, and bytes come right"
                    " at any. Only the link layer can be found out."
                )
            return PseudoTerminal(device, line)
        if line:
            raise CommandError("--settings is for a pseudo-terminal: a serial port has its own.")
        return SerialPort(device)
    except serial.SerialException as error:
        raise CommandError(flash_port.reason(device, error)) from error


class Search:
    """The sniffer on `port`. count: bytes that came."""

    def __init__(self, port):
        self.count = 0
        self._port = port
        self._heard = b""

    def run(self, seconds):
        """(link, "2400 8E1") once it is found, or None."""
        # No adapter turns a line round by software: what is not inverted is all there is.
        sniffer = Sniffer(make_link, inverted=False, tell=self._tell)
        start = time.monotonic()
        self._tune(sniffer)
        while (elapsed := time.monotonic() - start) < seconds:
            data = self._port.read()
            now = round(elapsed * 1000)
            self.count += len(data)
            result = sniffer.hear(data, len(data), now) if data else sniffer.tick(now)
            if result == RETUNE:
                self._tune(sniffer)
            elif result == LOCKED:
                self._heard = bytes(sniffer.burst())
                self._tune(sniffer)
                return sniffer.link, _line(sniffer)
        return None

    def _tune(self, sniffer):
        baudrate, framing, _ = sniffer.setting
        self._port.tune(baudrate, framing)

    def _tell(self, step, sniffer):
        if step == "listen":
            print(_LISTENING[sniffer.reason].format(line=_line(sniffer)), flush=True)
        elif step == "text":
            print("The bytes are characters with a parity bit: 7E1.", flush=True)
        elif step == "frame":
            checked = "its check holds" if sniffer.reason == "checked" else "nothing checks it"
            print(f"A frame came ({LINKS[sniffer.link]}), and {checked}.", flush=True)

    def telegram(self, link, seconds):
        """What the first telegram says of itself: "Kaifa (KFM), encrypted"."""
        readings = []
        decoder = Decoder(link, on_reading=readings.append, lenient=True)
        decoder.feed(self._heard, len(self._heard))
        end = time.monotonic() + seconds
        while not decoder.counters["telegrams"] and time.monotonic() < end:
            data = self._port.read()
            self._heard += data
            decoder.feed(data, len(data))
        match = _MAKER.search(self._heard)
        maker = next(filter(None, match.groups())).decode() if match else ""
        known = _MAKERS.get(maker.upper())
        who = f"{known} ({maker}), " if known else f"{maker}, " if maker else ""
        if decoder.counters["no-key"]:
            return who + "encrypted"
        if readings:
            return who + "not encrypted"
        return who + "whether encrypted, it did not say"


def _line(sniffer):
    baudrate, framing, _ = sniffer.setting
    return f"{baudrate} {framing}"
