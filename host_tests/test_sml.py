"""SML files (BSI TR-03109-1, annex IV), as the decoder reads them. Their transport is in
test_sml_transport.

    77 | client | server id | list name | sensor time | entries | signature | gateway time
    77 | OBIS code | status | time | unit | scaler | value | signature         an entry
"""

import json
import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from decoding import CAPTURES, Listener, probe
from meterling_tools import interpreters
from meterling_tools.simulate import sml_encoding as sml
from meterling_tools.simulate.sml import METERS
from smllib import SmlStreamReader

SERVER = bytes.fromhex("0a01445a47000282225e")  # on the plate: 1 DZG 00 4208 2910
CHUNKS = (1, 7, 64, None)
NOTHING = b"\x01"


def hear(data, chunk=None):
    return Listener("sml").hear(data, chunk)


def reading(entries, server_id=SERVER, **options):
    (found,) = hear(sml.telegram(server_id, entries, **options)).readings
    return found


def value(encoded, code="1-0:16.7.0", unit="W", scaler=0, **options):
    """What becomes of one value: (text, unit)."""
    found = reading([sml.entry(code, encoded, unit, scaler, **options)])
    return found.values.get(code), found.units.get(code)


def captures():
    found = [json.loads(path.read_text()) for path in sorted(CAPTURES.glob("sml-*.json"))]
    return {capture["id"]: capture for capture in found}


ALL = captures()
PRIVATE = pytest.mark.skipif(not ALL, reason="no folder with captures beside the repository")


# ---- telegrams of real meters --------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("chunk", CHUNKS)
def test_captures(name, chunk):
    capture = ALL[name]
    seen = hear(bytes.fromhex(capture["raw_hex"]), chunk)
    assert seen.errors == {}
    (found,) = seen.readings
    wanted = {}
    for printed, each in capture["expected"].items():
        code = printed.replace("*255", "").replace("*", ".")
        wanted[code] = (each["value"], each.get("unit", ""))
    assert set(found.names) == set(wanted)
    for code, (number, unit) in wanted.items():
        assert found.numbers[code] == (not isinstance(number, str)), code
        if isinstance(number, str):
            assert found.values[code] == number
        else:
            assert Decimal(found.values[code]) == Decimal(str(number)), code
        assert found.units[code] == unit, code


@PRIVATE
def test_meter_numbers_of_captures():
    numbers = {
        name: hear(bytes.fromhex(each["raw_hex"])).readings[0].meter for name, each in ALL.items()
    }
    assert numbers["sml-dzg-dvs-7412-2-jmberg"] == "1DZG0042082910"
    assert numbers["sml-itron-openway-3-hz"] == "1ITR0055113102"
    assert numbers["sml-emh-ehz361l5r"] == "1001185"


# ---- simulated meters ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", METERS)
@pytest.mark.parametrize("chunk", [1, 50, None])
def test_simulated_meters(name, chunk):
    meter = METERS[name].meter(name, seed=3, interval_ms=600_000)
    count = 144  # a day: consumption, and the sun
    seen = hear(b"".join(map(meter.telegram, range(count))), chunk)
    assert seen.errors == {}
    assert len(seen.readings) == count
    for n, found in enumerate(seen.readings):
        assert found.meter == meter.number
        assert found.time is None
        shown = {
            code: (Decimal(text) if found.numbers[code] else text, found.units[code])
            for code, text in found.values.items()
        }
        assert shown == meter.expected(n)
        assert list(shown) == list(meter.expected(n))


@pytest.mark.parametrize("name", METERS)
def test_numbers_as_an_independent_decoder_reads_them(name):
    """smllib, which takes telegrams apart without knowing ours."""
    meter = METERS[name].meter(name, interval_ms=1_800_000)
    for n in range(0, 48, 3):
        data = meter.telegram(n)
        agree(data, hear(data).readings[0], "kermit" if name == "de-holley" else "x25")


@pytest.mark.parametrize("name", ALL)
def test_captures_as_an_independent_decoder_reads_them(name):
    data = bytes.fromhex(ALL[name]["raw_hex"])
    agree(data, hear(data).readings[0], "x25")


