"""Meters whose telegrams are text: DSMR's P1 port, its descendants, IEC 62056-21 mode D.

    /XXXZ identification CR LF CR LF   code(value)(value*unit).. CR LF   ..   ! [CRC] CR LF

CRC: CRC-16/ARC of everything from `/` to `!`, four hexadecimal digits; not in DSMR 2 and 3,
nor in mode D. Two of them put that text into a cipher.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from . import clock, glo
from .base import SimulatedMeter
from .settings import P1_LINE, Line

_OLD_P1_LINE = Line(9600, bits=7, parity="E")
_PUBLIC_AUTH_KEY = bytes.fromhex("00112233445566778899aabbccddeeff")  # Luxembourg's, for all
_FIRST_COUNTER = 0x000F4200


def crc16_arc(data):
    """CRC-16/ARC, bit by bit."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


@dataclass(frozen=True)
class Number:
    """``raw`` x 10^-``decimals`` as text of ``width`` digits ahead of the point, with a unit."""

    raw: int
    decimals: int
    width: int
    unit: str

    def __str__(self):
        whole, rest = divmod(abs(self.raw), 10**self.decimals)
        point = f".{rest:0{self.decimals}}" if self.decimals else ""
        return f"{'-' * (self.raw < 0)}{whole:0{self.width}}{point}*{self.unit}"

    @property
    def expected(self):
        return Decimal(self.raw).scaleb(-self.decimals), self.unit


