"""Boards: each description complete, its pins legal, and what is made from it up to date; and
what MicroPython needs to build an image with Meterling frozen in."""

import copy
import csv
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from meterling import config
from meterling_tools import (
    FIRMWARE,
    CommandError,
    boards,
    build,
    dependencies,
    interpreters,
    wiring,
)

every_board = pytest.mark.parametrize("name", boards.names())

# What the issue asks for: port and kit
_WANTED = {
    *((kit, port) for kit in ("esp32-devkit", "esp32c3-supermini") for port in boards.PORTS),
    *((kit, None) for kit in ("m5stack-atom", "lolin-s2-mini", "esp32s3-devkit", "wt32-eth01")),
}


@every_board
def test_description_is_complete_and_its_pins_are_legal(name):
    assert boards.check(boards.load(name)) == []


def test_the_boards_that_were_promised_are_there():
    found = [boards.read_json(boards.BOARDS / name / "board.json") for name in boards.names()]
    found = {(board["kit"], board["port"]) for board in found}
    assert all((kit, port) in found or not port and kit in dict(found) for kit, port in _WANTED)


@every_board
def test_what_is_made_from_the_description_is_up_to_date(name):
    for file, text in wiring.made(boards.load(name)).items():
        found = (boards.BOARDS / name / file).read_text(encoding="utf-8")
        assert found == text, "run: python -m meterling_tools.wiring"


@every_board
def test_settings_are_valid(name):
    board = boards.load(name)
    settings = config.check(boards.settings(board))
    assert settings["meter.rx_pin"] == board["uart"]["rx"]
    assert (settings["meter.request_pin"] >= 0) == (board["request_pin"] is not None)


def test_dashes_do_not_matter():
    assert boards.load("esp32-c3-supermini-optical")["name"] == "esp32c3-supermini-optical"


def test_an_unknown_board_is_named():
    with pytest.raises(CommandError, match="no board esp33; there are: esp32-devkit-mbus"):
        boards.load("esp33")


# Every mistake has its code.


def without(*path):
    def change(board):
        for name in path[:-1]:
            board = board[name]
        del board[path[-1]]

    return change


def with_(value, *path):
    def change(board):
        for name in path[:-1]:
            board = board[name]
        board[path[-1]] = value

    return change


def wire(*ends):
    return lambda board: board["wires"].append(list(ends))


