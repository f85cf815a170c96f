"""The meters that can be simulated, one line of table each, and ``make_meter``."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from . import amis, axdr, clock, dsmr, glo, hdlc, kamstrup, layouts, mbus, mode_c, nordic, sml
from .base import SimulatedMeter
from .settings import MBUS_LINE, OPTICAL_LINE, P1_LINE, Line

# HDLC addresses, destination then source, as they stand on the wire.
_LANDIS_GYR = bytes.fromhex("ceff03")
_SIEMENS = bytes.fromhex("cf00020023")
_ISKRA = bytes.fromhex("cf0223")
_KAMSTRUP_DK = bytes.fromhex("4103")
_KAMSTRUP_NO = bytes.fromhex("2b21")
_AIDON = bytes.fromhex("410883")


@dataclass(frozen=True)
class Spec:
    """What distinguishes one meter from another.

    ``link`` is "mbus", "hdlc" or "apdu"; ``frame`` turns an APDU into the bytes of that link;
    ``layout`` is from ``layouts``; ``other_layout`` takes turns with it where there is one.
    ``security_control`` None: plain. ``header_time`` False: the data-notification's own
    date-time is left out. ``number_on_wire``: how a reader learns the meter's number.
    """

    description: str
    line: Line
    interval_ms: int
    link: str
    frame: Callable[[bytes], bytes]
    layout: Callable
    security_control: int | None
    system_title: bytes = b""
    number: str = ""
    device_name: str = ""
    number_on_wire: bool = True
    deviation: bool = True
    header_time: bool = True
    other_layout: Callable | None = None
    invoke_id: int = 0
    first_counter: int = 0x000F4200

    def meter(self, name, seed=0, key=None, auth_key=None, start=None, interval_ms=None):
        """See make_meter."""
        return Meter(name, self, seed, key, auth_key, start, interval_ms)


def _title(maker, tail):
    return maker.encode("ascii") + bytes.fromhex(tail)


_KAIFA = Spec(
    description="TINETZ: Kaifa MA309M",
    line=MBUS_LINE,
    interval_ms=5000,
    link="mbus",
    frame=mbus.frames,
    layout=layouts.KAIFA,
    security_control=0x21,
    system_title=_title("KFM", "1200000001"),
    number="1KFM0200000001",
    device_name="KFM1200200000001",
)
_NETZ_NOE = replace(
    _KAIFA,
    description="Netz NÖ: Kaifa MA309",
    layout=layouts.LOWER_AUSTRIA,
    security_control=0x20,
    system_title=_title("KFM", "6750000001"),
    number="181220000001",
    device_name="",
)
_E450 = Spec(
    description="Energienetze Steiermark, Feistritzwerke: Landis+Gyr E450",
    line=MBUS_LINE,
    interval_ms=5000,
    link="hdlc",
    frame=partial(hdlc.block_transfer, addresses=_LANDIS_GYR),
    layout=layouts.STYRIA,
    security_control=0x30,
    system_title=_title("LGZ", "6773620001"),
    number="56810001",
    deviation=False,
)
_KAERNTEN = Spec(
    description="KNG Kärnten: Siemens IM350",
    line=P1_LINE,
    interval_ms=1000,
    link="hdlc",
    frame=partial(hdlc.frames, addresses=_SIEMENS),
    layout=layouts.kaernten,
    security_control=0x20,
    system_title=_title("SMS", "6770040001"),
    number="1121270000001",
)
_WIEN = Spec(
    description="Wiener Netze: Siemens IM150",
    line=OPTICAL_LINE,
    interval_ms=1000,
    link="hdlc",
    frame=partial(hdlc.frames, addresses=_SIEMENS),
    layout=layouts.vienna,
    security_control=0x20,
    system_title=_title("SMS", "6770040002"),
    number_on_wire=False,
)

# Those that send DLMS
DLMS = {
    "tinetz-kaifa": _KAIFA,
    "schwaz": replace(_KAIFA, description="Stadtwerke Schwaz: as TINETZ"),
    "salzburg-honeywell": replace(
        _KAIFA,
        description="Salzburg Netz: Honeywell, full and short list in turn",
        security_control=0x20,
        other_layout=layouts.HONEYWELL_SHORT,
        system_title=_title("ELS", "5365700001"),
        number="1ELS0200000001",
        device_name="ELS1200200000001",
    ),
    "netznoe-kaifa": _NETZ_NOE,
    "netznoe-sagemcom": replace(
        _NETZ_NOE,
        description="Netz NÖ: older Sagemcom, one frame of 257 bytes with L = 01",
        frame=partial(mbus.frames, max_data=mbus.SAGEMCOM_MAX_DATA),
        system_title=_title("SAG", "0520000001"),
        number="181230000001",
    ),
    "burgenland-e450": replace(
        _E450,
        description="Netz Burgenland: Landis+Gyr E450",
        line=Line(2400),
        frame=partial(hdlc.frames, addresses=_LANDIS_GYR),
        layout=layouts.burgenland,
    ),
    "steiermark-e450": _E450,
    "klagenfurt-e450": replace(
        _E450,
        description="Stadtwerke Klagenfurt: Landis+Gyr E450",
        layout=layouts.KLAGENFURT,
        system_title=_title("LGZ", "6773620002"),
    ),
    "kaernten-im350": _KAERNTEN,
    "wels-am550": replace(
        _KAERNTEN,
        description="Wels Strom: Iskra AM550",
        frame=partial(hdlc.frames, addresses=_ISKRA),
        layout=partial(layouts.kaernten, customer_texts=False),
        system_title=_title("ISK", "69745c0001"),
        number="70000001",
    ),
    "wien-im150": _WIEN,
    "wien-im350": replace(
        _WIEN,
        description="Wiener Netze: Siemens IM350, logical device name first",
        layout=partial(layouts.vienna, with_device_name=True),
        system_title=_title("SMS", "6770040003"),
        number="SMS7704000000003",
        device_name="SMS7704000000003",
        number_on_wire=True,
    ),
    "kamstrup-dk": Spec(
        description="Denmark: Kamstrup Omnipower",
        line=Line(2400),
        interval_ms=10_000,
        link="hdlc",
        frame=partial(hdlc.frames, addresses=_KAMSTRUP_DK),
        layout=kamstrup.denmark,
        security_control=0x30,
        system_title=_title("KAM", "4501020001"),
        number="5706567000000001",
        deviation=False,
    ),
    "aidon-no": Spec(
        description="Norway: Aidon 6525, list 2",
        line=MBUS_LINE,
        interval_ms=10_000,
        link="hdlc",
        frame=partial(hdlc.frames, addresses=_AIDON),
        layout=layouts.AIDON,
        security_control=None,
        number="7359990000000001",
        header_time=False,
        invoke_id=0x40000000,
    ),
    "kamstrup-no": Spec(
        description="Norway: Kamstrup Omnipower",
        line=Line(2400),
        interval_ms=10_000,
        link="hdlc",
        frame=partial(hdlc.frames, addresses=_KAMSTRUP_NO),
        layout=kamstrup.norway,
        security_control=None,
        number="5706567000000002",
        device_name="684112100000000001",
        deviation=False,
    ),
}


METERS = {
    **DLMS,
    **nordic.METERS,
    **dsmr.METERS,
    **sml.METERS,
    **amis.METERS,
    **mode_c.METERS,
}


class Meter(SimulatedMeter):
    """One that speaks DLMS/COSEM in the layouts of ``layouts``."""

    def __init__(self, name, spec, *args, **options):
        super().__init__(name, spec, *args, **options)
        self.number = spec.number if spec.number_on_wire else None

    def _snapshot(self, n):
        spec = self._spec
        utc, values = self._registers.at(n)
        return layouts.Snapshot(
            clock.local_time(utc), values, spec.number, spec.device_name, spec.deviation
        )

    def _body(self, n):
        """(Snapshot, encoded notification body, expected values) of telegram ``n``."""
        spec = self._spec
        turn = spec.other_layout if spec.other_layout and n % 2 else spec.layout
        snapshot = self._snapshot(n)
        return (snapshot, *turn(snapshot))

    def time(self, n):
        spec = self._spec
        has_clock = spec.header_time and spec.deviation
        return self.utc(n).strftime("%Y-%m-%dT%H:%M:%SZ") if has_clock else None

    def invocation_counter(self, n):
        return None if self.security_control is None else self._spec.first_counter + n

    def apdu(self, n):
        """The data-notification of telegram ``n`` before ciphering."""
        spec = self._spec
        snapshot, body, _ = self._body(n)
        header_time = snapshot.date_time if spec.header_time else None
        invoke_id = spec.invoke_id or (n & 0x00FFFFFF)
        return axdr.data_notification(invoke_id, header_time, body)

    def telegram(self, n):
        apdu = self.apdu(n)
        if self.security_control is not None:
            apdu = glo.cipher(
                apdu,
                self.security_control,
                self.key,
                self.auth_key,
                self.system_title,
                self.invocation_counter(n),
            )
        return self._spec.frame(apdu)

    def expected(self, n):
        return self._body(n)[2]


def make_meter(name, seed=0, key=None, auth_key=None, start=None, interval_ms=None):
    """A ``Meter``, or what can be asked the same, by its name in ``METERS``.

    ``key`` and ``auth_key``: 16 bytes, or None for the public demo keys; meters that do not
    cipher or authenticate ignore them. ``start``: datetime of telegram 0 (without a zone:
    Central European time). ``interval_ms``: another push interval than the meter's own.
    Raises KeyError for an unknown name.
    """
    return METERS[name].meter(name, seed, key, auth_key, start, interval_ms)
