"""From the bytes of the line to a reading nothing is allocated once a telegram's shape is
known: neither kept nor given back. Fragmentation ends long runs otherwise."""

from pathlib import Path

import pytest
from meterling_tools import interpreters
from meterling_tools.simulate import axdr, glo, hdlc, make_meter, mbus
from meterling_tools.simulate.base import DEMO_AUTH_KEY, DEMO_KEY

PROBE = Path(__file__).with_name("heap_probe.py")
WARM, COUNT = 4, 24
LAYOUTS = {
    "A": "tinetz-kaifa",
    "B": "netznoe-kaifa",
    "B with L + 256": "netznoe-sagemcom",
    "D": "burgenland-e450",
    "E": "kaernten-im350",
    "F": "wien-im150",
    "Aidon": "aidon-no",
    "Kamstrup": "kamstrup-dk",
}
ON = pytest.mark.parametrize("interpreter", ["micropython32", "micropython"], indirect=True)


def allocations(interpreter, folder, link, telegrams, auth_key=DEMO_AUTH_KEY, chunk=64):
    """(readings, bytes allocated, telegrams that failed with a locked heap)"""
    path = folder / "telegrams"
    path.write_bytes(b"".join(len(each).to_bytes(2, "big") + each for each in telegrams))
    keys = DEMO_KEY.hex(), auth_key.hex() if auth_key else "-"
    run = interpreters.run(interpreter, PROBE, [link, *keys, path, WARM, chunk])
    assert run.returncode == 0, run.stderr.decode()
    return tuple(map(int, run.stdout.split()))


def framed(link, apdu):
    return {
        "mbus": lambda: mbus.frames(apdu),
        "hdlc": lambda: hdlc.frames(apdu, b"\xce\xff\x03"),
        "apdu": lambda: apdu,
    }[link]()


def telegrams_of(name, link, security):
    meter = make_meter(name)
    title = meter.system_title or b"AID\x00\x00\x00\x00\x01"
    found = []
    for n in range(COUNT):
        apdu = meter.apdu(n)
        if security:
            # All 32 bits of the counter are in use: beyond MicroPython's small integers.
            counter = 0xFFFFFF00 + n
            apdu = glo.cipher(apdu, security, DEMO_KEY, DEMO_AUTH_KEY, title, counter)
        found.append(framed(link, apdu))
    return found


@ON
@pytest.mark.parametrize("security", [0x20, 0x30, 0], ids=["no tag", "tag", "plain"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_is_allocated(layout, security, interpreter, tmp_path):
    name = LAYOUTS[layout]
    link = make_meter(name).link
    telegrams = telegrams_of(name, link, security)
    if "L + 256" in layout and not security:
        pytest.skip("only as it comes")
    if "L + 256" in layout:
        telegrams = [make_meter(name).telegram(n) for n in range(COUNT)]
    assert allocations(interpreter, tmp_path, link, telegrams) == (COUNT, 0, 0)


@ON
@pytest.mark.parametrize("link", ["mbus", "hdlc", "apdu"])
def test_on_every_link(link, interpreter, tmp_path):
    telegrams = telegrams_of("netznoe-kaifa", link, 0x30)
    for chunk in (1, 2000):
        found = allocations(interpreter, tmp_path, link, telegrams, chunk=chunk)
        assert found == (COUNT, 0, 0)


@ON
def test_without_the_authentication_key(interpreter, tmp_path):
    """Counting that a tag went unchecked costs nothing either."""
    telegrams = telegrams_of("netznoe-kaifa", "mbus", 0x30)
    assert allocations(interpreter, tmp_path, "mbus", telegrams, None) == (COUNT, 0, 0)


@ON
def test_segments(interpreter, tmp_path):
    telegrams = []
    for n in range(COUNT):
        apdu = make_meter("kamstrup-dk").apdu(n)
        apdu = glo.cipher(apdu, 0x30, DEMO_KEY, DEMO_AUTH_KEY, b"KAM\0\0\0\0\1", n + 1)
        telegrams.append(hdlc.frames(apdu, b"\x03\x03", max_information=120))
    assert allocations(interpreter, tmp_path, "hdlc", telegrams) == (COUNT, 0, 0)


@ON
def test_numbers_beyond_small_integers(interpreter, tmp_path):
    """Registers of up to 32 bits, where the 32-bit port has 31."""
    telegrams = []
    for n in range(COUNT):
        rows = []
        for i, number in enumerate((0x3FFFFFFF, 0x40000000, 0x7FFFFFF0, 0x80000000, 0xFFFFFF00)):
            rows += [axdr.obis(f"1-0:{i + 1}.8.0"), axdr.u32(number + n)]
            rows.append(axdr.scaler_unit(0, "Wh"))
        rows += [axdr.obis("1-0:36.7.0"), axdr.i32(-1_000_000 - n), axdr.scaler_unit(0, "W")]
        rows += [axdr.obis("1-0:9.128.0"), axdr.i32(-(1 << 31) + n)]
        apdu = axdr.data_notification(n, None, axdr.structure(*rows))
        apdu = glo.cipher(apdu, 0x30, DEMO_KEY, DEMO_AUTH_KEY, b"KAM\0\0\0\0\1", n + 1)
        telegrams.append(mbus.frames(apdu))
    assert allocations(interpreter, tmp_path, "mbus", telegrams) == (COUNT, 0, 0)


@ON
def test_what_is_refused_costs_nothing(interpreter, tmp_path):
    """Wrong checksums, wrong tags, repetitions: a bad line must not eat the heap."""
    telegrams = []
    for good in telegrams_of("netznoe-kaifa", "mbus", 0x30):
        bad = bytearray(good)
        bad[100] ^= 1  # the checksum
        forged = bytearray(good)
        forged[-3] ^= 1  # the tag, under a right checksum
        forged[-2] ^= 1
        telegrams.append(bytes(bad) * 3 + bytes(forged) + good + good)
    assert allocations(interpreter, tmp_path, "mbus", telegrams) == (COUNT, 0, 0)