class Snapshot:
    """What a meter knows when it sends, and how it writes that."""

    def __init__(self, utc, values, number):
        self.local = clock.local_time(utc)
        self.values = values
        self.number = number

    def stamp(self, local=None):
        """A moment as DSMR writes it; W: winter, S: summer."""
        local = local or self.local
        return f"{local:%y%m%d%H%M%S}" + "WS"[bool(local.utcoffset() - timedelta(hours=1))]

    @property
    def hour(self):
        return self.local.replace(minute=0, second=0)

    def energy(self, element, width=6, unit="kWh", decimals=3):
        """A register; tariffs (1.8.1, 1.8.2) share the total."""
        c, d, tariff = element.split(".")
        total = self.values[f"{c}.{d}.0"]
        raw = (total, total - total * 2 // 5, total * 2 // 5)[int(tariff)]
        return Number(raw * 10 ** (decimals - 3), decimals, width, unit)

    def power(self, element, width=2, unit="kW", decimals=3):
        return Number(self.values[element] // 10 ** (3 - decimals), decimals, width, unit)

    def volts(self, element):
        return Number(self.values[element], 1, 3, "V")

    def amperes(self, element, decimals=0, width=3):
        return Number(self.values[element] // 10 ** (3 - decimals), decimals, width, "A")

    def volume(self, a_day, unit="m3"):
        """Of a sub-meter that counts every hour."""
        hours = self.hour.toordinal() % 1000 * 24 + self.hour.hour
        return Number(hours * a_day // 24, 3, 5, unit)


def _hex(text):
    return text.encode("ascii").hex().upper()


_PHASES = (20, 40, 60)


def _all_powers(s):
    return [(f"1-0:{c + p}.7.0", s.power(f"{c + p}.7.0")) for c in (1, 2) for p in _PHASES]


def _tariffs(s, width=6):
    return [(f"1-0:{e}", s.energy(e, width)) for e in ("1.8.1", "1.8.2", "2.8.1", "2.8.2")]


def _dsmr_2(s):
    return [
        ("0-0:96.1.1", _hex(s.number)),
        *_tariffs(s, width=5),
        ("0-0:96.14.0", "0001"),
        ("1-0:1.7.0", s.power("1.7.0", 4, decimals=2)),
        ("1-0:2.7.0", s.power("2.7.0", 4, decimals=2)),
        ("0-0:17.0.0", Number(999, 0, 3, "A")),
        ("0-0:96.3.10", "1"),
        ("0-0:96.13.1", ""),
        ("0-0:96.13.0", ""),
        ("0-1:24.1.0", "3"),
        ("0-1:96.1.0", _hex("2810E6170890370")),
        *_gas_of_old(s),
        ("0-1:24.4.0", "1"),
    ]


def _gas_of_old(s):
    # Unit and code stand apart from the number, which has a line of its own.
    number = str(s.volume(4200)).removesuffix("*m3")
    stamp = s.stamp(s.hour)[:-1]
    return [("0-1:24.3.0", stamp, "00", "60", "1", "0-1:24.2.1", "m3", "\r\n", number)]


def _dsmr_4(s):
    return [
        ("1-3:0.2.8", "42"),
        ("0-0:1.0.0", s.stamp()),
        ("0-0:96.1.1", _hex(s.number)),
        *_tariffs(s),
        ("0-0:96.14.0", "0002"),
        ("1-0:1.7.0", s.power("1.7.0")),
        ("1-0:2.7.0", s.power("2.7.0")),
        ("0-0:96.7.21", "00004"),
        ("0-0:96.7.9", "00002"),
        (
            "1-0:99.97.0",
            *("2", "0-0:96.7.19"),
            *("251208152415W", Number(240, 0, 10, "s")),
            *("251208151004W", Number(301, 0, 10, "s")),
        ),
        *((f"1-0:{c}.32.0", "00002") for c in (32, 52, 72)),
        *((f"1-0:{c}.36.0", "00000") for c in (32, 52, 72)),
        ("0-0:96.13.1", ""),
        ("0-0:96.13.0", _hex("A message of the grid operator")),
        *((f"1-0:{c}.7.0", s.amperes(f"{c}.7.0")) for c in (31, 51, 71)),
        *_all_powers(s),
        ("0-1:24.1.0", "003"),
        ("0-1:96.1.0", _hex("22ABCDE23456789")),
        ("0-1:24.2.1", s.stamp(s.hour), s.volume(4200)),
    ]


def _dsmr_5(s):
    """Three phases, and a sub-meter each for gas, heat and water."""
    rows = [row for row in _dsmr_4(s) if row[0] not in ("0-0:96.13.1", "1-0:99.97.0")]
    rows[0] = ("1-3:0.2.8", "50")
    at = [code for code, *_ in rows].index("1-0:31.7.0")
    rows[at:at] = [(f"1-0:{c}.7.0", s.volts(f"{c}.7.0")) for c in (32, 52, 72)]
    fives = s.local.replace(second=0) - timedelta(minutes=s.local.minute % 5)
    for channel, kind, a_day, unit in ((2, "004", 55, "GJ"), (3, "007", 310, "m3")):
        rows += [
            (f"0-{channel}:24.1.0", kind),
            (f"0-{channel}:96.1.0", _hex(f"K{channel}4A0000000001")),
            (f"0-{channel}:24.2.1", s.stamp(fives), s.volume(a_day, unit)),
        ]
    return rows


def _fluvius(s):
    peaks = [("260401000000S", "260317193000W", 4112), ("260501000000S", "260423192538S", 3695)]
    return [
        ("0-0:96.1.4", "50217"),
        ("0-0:96.1.1", _hex(s.number)),
        ("0-0:96.1.2", _hex("541448820000000001")),
        ("0-0:1.0.0", s.stamp()),
        *_tariffs(s),
        ("0-0:96.14.0", "0001"),
        ("1-0:1.4.0", s.power("1.7.0")),
        ("1-0:1.6.0", "260603181500S", Number(3812, 3, 2, "kW")),
        (
            "0-0:98.1.0",
            *(str(len(peaks)), "1-0:1.6.0", "1-0:1.6.0"),
            *(cell for a, b, w in peaks for cell in (a, b, Number(w, 3, 2, "kW"))),
        ),
        ("1-0:1.7.0", s.power("1.7.0")),
        ("1-0:2.7.0", s.power("2.7.0")),
        *_all_powers(s),
        *((f"1-0:{c}.7.0", s.volts(f"{c}.7.0")) for c in (32, 52, 72)),
        *((f"1-0:{c}.7.0", s.amperes(f"{c}.7.0", 2)) for c in (31, 51, 71)),
        ("0-0:96.3.10", "1"),
        ("0-0:17.0.0", Number(9999, 1, 3, "kW")),
        ("1-0:31.4.0", Number(999, 0, 3, "A")),
        ("0-0:96.13.0", ""),
        ("0-1:24.1.0", "003"),
        ("0-1:96.1.1", _hex("7FLO2112345678")),
        ("0-1:24.4.0", "1"),
        ("0-1:24.2.3", s.stamp(s.hour), s.volume(4200)),
        ("0-2:24.1.0", "007"),
        ("0-2:96.1.1", _hex("3SAG1100067890")),
        ("0-2:24.2.1", s.stamp(s.hour), s.volume(310)),
    ]


def _smarty(s):
    return [
        ("1-3:0.2.8", "42"),
        ("0-0:1.0.0", s.stamp()),
        ("0-0:42.0.0", _hex(s.number)),
        *((f"1-0:{e}", s.energy(e)) for e in ("1.8.0", "2.8.0")),
        *((f"1-0:{e}", s.energy(e, unit="kvarh")) for e in ("3.8.0", "4.8.0")),
        *((f"1-0:{e}", s.power(e)) for e in ("1.7.0", "2.7.0")),
        *((f"1-0:{e}", s.power(e, unit="kvar")) for e in ("3.7.0", "4.7.0")),
        ("0-0:17.0.0", Number(276, 1, 3, "kVA")),
        ("1-1:31.4.0", Number(40, 0, 3, "A"), Number(-40, 0, 3, "A")),
        ("0-0:96.3.10", "1"),
        ("0-0:96.7.21", "00012"),
        *((f"1-0:{c}.32.0", "00001") for c in (32, 52, 72)),
        *((f"0-0:96.13.{e}", "") for e in (0, 2, 3, 4, 5)),
        *((f"1-0:{c}.7.0", s.volts(f"{c}.7.0")) for c in (32, 52, 72)),
        *((f"1-0:{c}.7.0", s.amperes(f"{c}.7.0")) for c in (31, 51, 71)),
        *_all_powers(s),
        ("0-1:24.1.0", "003"),
        ("0-1:96.1.0", _hex("FLO18990000001")),
        ("0-1:24.2.1", s.stamp(s.hour), s.volume(4200)),
        ("0-1:24.4.0", "0"),
        ("0-2:24.1.0", "007"),
        ("0-2:96.1.0", ""),
        ("0-2:24.2.1", "632525252525S", "00000.000"),  # nobody is there
        ("0-2:24.4.0", "1"),
    ]


def _styria(s):
    """Watts and watt-hours without a point, all twelve registers."""
    rows = [("1-3:0.2.8", "50"), ("0-0:1.0.0", s.stamp())]
    for c, unit in ((1, "W"), (2, "W"), (3, "var"), (4, "var")):
        for tariff in range(3):
            energy = s.energy(f"{c}.8.{tariff}", decimals=3)
            rows.append((f"1-0:{c}.8.{tariff}", Number(energy.raw, 0, 9, unit + "h")))
        rows.append((f"1-0:{c}.7.0", Number(s.values[f"{c}.7.0"], 0, 6, unit)))
    return rows


def _hungary(s):
    month = s.hour.replace(day=1, hour=0)
    return [
        ("0-0:1.0.0", s.stamp()),
        ("0-0:42.0.0", _hex("SAG3082000000001")),
        ("0-0:96.1.0", _hex(s.number)),
        ("0-0:96.14.0", "0001"),
        ("0-0:96.50.68", "ON"),
        ("0-0:17.0.0", Number(90000, 3, 2, "kW")),
        *((f"1-0:{e}", s.energy(e)) for e in ("1.8.0", "1.8.1", "1.8.2")),
        *((f"1-0:{e}", s.energy(e)) for e in ("2.8.0", "2.8.1", "2.8.2")),
        *((f"1-0:{e}", s.energy(e, unit="kvarh")) for e in ("3.8.0", "4.8.0")),
        *((f"1-0:{c}.7.0", s.volts(f"{c}.7.0")) for c in (32, 52, 72)),
        *((f"1-0:{c}.7.0", s.amperes(f"{c}.7.0")) for c in (31, 51, 71)),
        *((f"1-0:{c}.7.0", f"0.{s.values[f'{c}.7.0'] % 1000:03}") for c in (13, 33, 53, 73)),
        ("1-0:14.7.0", Number(5000, 2, 2, "Hz")),
        *((f"1-0:{e}", s.power(e)) for e in ("1.7.0", "2.7.0")),
        *((f"1-0:{e}", s.power(e, unit="kvar")) for e in ("3.7.0", "4.7.0")),
        ("0-0:98.1.0", s.stamp(month), *(Number(1_000_000 * i, 3, 6, "kWh") for i in (3, 2, 1))),
        ("0-0:96.13.0", ""),
    ]


def _sweden(s):
    return [
        ("0-0:1.0.0", s.stamp()),
        *((f"1-0:{e}", s.energy(e, 8)) for e in ("1.8.0", "2.8.0")),
        *((f"1-0:{e}", s.energy(e, 8, "kvarh")) for e in ("3.8.0", "4.8.0")),
        *((f"1-0:{e}", s.power(e, 4)) for e in ("1.7.0", "2.7.0")),
        *((f"1-0:{e}", s.power(e, 4, "kvar")) for e in ("3.7.0", "4.7.0")),
        *((f"1-0:{c + p}.7.0", s.power(f"{c + p}.7.0", 4)) for p in _PHASES for c in (1, 2)),
        *((f"1-0:{c}.7.0", s.volts(f"{c}.7.0")) for c in (32, 52, 72)),
        *((f"1-0:{c}.7.0", s.amperes(f"{c}.7.0", 1)) for c in (31, 51, 71)),
    ]


def _lithuania(s):
    return [
        ("0-0:1.0.0", s.stamp()),
        *((f"1-0:{e}", s.energy(e)) for e in ("1.8.0", "1.8.1", "1.8.2", "2.8.0")),
        ("1-0:1.7.0", s.power("1.7.0")),
        *((f"1-0:{1 + p}.7.0", s.power(f"{1 + p}.7.0")) for p in _PHASES),
        *((f"1-0:{c}.7.0", s.volts(f"{c}.7.0")) for c in (32, 52, 72)),
        *((f"1-0:{c}.7.0", s.amperes(f"{c}.7.0")) for c in (31, 51, 71)),
        ("0-0:96.7.21", "00039"),
        ("0-0:96.13.0", _hex("set01_standard_3ph")),
        *((f"1-0:{c}.32.0", "00001") for c in (32, 52, 72)),
        ("0-0:96.1.1", _hex(s.number)),
    ]


def _slovenia(s):
    return [
        ("1-0:0.9.1", f"{s.local:%H%M%S}"),
        ("1-0:0.9.2", f"{s.local:%y%m%d}"),
        ("0-0:96.1.0", s.number),
        *((f"1-0:{e}", s.energy(e)) for e in ("1.8.0", "1.8.1", "1.8.2", "2.8.0")),
        *((f"1-0:{e}", s.energy(e, unit="kvarh")) for e in ("3.8.0", "4.8.0")),
        *((f"1-0:{e}", s.power(e)) for e in ("1.7.0", "2.7.0")),
        *((f"1-0:{e}", s.power(e, unit="kvar")) for e in ("3.7.0", "4.7.0")),
        *((f"1-0:{c}.7.0", s.amperes(f"{c}.7.0")) for c in (31, 51, 71)),
        *((f"1-0:{c}.7.0", s.volts(f"{c}.7.0")) for c in (32, 52, 72)),
        ("1-0:0.2.0", "(ER11)"),  # seen: brackets in brackets
    ]


def _mode_d(s):
    def watts(element):
        return Number(s.values[element] * 100 + 7, 2, 6, "W")

    # Ten digits and more: beyond 32 bits.
    rows = [("1-0:1.8.0*255", s.energy("1.8.0", 8, decimals=7))]
    rows.append(("1-0:2.8.0*255", s.energy("2.8.0", 8, decimals=7)))
    rows += [(f"1-0:{1 + p}.7.0*255", watts(f"{1 + p}.7.0")) for p in _PHASES]
    return [
        ("1-0:0.0.0*255", s.number),
        *rows,
        ("1-0:1.7.0*255", watts("1.7.0")),
        ("0-0:96.5.5*255", "82"),
        ("0-0:96.1.255*255", s.number),
    ]


@dataclass(frozen=True)
class Spec:
    """What distinguishes one meter from another. ``rows``: what it says, a list of code and
    cells (text or ``Number``; "\\r\\n": the rest goes on the next line). ``security_control``
    None: plain text."""

    description: str
    identification: str
    rows: Callable
    number: str | None
    interval_ms: int = 10_000
    line: Line = P1_LINE
    crc: bool = True
    link: str = "p1"
    security_control: int | None = None
    system_title: bytes = b""
    auth_key: bytes | None = None

    def meter(self, name, seed=0, key=None, auth_key=None, start=None, interval_ms=None):
        auth_key = auth_key or self.auth_key
        return Meter(name, self, seed, key, auth_key, start, interval_ms)


class Meter(SimulatedMeter):
    """One simulated meter. Its text tells summer from winter, but not of which zone."""

    def invocation_counter(self, n):
        return None if self.security_control is None else _FIRST_COUNTER + n

    def rows(self, n):
        """[(code, cells ..)] of telegram ``n``."""
        utc, values = self._registers.at(n)
        return self._spec.rows(Snapshot(utc, values, self.number))

    def text(self, n):
        """Telegram ``n`` before ciphering: bytes."""
        lines = [f"/{self._spec.identification}", ""]
        for code, *cells in self.rows(n):
            lines.append(code + "".join(c if c == "\r\n" else f"({c})" for c in cells))
        text = "\r\n".join([*lines, "!"]).encode("ascii")
        return text + (b"%04X" % crc16_arc(text) if self._spec.crc else b"") + b"\r\n"

    def telegram(self, n):
        text = self.text(n)
        if self.security_control is None:
            return text
        keys = self.key, self.auth_key
        return glo.cipher(
            text, self.security_control, *keys, self.system_title, self.invocation_counter(n)
        )

    def expected(self, n):
        """{OBIS code: (Decimal or text, unit)}; of several values of a code, the last."""
        return {code: values[-1] for code, values in self.all_expected(n).items()}

    def all_expected(self, n):
        """{OBIS code: [(Decimal or text, unit), ..]} of telegram ``n``, as it was sent."""
        return {
            code.removesuffix("*255"): [
                cell.expected if isinstance(cell, Number) else (cell, "")
                for cell in cells
                if cell != "\r\n"
            ]
            for code, *cells in self.rows(n)
        }


_DSMR_4 = Spec(
    description="Netherlands: DSMR 4",
    identification=r"ISk5\2MT382-1000",
    rows=_dsmr_4,
    number="K8EG004046390001",
)
_SMARTY = Spec(
    description="Luxembourg: Smarty, as its text is inside the cipher",
    identification=r"Lux5\253694471_M",
    rows=_smarty,
    number="SAG1030790000001",
)

METERS = {
    "nl-dsmr22": Spec(
        description="Netherlands: DSMR 2.2, gas in two lines, no CRC",
        identification="KMP5 ZABF001587315111",
        rows=_dsmr_2,
        number="ZABF001587315111",
        line=_OLD_P1_LINE,
        crc=False,
    ),
    "nl-dsmr30": Spec(
        description="Netherlands: DSMR 3.0, gas in two lines, no CRC",
        identification=r"ISk5\2MT382-1000",
        rows=_dsmr_2,
        number="K8EG004046390002",
        line=_OLD_P1_LINE,
        crc=False,
    ),
    "nl-dsmr4": _DSMR_4,
    "nl-dsmr5": replace(
        _DSMR_4,
        description="Netherlands: DSMR 5, gas, heat and water behind it",
        identification=r"Ene5\T210-D ESMR5.0",
        rows=_dsmr_5,
        number="E0048000000000001",
        interval_ms=1000,
    ),
    "be-fluvius": Spec(
        description="Belgium: Fluvius, with gas, water and the month's peaks",
        identification=r"FLU5\253770234_A",
        rows=_fluvius,
        number="1SAG1100000001",
        interval_ms=1000,
    ),
    "lu-smarty": _SMARTY,
    "lu-smarty-ciphered": replace(
        _SMARTY,
        description="Luxembourg: Smarty (Sagemcom T210-D), text inside the cipher",
        link="apdu",
        security_control=0x30,
        system_title=b"SAG" + bytes.fromhex("6770010001"),
        auth_key=_PUBLIC_AUTH_KEY,
    ),
    "steiermark-t210d": Spec(
        description="Energienetze Steiermark: Sagemcom T210-D, text inside the cipher",
        identification=r"EST5\253710000_A",
        rows=_styria,
        number=None,
        interval_ms=5000,
        link="apdu",
        security_control=0x30,
        system_title=b"SAG" + bytes.fromhex("0520000002"),
    ),
    "hu-p1": Spec(
        description="Hungary: E.ON, P1",
        identification="AUX59902700001",
        rows=_hungary,
        number="3000000001",
    ),
    "se-p1": Spec(
        description="Sweden: P1 (HAN port), no meter number",
        identification=r"ELL5\253833635_A",
        rows=_sweden,
        number=None,
    ),
    "se-e360": Spec(
        description="Sweden, Switzerland: Landis+Gyr E360, P1",
        identification="LGF5E360",
        rows=_sweden,
        number=None,
    ),
    "lt-p1": Spec(
        description="Lithuania: ESO, P1 standard list",
        identification=r"ESO5\VMMmm",
        rows=_lithuania,
        number="80043700000000000000000000000001",
    ),
    "si-p1": Spec(
        description="Slovenia: Iskraemeco AM550, P1 at 7E1, no CRC",
        identification=r"ISk5\2M550T-2006",
        rows=_slovenia,
        number="77510001",
        line=Line(115200, bits=7, parity="E"),
        crc=False,
    ),
    "de-iec-d": Spec(
        description="Germany: EasyMeter Q3D, IEC 62056-21 mode D, no check at all",
        identification="ESY5Q3DA1004 V3.03",
        rows=_mode_d,
        number="1ESY1160000001",
        interval_ms=2000,
        line=Line(9600, bits=7, parity="E"),
        crc=False,
    ),
}
