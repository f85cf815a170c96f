"""The table of grid operators: complete in both languages, plausible, and readable on a dongle."""

import argparse
import json
import re

import decoding  # noqa: F401 - the project's hypothesis profile
import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling import config, decoder, operators
from meterling_tools import CommandError, build, interpreters
from meterling_tools import operators as verb
from meterling_tools.simulate.meters import METERS

LINES = open(operators.PATH, encoding="utf-8").read().splitlines()
RECORDS = [json.loads(line) for line in LINES]
IDS = [record[0] for record in RECORDS if isinstance(record, list)]
ENTRIES = {(i, language): operators.find(i, language) for i in IDS for language in ("de", "en")}

# Which pins a socket has, and what has to be on them for a line that pushes.
SOCKETS = {"RJ12": 6, "RJ45": 8, "terminals": 0, "module bay": 0, "MEP": 0, "optical": 0}

# What the simulator, written from other documents, says of the same meters.
SIMULATED = {
    "at-schwaz": ["schwaz"],
    "at-tinetz": ["tinetz-kaifa"],
    "at-salzburg": ["salzburg-honeywell"],
    "at-netz-noe": ["netznoe-kaifa", "netznoe-sagemcom"],
    "at-burgenland": ["burgenland-e450"],
    "at-steiermark": ["steiermark-e450", "steiermark-t210d"],
    "at-klagenfurt": ["klagenfurt-e450"],
    "at-kaernten": ["kaernten-im350"],
    "at-wels": ["wels-am550"],
    "at-wien": ["wien-im150", "wien-im350"],
    "dk": ["kamstrup-dk"],
    "no": ["kamstrup-no", "aidon-no"],
}

READ_ALL = """
import json
from meterling import operators
for row in operators.index():
    print(json.dumps([row, operators.find(row[0], "de")]))
"""


def texts(kind="text"):
    """{name: record} of that kind."""
    return {r[kind]: r for r in RECORDS if isinstance(r, dict) and kind in r}


def test_what_an_owner_in_schwaz_is_told():
    schwaz = operators.find("at-schwaz", "de")
    assert (schwaz["name"], schwaz["country"], schwaz["keys"]) == ("Stadtwerke Schwaz", "AT", 1)
    assert schwaz["steps"] == [
        "Registrieren Sie sich im Kundenportal der Stadtwerke Schwaz.",
        "Bestätigen Sie Ihre E-Mail-Adresse.",
        "Melden Sie sich an und öffnen Sie „Smart Meter“.",
        "Aktivieren Sie die Kundenschnittstelle.",
        "Kopieren Sie am nächsten Tag den Schlüssel; er steht an derselben Stelle.",
        "Tragen Sie den Schlüssel (32 Zeichen) in Meterling ein.",
    ]
    assert "einige Stunden" in schwaz["wait"]
    (interface,) = schwaz["interfaces"]
    assert (interface["link"], interface["baudrate"], interface["framing"]) == ("mbus", 2400, "8E1")
    assert interface["port"]["pins"] == {"+": 3, "-": 4}
    assert interface["port"]["supply"] == {"V": 32, "mA": 6}


def test_schwaz_comes_first_and_each_id_once():
    assert IDS[0] == "at-schwaz"
    assert len(set(IDS)) == len(IDS) > 30
    assert all(re.fullmatch("[a-z]{2}(-[a-z]+)*", operator) for operator in IDS)
    assert [row[2] for row in operators.index()] == [
        row[0][:2].upper() for row in operators.index()
    ]


def test_the_file_is_ordered_so_that_one_pass_finds_all():
    kinds = ["index" if isinstance(r, list) else next(iter(r)) for r in RECORDS]
    assert [k for i, k in enumerate(kinds) if i == 0 or kinds[i - 1] != k] == [
        "index",
        "operator",
        "port",
        "text",
    ]
    assert [r["operator"] for r in RECORDS if isinstance(r, dict) and "operator" in r] == IDS


def test_lines_are_written_as_the_reader_looks_for_them():
    """It compares their beginnings, and does not parse what it does not need."""
    for line, record in zip(LINES, RECORDS, strict=True):
        assert line == json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        assert len(line.encode()) < 1000, line[:40]


def test_it_fits_into_flash():
    assert sum(len(line.encode()) + 1 for line in LINES) <= 40_000


