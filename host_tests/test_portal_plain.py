"""The page without JavaScript: its numbers are exact, whatever unit and shape they come in."""

import json
from fractions import Fraction
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling.portal import plain

_VOID = ("meta", "link", "input")


def reading(values, meter='"1KFM0200000001"'):
    """A reading as the firmware writes it (bytes). values: [(name, JSON of the entry)]."""
    entries = ",".join(f'"{name}":{entry}' for name, entry in values)
    return (
        f'{{"meter":{meter},"system_title":null,"time":"2026-11-22T17:00:44Z",'
        f'"invocation_counter":null,"authenticated":false,"values":{{{entries}}}}}'
    ).encode()


def one(number, unit=""):
    return f'{{"value":{number}' + (f',"unit":"{unit}"' if unit else "") + "}"


class Page(HTMLParser):
    """rows: [(name, text)] of the table; power: the text of the headline; every tag must be
    closed, in its turn."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.power, self._open = [], None, []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        tag = self._open[-1] if self._open else ""
        if tag == "th":
            self.rows.append((data, ""))
        elif tag == "td":
            self.rows[-1] = (self.rows[-1][0], data)
        elif tag == "strong":
            self.power = data


def page(values, lang="en", age=1000, **more):
    return Page("".join(plain.numbers(lang, reading(values, **more), age, "ok")))


@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_page_closes_its_tags(lang):
    for text in (
        plain.login(lang),
        plain.login(lang, "wrong-password"),
        plain.setup(lang),
        "".join(plain.numbers(lang, None, None, "no-bytes")),
        "".join(plain.numbers(lang, reading([("0-0:96.1.0", one('"<b>&\\""'))]), 99_000, "ok")),
    ):
        assert text.startswith("<!doctype html><html lang=") and text.endswith("</html>")
        Page(text)


def test_meter_readings_are_kwh_and_stay_as_exact_as_they_came():
    """12 345 678 Wh is no number that an ESP32's floats of 32 bits know."""
    values = [
        ("1-0:1.8.0", one("12345679", "Wh")),
        ("1-1:2.8.2", one("123456.789", "kWh")),
        ("1-0:1.8.1", one("0", "Wh")),
        ("1-0:3.8.0", one("7", "varh")),
        ("0-1:24.2.1", one("12.345", "m3")),
    ]
    assert page(values).rows[2:] == [
        ("1-0:1.8.0", "12345.679\u00a0kWh"),
        ("1-1:2.8.2", "123456.789\u00a0kWh"),
        ("1-0:1.8.1", "0.000\u00a0kWh"),
        ("1-0:3.8.0", "7\u00a0varh"),
        ("0-1:24.2.1", "12.345\u00a0m3"),
    ]
    # A point between thousands would be read there.
    assert page(values, "de").rows[2] == ("1-0:1.8.0", "12345,679\u00a0kWh")


def test_what_is_no_number_is_shown_as_it_came_and_in_the_meter_s_order():
    values = [
        ("?10", one('"say \\"12.5\\" {:}"')),
        ("1-0:32.7.0", one("233.7", "V")),
        ("0-0:1.0.0", one('"2026-11-22T18:00:44+01:00"')),
        ("1-0:31.7.0", one("null", "A")),
        ("0-1:24.2.1", f'{{"values":[{one("-1.5", "m³")},{one("null")},{one(2)}]}}'),
    ]
    rows = page(values, "de", meter="1234").rows
    assert rows == [
        ("Zähler", "1234"),
        ("Zeit am Zähler", "2026-11-22T17:00:44Z"),
        ("?10", 'say "12.5" {:}'),
        ("1-0:32.7.0", "233,7\u00a0V"),
        ("0-0:1.0.0", "2026-11-22T18:00:44+01:00"),
        ("1-0:31.7.0", "–\u00a0A"),
        ("0-1:24.2.1", "-1,5\u00a0m³"),
        ("0-1:24.2.1", "–"),
        ("0-1:24.2.1", "2"),
    ]