def agree(data, found, crc):
    reader = SmlStreamReader(crc=crc)
    reader.add(data)
    names = {}
    for each in reader.get_frame().get_obis():
        obis = bytes.fromhex(each.obis)
        code = "{}-{}:{}.{}.{}".format(*obis) + ("" if obis[5] == 255 else f".{obis[5]}")
        names[code] = each
    extra = {"1-0:16.7.0"} if "1-0:15.7.0" in names else set()  # added by us: see below
    hidden = {"129-129:199.130.3", "129-129:199.130.5", "0-0:96.1.255"}
    assert set(found.names) - extra == set(names) - hidden
    for code in set(found.names) - extra:
        theirs = names[code]
        if isinstance(theirs.value, str):
            ours = found.values[code]
            assert theirs.value in (ours, ours.encode().hex())
        else:
            assert found.raw[code] == (theirs.value, theirs.scaler or 0)


def test_every_interpreter_prints_the_same(interpreter):
    raws = [bytes.fromhex(each["raw_hex"]) for each in ALL.values()]
    for name, spec in METERS.items():
        meter = spec.meter(name, seed=5, interval_ms=3_600_000)
        raws.append(b"".join(map(meter.telegram, range(24))))
    raws.append(b"".join(sml.telegram(SERVER, [each]) for each in EVERY_WIDTH))
    raws.append(sml.telegram(SERVER, [POWER], sensor_time=sml.timestamp(SUMMER)))
    raws.append(sml.telegram(SERVER, [POWER], sensor_time=sml.local_timestamp(SUMMER, -600, 60)))
    raws += [sml.transport(raw) for raw in BROKEN]
    raws.append(b"".join(map(sml.transport, altered(random.Random(7)))))
    jobs = [{"link": "sml", "raw": raw, "chunk": chunk} for raw in raws for chunk in (0, 5, 300)]
    assert probe(interpreter, jobs) == probe(interpreters.find("cpython"), jobs)


def altered(draw):
    """Files with a few wrong bytes, 25 of each meter."""
    for name, spec in METERS.items():
        for _ in range(25):
            content = bytearray(spec.meter(name).sml_file(0))
            for _ in range(draw.randrange(1, 5)):
                content[draw.randrange(len(content))] = draw.randrange(256)
            yield content


# ---- numbers -------------------------------------------------------------------------------------


POWER = sml.entry("1-0:16.7.0", sml.signed(-2, 1), "W", 0)
EDGES = [
    (width, sign, number)
    for width in range(1, 9)
    for sign in (True, False)
    for number in (
        *(0, 1, 0x7F, (1 << 8 * width - 1) - 1),
        *((-1, -(1 << 8 * width - 1)) if sign else (1 << 8 * width - 1, (1 << 8 * width) - 1)),
    )
]
EVERY_WIDTH = [
    sml.entry(code, (sml.signed if sign else sml.unsigned)(number, width), unit, -1)
    for width, sign, number in EDGES
    for code, unit in (("1-0:16.7.99", None), ("1-0:1.8.0", "Wh"))
]


@pytest.mark.parametrize("width, sign, number", EDGES)
def test_every_width(width, sign, number):
    """One to eight bytes, those that no type of SML's has, too."""
    encoded = (sml.signed if sign else sml.unsigned)(number, width)
    assert value(encoded, unit=None) == (str(number), "")
    assert value(encoded, code="1-0:1.8.0", unit="Wh") == (str(number), "Wh")


def test_a_number_keeps_its_shape_while_it_grows():
    """However short a meter writes it: one shape, learnt once."""
    seen = Listener("sml")
    for watts in (0, -1, 127, 128, -129, 40_000, -3_000_000, 999_999_999, -999_999_999):
        seen.hear(
            sml.telegram(SERVER, [sml.entry("1-0:16.7.0", sml.shortest(watts, True), "W", -9)])
        )
        plans = seen.decoder.parts[2]
        assert sum(plan[0][0] > 0 for plan in plans) == 1
    assert len(seen.readings) == 9