def test_nothing_is_there_twice_or_for_nothing():
    named, ports = set(), set()
    for record in texts("operator").values():
        named |= {record["wait"], *record["steps"]}
        for interface in record["interfaces"]:
            ports.add(interface["port"])
            named |= {interface["note"]} if "note" in interface else set()
    named |= {record["text"] for record in texts("port").values()}
    assert ports == set(texts("port"))
    assert named == set(texts())
    for language in operators.LANGUAGES:
        said = [record[language] for record in texts().values()]
        assert len(set(said)) == len(said)


@pytest.mark.parametrize(("operator", "language"), ENTRIES)
def test_each_operator_is_complete(operator, language):
    entry = ENTRIES[operator, language]
    assert entry["keys"] in (0, 1, 2)
    assert entry["steps"]
    shown = [*entry["steps"], entry["wait"], entry["name"]]
    blocks = [entry, *entry["interfaces"]]
    for interface in entry["interfaces"]:
        shown += [interface["meters"], interface["port"]["text"], interface.get("note", "-")]
        blocks.append(interface["port"])
    assert all(isinstance(text, str) and text.strip() == text != "" for text in shown)
    for block in blocks:
        assert isinstance(block["confirmed"], bool)
        assert block["source"]
        assert "://" not in block["source"]
    # Only what nobody has reported may be all that is said.
    assert entry["interfaces"] or not entry["confirmed"]
    if "auth_key" in entry:
        assert entry["keys"] == 1
        assert config.check({"meter": {"auth_key": entry["auth_key"]}})


def test_luxembourgs_authentication_key_is_public():
    assert operators.find("lu", "en")["auth_key"] == "00112233445566778899AABBCCDDEEFF"


@pytest.mark.parametrize("operator", IDS)
def test_line_hints_are_settings(operator):
    for interface in ENTRIES[operator, "de"]["interfaces"]:
        assert interface.get("link", "mbus") in decoder.LINKS
        hints = {name: interface[name] for name in ("baudrate", "framing") if name in interface}
        config.check({"meter": hints})
        assert len(hints) in (0, 2)
        assert "link" in interface or not interface["confirmed"]


@pytest.mark.parametrize("port", texts("port").values(), ids=list(texts("port")))
def test_pins_are_those_of_the_socket(port):
    numbers = list(port["pins"].values())
    assert len(set(numbers)) == len(numbers)
    assert all(1 <= number <= SOCKETS[port["connector"]] for number in numbers)
    assert ("request" in port["pins"]) == port["request"]
    assert port["inverted"] == port["port"].startswith("p1")
    if port["port"].startswith("mbus-rj"):
        assert set(port["pins"]) == {"+", "-"}
    if port["supply"] and port["supply"]["mA"]:
        # An ESP32 with Wi-Fi takes 5 V * 100 mA on average.
        enough = port["supply"]["V"] * port["supply"]["mA"] >= 500
        assert enough == ("USB" not in texts()[port["text"]]["de"])


@pytest.mark.parametrize("operator", SIMULATED)
def test_simulated_meters_are_what_the_table_says(operator):
    entry = ENTRIES[operator, "en"]
    hints = [
        (i.get("link"), f"{i.get('baudrate')} {i.get('framing')}") for i in entry["interfaces"]
    ]
    for name in SIMULATED[operator]:
        meter = METERS[name]
        assert (meter.link, str(meter.line)) in hints, name
        if meter.security_control is None:
            assert entry["keys"] == 0
        else:
            assert entry["keys"] == (2 if meter.security_control & 0x10 else 1)


@pytest.mark.parametrize("name", texts())
def test_both_languages_say_the_same_figures(name):
    text = texts()[name]
    assert set(text) == {"text", "de", "en"}
    figures = [sorted(re.findall(r"\d+", text[language])) for language in ("de", "en")]
    assert figures[0] == figures[1]


@pytest.mark.parametrize("name", texts())
def test_typography(name):
    german, english = texts()[name]["de"], texts()[name]["en"]
    for text in (german, english):
        assert not set(text) & set("\"'`´"), text
        assert text[-1] == "." and "..." not in text and "  " not in text and " - " not in text
    assert german.count("„") == german.count("“") and "”" not in german
    assert english.count("“") == english.count("”") and "„" not in english
    assert "’" not in german
    # Umlauts and sharp s as such; this one is in an address.
    for word in re.findall(r"\w*(?:ae|oe|[^aeäq]ue)\w*", german):
        assert word == "noe", word
    assert not re.search(r"\b(gross|heiss|ausser|schliess)", german, re.IGNORECASE)
    assert not re.search(r"\b(du|dir|dich|dein\w*)\b", german, re.IGNORECASE)