_P1 = "esp32-devkit-p1"
_C3 = "esp32c3-supermini-mbus"
_S3 = "esp32s3-devkit"


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        (_P1, without("supply"), "missing"),
        (_P1, without("kit", "antenna"), "missing"),
        (_P1, without("notes", "de"), "language"),
        (_P1, with_(["only one"], "notes", "en"), "language"),
        (_P1, with_([{"en": "a board"}], "shopping"), "language"),
        (_P1, with_([], "shopping"), "shopping"),
        (_P1, with_("rs485", "port"), "port"),
        (_P1, with_(True, "optical"), "port"),
        (_P1, with_("sometimes", "uart", "inverted"), "inverted"),
        (_P1, with_(2, "kit", "flash_mib"), "flash"),
        (_P1, with_("rainbow", "kit", "led", "kind"), "led"),
        (_P1, with_({"from": "sun"}, "supply"), "supply"),
        (_P1, with_({"from": "p1", "capacitor_f": 1.0}, "supply"), "supply"),
        (_P1, with_("esp8266", "kit", "chip"), "chip"),
        (_P1, with_(24, "uart", "rx"), "no-such-pin"),
        (_P1, with_(40, "uart", "rx"), "no-such-pin"),
        (_P1, with_(34, "uart", "tx"), "input-only"),
        (_P1, with_(39, "request_pin"), "input-only"),
        (_P1, with_(36, "kit", "led", "pin"), "input-only"),
        (_P1, with_(9, "uart", "rx"), "flash-pin"),
        (_C3, with_(12, "uart", "rx"), "flash-pin"),
        (_S3, with_(30, "uart", "rx"), "flash-pin"),
        (_P1, with_(8, "kit", "psram_mib"), "psram-pin"),
        (_C3, with_(18, "uart", "rx"), "usb-pin"),
        ("lolin-s2-mini", with_(20, "uart", "rx"), "usb-pin"),
        (_S3, with_(19, "uart", "tx"), "usb-pin"),
        (_P1, with_(3, "uart", "rx"), "console-pin"),
        (_C3, with_(20, "uart", "rx"), "console-pin"),
        ("wt32-eth01", with_(18, "uart", "rx"), "taken"),
        ("m5stack-atom", with_(16, "uart", "rx"), "taken"),
        (_P1, with_(12, "uart", "rx"), "strapping-pin"),
        (_C3, with_(2, "uart", "tx"), "strapping-pin"),
        (_S3, with_(46, "uart", "rx"), "strapping-pin"),
        ("m5stack-atom", with_(18, "uart", "rx"), "not-bonded"),
        ("lolin-s2-mini", with_(43, "uart", "rx"), "not-bonded"),
        (_P1, with_(17, "uart", "rx"), "pin-twice"),
        (_P1, with_(2, "request_pin"), "pin-twice"),
        ("lolin-s2-mini", with_(12, "supply", "sense_pin"), "no-adc"),
        (_P1, wire("meter-p1.7", "board.GND"), "wire"),
        (_P1, wire("button.1", "board.GND"), "wire"),
        (_P1, wire("pull-up.a", "board.VBAT"), "wire"),
        (_P1, wire("pull-up.a", "board.25"), "not-used"),
        (_P1, with_(25, "request_pin"), "not-wired"),
        (_C3, lambda board: board["wires"].pop(3), "not-wired"),
        (_C3, lambda board: board["wires"].pop(), "not-wired"),
    ],
)
def test_a_mistake_is_noticed(name, change, code):
    board = copy.deepcopy(boards.load(name))
    change(board)
    assert code in [code for code, _ in boards.check(board)]


# The picture


@every_board
def test_the_picture_shows_every_wire_and_nothing_overlaps(name):
    board = boards.load(name)
    picture = ElementTree.fromstring((boards.BOARDS / name / "wiring.svg").read_text())
    space = "{http://www.w3.org/2000/svg}"
    wires = {path.get("d") for path in picture.iter(space + "path")}
    assert len(wires) == len(board["wires"])
    width, height = (int(picture.get(side)) for side in ("width", "height"))
    for path in wires:
        for x, y in re.findall(r"(\d+) (\d+)", path):
            assert 0 < int(x) < width and 0 < int(y) < height
    texts = [text.text for text in picture.iter(space + "text")]
    assert f"GPIO{board['uart']['rx']} · RX" in texts
    boxes = [
        [int(box.get(side)) for side in ("x", "y", "width", "height")]
        for box in picture.iter(space + "rect")
        if box.get("rx")
    ]
    for i, (x, y, w, h) in enumerate(boxes):
        assert x + w < width and y + h < height
        for x2, y2, w2, h2 in boxes[i + 1 :]:
            assert x + w < x2 or x2 + w2 < x or y + h < y2 or y2 + h2 < y
    # A level piece of a wire never runs through a part.
    for path in wires:
        points = [(int(x), int(y)) for x, y in re.findall(r"(\d+) (\d+)", path)]
        for (x1, y1), (x2, y2) in zip(points, points[1:], strict=False):
            for x, y, w, h in boxes:
                inside = y < y1 < y + h and max(x1, x2) > x and min(x1, x2) < x + w
                assert y1 != y2 or not inside
                assert x1 != x2 or not (x < x1 < x + w)


# Images with Meterling frozen in