def test_energy_beyond_32_bits():
    for number in ((1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63):
        assert value(sml.unsigned(number, 8), "1-0:1.8.0", "Wh") == (str(number), "Wh")


@pytest.mark.parametrize("width", [0, 9, 14])
@pytest.mark.parametrize("kind", [5, 6])
def test_numbers_that_no_type_can_hold(width, kind):
    encoded = sml.type_length(kind, width) + bytes(width)
    assert broken([sml.entry("1-0:16.7.0", encoded, "W", 0)]) == {"decode": 1}


@pytest.mark.parametrize(
    "scaler, shown", [(-4, "0.1234"), (-1, "123.4"), (0, "1234"), (1, "12340"), (None, "1234")]
)
def test_scalers(scaler, shown):
    assert value(sml.signed(1234, 2), scaler=scaler) == (shown, "W")


def test_a_scaler_without_a_unit():
    assert value(sml.unsigned(1234, 2), unit=None, scaler=-2) == ("12.34", "")


def test_energy_that_a_scaler_makes_tiny():
    """EasyMeter: 0.0001 Wh, beyond 32 bits from 430 kWh on."""
    assert value(sml.signed(67_624_630_000, 8), "1-0:1.8.0", "Wh", -4) == ("6762463.0000", "Wh")


@pytest.mark.parametrize("truth", [True, False])
def test_booleans(truth):
    assert value(sml.boolean(truth), unit=None, scaler=None) == (str(int(truth)), "")


@pytest.mark.parametrize("size", [1, 14, 15, 16, 79, 80, 127, 128, 250, 254, 255, 300, 1000])
def test_texts_of_any_length(size):
    """From 15 bytes on the length needs a second byte, from 254 on a third."""
    text = "".join(chr(65 + i % 26) for i in range(size))
    encoded = sml.octets(text.encode())
    assert len(encoded) == size + (1 if size < 15 else 2 if size < 254 else 3)
    assert value(encoded, "1-0:96.5.5", None, None) == (text, "")


def test_octets_that_are_no_text():
    assert value(sml.octets(b"\x00\xff"), "1-0:96.5.5", None, None) == ("00ff", "")


def test_lists_of_more_than_fifteen_entries():
    for count in (15, 16, 20, 40):
        entries = [
            sml.entry(f"1-0:{c}.7.0", sml.unsigned(c, 1), "W", 0) for c in range(100, 100 + count)
        ]
        found = reading(entries)
        assert found.values == {f"1-0:{c}.7.0": str(c) for c in range(100, 100 + count)}


def test_what_is_left_out_is_not_shown():
    entries = [sml.entry("1-0:2.8.0", NOTHING, "Wh", -1), POWER]
    assert reading(entries).values == {"1-0:16.7.0": "-2"}
    assert broken(entries[:1]) == {"empty": 1}
    assert broken([]) == {"empty": 1}


def test_what_only_the_maker_understands_is_not_shown():
    entries = [
        sml.entry("129-129:199.130.3", sml.octets(b"EMH")),
        sml.entry("129-129:199.130.5", sml.octets(bytes(48))),
        POWER,
    ]
    assert reading(entries).names == ["1-0:16.7.0"]


def test_two_lists_in_a_file():
    lists = [
        (0x0701, sml.get_list(SERVER, [sml.entry(code, sml.unsigned(9, 1), "W", 0)]))
        for code in ("1-0:36.7.0", "1-0:56.7.0")
    ]
    (found,) = hear(sml.transport(sml.sml_file(lists))).readings
    assert found.values == {"1-0:36.7.0": "9", "1-0:56.7.0": "9"}
    timed = (0x0701, sml.get_list(SERVER, [POWER], sml.timestamp(SUMMER)))
    for order in ([timed, *lists], [*lists, timed]):
        (found,) = hear(sml.transport(sml.sml_file(order))).readings
        assert (len(found.names), found.time) == (3, "2026-06-30T23:59:58Z")


def test_other_messages_are_skipped():
    bodies = [
        (0x0501, sml.sml_list(NOTHING, sml.sml_list(sml.octets(b"?"), sml.boolean(True)))),
        (0x0701, sml.get_list(SERVER, [POWER])),
        (0xFF01, NOTHING),
    ]
    seen = hear(sml.transport(sml.sml_file(bodies)))
    assert [each.values for each in seen.readings] == [{"1-0:16.7.0": "-2"}]


def test_wrong_crc_of_a_message():
    """The transport's covers all; some meters get these wrong."""
    assert reading([POWER], crc=sml.crc16_x25).values == {"1-0:16.7.0": "-2"}
    data = sml.file_of(SERVER, [POWER], crc=lambda _: b"\x12\x34")
    assert len(hear(sml.transport(data)).readings) == 1


# ---- who and when --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "server_id, number",
    [
        ("0a01445a47000282225e", "1DZG0042082910"),
        ("090149534b0004299b4d", "1ISK0069835597"),
        ("0a01454d486305f5e0ff", "1EMH9999999999"),
        ("0a01454d480005f5e100", "0a01454d480005f5e100"),  # nine digits
        ("0a01454d486400000001", "0a01454d486400000001"),  # block 100
        ("0a0145346800000001", "0a0145346800000001"),
        ("0a0145346800000000ff", "0a0145346800000000ff"),  # E4h
        ("06454d480104c568e385", "06454d480104c568e385"),
        ("3132333435", "12345"),
    ],
)
def test_number_on_the_plate(server_id, number):
    assert reading([POWER], bytes.fromhex(server_id)).meter == number


