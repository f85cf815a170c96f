"""Telegrams as operators and manufacturers print them, and what a reader must find in them.

Those that may be copied stand in data/, each with its source. Others are read from a folder
beside the repository, where there is one.
"""

import json
from decimal import Decimal

import pytest
from decoding import CAPTURES, DATA, Listener, probe
from meterling_tools import interpreters

LINKS = {
    "mbus": "mbus",
    "hdlc": "hdlc",
    "raw-dlms": "apdu",
    "dsmr": "p1",
    "sml": "sml",
    "mbus-cbc": "amis",
}
CHUNKS = (1, 7, 64, 0)
# Their documents print another CRC than that of the text in them, which went through a PDF.
WRONG_CRC = ("lt-eso-std-doc", "nl-dsmr407-doc", "nl-dsmr422-doc", "nl-dsmr502-doc")
NO_CRC = ("nl-dsmr30-doc",)
SEARCH_REQUEST = "at-netzooe-amis-td3511-doc-sndnke"  # no telegram: see test_amis


def load():
    found = {}
    for folder in (DATA, CAPTURES):
        for path in sorted(folder.glob("*.json")):
            capture = json.loads(path.read_text())
            if capture["transport"] in LINKS and capture["id"] != SEARCH_REQUEST:
                found.setdefault(capture["id"], capture)
    return found


def crc_arc(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def raw(capture):
    data = bytes.fromhex(capture["raw_hex"])
    if capture["id"] in WRONG_CRC:
        text = data[: data.rindex(b"!") + 1]
        return text + b"%04X\r\n" % crc_arc(text)
    return data


ALL = load()
COPIED = ("at-netznoe-kaifa-ma309-doc", "no-aidon-han-doc", "se-aidon-han-doc")


def key(capture, name):
    return bytes.fromhex(capture[name] or "") or None


def listener(capture):
    keys = key(capture, "key_hex"), key(capture, "auth_key_hex")
    # What has no checksum is believed from the second telegram on; the tool shows the first.
    return Listener(LINKS[capture["transport"]], *keys, lenient=True)


def heard(capture, chunk=0):
    return listener(capture).hear(raw(capture), chunk).quiet()


def test_the_published_telegrams_are_here():
    assert set(COPIED) <= set(ALL)
    for path in DATA.glob("*.json"):
        capture = json.loads(path.read_text())
        assert capture["may_be_copied"] and capture["source"], path


def test_the_folder_beside_the_repository():
    if not CAPTURES.is_dir():
        pytest.skip("no folder with captures beside the repository")
    assert len(ALL) >= 11


def as_shown(code):
    """The printed OBIS code as the decoder writes it."""
    return "?0" if code == "item[0]" else code.replace("*", ".").replace(".255", "")


def compare(found, wanted):
    """found: what stands under a code in the reading's JSON; wanted: what the document says."""
    if "values" in wanted:
        several = found.get("values", [found])
        assert len(several) == len(wanted["values"])
        for each, expected in zip(several, wanted["values"], strict=True):
            compare(each, expected)
        return
    value = wanted["value"]
    if isinstance(value, str):
        assert found["value"] == value
    else:
        assert not isinstance(found["value"], str)
        assert found["value"] == Decimal(str(value))
    if "unit" in wanted:
        assert found["unit"] == wanted["unit"]


@pytest.mark.parametrize("name", ALL)
def test_values(name):
    capture = ALL[name]
    seen = heard(capture)
    if capture["expected"] is None:  # its key was never published
        assert (seen.readings, seen.errors) == ([], {"no-key": 1})
        return
    # A dump of SML holds several; the document says what the first one is.
    reading = seen.readings[0]
    assert len(seen.readings) == 1 or capture["transport"] == "sml"
    values = json.loads(reading.json, parse_float=Decimal)["values"]
    shown = set(values)
    for printed, wanted in capture["expected"].items():
        if printed == "untagged_datetime":
            assert reading.time_as_sent == wanted["value"]
        elif printed == "untagged_text":  # the meter's number, or the name of its list
            assert wanted["value"] in (reading.meter, reading.values.get("1-1:0.2.129"))
            shown.discard("1-1:0.2.129")
        elif printed != "cp48_raw":  # the clock as it stands on the wire: shown as a time
            shown.remove(as_shown(printed))
            compare(values[as_shown(printed)], wanted)
            if "raw" in wanted:
                raw_value = reading.raw[as_shown(printed)]
                assert raw_value == (wanted["raw"], wanted["scaler"])
    assert not shown, "values that the document does not know"


@pytest.mark.parametrize("name", ALL)
def test_errors_are_named(name):
    """Nothing is counted against a good telegram, but that its tag could not be checked."""
    capture = ALL[name]
    if capture["expected"] is None:
        return
    errors = heard(capture).errors
    if name == "at-e450-gbt-klagenfurt-00bebd3e":
        assert errors == {"no-auth-key": 1}  # nobody published it
    else:
        assert errors == {}


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("name", ALL)
def test_any_chunks_without_waiting_for_silence(name, chunk):
    capture = ALL[name]
    whole = [reading.json for reading in heard(capture).readings]
    seen = listener(capture).hear(raw(capture), chunk)
    assert [reading.json for reading in seen.readings] == whole


def test_every_interpreter_prints_the_same(interpreter):
    """Byte for byte, and the counters, too."""
    jobs = [
        {
            "link": LINKS[capture["transport"]],
            "raw": raw(capture),
            "key": key(capture, "key_hex"),
            "auth_key": key(capture, "auth_key_hex"),
            "chunk": chunk,
            "lenient": True,
        }
        for capture in ALL.values()
        for chunk in CHUNKS
    ]
    printed = probe(interpreter, jobs)
    assert printed == probe(interpreters.find("cpython"), jobs)
    for capture in ALL.values():
        for reading in heard(capture).readings:
            assert printed.count(f" {reading.json}\n") == len(CHUNKS)


def test_what_netz_noe_prints():
    """The first telegram that a newcomer should look at, as a whole."""
    (reading,) = heard(ALL["at-netznoe-kaifa-ma309-doc"]).readings
    assert json.loads(reading.json) == {
        "meter": "181220000009",
        "system_title": "4B464D6750000009",
        "time": "2021-09-27T07:47:15Z",
        "invocation_counter": 35,
        "authenticated": False,
        "values": {
            "1-0:1.8.0": {"value": 12937, "unit": "Wh"},
            "1-0:2.8.0": {"value": 0, "unit": "Wh"},
            "1-0:1.7.0": {"value": 0, "unit": "W"},
            "1-0:2.7.0": {"value": 0, "unit": "W"},
            "1-0:32.7.0": {"value": 233.7, "unit": "V"},
            "1-0:52.7.0": {"value": 0.0, "unit": "V"},
            "1-0:72.7.0": {"value": 0.0, "unit": "V"},
            "1-0:31.7.0": {"value": 0.0, "unit": "A"},
            "1-0:51.7.0": {"value": 0.0, "unit": "A"},
            "1-0:71.7.0": {"value": 0.0, "unit": "A"},
            "1-0:13.7.0": {"value": 1.0},
        },
    }
