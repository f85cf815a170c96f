"""Images: the file system, MicroPython's own, and both in one; and what the firmware costs.

There is no stock image here: these are put together by ESP-IDF's documents, and esptool, which
shares no code with us, reads them as well.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from littlefs import LittleFS
from meterling_tools import CommandError, board_build, boards, build, image, interpreters, size

MIB = 1 << 20


def esp_image(chip, *segments, hashed=True):
    """An image with `segments` [(address, bytes)], as ESP-IDF's "App Image Format" says.

    E9 | segments (1) | flash mode (1) | flash size, speed (1) | entry point (4) | WP (1) |
    drive (3) | chip (2) | .. (9) | whether a SHA-256 follows (1)
    """
    data = pack("<BBBBIB3xH9xB", 0xE9, len(segments), 2, 0x20, 0x40080000, 0xEE,
                boards.CHIPS[chip].id, hashed)  # fmt: skip
    checksum = 0xEF
    for address, content in segments:
        content += bytes(-len(content) % 4)
        data += pack("<II", address, len(content)) + content
        for byte in content:
            checksum ^= byte
    data += bytes(15 - len(data) % 16) + bytes((checksum,))
    return data + hashlib.sha256(data).digest() if hashed else data


def description(version, project="micropython"):
    """esp_app_desc, 256 bytes."""
    return pack(
        "<II8x32s32s16s16s32s32s80x", 0xABCD5432, 0, version.encode(), project.encode(),
        b"12:00:00", b"Aug  9 2025", b"v5.4.2", bytes(32),
    )  # fmt: skip


def partition_table(*rows):
    """rows: (type, subtype, offset, size, label)"""
    table = b""
    for type, subtype, offset, length, label in rows:
        table += pack("<2sBBII16sI", b"\xaa\x50", type, subtype, offset, length, label, 0)
    return table + b"\xeb\xeb" + 14 * b"\xff" + hashlib.md5(table).digest()


# Where the chips see the flash's data: there esptool looks for the description.
_DATA = {"esp32": 0x3F400020, "esp32s2": 0x3F000020, "esp32s3": 0x3C000020, "esp32c3": 0x3C000020}

_STOCK = (
    (1, 2, 0x9000, 0x6000, b"nvs"),
    (1, 1, 0xF000, 0x1000, b"phy_init"),
    (0, 0, 0x10000, 0x1F0000, b"factory"),
)


def stock(chip="esp32", version="1.26.1", rows=_STOCK, app=None, bootloader=None):
    """As MicroPython publishes one: from the bootloader on."""
    start = boards.CHIPS[chip].bootloader
    if app is None:
        banner = f"MicroPython v{version} on 2025-09-11\0".encode()
        app = esp_image(
            chip, (_DATA[chip], description("v" + version) + banner), (0x40080000, b"\x36\x41" * 90)
        )
    data = bootloader or esp_image(chip, (0x3FFF0018, b"bootloader"), (0x40078000, bytes(80)))
    for offset, part in ((0x8000, partition_table(*rows)), (0x10000, app)):
        data += b"\xff" * (offset - start - len(data)) + part
    return data


def esptool(*args):
    return subprocess.run(
        [sys.executable, "-m", "esptool", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
    )


every_chip = pytest.mark.parametrize("chip", boards.CHIPS)


# MicroPython's image


@every_chip
def test_an_image_says_what_it_is(chip):
    found = image.MicroPython(stock(chip))
    assert (found.chip, found.version) == (chip, "1.26.1")
    assert found.start == (0x1000 if chip in ("esp32", "esp32s2") else 0)
    assert found.partitions[2] == ("factory", 0, 0, 0x10000, 0x1F0000)


@every_chip
def test_esptool_reads_the_same_in_our_images(chip, tmp_path):
    data = stock(chip)
    app = data[0x10000 - boards.CHIPS[chip].bootloader :]
    (tmp_path / "app.bin").write_bytes(app)
    said = esptool("--chip", chip, "image-info", tmp_path / "app.bin").stdout
    assert "Project name: micropython" in said
    assert "App version: v1.26.1" in said
    assert said.count("(valid)") == 2, said  # checksum and hash


def test_the_file_system_begins_where_micropython_makes_it():
    assert image.MicroPython(stock()).vfs(4 * MIB) == (0x200000, 2 * MIB)
    assert image.MicroPython(stock()).vfs(16 * MIB) == (0x200000, 14 * MIB)
    rows = (*_STOCK, (1, 0x81, 0x210000, 0x100000, b"vfs"))
    assert image.MicroPython(stock(rows=rows)).vfs(4 * MIB) == (0x210000, MIB)


def refusal(data, chip="esp32", tmp_path=None):
    file = tmp_path / "image.bin"
    file.write_bytes(data)
    with pytest.raises(image.ImageError) as refused:
        image.read(file, chip).vfs(4 * MIB)
    return refused.value.code, str(refused.value)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-an-image"),
        (b"PK\x03\x04" + bytes(100), "not-an-image"),
        (stock("esp32c3"), "wrong-chip"),
        (esp_image("esp32").replace(b"\xee\0\0\0\0\0", b"\xee\0\0\0\x63\0"), "wrong-chip"),
        (stock(version="1.25.0"), "wrong-version"),
        (stock(version="1.26.2"), "wrong-version"),
        (stock(version="1.26.1-preview.12.g0123456"), "wrong-version"),
        (stock()[:-1], "damaged"),
        (stock()[:0x9000], "not-an-image"),
        (stock()[0xF000:], "no-partition-table"),  # an app alone, as for an update
        (stock().replace(b"factory", b"Factory"), "damaged"),  # the table's MD5
        (stock().replace(b"bootloader", b"Bootloader"), "damaged"),
        (stock(app=esp_image("esp32c3", (0x3F400020, description("v1.26.1")))), "damaged"),
        (stock(app=esp_image("esp32", (0x3F400020, bytes(300)))), "damaged"),
        (stock(bootloader=esp_image("esp32", hashed=False)), "damaged"),
        (stock(app=esp_image("esp32", (0, description("v1.26.1", "esp-at")))), "not-micropython"),
        (stock(rows=_STOCK[:2]), "no-partition-table"),
        (stock(rows=((0, 0, 0x10000, 0x3F0000, b"factory"),)), "no-room"),
        (stock(rows=(*_STOCK, (1, 0x81, 0x200000, 6 * MIB, b"vfs"))), "no-room"),
    ],
)
def test_an_image_that_cannot_be_used_is_refused_with_a_code(data, code, tmp_path):
    assert refusal(data, tmp_path=tmp_path)[0] == code


def test_a_refusal_says_what_would_be_right(tmp_path):
    assert refusal(stock(version="1.25.0"), tmp_path=tmp_path)[1] == (
        "image.bin is MicroPython 1.25.0; the firmware is built for 1.26.0 and 1.26.1."
    )
    assert refusal(stock(), "esp32c3", tmp_path)[1] == (
        "image.bin is for the esp32; the board has an esp32c3."
    )


def test_without_a_banner_the_apps_own_description_counts():
    app = esp_image("esp32", (0x3F400020, description("v1.26.0")))
    assert image.MicroPython(stock(app=app)).version == "1.26.0"


@settings(max_examples=300)
@given(st.integers(0, len(stock()) * 8 - 1), st.integers(0, len(stock())))
def test_a_damaged_image_is_refused_or_its_damage_is_in_the_gaps(bit, end):
    good = stock()
    bad = bytearray(good)
    bad[bit >> 3] ^= 1 << (bit & 7)
    for data in (bytes(bad), good[:end]):
        try:
            found = image.MicroPython(data)
        except image.ImageError:
            continue
        assert len(data) == len(good)
        byte = bit >> 3
        gap = good[byte] == 0xFF  # between bootloader, table and app nothing is read
        assert (found.chip, found.version) == ("esp32", "1.26.1") and (gap or data == good)


# The file system

FILES = {
    "main.py": b"print(1)\n",
    "meterling/app.mpy": bytes(range(256)) * 20,
    "meterling/link/mbus.mpy": b"M\x06",
    "site/index.html.gz": b"",
    "settings.json": b'{"meter": {"rx_pin": 6}}\n',
}


def contents(data):
    """{path: bytes} of the LittleFS in `data`."""
    fs = LittleFS(block_size=4096, block_count=len(data) // 4096, mount=False)
    fs.context.buffer = bytearray(data)
    fs.mount()
    found = {}
    for folder, _, names in fs.walk("/"):
        for name in names:
            path = f"{folder}/{name}".lstrip("/")
            with fs.open(path, "rb") as file:
                found[path] = file.read()
    return found


@pytest.mark.parametrize("length", [64 * 4096, 0x90000, 2 * MIB])
def test_every_file_is_in_the_file_system(length):
    data = image.filesystem(FILES, length)
    assert len(data) == length
    assert contents(data) == FILES


def test_same_files_same_bytes():
    backwards = dict(reversed(FILES.items()))
    assert image.filesystem(FILES, MIB) == image.filesystem(backwards, MIB)


def test_what_does_not_fit_is_refused():
    with pytest.raises(image.ImageError, match="do not fit into 32 KiB") as refused:
        image.filesystem({"large": bytes(40_000)}, 8 * 4096)
    assert refused.value.code == "no-room"


_MOUNT = """
import sys, vfs

