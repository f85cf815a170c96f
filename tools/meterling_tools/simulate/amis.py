"""Siemens AMIS on its optical port: it looks for a device, and tells it all once a second.

    10 40 F0 30 16                                    SND_NKE: is there a device 240?
    E5                                                the device: yes
    68 L L 68 | 53 F0 5B | long header, records | CS 16   SND_UD; C is 53 and 73 in turn
    E5                                                the device: received

Netz OÖ, "Spezifikation Kundenschnittstelle AMIS", 2021-11-05. The records are ciphered as OMS
security mode 5 says (AES-128-CBC).
"""

import os
import select
import time
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from . import clock
from .base import DEMO_KEY, SimulatedMeter
from .settings import Line

SND_NKE = bytes.fromhex("1040f03016")
ANSWER = 0xE5

_C_FIELDS = (0x53, 0x73)  # the frame count bit toggles
_ADDRESS = 0xF0
_CI = 0x5B
_MODE = 5
_BLOCK = 16
_FILLER = b"\x2f\x2f"
_MAKER = bytes.fromhex("2d4c")
_VERSION, _MEDIUM = 0x01, 0x0E
_SEARCHES = 60  # as a telegram of the file kind shows it: with each 60th

# DIF, VIF and what they belong to: name in Registers (None: a constant), OBIS code, unit.
RECORDS = (
    ("0403", "1.8.0", "1-0:1.8.0", "Wh"),
    ("04833c", "2.8.0", "1-0:2.8.0", "Wh"),
    ("8410fb8273", "3.8.0", "1-0:3.8.1", "varh"),
    ("8410fb82f33c", "4.8.0", "1-0:4.8.1", "varh"),
    ("042b", "1.7.0", "1-0:1.7.0", "W"),
    ("04ab3c", "2.7.0", "1-0:2.7.0", "W"),
    ("04fb14", "3.7.0", "1-0:3.7.0", "var"),
    ("04fb943c", "4.7.0", "1-0:4.7.0", "var"),
    ("0483ff04", None, "1-0:1.128.0", "Wh"),
)
_CONSTANT = 20


def cp48(local):
    """Type I of EN 13757-3: second and summer time | minute | hour and weekday | day and year |
    month and year | week of the year."""
    summer = clock.is_summer_time(local)
    year = local.year - 2000
    return bytes(
        (
            local.second | summer << 6,
            local.minute,
            local.hour | local.isoweekday() << 5,
            local.day | (year & 7) << 5,
            local.month | (year >> 3) << 4,
            local.isocalendar().week,
        )
    )


def header(number, access, configuration):
    """CI and the long header; number: str, 8 digits."""
    name = bytes.fromhex(number)[::-1] + _MAKER + bytes((_VERSION, _MEDIUM))
    return bytes((_CI,)) + name + bytes((access, 0)) + configuration.to_bytes(2, "little")


def sealed(records, key, number="00000000", access=0):
    """``records`` in mode 5, header first: bytes, from CI on."""
    text = _FILLER + records
    # There is always some filler at the end.
    text += b"\x2f" * (_BLOCK - len(text) % _BLOCK)
    clear = header(number, access, _MODE << 8 | len(text) // _BLOCK << 4)
    iv = clear[5:7] + clear[1:5] + clear[7:9] + bytes((access,)) * 8
    cbc = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return clear + cbc.update(text) + cbc.finalize()


def frame(payload, c_field=_C_FIELDS[0], address=_ADDRESS):
    """A long frame around ``payload`` (from CI on)."""
    body = bytes((c_field, address)) + payload
    return bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))


@dataclass(frozen=True)
class Spec:
    """One kind of AMIS meter; ``number``: str, 8 digits, all 0 where it has none to tell."""

    description: str
    number: str
    line: Line = Line(9600, parity="E")
    interval_ms: int = 1000
    link: str = "amis"
    security_control: int | None = None

    def meter(self, name, seed=0, key=None, auth_key=None, start=None, interval_ms=None):
        return Meter(name, self, seed, key, auth_key, start, interval_ms)


METERS = {"netzooe-amis": Spec("Netz OÖ: Siemens AMIS TD-3511", "10000001")}


