"""Meters of Austria's neighbours and of the north: lists as their makers describe them.

Norway (NEK, "HAN personal metering data"): list 1 with the power alone, list 2 every 10 s,
list 3, the same with clock and energies, every hour. Kaifa sends values without OBIS codes,
and its head's date-time with a tag that the standard does not have. Sweden: all in one list.
Switzerland: Landis+Gyr and Iskraemeco, a push list ahead of the values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from . import axdr, clock, glo, hdlc, layouts
from .axdr import i16, obis, octets, structure, u16, u32, visible
from .base import SimulatedMeter
from .kamstrup import norway_one_phase
from .layouts import ENERGY, POWER, REACTIVE_POWER, Snapshot, currents, voltages
from .settings import MBUS_LINE, P1_LINE, Line

_KAIFA = bytes.fromhex("010201")  # HDLC addresses, destination then source
_AIDON = bytes.fromhex("410883")
_KAMSTRUP = bytes.fromhex("2b21")
_LANDIS_GYR = bytes.fromhex("ceff03")
_ISKRA = bytes.fromhex("cf0223")

_TOTALS = [*POWER, *REACTIVE_POWER]
_L1 = ("31.7.0", "32.7.0")


def _one_phase(rows):
    return [row for row in rows if row[0].endswith(_L1)]


def kaifa_list_1(snapshot):
    """Kaifa: the power, W, and nothing else."""
    raw = snapshot.raw("1-0:1.7.0", 0)
    return structure(u32(raw)), {"1-0:1.7.0": (raw, 0, "W")}


def kaifa_list(snapshot, phases=3, with_energies=False):
    """Kaifa's lists 2 and 3 (KFM_001): 13 or 18 elements, with one phase 9 or 14."""
    rows = [*currents(-3, u32), *((c, u32, s) for c, _, s in voltages(-1))]
    rows = [*_TOTALS, *(rows if phases == 3 else _one_phase(rows))]
    texts = {
        "1-1:0.2.129": "KFM_001",
        "0-0:96.1.0": snapshot.number,
        "0-0:96.1.7": snapshot.device_name,
    }
    elements = [octets(text) for text in texts.values()]
    elements += [encoder(snapshot.raw(code, scaler)) for code, encoder, scaler in rows]
    if with_energies:
        elements.append(octets(snapshot.date_time))
        elements += [u32(snapshot.raw(code, 0)) for code, _, _ in ENERGY]
        rows += ENERGY
    expected = {c: (snapshot.raw(c, s), s, layouts.unit_of(c)) for c, _, s in rows}
    return structure(*elements), {**texts, **expected}


def kaifa_sweden(snapshot):
    """Kaifa's Swedish list: flat OBIS, value; which scalers it has nobody documents."""
    rows = [*_TOTALS, *ENERGY, *currents(-3, u32), *voltages(-1)]
    elements, expected = [obis("0-0:1.0.0"), octets(snapshot.date_time)], {}
    for code, encoder, scaler in rows:
        raw = snapshot.raw(code, scaler)
        elements += [obis(code), encoder(raw)]
        expected[code] = (raw, 0, None)
    return structure(*elements), expected


def aidon_list_1(snapshot):
    """Aidon: the power, with its code and unit."""
    raw = snapshot.raw("1-0:1.7.0", 0)
    row = structure(obis("1-0:1.7.0"), u32(raw), axdr.scaler_unit(0, "W"))
    return axdr.array(row), {"1-0:1.7.0": (raw, 0, "W")}


def aidon_list(snapshot, with_energies=False, texts=True):
    """Aidon's lists 2 and 3 (HAN interface description v1.1), and the Swedish one without
    texts: an array of structures, each with its code and unit."""
    rows = [*_TOTALS, *currents(-1, i16), *voltages(-1)]
    names = {"1-1:0.2.129": "AIDON_V0001", "0-0:96.1.0": snapshot.number, "0-0:96.1.7": "6540"}
    elements, expected = [], {}
    for code, text in names.items() if texts else ():
        elements.append(structure(obis(code), visible(text)))
        expected[code] = text
    stamp = structure(obis("0-0:1.0.0"), octets(snapshot.date_time))
    if not texts:
        elements.append(stamp)
        rows += [(f"1-0:{c}.7.0", u32, 0) for c in (21, 22, 41, 42, 61, 62)]
    elif with_energies:
        rows += [(code, u32, 1) for code, _, _ in ENERGY]
    if with_energies and not texts:
        rows += ENERGY
    for code, encoder, scaler in rows:
        if with_energies and texts and code == ENERGY[0][0]:
            elements.append(stamp)
        raw, unit = snapshot.raw(code, scaler), layouts.unit_of(code)
        elements.append(structure(obis(code), encoder(raw), axdr.scaler_unit(scaler, unit)))
        expected[code] = (raw, scaler, unit)
    return axdr.array(*elements), expected


# Swiss push lists. Romande Energie's description of the AM550 names its codes, no scalers.
E570 = partial(
    layouts.push_list,
    rows=[
        *_TOTALS,
        *((code.replace("1-0", "1-1"), u32, 0) for code, _, _ in ENERGY),
        *currents(-2),
        ("1-0:13.7.0", u16, -3),
    ],
)
AM550 = partial(
    layouts.push_list,
    rows=[
        *POWER,
        *((code.replace("1-0", "1-1"), u32, 0) for code, _, _ in ENERGY[:2]),
        *voltages(-1),
        *currents(-2),
    ],
)


