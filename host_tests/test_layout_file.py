"""Layouts as an owner's own file: is it right, what if it is not, and how to come by one."""

import json

import pytest
from decoding import Listener, of_meter
from hypothesis import given
from hypothesis import strategies as st
from layout_probe_jobs import APDU, WRONG
from meterling.cosem import iskra, layout, layouts, nordic, positional
from meterling.cosem.axdr import Axdr
from meterling.cosem.layout import Layout
from meterling.cosem.layout_check import check
from meterling.cosem.learn import learn
from meterling_tools import cli, interpreters
from meterling_tools.layout import Shape
from meterling_tools.simulate import DLMS, axdr, glo, hdlc, make_meter

KEY = bytes(range(16))
STAMP = bytes.fromhex("07ea0612040a1e0000ff8880")
ALL_OURS = [*layouts.LAYOUTS, *nordic.LAYOUTS, *positional.LAYOUTS, *iskra.LAYOUTS]


# ---- is it right? ------------------------------------------------------------------------------


def test_our_own_lines_are_right():
    assert check("\n".join(line.decode() for line in ALL_OURS)) == []


def test_comments_and_blank_lines():
    assert check("# mine\n\n   \r\n  # more\nmine KAM,LGZ { 1.7.0:u32:W ?:any }\r\n") == []


@pytest.mark.parametrize(("line", "code"), WRONG)
def test_what_is_wrong_is_named_with_its_line(line, code):
    ((number, found, sentence),) = check("# first\n" + line + "\nlast * { 1.7.0:u32:W }")
    assert (number, found) == (2, code)
    assert sentence[0].isupper() or sentence[0] in "13?"
    assert sentence.endswith(".")


def test_a_file_that_is_too_long_for_a_dongle():
    assert check("# " + "x" * 5000)[0][1] == "too-long"


# ---- what if it is not? ------------------------------------------------------------------------


def heard(body, text, title=None):
    apdu = axdr.data_notification(1, None, body)
    if title:
        apdu = glo.cipher(apdu, 0x20, KEY, None, title, 1)
    return Listener("hdlc", KEY, own_layouts=text).hear(hdlc.frames(apdu, b"\x03\x03"))


# What is found wrong there is taken all the same.
TAKEN = ("mine * { 1.7.0:u32:W ( meter ) }", "mine * { 1.7.0:u32:W:0:0 meter }")
TAKEN += ("mine * { value meter }",)


@pytest.mark.parametrize("line", [line for line, _ in WRONG if line not in TAKEN])
def test_a_wrong_line_is_left_out_and_the_others_hold(line):
    body = axdr.structure(axdr.u32(7), axdr.octets("abc"))
    alone = heard(body, line)
    assert alone.errors == {} and alone.readings[0].values["?0"] == "7"
    seen = heard(body, line + "\nmine * { 1.7.0:u32:W meter }")
    assert seen.errors == {}
    assert (seen.readings[0].values, seen.readings[0].meter) == ({"1-0:1.7.0": "7"}, "abc")


def test_a_line_that_shows_nothing_hides_nothing():
    body = axdr.structure(axdr.u32(7))
    assert heard(body, "nothing * { same }").readings[0].values == {"?0": "7"}


def test_as_notepad_writes_it():
    body = axdr.structure(axdr.u32(7))
    assert heard(body, "mine\t*\t{ 1.7.0:u32:W }\r\n").readings[0].values == {"1-0:1.7.0": "7"}


PIECES = "{ } [ ] ( )* )? ? ?? obis value unit ?:u32 ?:any 1.7.0:u32:W 1.7:u32 meter clock foo a:b"
PIECES = [*PIECES.split(), "?:text", "value=x", "pushed", "objects", "quantity:energy:1", "null"]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12), st.booleans())
def test_what_is_found_right_can_be_matched(pieces, glued):
    line = "mine * " + ("" if glued else " ").join(pieces)
    right = not check(line)
    reader = Axdr(APDU, 6, len(APDU))
    reader.read_all()
    if right:
        Layout(APDU, reader.elements).fits(line.split(None, 2)[2].encode())
    assert not isinstance(learn(APDU, 0, len(APDU), b"", line), int)


@given(st.text(max_size=60))
def test_no_text_raises(text):
    check(text)
    assert not isinstance(learn(APDU, 0, len(APDU), b"", "mine * { " + text), int)
    assert not isinstance(learn(APDU, 0, len(APDU), b"", text), int)


def nested(depth):
    """( .. )* inside ( .. )?, as often as that: right, and tried in very many ways."""
    return "( ( same " + (nested(depth - 1) if depth else "") + " )* null )?"


SLOW = f"slow * {{ {nested(4)} same }}"
FORTY = axdr.structure(*[axdr.u8(7)] * 40)


