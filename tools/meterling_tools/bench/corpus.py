"""The telegrams that are measured with: simulated ones, and variants of them."""

from dataclasses import replace
from pathlib import Path

from ..simulate import METERS, glo, layouts
from ..simulate.axdr import u16, u32

# What is measured with; it names parts of the firmware that built trees have to name alike.
SCRIPTS = Path(__file__).parent / "scripts"
USERS = [path.read_text() for path in sorted(SCRIPTS.glob("*.py"))]

_NO_TAG, _TAG = 0x20, 0x30  # security control: encrypted; encrypted and authenticated


def meter(name, tag=None, **changes):
    """The simulated Meter `name`; `tag` (bool): with or without one, whatever its own habit;
    `changes`: of its `simulate.meters.Spec`."""
    if tag is not None:
        changes["security_control"] = _TAG if tag else _NO_TAG
    return replace(METERS[name], **changes).meter(name)


def medium_kamstrup():
    """A Kamstrup with three values fewer than Denmark's: 452 bytes of HDLC, with tag."""
    return meter("kamstrup-dk", layout=_medium_list)


def _medium_list(snapshot):
    def rows(elements, d, encoder, scaler=0):
        return [(f"1-1:{c}.{d}.0", encoder, scaler) for c in elements]

    quantities = [
        *rows((1, 2, 3, 4), 8, u32, 1),
        *rows((1, 2), 7, u32),
        *layouts.voltages(0, channel=1),
        *layouts.currents(-2, u32, channel=1),
        *rows((21, 41, 61), 7, u32),
        *rows((33, 53, 73, 13), 7, u16, -2),
        *rows((22, 42, 62), 7, u32),
        *rows((22, 42, 62, 21), 8, u32, 1),
    ]
    texts = {"1-1:0.0.5": snapshot.number}
    return layouts.kamstrup(snapshot, quantities, texts, with_clock="1-1:32.7.0")


def ciphered_apdu(meter, n):
    """Telegram `n` of `meter` without its link layer: bytes."""
    return glo.cipher(
        meter.apdu(n),
        meter.security_control,
        meter.key,
        meter.auth_key,
        meter.system_title,
        meter.invocation_counter(n),
    )


def write(path, payloads):
    """Write `payloads` (iterable of bytes) to the file `path`, each after its length (2 bytes):
    the form that the scripts under MicroPython read."""
    path.write_bytes(b"".join(len(each).to_bytes(2, "big") + each for each in payloads))
    return path


def keys(meter):
    """Encryption and authentication key as the scripts' arguments: hex, "-" for none."""
    return [key.hex() if key else "-" for key in (meter.key, meter.auth_key)]