@dataclass(frozen=True)
class Spec:
    """What distinguishes one meter from another; see meters.Spec. ``lists``: layouts 1, 2
    and 3 (1 may be None), or one layout. ``tagged``: the head's date-time has a tag."""

    description: str
    line: Line
    interval_ms: int
    addresses: bytes
    lists: tuple
    number: str
    device_name: str = ""
    header_time: bool = True
    tagged: bool = False
    invoke_id: int = 0
    system_title: bytes = b""
    security_control: int | None = None
    number_on_wire: tuple = (False, True, True)
    link: str = "hdlc"
    frame: Callable = hdlc.frames

    def meter(self, name, seed=0, key=None, auth_key=None, start=None, interval_ms=None):
        return NordicMeter(name, self, seed, key, auth_key, start, interval_ms)


class NordicMeter(SimulatedMeter):
    """One whose telegrams are lists in turn."""

    def list_of(self, n):
        """Which list telegram ``n`` is: 1, 2 or 3; list 3 is the first of an hour that is no
        list 1."""
        utc = self.utc(n)
        ten = utc.minute * 60 + utc.second
        if len(self._spec.lists) == 1 or (ten < 10 and n % self._turns == 0):
            return 3
        return 2 if n % self._turns == 0 else 1

    @property
    def _turns(self):
        return 1 if self._spec.lists[0] is None else 4

    def _body(self, n):
        spec = self._spec
        utc, values = self._registers.at(n)
        snapshot = Snapshot(clock.local_time(utc), values, spec.number, spec.device_name, False)
        lists = spec.lists
        layout = lists[0] if len(lists) == 1 else lists[self.list_of(n) - 1]
        return snapshot, *layout(snapshot)

    # None of them tells its clock's distance from UTC.

    def invocation_counter(self, n):
        return None if self.security_control is None else 1000 + n

    def number_of(self, n):
        """The meter's number as telegram ``n`` tells it, or None."""
        return self.number if self._spec.number_on_wire[self.list_of(n) - 1] else None

    def apdu(self, n):
        spec = self._spec
        snapshot, body, _ = self._body(n)
        stamp = b"\x00"
        if spec.header_time:
            stamp = (b"\x09" if spec.tagged else b"") + b"\x0c" + snapshot.date_time
        return b"\x0f" + spec.invoke_id.to_bytes(4, "big") + stamp + body

    def telegram(self, n):
        apdu = self.apdu(n)
        if self.security_control is not None:
            apdu = glo.cipher(
                *(apdu, self.security_control, self.key, self.auth_key),
                *(self.system_title, self.invocation_counter(n)),
            )
        return self._spec.frame(apdu, addresses=self._spec.addresses)

    def expected(self, n):
        return self._body(n)[2]


METERS = {
    "kaifa-no": Spec(
        description="Norway: Kaifa MA304H3E, lists 1 to 3",
        line=MBUS_LINE,
        interval_ms=2500,
        addresses=_KAIFA,
        lists=(kaifa_list_1, kaifa_list, partial(kaifa_list, with_energies=True)),
        number="6970630000000001",
        device_name="MA304H3E",
        tagged=True,
        invoke_id=0x40000000,
    ),
    "kaifa-no-1": Spec(
        description="Norway: Kaifa MA105H2E, one phase, lists 1 to 3",
        line=MBUS_LINE,
        interval_ms=2500,
        addresses=_KAIFA,
        lists=(
            kaifa_list_1,
            partial(kaifa_list, phases=1),
            partial(kaifa_list, phases=1, with_energies=True),
        ),
        number="6970630000000002",
        device_name="MA105H2E",
        tagged=True,
        invoke_id=0x40000000,
    ),
    "kaifa-se": Spec(
        description="Sweden: Kaifa MA304H4, flat list",
        line=MBUS_LINE,
        interval_ms=10_000,
        addresses=_KAIFA,
        lists=(kaifa_sweden,),
        number=None,
    ),
    "kamstrup-no-1": Spec(
        description="Norway: Kamstrup Omnipower, one phase",
        line=Line(2400),
        interval_ms=10_000,
        addresses=_KAMSTRUP,
        lists=(norway_one_phase,),
        number="5706567000000003",
        device_name="684111100000000001",
    ),
    "aidon-no-3": Spec(
        description="Norway: Aidon 6540, lists 1 to 3",
        line=MBUS_LINE,
        interval_ms=2500,
        addresses=_AIDON,
        lists=(aidon_list_1, aidon_list, partial(aidon_list, with_energies=True)),
        number="7359990000000002",
        header_time=False,
        invoke_id=0x40000000,
    ),
    "aidon-se": Spec(
        description="Sweden: Aidon 6534",
        line=MBUS_LINE,
        interval_ms=10_000,
        addresses=_AIDON,
        lists=(partial(aidon_list, with_energies=True, texts=False),),
        number=None,
        header_time=False,
        invoke_id=0x40000000,
    ),
    "e570-ch": Spec(
        description="Switzerland: Landis+Gyr E570",
        line=MBUS_LINE,
        interval_ms=5000,
        addresses=_LANDIS_GYR,
        lists=(E570,),
        number="56820001",
        frame=hdlc.block_transfer,
        system_title=b"LGZ" + bytes.fromhex("7420620001"),
        security_control=0x20,
    ),
    "am550-ch": Spec(
        description="Switzerland: Iskraemeco AM550",
        line=P1_LINE,
        interval_ms=5000,
        addresses=_ISKRA,
        lists=(AM550,),
        number="70000002",
        system_title=b"ISK" + bytes.fromhex("69745c0002"),
        security_control=0x20,
    ),
}