def test_every_interpreter_reads_the_same(interpreter):
    run = interpreters.run(interpreter, "-c", [READ_ALL])
    assert run.returncode == 0, run.stderr.decode()
    rows, found = zip(*map(json.loads, run.stdout.splitlines()), strict=True)
    assert [tuple(row) for row in rows] == list(operators.index())
    assert list(found) == [ENTRIES[operator, "de"] for operator in IDS]


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
def test_it_fits_into_a_small_heap(interpreter, tmp_path):
    """As built, with the interpreter's own 2.5 kB in it: the whole table would not."""
    build.build("unix32", tmp_path)
    assert 4000 < (tmp_path / "meterling" / "operators.jsonl.z").stat().st_size < 12_000
    for code, heap in (
        ("for row in operators.index(): pass", 16 * 1024),
        ("operators.find('ch-other', 'de')", 22 * 1024),
    ):
        run = interpreters.run(
            interpreter,
            "-c",
            ["from meterling import operators\n" + code],
            heapsize=heap,
            path=[tmp_path],
        )
        assert run.returncode == 0, run.stderr.decode()


@pytest.mark.parametrize("name", ["", "at-", "AT-SCHWAZ", 'at-schwaz","Stadtwerke Schwaz', "ä\n"])
def test_an_unknown_operator_is_an_error(name):
    with pytest.raises(operators.OperatorError) as error:
        operators.find(name, "de")
    assert error.value.code == "unknown-operator"


def test_an_unknown_language_is_an_error():
    with pytest.raises(operators.OperatorError) as error:
        operators.find("lu", "lb")
    assert error.value.code == "unknown-language"


@given(cut=st.integers(0, sum(len(line.encode()) + 1 for line in LINES) - 1))
def test_a_file_that_was_cut_off_is_found_out(tmp_path_factory, cut):
    path = tmp_path_factory.getbasetemp() / "cut.jsonl"
    path.write_bytes(open(operators.PATH, "rb").read()[:cut])
    try:
        assert operators.find("at-wien", "de", str(path)) == ENTRIES["at-wien", "de"]
    except operators.OperatorError as error:
        assert error.code in ("damaged", "unknown-operator")
    try:
        rows = [row[0] for row in operators.index(str(path))]
        assert rows == IDS[: len(rows)]
    except operators.OperatorError as error:
        assert error.code == "damaged"


def test_a_cut_line_is_damage_on_every_interpreter(interpreter, tmp_path):
    """MicroPython's own parser takes it."""
    (tmp_path / "cut").write_text('["at-schwaz","Stadt')
    code = """
import sys
from meterling import operators
try:
    print(list(operators.index(sys.argv[1])))
except operators.OperatorError as error:
    print(error.code)
"""
    script = tmp_path / "probe.py"
    script.write_text(code)
    run = interpreters.run(interpreter, script, [tmp_path / "cut"])
    assert run.stdout.decode().strip() == "damaged", run.stderr.decode()


def meterling_operators(*args):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args(args))


def test_the_verb_lists_all(capsys):
    meterling_operators()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(IDS)
    assert lines[0].split(maxsplit=2) == ["at-schwaz", "AT", "Stadtwerke Schwaz"]


@pytest.mark.parametrize("name", ["schwaz", "at-schwaz", "STADTWERKE SCHWAZ"])
def test_the_verb_shows_one(capsys, name):
    meterling_operators(name, "--language", "de")
    out = capsys.readouterr().out
    assert "1. Registrieren Sie sich im Kundenportal der Stadtwerke Schwaz." in out
    assert "Pins: 3 +, 4 -" in out
    assert "mbus 2400 8E1" in out
    assert "nicht bestätigt" in out  # nobody of us has read Schwaz's own description


@pytest.mark.parametrize("operator", IDS)
def test_the_verb_shows_each_in_english(capsys, operator):
    meterling_operators(operator)
    assert ENTRIES[operator, "en"]["steps"][0][:40] in capsys.readouterr().out


def test_the_verb_asks_back():
    with pytest.raises(CommandError, match="several operators: at-netz-noe, at-netz-ooe"):
        meterling_operators("netz-")
    with pytest.raises(CommandError, match="No operator is called gas"):
        meterling_operators("gas")
