"""`meterling layout`: what a telegram is made of that no layout describes, and a line for
layouts.txt in which only the names are missing.

    meterling layout capture.bin --key .. --write layouts.txt
    (name what you know: ?:u32 becomes 1.7.0:u32:W)
    meterling decode capture.bin --key .. --layouts layouts.txt
"""

import tempfile
from pathlib import Path

from meterling.cosem import clock, layout_check
from meterling.cosem.axdr import Axdr
from meterling.cosem.layout import Layout
from meterling.cosem.obis import unit_name
from meterling.values import float_text

from . import CommandError, decode_core
from .decode import add_input, explain, parse_key, read, read_layouts, to_bytes

_ARRAY, _STRUCTURE = 0x01, 0x02
_STRINGS = (0x09, 0x0A, 0x0C)
_TYPES = {0x03: "u8", 0x11: "u8", 0x16: "u8", 0x12: "u16", 0x06: "u32", 0x15: "u64"}
_TYPES |= {0x0F: "i8", 0x10: "i16", 0x05: "i32", 0x14: "i64", 0x17: "f32", 0x18: "f64"}
_WORDS = ("text", *_TYPES.values())
_ANY = "any"  # what has no type of its own: null, bit strings, dates, ..
_KIND_CLOCK = 3  # see meterling.cosem.plan
_UNIT = -3  # of a field, from its end

# Parts of the decoder, and of a plan; see meterling.decoder, meterling.cosem.plan.
_PLAN = 7
_TEMPLATE = 1


def add_arguments(parser):
    add_input(parser)
    parser.add_argument("--name", default="own", help="name of the layout (own)")
    parser.add_argument("--write", metavar="FILE", help="append the line to this file")


def run(args):
    """0 if there was a telegram (described or not), 1 if not, 2 if it was not even tried."""
    if args.name.startswith("#") or len(args.name.split()) != 1:
        raise CommandError(f"{args.name!r} is no name: one word, and no # ahead of it.")
    keys = [parse_key(name, getattr(args, name)) for name in ("key", "auth_key")]
    target = Path(args.write) if args.write else None
    known = read_layouts(args.write) if target and target.exists() else ""
    layouts, unknown = set(), {}

    def keep(reading):
        if reading.layout:
            layouts.add(reading.layout)
        else:
            shape = Shape(reading.parts[_PLAN][_TEMPLATE], reading.system_title)
            unknown.setdefault(shape.pattern, shape)

    with tempfile.TemporaryDirectory(prefix="meterling-") as folder:
        path = Path(folder, "capture")
        path.write_bytes(to_bytes(read(args.file)))
        link = decode_core.detect(path) if args.link == "auto" else args.link
        counts = decode_core.feed(path, link, *keys, keep, known).counters.as_dict()
    for name in sorted(layouts):
        print(f"Telegrams of the layout {name}: nothing is missing.")
    lines = []
    for shape in unknown.values():
        name = args.name if not lines else f"{args.name}-{len(lines) + 1}"
        lines.append(f"{name} {shape.maker} {shape.pattern}")
        print(f"A telegram that no layout describes, maker {shape.maker}:\n")
        print("\n".join(shape.description) + "\n")
    if lines:
        print("For layouts.txt; put names and units in place of the question marks:\n")
        print("\n".join(lines))
    if lines and target:
        _append(target, known, lines)
        print(f"\nAppended to {target}.")
    explain(counts)
    return 0 if counts["readings"] else 1


def _append(target, known, lines):
    if known and not known.endswith("\n"):
        known += "\n"
    before = len(layout_check.check(known))
    text = known + "\n".join(lines) + "\n"
    wrong = layout_check.check(text)[before:]
    if wrong:
        raise CommandError(f"This is not appended: {wrong[0][2]} [{wrong[0][1]}]", 1)
    target.write_text(text, encoding="utf-8")