class Flash:
    # As esp32.Partition: blocks of 4096 bytes
    def __init__(self, path):
        self.file = open(path, "r+b")
    def readblocks(self, block, buffer, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.readinto(buffer)
    def writeblocks(self, block, buffer, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.write(buffer)
    def ioctl(self, operation, argument):
        return {4: int(sys.argv[2]), 5: 4096}.get(operation, 0)

vfs.mount(vfs.VfsLfs2(Flash(sys.argv[1])), "/flash")
sys.path[:] = ["/flash", "/flash/lib", "/flash/a", "/flash/a/lib"] + sys.path
"""


def mounted(interpreter, data, blocks, script, tmp_path):
    (tmp_path / "flash.bin").write_bytes(data)
    (tmp_path / "script.py").write_text(_MOUNT + script)
    args = (tmp_path / "flash.bin", blocks)
    return interpreters.run(interpreter, tmp_path / "script.py", args, path=())


@pytest.mark.parametrize("interpreter", ["micropython", "micropython32"], indirect=True)
def test_micropython_mounts_it_and_runs_the_firmware_from_it(interpreter, tmp_path):
    chip = "unix" if interpreter.name == "micropython" else "unix32"
    files = build.build(chip, tmp_path / "tree")
    files = {name: (tmp_path / "tree" / name).read_bytes() for name, _, _ in files}
    script = """
from meterling.decoder import Decoder
decoder = Decoder("mbus")
print(decoder.__class__.__module__, Decoder.__init__ is not None)
with open("/flash/settings.json", "w") as file:
    print(file.write("{}"))
"""
    result = mounted(interpreter, image.filesystem(files, 2 * MIB), 512, script, tmp_path)
    assert result.stderr == b""
    assert result.stdout.split() == [b"meterling.decoder", b"True", b"2"]
    after = contents((tmp_path / "flash.bin").read_bytes())
    assert after == {**files, "settings.json": b"{}"}


@pytest.mark.parametrize("interpreter", ["micropython"], indirect=True)
def test_a_flash_of_another_size_does_not_mount_it(interpreter, tmp_path):
    """So the image has to be made for exactly the flash that is there."""
    for blocks in (256, 1024):
        result = mounted(interpreter, image.filesystem(FILES, 2 * MIB), blocks, "", tmp_path)
        assert b"EINVAL" in result.stdout + result.stderr


# Both in one


@every_chip
def test_merged_is_what_esptool_would_merge(chip, tmp_path):
    found = image.MicroPython(stock(chip))
    merged = image.merge(found, FILES, 4 * MIB)
    assert len(merged) == 4 * MIB
    assert contents(merged[0x200000:]) == FILES
    (tmp_path / "stock.bin").write_bytes(found.data)
    (tmp_path / "files.bin").write_bytes(image.filesystem(FILES, 2 * MIB))
    said = esptool(
        *("--chip", chip, "merge-bin", "--output", tmp_path / "merged.bin"),
        *(hex(found.start), tmp_path / "stock.bin", "0x200000", tmp_path / "files.bin"),
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert (tmp_path / "merged.bin").read_bytes() == merged


def test_an_image_that_reaches_into_the_file_system_is_refused():
    rows = (*_STOCK, (1, 0x81, 0x10000, 0x100000, b"vfs"))
    with pytest.raises(image.ImageError) as refused:
        image.merge(image.MicroPython(stock(rows=rows)), FILES, 4 * MIB)
    assert refused.value.code == "no-room"


# All that a board needs


def everything(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["esp32-devkit-mbus", "esp32c3-supermini-optical"])
def test_a_board_is_built_twice_the_same(name, tmp_path):
    board = boards.load(name)
    chip = board["kit"]["chip"]
    (tmp_path / "stock.bin").write_bytes(stock(chip))
    made = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        files, written = board_build.make(board, folder, tmp_path / "stock.bin")
        made.append(everything(folder))
        assert [(path.name, offset) for path, offset in written] == [
            ("filesystem.bin", 0x200000),
            ("meterling.bin", 0),
        ]
    assert made[0] == made[1]
    example = json.loads(made[0].pop("tree/settings.json.example"))
    assert example["meter"]["rx_pin"] == board["uart"]["rx"]
    inside = contents(made[0].pop("filesystem.bin"))
    assert contents(made[0].pop("meterling.bin")[0x200000:]) == inside
    assert json.loads(inside.pop("settings.json")) == boards.settings(board)
    assert {f"tree/{path}": data for path, data in inside.items()} == made[0]
    # All files that were built, and their sizes, are reported.
    assert {f"tree/{path}": length for path, _, length in files if "example" not in path} == {
        path: len(data) for path, data in made[0].items()
    }


def test_somebodys_settings_in_the_folder_stay_out_of_the_image(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "settings.json").write_text('{"meter": {"key": "36C66639E48A8CA4D6BC8B282A793BBB"}}')
    board_build.make(boards.load("m5stack-atom"), tmp_path)
    inside = contents((tmp_path / "filesystem.bin").read_bytes())
    assert b"36C66639" not in b"".join(inside.values())
    assert "36C66639" in (tree / "settings.json").read_text()


def test_without_an_image_an_old_merged_one_goes(tmp_path):
    (tmp_path / "meterling.bin").write_bytes(b"of an older build")
    image.write(FILES, boards.load("m5stack-atom"), tmp_path)
    assert not (tmp_path / "meterling.bin").exists()


# What it costs


def test_flash_is_counted_by_part():
    files = [("main.py", 9, 9), ("meterling/app.mpy", 9, 100), ("meterling/link/a.mpy", 9, 1)]
    files += [("a/meterling/link/b.mpy", 9, 2), ("site/index.html.gz", 9, 7)]
    assert size.flash(files) == {
        ".": [1, 9],
        "meterling": [1, 100],
        "meterling/link": [2, 3],
        "site": [1, 7],
    }


def test_what_is_over_its_budget_is_said():
    heap = size.Heap(60_000, 0, {}, {})
    assert size.check([("a", 1, 300_000)], heap) == []
    assert size.check([("a", 1, 200_000), ("b", 1, 100_001)], None) == [
        "The files have 300001 bytes, 1 too many."
    ]
    assert size.check([("a", 1, 300_000)], heap._replace(together=60_001)) == [
        "Imported, the firmware has 60001 bytes of heap, 1 too many."
    ]


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
def test_heap_is_measured_module_by_module(interpreter):
    heap = size.heap()
    assert {"meterling.app", "meterling.decoder", "meterling.config"} <= set(heap.always)
    assert "meterling.link.sniffer" in heap.on_demand
    assert not set(heap.always) & set(heap.on_demand)
    # One by one they cost at least what they do together, less what importing itself needs.
    assert 0.8 * heap.together < sum(heap.always.values())
    assert min(heap.always.values()) >= 0


@pytest.mark.parametrize(("flash", "passes"), [(1000, False), (10_000_000, True)])
def test_the_build_enforces_the_budgets(flash, passes, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(size, "FLASH_BUDGET", flash)
    monkeypatch.setattr(size, "HEAP_BUDGET", 10_000_000)
    parser = argparse.ArgumentParser()
    build.add_arguments(parser)
    args = parser.parse_args(["--board", "esp32-devkit-p1", str(tmp_path)])
    if passes:
        build.run(args)
        assert "filesystem.bin: 2097152 bytes, to be written at 0x200000" in capsys.readouterr().out
    else:
        with pytest.raises(CommandError, match="The files have .* too many") as raised:
            build.run(args)
        assert raised.value.status == 1
    assert (tmp_path / "tree" / "main.py").exists()


@pytest.mark.parametrize("interpreter", ["micropython32"], indirect=True)
@pytest.mark.parametrize("board", ["esp32-devkit-mbus", "esp32c3-supermini-optical"])
def test_the_firmware_is_within_its_budgets(board, interpreter, tmp_path):
    """With its pages, or the 60 kB that those may have."""
    files, _ = board_build.make(boards.load(board), tmp_path)
    if not any("/site/" in path for path, _, _ in files):
        files.append(("a/site", 60_000, 60_000))
    assert size.check(files, size.heap()) == []