class Meter(SimulatedMeter):
    """One simulated meter. Its clock does not tell the distance from UTC."""

    def __init__(self, name, spec, seed=0, key=None, *args, **options):
        super().__init__(name, spec, seed, key, *args, **options)
        self.key = key or DEMO_KEY  # OMS mode 5: no security control tells of it
        self._number = spec.number
        self.number = spec.number if spec.number.strip("0") else None

    def _values(self, n):
        values = self._registers.at(n)[1]
        return [_CONSTANT if name is None else values[name] for _, name, _, _ in RECORDS]

    def records(self, n):
        """Telegram ``n`` before ciphering."""
        local = clock.local_time(self.utc(n))
        encoded = [b"\x06\x6d" + cp48(local)]
        for (code, *_), value in zip(RECORDS, self._values(n), strict=True):
            encoded.append(bytes.fromhex(code) + value.to_bytes(4, "little", signed=True))
        return b"".join(encoded)

    def user_data(self, n):
        """SND_UD number ``n``."""
        payload = sealed(self.records(n), self.key, self._number, (n + 1) & 0xFF)
        return frame(payload, _C_FIELDS[n & 1])

    def telegram(self, n):
        """SND_UD number ``n``, and SND_NKE ahead of it once a minute."""
        return (b"" if n % _SEARCHES else SND_NKE) + self.user_data(n)

    def expected(self, n):
        """See ``layouts``."""
        return {
            code: (value, 0, unit)
            for (_, _, code, unit), value in zip(RECORDS, self._values(n), strict=True)
        }


class Amis:
    """The meter at a file descriptor, both ways: it only tells on while it is answered.

    ``search_s``: seconds between two SND_NKE (once a minute, the document says);
    ``interval_s``: between two SND_UD, None for the meter's own; ``patience_s``: for how long
    an answer is waited for; ``most_missing``: answers in a row after which it searches again.

    ``delays``: seconds from the last byte of each frame that was answered to its E5.
    ``searches``, ``sent``, ``missing``: frames of either kind, and those without an answer.
    ``stray``: bytes that came and were no answer.
    """

    def __init__(self, fd, meter, search_s=1.0, interval_s=None, patience_s=0.5, most_missing=10):
        self._fd = fd
        self._meter = meter
        self._search_s = search_s
        self._interval_s = meter.interval_ms / 1000 if interval_s is None else interval_s
        self._patience_s = patience_s
        self._most_missing = most_missing
        self._unanswered = 0
        self.found = False
        self.delays = []
        self.searches = self.sent = self.missing = self.stray = 0

    def step(self):
        """Send what is next, and wait for its answer: until the next one is due."""
        begin = time.monotonic()
        if self.found:
            self._write(self._meter.user_data(self.sent))
            self.sent += 1
            pause = self._interval_s
        else:
            self._write(SND_NKE)
            self.searches += 1
            pause = self._search_s
        answered = self._listen(min(self._patience_s, pause))
        if answered:
            self.found = True
            self._unanswered = 0
        else:
            self.missing += 1
            self._unanswered += 1
            if self._unanswered >= self._most_missing:
                self.found = False
                self._unanswered = 0
        time.sleep(max(0, begin + pause - time.monotonic()))

    def _write(self, data):
        # At the line's speed: a byte is there when its last bit is.
        moment = time.monotonic()
        for begin in range(0, len(data), 8):
            part = data[begin : begin + 8]
            moment += len(part) * self._meter.line.byte_ns / 1e9
            time.sleep(max(0, moment - time.monotonic()))
            os.write(self._fd, part)

    def _listen(self, seconds):
        # True as soon as an answer comes.
        begin = now = time.monotonic()
        while now < begin + seconds:
            if select.select([self._fd], [], [], begin + seconds - now)[0]:
                delay = time.monotonic() - begin
                for byte in os.read(self._fd, 64):
                    if byte == ANSWER:
                        self.delays.append(delay)
                        return True
                    self.stray += 1
            now = time.monotonic()
        return False


def serve(fd, meter, seconds, **options):
    """Be ``meter`` at the file descriptor ``fd`` (raw, both ways) for so many seconds; options
    as of ``Amis``. Returns the delays of the answers, seconds."""
    amis = Amis(fd, meter, **options)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        amis.step()
    return amis.delays
