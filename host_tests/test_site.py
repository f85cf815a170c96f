"""The pages' build, and what of them can be tried without a browser: exact decimals, QR codes,
the texts in both languages."""

import gzip
import json
import re
import subprocess
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from meterling_tools import CommandError, site

pytestmark = pytest.mark.usefixtures("npm")

SOURCES = site.SITE


def node(script, *arguments):
    """What `script` (an ES module beside the pages' own) prints as JSON."""
    result = subprocess.run(
        [*site.node(), "--input-type=module", "--eval", script],
        input=json.dumps(arguments),
        cwd=SOURCES,
        capture_output=True,
        text=True,
    )
    assert not result.returncode, result.stderr
    return json.loads(result.stdout)


READ = "const input = JSON.parse((await import('node:fs')).readFileSync(0, 'utf8'));"
PRINT = "console.log(JSON.stringify(%s));"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    return folder, site.build(folder)


def test_the_site_fits_into_its_share_of_the_flash(built):
    folder, files = built
    assert sum(size for _, _, size in files) < 60_000
    assert sorted(path.name for path in folder.iterdir()) == [name for name, _, _ in files]
    assert all((folder / name).stat().st_size == size for name, _, size in files)


def test_a_site_that_is_too_large_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(site, "LIMIT", 20_000)
    with pytest.raises(CommandError, match=r"too many"):
        site.build(tmp_path)


def test_the_same_sources_give_the_same_bytes(built, tmp_path):
    folder, files = built
    (tmp_path / "app-00000000.js.gz").write_bytes(b"of yesterday")
    assert site.build(tmp_path) == files
    for name, _, _ in files:
        data = (tmp_path / name).read_bytes()
        assert data == (folder / name).read_bytes()
        assert data[4:8] == bytes(4), "gzip's time"


def test_the_page_names_only_files_that_are_there_and_nobody_else(built):
    folder, files = built
    names = {f"/{name.removesuffix('.gz')}" for name, _, _ in files}
    index = gzip.decompress((folder / "index.html.gz").read_bytes()).decode()
    named = set(re.findall(r'(?:src|href|data-graph)="([^"]+)"', index))
    assert named - names == {"/plain"}
    for name, _, _ in files:
        text = gzip.decompress((folder / name).read_bytes()).decode()
        # A namespace is a name; the licence's address is not fetched either.
        urls = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'`]*", text))
        assert {url for url in urls if "www.w3.org/2000/svg" not in url} <= {
            "https://github.com/leeoniya/uPlot"
        }


def test_the_lock_names_no_registry():
    lock = json.loads((SOURCES / "package-lock.json").read_text())
    packages = [package for name, package in lock["packages"].items() if name]
    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages)
    wanted = json.loads((SOURCES / "package.json").read_text())
    versions = [*wanted["dependencies"].values(), *wanted["devDependencies"].values()]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)


# Texts


@pytest.fixture(scope="module")
def texts():
    return node(
        "const [de, en] = await Promise.all([import('./de.js'), import('./en.js')]);"
        + PRINT % "{de: de.default, en: en.default}"
    )


def test_every_sentence_stands_in_both_languages(texts):
    assert texts["de"].keys() == texts["en"].keys()
    for name, text in texts["de"].items():
        other = texts["en"][name]
        assert bool(text) == bool(other), name
        placeholders = [set(re.findall(r"\{\w+\}", one)) for one in (text, other)]
        assert placeholders[0] == placeholders[1], name


@pytest.mark.parametrize(
    "language, marks", [("de", re.compile("„[^„“”]*“")), ("en", re.compile("“[^„“”]*”"))]
)
def test_typography(texts, language, marks):
    for name, text in texts[language].items():
        assert not re.search(r"[\"']|\.\.\.| - |  ", text), name
        assert not re.search("[„“”]", marks.sub("", text)), name
        assert text == text.strip() or name.startswith("see."), name


def test_every_text_that_the_pages_name_is_there(texts):
    for path in SOURCES.glob("*.js"):
        for name in re.findall(r"\bt\(\"([^\"]+)\"", path.read_text(encoding="utf-8")):
            assert name in texts["en"], f"{path.name}: {name}"


