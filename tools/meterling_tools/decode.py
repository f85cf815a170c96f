"""`meterling decode`: what is in a capture, as a table or as JSON lines."""

import codecs
import json
import re
import subprocess
import sys
import tempfile
from decimal import Decimal
from itertools import accumulate
from pathlib import Path

from meterling.config import ConfigError, check
from meterling.cosem import layout_check

from . import CommandError, decode_core, interpreters
from .sentences import sentence

_TEXT = frozenset("\t\n\r" + "".join(map(chr, range(32, 127))))
_TELEGRAM = re.compile(r"^(/|!)|^[^()\n]+\(.*\)\r?$", re.MULTILINE)  # a line of a text telegram
# What editors and PowerShell's > put before a text
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_REMARK = re.compile(r"[ \t]*#[^\x00-\x08\x0a-\x1f\x7f]*\r?")  # in whatever script
# 12:00:01 68 FA .., (12:00:01.123) 68 FA ..; not 12:00:01:68:FA, which is hex itself
_TIME = re.compile(
    r"\s*[([]?(?:\d{4}-\d\d-\d\d[ T])?(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d+)?[])]?:?\s+(?=\S)"
)
_OFFSET = re.compile(r"[0-9a-fA-F]{4,8}:\s+")  # 00000010: 68fa fa68  h..h
# 00000010  68 fa fa 68  |h..h|   as od and hexdump -C write
_DUMP = re.compile(r"\s*([0-9a-fA-F]{6,8})((?:\s+[0-9a-fA-F]{2})*)\s*(?:\|.*\|\s*)?")
_PAIRS = re.compile(r"([0-9a-fA-F]{2} )+[0-9a-fA-F]{2} *")
_PATIENCE = 600  # s, for an interpreter to decode a file
_BETWEEN = str.maketrans("", "", " \t\r\n:,;-_'\"[]{}()\\")


def add_arguments(parser):
    add_input(parser)
    parser.add_argument("--layouts", metavar="FILE", help="layouts of your own (layouts.txt)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--on", default="cpython", choices=interpreters.NAMES, help="the Python that decodes"
    )


def add_input(parser):
    """The arguments that say what is to be read and how."""
    parser.add_argument("file", help="raw bytes or hex text; - for standard input")
    parser.add_argument("--key", metavar="HEX", help="encryption key (GUEK), 32 digits")
    parser.add_argument("--auth-key", metavar="HEX", help="authentication key (GAK), 32 digits")
    parser.add_argument("--link", default="auto", choices=("auto", *decode_core.LINKS))


def run(args):
    """0 if there was a reading, 1 if not, 2 (CommandError) if it was not even tried."""
    keys = [parse_key(name, getattr(args, name)) for name in ("key", "auth_key")]
    layouts = read_layouts(args.layouts) if args.layouts else ""
    data = to_bytes(read(args.file))
    with tempfile.TemporaryDirectory(prefix="meterling-") as folder:
        path = Path(folder, "capture")
        path.write_bytes(data)
        lines = _decode_on(args.on, str(path), args.link, *keys, layouts)
    if args.json:
        for line in lines:
            print(line)
    summary = None
    for line in lines:
        # Numbers keep their decimals: 230.0 is not 230.
        record = json.loads(line, parse_float=Decimal)
        if record["type"] == "summary":
            summary = record
        elif not args.json:
            _show(record)
    if not args.json:
        _show_summary(summary)
    explain(summary)
    return 0 if summary["readings"] else 1


def explain(summary):
    """Say, on standard error, what was wrong with the telegrams (summary: dict)."""
    for code in summary["errors"]:
        print("meterling: " + sentence(code), file=sys.stderr)
    if not summary["bytes"]:
        print("meterling: There is nothing in it. [empty]", file=sys.stderr)
    elif not (summary["frames"] or summary["telegrams"] or summary["errors"]):
        print("meterling: No telegram is in it. [no-frames]", file=sys.stderr)


def parse_key(name, text):
    """bytes, 16, of a key as people write it, or None of None. CommandError."""
    if text is None:
        return None
    digits = text.replace("0x", "").replace("0X", "").replace(",", " ")
    try:
        return check({"meter": {name: digits}})["meter." + name]
    except ConfigError as error:
        sentence = str(error).partition(": ")[2]
        raise CommandError(f"--{name.replace('_', '-')} {sentence}. [{error.code}]") from None


def to_bytes(data):
    """The bytes of a capture (bytes) that is raw, or hex text with blanks, line ends and
    separators; lines that begin with # are left out, and so are times and offsets before the
    digits. A telegram of text (P1) is taken as it is, but for line ends that an editor has
    shortened. CommandError for other text."""
    text = _text(data)
    if text is None:
        return data
    lines = text.split("\n")
    text = "\n".join(_without_offsets(lines) or map(_without_margins, lines))
    if _TELEGRAM.search(text):
        return (text if "\r" in text else text.replace("\n", "\r\n")).encode()
    digits = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.replace("0x", " ").replace("0X", " ").translate(_BETWEEN)
        for character in line:
            if character not in "0123456789abcdefABCDEF":
                raise CommandError(
                    f"This is text, but not hex: line {number} has {character!r}. [not-hex]"
                )
        digits.append(line)
    digits = "".join(digits)
    if len(digits) % 2:
        raise CommandError(f"Half a byte is missing: {len(digits)} hex digits. [odd-hex]")
    return bytes.fromhex(digits)