def test_number_by_its_code():
    """Without a server id of that form: the device's own, as text before hexadecimal."""
    plate = sml.entry("1-0:96.1.0", sml.octets(SERVER))
    device = sml.entry("1-0:0.0.9", sml.octets(bytes.fromhex("06454d48010203040506")))
    owner = sml.entry("1-0:0.0.0", sml.octets(b"1001185"))
    other = sml.entry("0-0:96.1.255", sml.octets(b"0000116917"))
    old = bytes.fromhex("06454d48010203040507")
    assert reading([owner, plate, POWER], old).meter == "1DZG0042082910"
    assert reading([device, owner, other, POWER], old).meter == "1001185"
    assert reading([other, device, POWER], old).meter == "06454d48010203040506"
    assert reading([POWER, other], old).meter == "0000116917"
    assert reading([POWER, other], b"").meter == "0000116917"
    assert reading([POWER], b"").meter is None


def test_two_meters_are_told_apart():
    seen = Listener("sml")
    for server_id in (SERVER, SERVER[:-1] + b"\x01", SERVER):
        seen.hear(sml.telegram(server_id, [POWER]))
    plates = ["1DZG0042082910", "1DZG0042082817", "1DZG0042082910"]
    assert [each.meter for each in seen.readings] == plates


SUMMER = datetime(2026, 6, 30, 23, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    "utc, offset, season, sent",
    [
        (SUMMER, 60, 60, "2026-07-01T01:59:58+02:00"),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), 60, 0, "2028-02-29T13:00:00+01:00"),
        (datetime(2027, 1, 1, 1, 2, 3, tzinfo=UTC), -180, 0, "2026-12-31T22:02:03-03:00"),
        (datetime(2099, 12, 30, tzinfo=UTC), 0, 0, "2099-12-30T00:00:00+00:00"),
        (datetime(2015, 1, 1, tzinfo=UTC), 0, 0, "2015-01-01T00:00:00+00:00"),
    ],
)
def test_local_timestamp(utc, offset, season, sent):
    found = reading([POWER], sensor_time=sml.local_timestamp(utc, offset, season))
    assert found.time == utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found.time_as_sent in (sent, sent.replace("+00:00", "Z"))


@pytest.mark.parametrize("days", range(16436, 47480, 211))
def test_timestamp(days):
    found = reading([POWER], sensor_time=sml.timestamp(at := moment(days * 86400 + days)))
    assert found.time == at.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def test_time_of_a_value():
    """Where the list has none."""
    entry = sml.entry("1-0:16.7.0", sml.signed(1, 1), "W", 0, time=sml.timestamp(SUMMER))
    assert reading([entry]).time == "2026-06-30T23:59:58Z"
    assert reading([entry], sensor_time=sml.timestamp(moment(1_800_000_000))).time[:4] == "2027"


@pytest.mark.parametrize(
    "time",
    [
        NOTHING,
        sml.seconds_index(1_800_000_000),  # since it was switched on
        sml.unsigned(1_800_000_000, 4),  # Holley
        sml.timestamp(moment(1_000_000)),  # never set
        sml.local_timestamp(moment(1_800_000_000), 900, 60),
        sml.local_timestamp(moment(1_800_000_000), 3000, -3000),
        sml.sml_list(sml.unsigned(4, 1), sml.unsigned(1_800_000_000, 4)),
        sml.sml_list(sml.unsigned(3, 1), sml.unsigned(1_800_000_000, 4)),
        sml.sml_list(sml.unsigned(2, 1), sml.octets(b"2026")),
        sml.sml_list(sml.unsigned(2, 1)),
    ],
)
def test_what_is_no_clock(time):
    found = reading([POWER], sensor_time=time)
    assert (found.time, found.time_as_sent) == (None, None)
    assert found.values == {"1-0:16.7.0": "-2"}


# ---- signs ---------------------------------------------------------------------------------------

EMH = bytes.fromhex("06454d480104c5680001")


