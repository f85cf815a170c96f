"""`meterling decode`: what is in a capture, as a table or as JSON lines."""

import json
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from meterling.config import ConfigError, check

from . import CommandError, decode_core, interpreters
from .sentences import sentence

_TEXT = frozenset(b"\t\n\r" + bytes(range(32, 127)))
_BETWEEN = str.maketrans("", "", " \t\r\n:,;-_'\"[]{}()\\")


def add_arguments(parser):
    parser.add_argument("file", help="raw bytes or hex text; - for standard input")
    parser.add_argument("--key", metavar="HEX", help="encryption key (GUEK), 32 digits")
    parser.add_argument("--auth-key", metavar="HEX", help="authentication key (GAK), 32 digits")
    parser.add_argument("--link", default="auto", choices=("auto", *decode_core.LINKS))
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--on", default="cpython", choices=interpreters.NAMES, help="the Python that decodes"
    )


def run(args):
    """0 if there was a reading, 1 if not, 2 (CommandError) if it was not even tried."""
    keys = [parse_key(name, getattr(args, name)) for name in ("key", "auth_key")]
    data = to_bytes(_read(args.file))
    with tempfile.TemporaryDirectory(prefix="meterling-") as folder:
        path = Path(folder, "capture")
        path.write_bytes(data)
        lines = _decode_on(args.on, str(path), args.link, *keys)
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
    for code in summary["errors"]:
        print("meterling: " + sentence(code), file=sys.stderr)
    if not summary["bytes"]:
        print("meterling: There is nothing in it. [empty]", file=sys.stderr)
    elif not summary["frames"] and not summary["errors"]:
        print("meterling: No telegram is in it. [no-frames]", file=sys.stderr)
    return 0 if summary["readings"] else 1


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
    separators; lines that begin with # are left out. CommandError for other text."""
    if not data or not _TEXT.issuperset(data):
        return data
    digits = []
    for number, line in enumerate(data.decode().splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
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


def _read(name):
    if name == "-":
        return sys.stdin.buffer.read()
    return Path(name).read_bytes()


def _decode_on(name, path, link, key, auth_key):
    """The lines (list of str) that the interpreter called `name` decodes."""
    lines = []
    if name == "cpython":
        decode_core.decode(path, link, key, auth_key, lines.append)
        return lines
    interpreter = interpreters.find(name)
    if not interpreter:
        raise CommandError(f"There is no {name} here: {interpreter.reason}. [no-interpreter]")
    job = {"path": path, "link": link, "key": _hex(key), "auth_key": _hex(auth_key)}
    done = interpreters.run(
        interpreter, decode_core.__file__, stdin=json.dumps(job).encode() + b"\n", timeout=600
    )
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
    for name, quantity in record["values"].items():
        value = quantity["value"]
        value = "-" if value is None else str(value)
        print(f"  {name:<{width}}  {value:>18}  {quantity.get('unit', '')}".rstrip())
    print()


def _show_summary(summary):
    text = "{bytes} bytes, {frames} frames, {telegrams} telegrams, {readings} readings"
    text = text.format(**summary)
    if summary["errors"]:
        text += "; " + ", ".join(f"{code} {n}" for code, n in summary["errors"].items())
    print(text)