class Manifest:
    """Executes manifests: the functions of MicroPython's docs/reference/manifest.rst that ours
    use. files: {name when frozen: Path}."""

    def __init__(self, **variables):
        self.variables = variables
        self.files = {}
        self.visited = set()

    def _path(self, path):
        for name, value in self.variables.items():
            path = path.replace(f"$({name})", str(value))
        assert "$(" not in path
        return Path(path).absolute()

    def include(self, path, **options):
        path = self._path(path)
        path = path / "manifest.py" if path.is_dir() else path
        path = path.resolve()
        if path in self.visited:
            return
        self.visited.add(path)
        before = Path.cwd()
        os.chdir(path.parent)  # paths in a manifest are relative to it
        try:
            exec(path.read_text(), {"include": self.include, "module": self.module})
        finally:
            os.chdir(before)

    def module(self, name, base_path=".", opt=None):
        path = self._path(base_path) / name
        assert name.endswith(".py") and opt in (None, 0, 1, 2, 3)
        assert name not in self.files
        assert path.is_file(), path
        self.files[name] = path


@pytest.fixture
def port(tmp_path):
    """A stand-in for MicroPython's ports/esp32, with a manifest of its own."""
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "manifest.py").write_text('module("_boot.py")\n')
    (tmp_path / "boards" / "_boot.py").write_text("")
    return tmp_path


@every_board
def test_manifest_freezes_all_and_only_the_firmware(name, port, tmp_path):
    deps = dependencies.fetch()
    manifest = Manifest(PORT_DIR=port, BOARD_DIR=boards.BOARDS / name)
    manifest.include(str(boards.BOARDS / name / "manifest.py"))
    march = boards.CHIPS[boards.load(name)["kit"]["chip"]].march
    wanted = {name: path for name, path in build._sources(march) if name.endswith(".py")}
    wanted = {name.removeprefix("lib/"): path for name, path in wanted.items()}
    del wanted["umqtt/simple.py"]  # frozen by MicroPython itself
    own = {name: path.resolve() for name, path in manifest.files.items()}
    assert own.pop("_boot.py")
    assert own.pop("boot.py") == boards.COMMON / "boot.py"
    assert own.pop("board_settings.py") == boards.BOARDS / name / "board_settings.py"
    assert own == {name: path.resolve() for name, path in wanted.items()}
    assert deps / "microdot.py" in own.values()


@every_board
def test_board_configuration_names_chip_and_table(name):
    kit = boards.load(name)["kit"]
    text = (boards.BOARDS / name / "mpconfigboard.cmake").read_text()
    assert re.findall(r"set\(IDF_TARGET (\w+)\)", text) == [kit["chip"]]
    assert re.findall(r"set\(METERLING_FLASH (\d+)\)", text) == [str(kit["flash_mib"])]
    assert text.endswith("include(${CMAKE_CURRENT_LIST_DIR}/../common/board.cmake)\n")
    assert (boards.COMMON / f"partitions-{kit['flash_mib']}MiB.csv").exists()
    header = (boards.BOARDS / name / "mpconfigboard.h").read_text()
    assert f'#define MICROPY_HW_BOARD_NAME "Meterling {name}"' in header
    assert header.endswith('#include "../common/mpconfigboard.h"\n')


