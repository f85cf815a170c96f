"""The label: what is on it, and that a camera reads it."""

import io
import stat
import xml.etree.ElementTree as ET

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from meterling_tools.label import Label, new_password
from PIL import Image, ImageDraw

LABEL = Label("Meterling-A1B2", "k7mp-3xqd-9wfa")
NAMESPACE = "{http://www.w3.org/2000/svg}"


def seen(rows):
    """What a camera sees in `rows` of modules (True is dark)."""
    picture = Image.new("L", (8 * len(rows[0]), 8 * len(rows)), 255)
    draw = ImageDraw.Draw(picture)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                draw.rectangle((8 * x, 8 * y, 8 * x + 7, 8 * y + 7), fill=0)
    return [code.text for code in zxingcpp.read_barcodes(picture)]


def in_terminal(text):
    """The modules of what was printed: two rows a line, light ones drawn."""
    rows = []
    for line in text.splitlines():
        rows.append([character in "▄ " for character in line])
        rows.append([character in "▀ " for character in line])
    return rows


def in_svg(text):
    path = next(ET.parse(io.StringIO(text)).iter(NAMESPACE + "path")).get("d")
    dark = {tuple(map(int, part.split("h")[0].split())) for part in path.split("M")[1:]}
    size = max(max(place) for place in dark) + 5
    return [[(x, y) in dark for x in range(size)] for y in range(size)]


def test_a_phone_joins_the_network_from_the_terminal():
    assert seen(in_terminal(LABEL.terminal())) == ["WIFI:T:WPA;S:Meterling-A1B2;P:k7mp-3xqd-9wfa;;"]


def test_colours_are_set_where_there_are_any():
    assert (
        LABEL.terminal(colours=True).replace("\x1b[97;40m", "").replace("\x1b[0m", "")
        == LABEL.terminal()
    )


def test_a_phone_joins_the_network_from_the_printed_label():
    assert seen(in_svg(LABEL.svg())) == [LABEL.code()]


def test_the_printed_label_can_be_read_by_people():
    drawing = ET.parse(io.StringIO(LABEL.svg())).getroot()
    texts = [element.text for element in drawing.iter(NAMESPACE + "text")]
    assert texts[:2] == ["Meterling-A1B2", "k7mp-3xqd-9wfa"]
    assert "http://192.168.4.1" in texts
    assert (drawing.get("width"), drawing.get("height")) == ("60mm", "25mm")


def test_the_text():
    assert LABEL.text() == (
        "WLAN: Meterling-A1B2\n"
        "Passwort: k7mp-3xqd-9wfa\n"
        "Damit verbinden: Die Seite öffnet sich von selbst; sonst http://192.168.4.1\n"
        "\n"
        "Wi-Fi: Meterling-A1B2\n"
        "Password: k7mp-3xqd-9wfa\n"
        "Join it: the page opens by itself; else http://192.168.4.1\n"
    )


def test_an_open_network_has_no_password():
    label = Label("Meterling-A1B2", "")
    assert label.code() == "WIFI:T:nopass;S:Meterling-A1B2;;"
    assert "Password" not in label.text()
    assert seen(in_svg(label.svg())) == [label.code()]


def test_what_has_a_meaning_in_the_code_is_escaped():
    label = Label('A;B:"C', "a\\b,c")
    assert label.code() == 'WIFI:T:WPA;S:A\\;B\\:\\"C;P:a\\\\b\\,c;;'
    ET.parse(io.StringIO(Label("<&>", '"<&>"').svg()))


@settings(max_examples=20)
@given(st.text(st.characters(codec="ascii", min_codepoint=32), min_size=8, max_size=63))
def test_every_password_that_a_network_can_have_is_read(password):
    label = Label("Meterling-A1B2", password)
    assert seen(in_terminal(label.terminal())) == [label.code()]


def test_passwords_are_random_and_readable():
    found = {new_password() for _ in range(200)}
    assert len(found) == 200
    for password in found:
        assert len(password) >= 10
        assert not set(password) & set("0o1ilOI")


def test_it_is_written_for_its_owner_only(tmp_path):
    paths = LABEL.save(tmp_path / "labels", "A1B2")
    assert [path.name for path in paths] == ["label-A1B2.svg", "label-A1B2.txt"]
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    assert LABEL.password in paths[1].read_text(encoding="utf-8")


@pytest.mark.parametrize("suffix", ["svg", "txt"])
def test_written_again_it_is_the_new_one(tmp_path, suffix):
    LABEL.save(tmp_path, "A1B2")
    Label("Meterling-A1B2", "another-one").save(tmp_path, "A1B2")
    assert "another-one" in (tmp_path / f"label-A1B2.{suffix}").read_text(encoding="utf-8")