def _text(data):
    """`data` (bytes) as text (str) whose remarks are blank lines, None if it is none."""
    mark, encoding = next((m for m in _MARKS if data.startswith(m[0])), (b"", "latin-1"))
    try:
        whole = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        return None
    text = "\n".join("" if _REMARK.fullmatch(line) else line for line in whole.split("\n"))
    # Raw bytes that begin with # are no remark on nothing.
    return text if _TEXT.issuperset(text) and (text.strip() or whole.isascii()) else None


def _without_offsets(lines):
    """The lines of a dump (od, hexdump -C) without their first column, known by what it says:
    how many bytes are above it. None if it is not one."""
    dump = [_DUMP.fullmatch(line) for line in lines if line.strip()]
    if not dump or not all(dump):
        return None
    bytes_of = [line[2] for line in dump]
    above = [0, *accumulate(len(text.split()) for text in bytes_of)][:-1]
    said = (16, 8, 10)
    if not any(_is_count([line[1] for line in dump], above, base) for base in said):
        return None
    return bytes_of


def _is_count(words, above, base):
    try:
        return [int(word, base) for word in words] == above
    except ValueError:
        return False


def _without_margins(line):
    """The line without a time before it, or what a dump (xxd) has on both sides."""
    offset = _OFFSET.match(line)
    if not offset:
        return _TIME.sub("", line, count=1) if _TIME.match(line) else line
    digits, _, shown = line[offset.end() :].rstrip("\r").partition("  ")
    count = len(digits.replace(" ", "")) // 2
    # One character for each byte; some leave a gap between the bytes, too.
    is_column = len(shown) >= count and not shown[: len(shown) - count].strip()
    return digits if is_column and not _PAIRS.fullmatch(shown) else f"{digits} {shown}"


def read(name):
    """The bytes of the file of that name; - is standard input."""
    if name == "-":
        if not sys.stdin:  # `<&-`
            raise CommandError("There is no standard input.")
        return sys.stdin.buffer.read()
    return Path(name).read_bytes()


def read_layouts(name):
    """The layouts (str) in the file of that name. What is wrong with them is said on
    standard error; nothing more: the others hold all the same."""
    text = read(name).decode("utf-8-sig", "replace")
    for number, code, text_of_code in layout_check.check(text):
        print(f"meterling: {name}, line {number}: {text_of_code} [{code}]", file=sys.stderr)
    return text


def _decode_on(name, path, link, key, auth_key, layouts):
    """The lines (list of str) that the interpreter called `name` decodes."""
    lines = []
    if name == "cpython":
        decode_core.decode(path, link, key, auth_key, lines.append, layouts)
        return lines
    interpreter = interpreters.find(name)
    if not interpreter:
        raise CommandError(f"There is no {name} here: {interpreter.reason}. [no-interpreter]")
    job = {"path": path, "link": link, "key": _hex(key), "auth_key": _hex(auth_key)}
    job["layouts"] = layouts
    stdin = json.dumps(job).encode() + b"\n"
    try:
        done = interpreters.run(interpreter, decode_core.__file__, stdin=stdin, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        raise CommandError(f"{name} has not come to an end in {_PATIENCE} s.", 1) from None
    if done.stderr or done.returncode not in (0, 1):
        raise CommandError(f"{name} failed: {done.stderr.decode().strip()}", 1)
    return done.stdout.decode().splitlines()


def _hex(key):
    return key.hex() if key else None


def _show(record):
    """One reading as a table."""
    print(f"Meter {record['meter'] or 'unknown'}   {record['time'] or 'no time'}")
    title = record["system_title"]
    if title:
        checked = "tag checked" if record["authenticated"] else "no tag checked"
        print(f"From {title}, telegram {record['invocation_counter']}, {checked}")
    width = max((len(name) for name in record["values"]), default=0)
    for name, found in record["values"].items():
        for quantity in found.get("values", [found]):
            value = quantity["value"]
            value = "-" if value is None else str(value)
            print(f"  {name:<{width}}  {value:>18}  {quantity.get('unit', '')}".rstrip())
            name = ""
    if record.get("unprotected"):
        print("  (no checksum protects this telegram)")
    print()


def _show_summary(summary):
    text = "{bytes} bytes, {frames} frames, {telegrams} telegrams, {readings} readings"
    text = text.format(**summary)
    if summary["errors"]:
        text += "; " + ", ".join(f"{code} {n}" for code, n in summary["errors"].items())
    print(text)