def test_every_code_of_the_firmware_has_its_sentence(texts):
    from meterling import errors
    from meterling.publish import reasons as broker

    def codes(kind):
        return {name.partition(".")[2] for name in texts["en"] if name.startswith(f"{kind}.")}

    diagnoses = {"ok", "starting", "no-bytes", "no-frames", *errors.NAMES[errors.NOISE :]}
    assert diagnoses <= codes("see")
    assert set(broker.SENTENCES) <= codes("mqtt")
    api = (SOURCES.parent / "meterling" / "portal" / "API.md").read_text(encoding="utf-8")
    for kind, table in (("understood", "understood"), ("note", "notes"), ("check", "check")):
        rows = api.partition(f"| `{table}` | |")[2].partition("\n\n")[0]
        listed = set(re.findall(r"`([a-z-]+)`", "\n".join(re.findall(r"^\|[^|]*", rows, re.M))))
        assert listed and listed <= codes(kind), kind


# Exact decimals

numbers = st.builds(
    lambda digits, places: str(
        Decimal(digits).scaleb(-places).quantize(Decimal(1).scaleb(-places))
    ),
    st.integers(-(10**15), 10**15),
    st.integers(0, 6),
)
quick = settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@quick
@given(st.lists(st.tuples(numbers, numbers, st.integers(-6, 6), st.integers(0, 4)), min_size=1))
def test_decimals_are_exact(cases):
    got = node(
        READ
        + "import {decimal, shift, subtract, round, format} from './decimal.js';"
        + "const plain = (n) => format(n, {point: '.', group: ''}).replace('\\u2212', '-');"
        + PRINT
        % "input[0].map(([a, b, power, places]) => [plain(subtract(decimal(a), decimal(b))), "
        "plain(shift(decimal(a), power)), plain(round(decimal(a), places))])",
        cases,
    )
    for (a, b, power, places), (difference, shifted, rounded) in zip(cases, got, strict=True):
        assert Decimal(difference) == Decimal(a) - Decimal(b)
        assert Decimal(shifted) == Decimal(a).scaleb(power)
        step = Decimal(1).scaleb(-places)
        if -Decimal(a).as_tuple().exponent > places:
            assert Decimal(rounded) == Decimal(a).quantize(step, ROUND_HALF_UP)
        else:
            assert rounded == a


@quick
@given(
    st.lists(
        st.tuples(numbers, st.text(max_size=12)),
        min_size=1,
    )
)
def test_json_numbers_come_as_the_text_that_was_sent(cases):
    sent = [f'{{"value":{number},"text":{json.dumps(text)}}}' for number, text in cases]
    got = node(
        READ + "import {parseExactly} from './decimal.js';" + PRINT % "input[0].map(parseExactly)",
        sent,
    )
    assert got == [{"value": number, "text": text} for number, text in cases]


@pytest.mark.parametrize(
    "number, language, text",
    [
        ("6762.463", "de", "6\u202f762,463"),
        ("6762.463", "en", "6,762.463"),
        ("12345678.900", "de", "12\u202f345\u202f678,900"),
        ("-0.05", "de", "\u22120,05"),
        ("0", "en", "0"),
        ("1e3", "en", "1,000"),
    ],
)
def test_numbers_are_written_as_the_language_does(number, language, text):
    marks = {"de": {"point": ",", "group": "\u202f"}, "en": {"point": ".", "group": ","}}[language]
    got = node(
        READ
        + "import {decimal, format} from './decimal.js';"
        + PRINT % "format(decimal(input[0]), input[1])",
        number,
        marks,
    )
    assert got == text


# QR codes


@quick
@given(st.lists(st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=106)))
def test_any_reader_reads_the_qr_codes(texts):
    zxing = pytest.importorskip("zxingcpp")
    image = pytest.importorskip("PIL.Image")
    texts = ["http://192.168.1.23/", "http://meterling-2.local/", "x" * 106, *texts]
    codes = node(
        READ + "import {matrix} from './qr.js';" + PRINT % "input[0].map(matrix)",
        texts,
    )
    for text, rows in zip(texts, codes, strict=True):
        picture = image.new("L", (len(rows) + 8, len(rows) + 8), 255)
        for y, row in enumerate(rows):
            for x, dark in enumerate(row):
                assert isinstance(dark, bool)
                picture.putpixel((x + 4, y + 4), 0 if dark else 255)
        found = zxing.read_barcodes(picture.resize([4 * side for side in picture.size]))
        assert [one.text for one in found] == [text]