@every_board
def test_cmake_takes_the_configuration(name, tmp_path):
    """As MicroPython's ports/esp32/CMakeLists.txt includes it, without ESP-IDF."""
    cmake = shutil.which("cmake")
    if not cmake:
        pytest.skip("no cmake")
    board = boards.BOARDS / name
    (tmp_path / "CMakeLists.txt").write_text(
        f"set(MICROPY_BOARD_DIR {board})\n"
        "include(${MICROPY_BOARD_DIR}/mpconfigboard.cmake)\n"
        'message("${IDF_TARGET}|${MICROPY_FROZEN_MANIFEST}|${SDKCONFIG_DEFAULTS}")\n'
    )
    result = subprocess.run(
        [cmake, "-P", "CMakeLists.txt"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    target, manifest, defaults = result.stderr.strip().split("|")
    assert target == boards.load(name)["kit"]["chip"]
    assert Path(manifest) == board / "manifest.py"
    base, *_, own = defaults.split(";")
    assert base == "boards/sdkconfig.base"  # MicroPython's
    table = re.search(r'CUSTOM_FILENAME="(.+)"', Path(own).read_text())[1]
    assert Path(table).parent == boards.COMMON and Path(table).exists()


# Partition tables

_SUBTYPES = {"app": ("factory", "ota_0", "ota_1"), "data": ("nvs", "ota", "phy", "fat")}
_FIRST = 0x9000  # after the table
_PAGE = 0x1000
_APP_PAGE = 0x10000
_LABEL = 15  # characters


def read_table(text):
    rows = csv.reader(line for line in text.splitlines() if line and line[0] != "#")
    for name, type, subtype, offset, size, *_ in rows:
        yield name.strip(), type.strip(), subtype.strip(), int(offset, 0), int(size, 0)


def problems_of(rows, flash):
    """What is wrong with a table: set of codes."""
    found = set()
    end = _FIRST
    for name, type, subtype, offset, size in sorted(rows, key=lambda row: row[3]):
        if subtype not in _SUBTYPES.get(type, ()) or len(name) > _LABEL:
            found.add("kind")
        if offset % (_APP_PAGE if type == "app" else _PAGE) or size % _PAGE:
            found.add("aligned")
        if offset < end:
            found.add("overlap")
        end = offset + size
    if end > flash:
        found.add("flash")
    kinds = [row[2] for row in rows]
    if sorted(kinds) != ["fat", "nvs", "ota", "ota_0", "ota_1", "phy"]:
        found.add("partitions")
    sizes = {row[2]: row[4] for row in rows}
    if sizes.get("ota_0") != sizes.get("ota_1") or sizes.get("ota") != 2 * _PAGE:
        found.add("sizes")
    if "vfs" not in [row[0] for row in rows]:
        found.add("vfs")  # MicroPython looks for that name
    return found


@pytest.mark.parametrize("mib", [4, 8])
def test_partition_table(mib):
    rows = list(read_table((boards.COMMON / f"partitions-{mib}MiB.csv").read_text()))
    assert problems_of(rows, mib << 20) == set()
    assert max(offset + size for *_, offset, size in rows) == mib << 20


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("0x1c0000", "0x1c1000", "aligned"),
        ("0x1c0000", "0x1b0000", "overlap"),
        ("0x90000", "0xa0000", "flash"),
        ("otadata,  data, ota", "otadata,  data, nvs", "partitions"),
        ("ota_1,    app,  ota_1", "ota_1,    app,  ota_7", "kind"),
        ("0x370000, 0x90000", "0x370000, 0x90800", "aligned"),
        ("0xd000,   0x2000", "0xd000,   0x1000", "sizes"),
        ("vfs, ", "files, ", "vfs"),
    ],
)
def test_a_wrong_table_would_be_noticed(before, after, code):
    text = (boards.COMMON / "partitions-4MiB.csv").read_text()
    assert before in text
    rows = list(read_table(text.replace(before, after)))
    assert code in problems_of(rows, 4 << 20)


# The first start of a frozen image


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_a_frozen_image_gives_a_new_dongle_its_boards_settings(interpreter, tmp_path):
    board = boards.BOARDS / "esp32c3-supermini-p1"

    def start():
        return subprocess.run(
            interpreters.command(interpreter, boards.COMMON / "boot.py"),
            env=interpreters.environment(interpreter, ("", board, FIRMWARE)),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=20,
        )

    result = start()
    assert (result.stdout, result.stderr) == ("", "")
    file = tmp_path / "settings.json"
    assert json.loads(file.read_text()) == boards.settings(boards.load(board.name))
    file.write_text('{"device": "mine"}\n')
    assert start().stderr == ""
    assert json.loads(file.read_text()) == {"device": "mine"}
    file.write_text("no JSON")
    assert start().stdout == "boot: settings.json is not JSON\n"
    assert file.read_text() == "no JSON"


def test_chips_have_the_machine_code_that_the_build_makes():
    for name, chip in boards.CHIPS.items():
        assert build._march(name) == chip.march
