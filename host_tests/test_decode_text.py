"""Hex text as editors, shells and terminal programs write it, and raw bytes that look like it."""

import codecs

import pytest
from meterling_tools import CommandError
from meterling_tools.decode import to_bytes
from meterling_tools.simulate import METERS, make_meter
from mqtt_telegram import FRAMES

ROWS = [FRAMES[at : at + 16] for at in range(0, len(FRAMES), 16)]
LINES = [row.hex(" ") for row in ROWS]
P1 = make_meter("nl-dsmr5").telegram(0)
MARKS = [
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
]


@pytest.mark.parametrize(("mark", "encoding"), MARKS)
def test_a_mark_before_the_text(mark, encoding):
    """Notepad, and PowerShell's >."""
    text = "# Zähler\r\n" + "\r\n".join(LINES) + "\r\n"
    assert to_bytes(mark + text.encode(encoding)) == FRAMES
    assert to_bytes(mark + P1.decode().encode(encoding)) == P1


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_remark_in_german(encoding):
    text = "\n".join([LINES[0], "  # Zähler im Keller (Süd)", *LINES[1:]])
    assert to_bytes(text.encode(encoding)) == FRAMES


def test_a_remark_with_brackets_is_no_line_of_a_telegram():
    assert to_bytes(b"# Kaifa (2021)\n" + FRAMES.hex().encode()) == FRAMES


@pytest.mark.parametrize(
    "time",
    ["12:00:01 ", "(12:00:01.123) ", "[23:59:59,5]  ", "12:00:01: ", "2024-02-29 12:00:01.123\t"],
)
def test_times_before_the_bytes_are_left_out(time):
    assert to_bytes("\n".join(time + line for line in LINES).encode()) == FRAMES
    assert to_bytes("\r\n".join(time + row.hex() for row in ROWS).encode()) == FRAMES


@pytest.mark.parametrize("text", ["12:00:01:68:fa", "12:00:01", "68:10:10 68", "12 00 01 68"])
def test_bytes_that_look_like_a_time_are_bytes(text):
    digits = text.replace(":", "").replace(" ", "")
    assert to_bytes(text.encode()) == bytes.fromhex(digits)


def xxd(data, group, width=16):
    """As `xxd -g GROUP -c WIDTH` prints it."""
    lines = []
    for at in range(0, len(data), width):
        row = data[at : at + width]
        digits = " ".join(row[i : i + group].hex() for i in range(0, len(row), group))
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        full = 2 * width + (width + group - 1) // group - 1
        lines.append(f"{at:08x}: {digits:<{full}}  {shown}")
    return "\n".join(lines).encode()


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize("data", [FRAMES, FRAMES[:-1], P1], ids=["frames", "odd", "text"])
def test_what_xxd_prints(data, group):
    assert to_bytes(xxd(data, group)) == data
    assert to_bytes(xxd(data, group).replace(b"\n", b"\r\n")) == data


def dump(data, base, begin, end=""):
    """As od and `hexdump -C` print it."""
    lines = []
    for at in range(0, len(data) + 16, 16):
        row = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        offset = format(min(at, len(data)), f"{begin}{base}")
        lines.append(f"{offset} {row.hex(' ')}" + (f"  |{shown}|" if end and row else ""))
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    "style", [("x", "06"), ("o", "07"), ("d", "07"), ("x", "08", "|")], ids=str
)
@pytest.mark.parametrize("data", [FRAMES, FRAMES[:-1], P1], ids=["frames", "odd", "text"])
def test_what_od_and_hexdump_print(data, style):
    assert to_bytes(dump(data, *style)) == data
    assert to_bytes(dump(data, *style).replace(b"\n", b"\r\n")) == data


def test_a_long_dump_is_read_as_fast_as_others():
    """Each line once: 65 000 of them, each compared with all above, would take minutes."""
    data = bytes(range(256)) * 4000
    assert to_bytes(dump(data, "x", "08", "|")) == data


def test_numbers_that_do_not_count_bytes_are_bytes():
    assert to_bytes(b"000000 68 fa\n000003 68 53\n").hex() == "00000068fa0000036853"


def test_offsets_alone():
    text = "\n".join(f"{16 * n:04x}: {line}" for n, line in enumerate(LINES))
    assert to_bytes(text.encode()) == FRAMES


def test_a_gap_between_the_bytes_after_an_offset_is_no_second_column():
    assert to_bytes(b"0010: 01 02 03 04 05 06 07 08  09 0a 0b 0c 0d 0e 0f 10") == bytes(
        range(1, 17)
    )
    assert to_bytes(b"0010: 01 02 03 04 05 06 07 08  09 0a 0b") == bytes(range(1, 12))


def test_the_line_that_is_not_hex_is_counted_with_the_remarks():
    with pytest.raises(CommandError, match="line 3 has 'x'"):
        to_bytes("# Zähler\n68\nx\n".encode())


@pytest.mark.parametrize("name", METERS)
def test_raw_bytes_stay_as_they_are(name):
    telegram = make_meter(name).telegram(0)
    assert to_bytes(telegram) == telegram
    if telegram.startswith(b"/"):
        return  # text, which may well have a remark before it
    for before in (b"#", b"\n#", b"# \n", b"12:00:01 ", *(mark for mark, _ in MARKS)):
        assert to_bytes(before + telegram) == before + telegram


@pytest.mark.parametrize(
    "data", [b"", b"#\x01\x02", b"# caf\xe9", b"\xff\xfe\x31", b"\xef\xbb\xbf\x80"]
)
def test_so_do_a_few_bytes_that_say_little(data):
    assert to_bytes(data) == data