class Shape:
    """What the first telegram of a shape is made of.

    apdu: bytes, a data-notification or data without its head; system_title: hex or None.
    Attributes: `maker` (three letters, or "*"), `pattern` (str, that fits it; CommandError if
    there is none), `description` (lines of text).
    """

    def __init__(self, apdu, system_title=None):
        letters = bytes.fromhex(system_title or "")[:3].decode("latin-1")
        self.maker = letters if letters.isascii() and letters.isalpha() else "*"
        self.maker = self.maker if self.maker.isupper() else "*"
        reader = Axdr(apdu, _behind_head(apdu), len(apdu))
        reader.read_all()
        self._layout = Layout(apdu, reader.elements)
        self._clock = False
        self._code = None
        self._count = 0
        self.description = []
        self.pattern = " ".join(_repeated(self._words(0, len(reader.elements), 1)))
        if not self._layout.fits(self.pattern.encode()):
            raise CommandError("No line can describe this telegram.", 1)

    def _words(self, i, end, depth):
        # The pattern's parts for the neighbours from index i up to end.
        layout, elements = self._layout, self._layout.elements
        words = []
        while i < end:
            behind = elements[i + 3]
            kind = layout.kind(i)
            if kind < 0 and self._is_unit(i):
                self._say(depth, "unit", self._unit(i))
                layout.add_scaler_unit(i)
                words.append("unit")
            elif kind < 0:
                opening, closing = "{}" if elements[i] == _STRUCTURE else "[]"
                self.description.append("  " * depth + opening)
                inner = self._words(i + 4, behind, depth + 1)
                self.description.append("  " * depth + closing)
                words.append(" ".join([opening, *_repeated(inner), closing]))
            elif self._code is None and self._is_code(i):
                self._code = layout.octets(i)
                self._say(depth, "OBIS code", _obis(self._code))
                words.append("obis")
            else:
                self._say(depth, self._type(i), self._sample(i))
                words.append(self._value(i, kind))
            i = behind
        return words

    def _is_unit(self, i):
        # Whether element i is the scaler-unit of the value before it.
        fields = self._layout.fields
        return fields and not fields[_UNIT] and self._layout.is_scaler_unit(i)

    def _is_code(self, i):
        # Whether element i is the OBIS code of the value behind it.
        elements = self._layout.elements
        return self._layout.is_code(i) and i + 4 < len(elements) and self._layout.kind(i + 4) >= 0

    def _value(self, i, kind):
        # The word for a value.
        named, self._code = self._code is not None, None
        clock = kind == _KIND_CLOCK and not named and not self._clock
        self._clock |= clock
        self._layout.add(i, bytes(6))
        if named:
            return "value"
        kind = self._type(i)
        return "clock" if clock else "?:" + (kind if kind in _WORDS else _ANY)

    def _say(self, depth, kind, sample):
        # The number is that of `?7` in what is decoded.
        self.description.append(f"{'  ' * depth}{self._count:<4}{kind:<10} {sample}".rstrip())
        self._count += 1

    def _type(self, i):
        tag = self._layout.elements[i]
        if self._layout.kind(i) == _KIND_CLOCK:
            return "date-time"
        if tag in _STRINGS:
            return "text"
        return _TYPES.get(tag) or (f"type {tag:02X}" if tag else "null")

    def _sample(self, i):
        data = self._layout.octets(i)
        kind = self._type(i)
        if kind[:1] == "f":
            return float_text(data, 0) or "no number"
        if kind in _TYPES.values():
            return str(int.from_bytes(data, "big", signed=kind[0] == "i"))
        if kind == "date-time":
            out = bytearray(clock.DATE_TIME_TEXT)
            end = clock.put(out, 0, data, 0, 0)
            return out[:end].decode() if end > 0 else data.hex()
        if kind == "text" and data and all(32 <= byte < 127 for byte in data):
            return f'"{data.decode()}"'
        return data.hex()

    def _unit(self, i):
        scaler, unit = (self._layout.octets(at)[0] for at in (i + 4, i + 8))
        return f"10^{scaler - 256 if scaler > 127 else scaler} {unit_name(unit)}".rstrip()


def _behind_head(apdu):
    # 0F | invoke id (4) | 00, or [09] 0C date-time (12)
    if apdu[0] != 0x0F:
        return 0
    if apdu[5:7] == b"\x09\x0c":
        return 19
    return 6 + apdu[5]


def _obis(code):
    text = "{}-{}:{}.{}.{}".format(*code)
    return text if code[5] == 255 else f"{text}.{code[5]}"


def _repeated(words):
    # `obis value obis value ?:u8` as `( obis value )* ?:u8`: what has codes names itself.
    groups = []
    for word in words:
        if groups and (word == "value" and groups[-1] == "obis" or _takes(groups[-1], word)):
            groups[-1] += " " + word
        else:
            groups.append(word)
    out = []
    for group in groups:
        if out and out[-1] in (group, f"( {group} )*") and _names_itself(group):
            out[-1] = f"( {group} )*"
        else:
            out.append(group)
    return out


def _takes(group, word):
    return group == "obis value" and word == "unit"


def _names_itself(group):
    return "obis value" in group and "?:" not in group and "clock" not in group