def two_way(status, *more, watts=1234, server_id=EMH, maker=NOTHING):
    """The values of a meter that sends 15.7.0, power without a sign."""
    entries = [
        sml.entry("129-129:199.130.3", maker),
        sml.entry("1-0:1.8.0", sml.unsigned(5, 5), "Wh", -1, status=status),
        sml.entry("1-0:15.7.0", watts, "W", -1),
        *more,
    ]
    found = reading(entries, server_id)
    return [found.values.get(code) for code in ("1-0:15.7.0", "1-0:16.7.0")]


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("status, sign", [(0x82, ""), (0xA2, "-"), (0x80, ""), (0x20, "-")])
def test_direction_in_the_status_word(status, sign, width):
    encoded = sml.unsigned(status, width)
    for power in (sml.signed(1234, 4), sml.unsigned(1234, 2)):
        assert two_way(encoded, watts=power) == ["123.4", sign + "123.4"]
    assert two_way(encoded, watts=sml.signed(0, 4)) == ["0.0", "0.0"]


def test_direction_of_a_meter_made_by_emh():
    """By its server id, or the maker it names; others put other things into that bit."""
    to_grid, watts = sml.unsigned(0x1A2, 2), sml.signed(1234, 4)
    new = bytes.fromhex("0a01454d480000bc614e")
    assert two_way(to_grid, watts=watts, server_id=new) == ["123.4", "-123.4"]
    named = two_way(to_grid, watts=watts, server_id=b"?", maker=sml.octets(b"EMH"))
    assert named == ["123.4", "-123.4"]
    assert two_way(to_grid, watts=watts, server_id=SERVER) == ["123.4", None]


def test_no_direction_without_a_status():
    assert two_way(NOTHING, watts=sml.signed(1234, 4)) == ["123.4", None]


@pytest.mark.parametrize("code", ["1-0:16.7.0", "1-0:1.7.0", "1-0:2.7.0"])
def test_power_with_a_sign_is_left_as_it_is(code):
    to_grid, other = sml.unsigned(0x1A2, 2), sml.entry(code, sml.signed(7, 1), "W", 0)
    net = "7" if code == "1-0:16.7.0" else None
    assert two_way(to_grid, other, watts=sml.signed(1234, 4)) == ["123.4", net]
    assert two_way(to_grid, watts=sml.signed(-1234, 4)) == ["-123.4", "-123.4"]


def test_the_wrong_sign_of_dzg_is_shown_as_sent():
    """By its number no meter with that defect can be told from a sound one."""
    assert value(bytes.fromhex("538b28"), scaler=-2) == ("-299.12", "W")
    assert value(bytes.fromhex("53d6ca"), scaler=-2) == ("-105.50", "W")  # of a sound one


# ---- what is broken ------------------------------------------------------------------------------


def broken(entries, **options):
    seen = hear(sml.telegram(SERVER, entries, **options) + sml.telegram(SERVER, [POWER]))
    assert [each.values for each in seen.readings] == [{"1-0:16.7.0": "-2"}]
    return seen.errors


GOOD = sml.file_of(SERVER, [POWER])
BROKEN = [
    *(GOOD[:stop] for stop in range(1, len(GOOD))),
    GOOD.replace(b"\x72\x63\x07\x01", b"\x73\x63\x07\x01"),
    GOOD.replace(b"\x77\x07", b"\x76\x07"),
    GOOD.replace(b"\x71\x77", b"\x7f\x77"),
    GOOD.replace(b"\x71\x77", b"\xff\x8f\x8f\x8f\x8f\x8f\x0f\x77"),
    GOOD.replace(b"\x07\x01\x00\x10\x07", b"\x17\x01\x00\x10\x07"),
    GOOD.replace(b"\x07\x01\x00\x10\x07", b"\x00\x01\x00\x10\x07"),
    b"\x76" + b"\x71" * 500 + b"\x01",
    b"\x76" * 300,
    b"\xf0" * 300,
    b"\x01" * 100,
    b"\x1a\x00\x00\x00",
]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_broken_files(content):
    """Under a right CRC: nothing is read of them, and they are counted."""
    assert content != GOOD
    seen = hear(sml.transport(content) + sml.telegram(SERVER, [POWER]))
    assert len(seen.readings) <= 2
    assert seen.readings[-1].values == {"1-0:16.7.0": "-2"}
    if len(seen.readings) == 1:
        assert sum(seen.errors.values()) == 1
        assert set(seen.errors) <= {"decode", "empty"}
    else:  # the close message only was cut off
        assert content == GOOD[: len(content)] and content.count(b"\x07\x01")