def test_a_line_that_takes_too_long_is_left_out_and_the_others_hold():
    assert check(SLOW) == []
    reader = Axdr(FORTY, 0, len(FORTY))
    reader.read_all()
    with pytest.raises(ValueError):
        Layout(FORTY, reader.elements).fits(SLOW.split(None, 2)[2].encode())
    (reading,) = heard(FORTY, SLOW + "\nmine * { 1.7.0:u8:W ( same )* }").readings
    assert (reading.layout, reading.values) == ("mine", {"1-0:1.7.0": "7"})


@pytest.mark.parametrize("pattern", ["( ?:any )*", "?:any " * 120])
def test_a_long_line_does_not_take_too_long(pattern):
    body = axdr.structure(*[axdr.octets("abc")] * 120)
    assert heard(body, f"mine * {{ {pattern} }}").readings[0].layout == "mine"


def test_ours_need_little_of_what_a_line_may_take(monkeypatch):
    def layouts_of_all():
        found = []
        for name in DLMS:
            meter = make_meter(name)
            seen = of_meter(meter).hear(b"".join(meter.telegram(n) for n in range(3)))
            found += [(name, reading.layout) for reading in seen.readings]
        return found

    before = layouts_of_all()
    monkeypatch.setattr(layout, "_PATIENCE", layout._PATIENCE // 20)
    assert layouts_of_all() == before


def test_every_interpreter_says_the_same(interpreter):
    texts = [line for line, _ in WRONG] + ["mine * { 1.7.0:u32:W ( obis value unit? )* ?:any }"]
    texts += ["mine * { " + "( " * 200, "mine * " + "{ " * 200]
    jobs = [json.dumps({"text": text, "apdu": APDU.hex()}) for text in texts]
    jobs.append(json.dumps({"text": SLOW, "apdu": axdr.data_notification(1, None, FORTY).hex()}))
    runs = [
        interpreters.run(each, __file__.replace("test_layout_file", "layout_probe"), stdin=stdin)
        for each in (interpreter, interpreters.find("cpython"))
        for stdin in ["\n".join(jobs).encode() + b"\n"]
    ]
    assert [run.stderr for run in runs] == [b"", b""]
    assert runs[0].stdout == runs[1].stdout
    assert b"'mine'" in runs[0].stdout


# ---- how to come by one ------------------------------------------------------------------------


BODY = axdr.structure(
    axdr.u32(512),
    axdr.octets("4711"),
    axdr.octets(STAMP),
    axdr.i16(-5),
    *(axdr.obis("1-0:1.8.0"), axdr.u32(12345), axdr.scaler_unit(-1, "Wh")),
    *(axdr.obis("1-0:2.8.0"), axdr.u32(8), axdr.scaler_unit(-1, "Wh")),
    axdr.array(axdr.structure(axdr.obis("1-0:32.7.0"), axdr.u16(231))),
    axdr.null(),
)


@pytest.fixture
def run(tmp_path, capsys):
    """Run `meterling VERB` on a telegram with BODY of maker ABC."""
    apdu = axdr.data_notification(1, None, BODY)
    sealed = glo.cipher(apdu, 0x20, KEY, None, b"ABC\x00\x00\x00\x00\x01", 5)
    path = tmp_path / "capture"
    path.write_bytes(hdlc.frames(sealed, b"\x03\x03"))

    def run(verb, *options, file=path):
        status = cli.main([verb, str(file), "--key", KEY.hex(), *map(str, options)])
        return status, *capsys.readouterr()

    return run


def values(out):
    return json.loads(out.splitlines()[0])["values"]


LINE = "own ABC { ?:u32 ?:text clock ?:i16 ( obis value unit )* [ { obis value } ] ?:any }"


def test_from_an_unknown_telegram_to_named_values(run, tmp_path):
    own = tmp_path / "layouts.txt"
    status, out, err = run("layout", "--write", own)
    assert (status, err) == (0, "")
    assert "    0   u32        512\n" in out
    assert '    1   text       "4711"\n' in out
    assert "    2   date-time  2026-06-18T10:30:00+02:00\n" in out
    assert "    4   OBIS code  1-0:1.8.0\n    5   u32        12345\n" in out
    assert "    6   unit       10^-1 Wh\n" in out
    assert LINE + "\n" in out
    assert own.read_text() == LINE + "\n"

    # As it is, it changes nothing.
    before, after = (run("decode", "--json", *more) for more in ((), ("--layouts", own)))
    assert before == after

    # With names in it, they are shown, and values that a code named still are.
    own.write_text(LINE.replace("?:u32", "1.7.0:u32:W").replace("?:text", "meter"))
    for on in interpreters.NAMES:
        if not interpreters.find(on):
            continue
        status, out, err = run("decode", "--json", "--layouts", own, "--on", on)
        assert (status, err) == (0, "")
        assert json.loads(out.splitlines()[0])["meter"] == "4711"
        assert values(out) == {
            "1-0:1.7.0": {"value": 512, "unit": "W"},
            "?3": {"value": -5},
            "1-0:1.8.0": {"value": 1234.5, "unit": "Wh"},
            "1-0:2.8.0": {"value": 0.8, "unit": "Wh"},
            "1-0:32.7.0": {"value": 231},
            "?12": {"value": None},
        }

    # Asked again, there is nothing more to do.
    text = own.read_text()
    status, out, _ = run("layout", "--write", own)
    assert (status, out) == (0, "Telegrams of the layout own: nothing is missing.\n")
    assert own.read_text() == text


def test_an_unknown_telegram_yields_what_has_a_code(run):
    """Without any layout: its values with OBIS codes, their units, its time."""
    status, out, _ = run("decode", "--json")
    assert status == 0
    assert json.loads(out.splitlines()[0])["time"] == "2026-06-18T08:30:00Z"
    shown = values(out)
    assert shown["1-0:1.8.0"] == {"value": 1234.5, "unit": "Wh"}
    assert shown["1-0:32.7.0"] == {"value": 231}
    assert shown["?0"] == {"value": 512}


def test_write_keeps_what_is_there(run, tmp_path):
    own = tmp_path / "layouts.txt"
    own.write_text("# mine\nbroken * {")
    status, _, err = run("layout", "--write", own, "--name", "cellar")
    assert status == 0
    assert f"{own}, line 2: The bracket {{ is not closed. [bracket]" in err
    assert own.read_text() == "# mine\nbroken * {\n" + LINE.replace("own", "cellar") + "\n"


def test_wrong_lines_are_named_and_decoding_goes_on(run, tmp_path):
    own = tmp_path / "layouts.txt"
    own.write_text("broken * { foo }\n" + LINE.replace("?:i16", "14.7.0:i16:Hz"))
    status, out, err = run("decode", "--json", "--layouts", own)
    assert status == 0 and values(out)["1-0:14.7.0"] == {"value": -5, "unit": "Hz"}
    assert err == f"meterling: {own}, line 1: There is no word foo. [word]\n"


def test_a_telegram_that_is_known(capsys, tmp_path):
    meter = make_meter("burgenland-e450")
    (tmp_path / "capture").write_bytes(meter.telegram(0))
    keys = ["--key", meter.key.hex(), "--auth-key", meter.auth_key.hex()]
    assert cli.main(["layout", str(tmp_path / "capture"), *keys]) == 0
    assert capsys.readouterr().out == "Telegrams of the layout d-burgenland: nothing is missing.\n"


def test_without_its_key_nothing_is_described(capsys, tmp_path):
    (tmp_path / "capture").write_bytes(make_meter("burgenland-e450").telegram(0))
    assert cli.main(["layout", str(tmp_path / "capture")]) == 1
    out, err = capsys.readouterr()
    assert out == "" and "[no-key]" in err


@pytest.mark.parametrize("name", ["", "# mine", "two words"])
def test_a_name_is_one_word(name, capsys, tmp_path):
    (tmp_path / "capture").write_bytes(b"")
    assert cli.main(["layout", str(tmp_path / "capture"), "--name", name]) == 2
    assert "is no name" in capsys.readouterr().err


LEAVES = st.one_of(
    st.integers(0, 255).map(axdr.u8),
    st.integers(0, 2**32 - 1).map(axdr.u32),
    st.integers(-(2**63), 2**63 - 1).map(axdr.i64),
    st.binary(max_size=14).map(axdr.octets),
    st.sampled_from([axdr.null(), axdr.obis("1-0:1.8.0"), axdr.octets(STAMP), axdr.enum(3)]),
    st.sampled_from([axdr.scaler_unit(-2, "V"), b"\x17\x3f\x80\x00\x00", b"\x04\x0a\xaa\x40"]),
)
BODIES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, min_size=1, max_size=5).flatmap(
        lambda parts: st.sampled_from([axdr.structure(*parts), axdr.array(*parts)])
    ),
    max_leaves=20,
)


@given(BODIES)
def test_each_shape_has_a_line_that_is_right_and_fits(body):
    apdu = axdr.data_notification(1, None, body)
    shape = Shape(apdu)
    assert check("own * " + shape.pattern) == []
    # What it shows has the same places as without it.
    title = "4142430000000001"
    assert Shape(apdu, title).maker == "ABC"
    plain = learn(apdu, 0, len(apdu))
    own = learn(apdu, 0, len(apdu), b"", "own * " + shape.pattern)
    if isinstance(plain, int):
        assert own == plain
    elif not plain[8]:
        assert own[8] == "own" and list(own[5]) == list(plain[5])
