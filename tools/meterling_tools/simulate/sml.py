"""German meters that push SML 1.04 over the optical port; see sml_encoding.

Each sends what meters of its kind were seen to send, with their peculiarities.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from .base import SimulatedMeter
from .hdlc import crc16_x25
from .settings import OPTICAL_LINE, Line
from .sml_encoding import (
    crc16_kermit,
    entry,
    file_of,
    obis,
    octets,
    seconds_index,
    shortest,
    signed,
    transport,
    unsigned,
)


@dataclass
class _Built:
    """What a meter says: its entries, and what a correct decoder reads from them."""

    number: int
    values: dict
    entries: list = field(default_factory=list)
    expected: dict = field(default_factory=dict)

    @property
    def net(self):
        """W from the grid; negative: to it."""
        return self.values["1.7.0"] - self.values["2.7.0"]

    def text(self, code, value, shown=True):
        self.entries.append(entry(code, octets(value)))
        if shown:
            printable = all(32 <= byte < 127 for byte in value)
            self.expected[code] = (value.decode() if printable else value.hex(), "")

    def quantity(self, code, raw, encoded, scaler, unit, **options):
        self.entries.append(entry(code, encoded, unit, scaler, **options))
        self.expect(code, raw, scaler, unit)

    def expect(self, code, raw, scaler, unit):
        self.expected[code] = (Decimal(raw).scaleb(scaler), unit)


_PUBLIC_KEY = bytes(range(0x50, 0x80))


def _emh(built, server_id):
    """Status bit 5 says which way the power of 15.7.0 goes; a decoder adds 16.7.0."""
    to_grid = built.net < 0
    status = unsigned(0x1A2 if to_grid else 0x182, 2)
    built.text("129-129:199.130.3", b"EMH", shown=False)
    built.text("1-0:0.0.9", server_id)
    for code in ("1.8.0", "2.8.0"):
        raw = 10 * built.values[code]
        built.quantity(f"1-0:{code}", raw, signed(raw, 5), -1, "Wh", status=status)
    for code in ("1.8.1", "2.8.1"):
        raw = 10 * built.values[code[:-1] + "0"]
        built.quantity(f"1-0:{code}", raw, signed(raw, 5), -1, "Wh")
    for code in ("1.8.2", "2.8.2"):
        built.quantity(f"1-0:{code}", 0, signed(0, 5), -1, "Wh")
    amount = 10 * abs(built.net)
    built.quantity("1-0:15.7.0", amount, signed(amount, 4), -1, "W")
    built.expect("1-0:16.7.0", -amount if to_grid else amount, -1, "W")
    built.text("129-129:199.130.5", _PUBLIC_KEY, shown=False)


def _dzg(built, server_id):
    """DVS74: 32768 to 65535 hundredths of a watt go out as two bytes, and signed: negative."""
    status, time = unsigned(0x1C0104, 3), seconds_index(built.number)
    built.text("1-0:96.50.1.1", b"DZG")
    built.text("1-0:96.1.0", server_id)
    for code in ("1.8.0", "2.8.0"):
        raw = 10 * built.values[code]
        options = {"status": status, "time": time} if code == "1.8.0" else {}
        built.quantity(f"1-0:{code}", raw, unsigned(raw, 4), -1, "Wh", **options)
    raw = 100 * built.net
    if 0x8000 <= raw <= 0xFFFF:
        raw -= 0x10000
    built.quantity("1-0:16.7.0", raw, shortest(raw, True), -2, "W")


def _easymeter(built, server_id):
    """Q3: eight bytes for everything; registers in 0.0001 Wh, beyond 32 bits."""
    built.text("129-129:199.130.3", b"ESY", shown=False)
    built.text("1-0:0.0.9", server_id)
    for code in ("1.8.0", "2.8.0"):
        raw = 10_000 * built.values[code]
        options = {"status": unsigned(0, 4)} if code == "1.8.0" else {}
        built.quantity(f"1-0:{code}", raw, signed(raw, 8), -4, "Wh", **options)
    # Its phases come as sums without a sign of their own.
    for code, watts in (("1.7.0", built.net), *_phases(built)):
        built.quantity(f"1-0:{code}", 100 * watts, signed(100 * watts, 8), -2, "W")


def _phases(built):
    for code in ("21.7.0", "41.7.0", "61.7.0"):
        other = f"{int(code[:2]) + 1}.7.0"
        yield code, built.values[code] - built.values[other]


def _iskra(built, server_id):
    """MT681."""
    status = unsigned(0x0182, 4)
    built.text("129-129:199.130.3", b"ISK", shown=False)
    built.text("1-0:0.0.9", server_id)
    for code in ("1.8.0", "1.8.1", "1.8.2", "2.8.0"):
        raw = 0 if code == "1.8.2" else 10 * built.values[code[:-1] + "0"]
        options = {"status": status} if code.endswith("0") else {}
        built.quantity(f"1-0:{code}", raw, signed(raw, 8), -1, "Wh", **options)
    built.quantity("1-0:16.7.0", built.net, signed(built.net, 4), 0, "W")
    built.text("129-129:199.130.5", _PUBLIC_KEY, shown=False)


def _itron(built, server_id):
    """OpenWay 3.HZ."""
    built.text("1-0:96.50.1.1", b"ITR")
    built.text("1-0:96.1.0", server_id)
    raw = 10 * built.values["1.8.0"]
    built.quantity("1-0:1.8.0", raw, unsigned(raw, 8), -1, "Wh", status=unsigned(0x1C0104, 4))
    built.quantity("1-0:16.7.0", built.net, signed(built.net, 4), 0, "W")


def _holley(built, server_id):
    """DTZ541: times are bare numbers, the list is longer than one TL byte can say."""
    status, time = unsigned(0x1C1904, 4), unsigned(built.number, 4)
    built.text("1-0:96.50.1.1", b"HLY")
    built.text("1-0:96.1.0", server_id)
    for code in ("1.8.0", "2.8.0"):
        raw = 10 * built.values[code]
        built.quantity(f"1-0:{code}", raw, unsigned(raw, 4), -1, "Wh", status=status, time=time)
    built.quantity("1-0:16.7.0", built.net, shortest(built.net, True), 0, "W")
    for code, watts in _phases(built):
        code = f"{int(code[:2]) + 15}.7.0"
        built.quantity(f"1-0:{code}", watts, shortest(watts, True), 0, "W")
    for code in ("32.7.0", "52.7.0", "72.7.0"):
        raw = built.values[code]
        built.quantity(f"1-0:{code}", raw, unsigned(raw, 2), -1, "V")
    for code in ("31.7.0", "51.7.0", "71.7.0"):
        raw = built.values[code] // 10
        built.quantity(f"1-0:{code}", raw, shortest(raw, False), -2, "A")
    built.text("1-0:0.2.0", b"1.05")


@dataclass(frozen=True)
class Spec:
    """One meter; ``values`` fills a ``_Built``."""

    description: str
    interval_ms: int
    values: object
    server_id: bytes
    number: str
    crc: object = crc16_x25
    tag_width: int = 2
    bare_time: bool = False
    sensor_time: bool = True
    line: Line = OPTICAL_LINE
    link: str = "sml"
    security_control: int | None = None

    def meter(self, name, seed=0, key=None, auth_key=None, start=None, interval_ms=None):
        """A ``Meter``; it does not cipher: the keys are ignored."""
        return Meter(name, self, seed, key, auth_key, start, interval_ms)


def _number_id(maker, number, prefix=0x0A):
    return bytes([prefix, 1]) + maker + b"\x00" + number.to_bytes(4, "big")


METERS = {
    "de-emh-ehz": Spec(
        "Germany: EMH eHZ, power without a sign",
        2000,
        _emh,
        bytes.fromhex("06454d480104c5680001"),
        "06454d480104c5680001",
    ),
    "de-dzg": Spec(
        "Germany: DZG DVS74, some power has the wrong sign",
        1000,
        _dzg,
        _number_id(b"DZG", 42000002),
        "1DZG0042000002",
    ),
    "de-easymeter": Spec(
        "Germany: EasyMeter Q3, registers beyond 32 bits",
        2000,
        _easymeter,
        _number_id(b"ESY", 60000003),
        "1ESY0060000003",
    ),
    "de-iskra-mt681": Spec(
        "Germany: ISKRA MT681",
        4000,
        _iskra,
        _number_id(b"ISK", 70000004, prefix=0x09),
        "1ISK0070000004",
    ),
    "de-itron": Spec(
        "Germany: Itron OpenWay 3.HZ",
        3000,
        _itron,
        _number_id(b"ITR", 55000005),
        "1ITR0055000005",
        tag_width=4,
    ),
    "de-holley": Spec(
        "Germany: Holley DTZ541, CRC of its own",
        1000,
        _holley,
        _number_id(b"HLY", 20000006),
        "1HLY0020000006",
        crc=crc16_kermit,
        bare_time=True,
    ),
}


class Meter(SimulatedMeter):
    """One simulated SML meter. It does not send its clock, only the seconds since it was
    switched on."""

    def _built(self, n):
        _, values = self._registers.at(n)
        built = _Built(1_000_000 + n * self.interval_ms // 1000, values)
        self._spec.values(built, self._spec.server_id)
        return built

    def sml_file(self, n):
        """The SML file of telegram ``n``, without its transport."""
        spec, built = self._spec, self._built(n)
        time = unsigned(built.number, 4) if spec.bare_time else seconds_index(built.number)
        name = octets(obis("1-0:98.10.255"))
        return file_of(
            spec.server_id, built.entries, n, time, spec.crc, spec.tag_width, list_name=name
        )

    def telegram(self, n):
        return transport(self.sml_file(n), self._spec.crc)

    def expected(self, n):
        """{OBIS code: (Decimal or text, unit)} of telegram ``n``, as it was sent."""
        return self._built(n).expected