def test_the_meter_s_time_is_shown_by_the_owner_s_clock():
    zone = "CET-1CEST,M3.5.0,M10.5.0/3"
    utc = reading([])
    local = utc.replace(b"44Z", b"44")  # of a meter that does not tell how far from UTC it is
    for told, shown in ((utc, "2026-11-22 18:00:44"), (local, "2026-11-22 17:00:44")):
        text = "".join(plain.numbers("en", told, 1000, "ok", zone))
        assert Page(text).rows[1] == ("Time on the meter", shown)
    nothing = utc.replace(b'"2026-11-22T17:00:44Z"', b"null")
    text = "".join(plain.numbers("en", nothing, 1000, "ok", zone))
    assert Page(text).rows[1] == ("Time on the meter", "it does not tell")


def several(*entries):
    return '{"values":[' + ",".join(entries) + "]}"


@pytest.mark.parametrize(
    ("values", "power"),
    [
        ([("1-0:1.7.0", one("852", "W")), ("1-0:2.7.0", one("0", "W"))], "852"),
        ([("1-0:1.7.0", one("0.000", "kW")), ("1-0:2.7.0", one("01.193", "kW"))], "-1193"),
        ([("1-1:1.7.0", one("0.8521", "kW")), ("1-1:2.7.0", one("2", "W"))], "850.1"),
        ([("1-0:16.7.0", one("-431.5", "W"))], "-431.5"),  # SML has only the sum
        ([("1-0:16.7.0", one("5", "W")), ("1-0:2.7.0", one("0", "W"))], "5"),
        ([("1-0:1.7.0", one("7", "W"))], "7"),
        ([("1-0:2.7.0", one("7", "W"))], "-7"),
        ([("1-0:1.7.0", several(one("null"), one("7", "W"), one("8", "W")))], "7"),
        ([("1-0:1.7.0", one("null", "W"))], None),
        ([("1-0:1.7.0", one("7"))], None),  # of what?
        ([("1-0:1.7.0", one('"7"', "W"))], None),
        ([("0-0:1.7.0", one("7", "W")), ("1-0:21.7.0", one("7", "W"))], None),
        ([], None),
    ],
)
def test_power_is_what_the_house_takes_less_what_it_gives(values, power):
    assert page(values).power == (power and power + "\u00a0W")
    assert page(values, age=31_000).power is None  # old power is no power


numbers = st.decimals(
    min_value=-(10**18), max_value=10**18, allow_nan=False, allow_infinity=False, places=None
).map(lambda number: f"{number:f}")
_WATT = {"W": 1, "kW": 1000, "MW": 1_000_000}
_KILOWATTHOUR = {"Wh": Fraction(1, 1000), "kWh": 1, "MWh": 1000}


@given(
    st.tuples(numbers, st.sampled_from(list(_WATT))),
    st.tuples(numbers, st.sampled_from(list(_WATT))),
)
def test_power_is_exact(taken, given_):
    found = page([("1-0:1.7.0", one(*taken)), ("1-0:2.7.0", one(*given_))]).power
    wanted = Fraction(taken[0]) * _WATT[taken[1]] - Fraction(given_[0]) * _WATT[given_[1]]
    assert Fraction(found.removesuffix("\u00a0W")) == wanted


@given(numbers, st.sampled_from(list(_KILOWATTHOUR)))
def test_energy_is_exact(number, unit):
    _, found = page([("1-0:1.8.0", one(number, unit))]).rows[2]
    value = found.removesuffix("\u00a0kWh")
    assert Fraction(value) == Fraction(number) * _KILOWATTHOUR[unit]
    assert "e" not in value.lower()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def as_lists(value):
    if isinstance(value, dict):
        return [item for name, inner in value.items() for item in (name, as_lists(inner))]
    if isinstance(value, list):
        return [as_lists(inner) for inner in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [json.dumps(value)]
    return value


@given(st.dictionaries(st.text(), json_values))
def test_no_number_of_any_json_is_ever_taken_for_a_float(document):
    text = json.dumps(document).encode()
    assert json.loads(plain.in_order(text)) == as_lists(document)
