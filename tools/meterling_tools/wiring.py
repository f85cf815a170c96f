"""What is drawn and written from each board's description, beside it:

    wiring.svg          every wire, from the meter's contacts to the board's pins
    README.md           the same in words, in English and German
    board_settings.py   its settings, to be frozen into an image

`python -m meterling_tools.wiring` does it again after a description was changed; the tests
compare.

The picture has three columns: the meter, the parts between, the board. A wire runs level out
of its contact into the gap between two columns, up or down in a lane of its own, and level
again. One that skips the middle column passes above its parts.
"""

import pprint
import sys
from xml.sax.saxutils import escape

from . import boards

_ROW = 30  # px between two contacts
_LANE = 16  # px between two wires side by side
_WIDTHS = (230, 250, 250)
_HEAD = 52  # px of a part's title
_TOP = 70  # px above the parts: the picture's own title
_PALETTE = ("#1464b4", "#2e8b57", "#d2691e", "#7d3cb5", "#b8860b", "#0f8f8f")
_POWER = {"board.3V3": "#d01c1c", "board.5V": "#e07000", "board.GND": "#222222"}
_NAMES = {"rx": "RX", "tx": "TX", "request": "request", "sense": "voltage"}
_BOARD = "board"


class _Part:
    """A box of the picture. title: two lines; left, right: its contacts, by side."""

    def __init__(self, name, title, left, right, labels=None):
        self.name = name
        self.title = title
        self.left = left
        self.right = right
        self.labels = labels or {}
        self.height = _HEAD + _ROW * max(len(left), len(right)) + 10
        self.x = self.y = self.width = 0

    def place(self, contact):
        """((x, y), whether it is on the right side)"""
        on_right = contact in self.right
        row = (self.right if on_right else self.left).index(contact)
        y = self.y + _HEAD + _ROW * row + _ROW // 2
        return (self.x + (self.width if on_right else 0), y), on_right


def draw(board):
    """The picture (str, SVG) of the board's wires. All that has a contact of the right part in
    common has one colour."""
    columns = _columns(board)
    parts = {part.name: part for column in columns for part in column}
    wires = [[end.split(".", 1) for end in wire] for wire in board["wires"]]
    wires = [sorted(wire, key=lambda end: _column(columns, end[0])) for wire in wires]
    passing = [w for w in wires if _column(columns, w[1][0]) - _column(columns, w[0][0]) == 2]
    above = _LANE * len(passing) + _LANE if columns[1] else 0
    firsts = [_column(columns, a[0]) for a, _ in wires]
    gaps = [60 + _LANE * firsts.count(0), 60 + _LANE * (firsts.count(1) + len(passing))]
    width, height = _lay_out(columns, gaps, above)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="Helvetica, Arial, sans-serif">',
        f"<title>{escape(board['title']['en'])}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(20, 28, board["title"]["en"], 18, "bold"),
        _text(20, 50, board["title"]["de"], 14, colour="#555555"),
    ]
    lines += [line for part in parts.values() for line in _box(part)]
    lines += _draw_wires(wires, parts, columns, above)
    lines += [line for part in parts.values() for line in _contacts(part)]
    return "\n".join([*lines, "</svg>", ""])


def _columns(board):
    known = boards.read_json(boards.COMMON / "parts.json")
    used = []
    for wire in board["wires"]:
        used += [end.partition(".")[0] for end in wire]
    used = list(dict.fromkeys(name for name in used if name != _BOARD))
    columns = [[], [], []]
    for name in used:
        left, right = boards.contacts(known[name])
        title = [known[name]["title"][language] for language in ("en", "de")]
        column = 0 if name.startswith("meter-") else 1
        columns[column].append(_Part(name, title, left, right))
    ends = [end for wire in board["wires"] for end in wire]
    pins = [end[6:] for end in dict.fromkeys(ends) if end.startswith("board.")]
    labels = {str(pin): f"GPIO{pin} · {_NAMES.get(r, r)}" for r, pin, _, _ in boards.roles(board)}
    kit = board["kit"]["title"]
    head, _, tail = kit.partition(" (")
    columns[2].append(_Part(_BOARD, [head, "(" + tail if tail else ""], pins, [], labels))
    return columns


def _column(columns, name):
    return next(i for i, column in enumerate(columns) if any(p.name == name for p in column))


def _lay_out(columns, gaps, above):
    x = 20
    lowest = 0
    for index, column in enumerate(columns):
        y = _TOP + (above if index == 1 else 0)
        for part in column:
            part.x, part.y, part.width = x, y, _WIDTHS[index]
            y += part.height + 18
            lowest = max(lowest, y)
        if column:
            x += _WIDTHS[index] + (gaps[index] if index < 2 else 0)
    return x + 20, lowest + 6


def _draw_wires(wires, parts, columns, above):
    lanes = [0, 0]  # how many wires each gap has
    passed = 0
    nets = {}  # end on the right -> paths; one colour each
    for a, b in sorted(wires, key=lambda w: parts[w[1][0]].place(w[1][1])[0][1], reverse=True):
        (x1, y1), _ = parts[a[0]].place(a[1])
        (x2, y2), _ = parts[b[0]].place(b[1])
        first = _column(columns, a[0])
        x = _lane(columns, lanes, first)
        if columns[1] and first == 0 and b[0] == _BOARD:
            y = _TOP + above - _LANE - _LANE * passed
            passed += 1
            over = _lane(columns, lanes, 1)
            points = [(x1, y1), (x, y1), (x, y), (over, y), (over, y2), (x2, y2)]
        else:
            points = [(x1, y1), (x, y1), (x, y2), (x2, y2)]
        path = "M" + " L".join(f"{px} {py}" for px, py in points)
        nets.setdefault(".".join(b), []).append(path)
    for index, (end, paths) in enumerate(nets.items()):
        colour = _POWER.get(end, _PALETTE[index % len(_PALETTE)])
        # A white rim shows which of two wires passes over the other.
        for stroke, thick in (("#ffffff", 8), (colour, 3)):
            for path in paths:
                yield (
                    f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width="{thick}" '
                    'stroke-linejoin="round"/>'
                )


def _lane(columns, lanes, gap):
    before = [part for column in columns[: gap + 1] for part in column][-1]
    lanes[gap] += 1
    return before.x + before.width + 30 + _LANE * (lanes[gap] - 1)


def _box(part):
    yield (
        f'<rect x="{part.x}" y="{part.y}" width="{part.width}" height="{part.height}" rx="8" '
        'fill="#f3f5f7" stroke="#445566" stroke-width="2"/>'
    )
    yield _text(part.x + 12, part.y + 22, part.title[0], 14, "bold")
    yield _text(part.x + 12, part.y + 41, part.title[1], 12, colour="#555555")


def _contacts(part):
    for contact in (*part.left, *part.right):
        (x, y), on_right = part.place(contact)
        yield f'<circle cx="{x}" cy="{y}" r="5" fill="#ffffff" stroke="#445566" stroke-width="2"/>'
        text = part.labels.get(contact, contact)
        side = -14 if on_right else 14
        yield _text(x + side, y + 5, text, 14, anchor="end" if on_right else "start")


def _text(x, y, text, size, weight="normal", colour="#111111", anchor="start"):
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{colour}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


_WORDS = {
    "en": {
        "for": "For",
        "wires": "Wires",
        "shopping": "Shopping list",
        "notes": "Notes",
        "is": "–",
        "open": "stays open",
        "meter": "meter",
    },
    "de": {
        "for": "Für",
        "wires": "Drähte",
        "shopping": "Einkaufsliste",
        "notes": "Hinweise",
        "is": "–",
        "open": "bleibt offen",
        "meter": "Zähler",
    },
}

_GERMAN = {
    "light": "Licht",
    "request": "Anforderung",
    "data": "Daten",
    "in": "Eingang",
    "out": "Ausgang",
}


def describe(board):
    """The board's README (str)."""
    kit = board["kit"]
    lines = [
        f"# {board['name']}",
        "",
        "Written by `python -m meterling_tools.wiring` from board.json.",
        "",
        "![wiring](wiring.svg)",
        "",
        "| | |",
        "|---|---|",
        f"| board | {kit['title']} |",
        f"| chip, flash | {kit['chip']}, {kit['flash_mib']} MiB |",
        f"| image of MicroPython | {kit['image']} |",
        f"| antenna | {kit['antenna']} |",
        f"| supply | {_supply(board['supply'])} |",
        f"| line inverted | {str(board['uart']['inverted']).lower()} |",
        f"| LED, button | {_led(kit)}, {_button(kit)} |",
    ]
    for role, pin, _, by_maker in boards.roles(board):
        if not by_maker:
            lines.append(f"| {_NAMES[role]} | GPIO{pin} |")
    for language in ("en", "de"):
        words = _WORDS[language]
        lines += ["", f"## {board['title'][language]}", ""]
        lines += [f"{words['for']}: {board['for'][language]}."]
        lines += ["", f"**{words['wires']}**", ""]
        parts = boards.read_json(boards.COMMON / "parts.json")
        for a, b in board["wires"]:
            a, b = (_end(end, parts, language, words) for end in (a, b))
            lines.append(f"- {a} {words['is']} {b}")
        lines += ["", f"**{words['shopping']}**", ""]
        lines += [f"- {thing[language]}" for thing in board["shopping"]]
        lines += ["", f"**{words['notes']}**", ""]
        lines += [f"- {note}" for note in board["notes"][language]]
    return "\n".join([*lines, ""])


def _end(end, parts, language, words):
    part, _, contact = end.partition(".")
    if part == _BOARD:
        return f"**{f'GPIO{contact}' if contact.isdigit() else contact}**"
    title = words["meter"] if part.startswith("meter-") else parts[part]["title"][language]
    if language == "de":
        contact = " ".join(_GERMAN.get(word, word) for word in contact.split(" "))
    return f"{title}: {contact}"


def _supply(supply):
    if "capacitor_f" not in supply:
        return supply["from"].upper() if supply["from"] != "mbus" else "M-Bus"
    return (
        f"{supply['from'].upper()}, through a capacitor of {supply['capacitor_f']:g} F "
        f"(voltage / {supply['sense_ratio']:g} on GPIO{supply['sense_pin']})"
    )


def _led(kit):
    return f"{kit['led']['kind']} LED on GPIO{kit['led']['pin']}" if kit["led"] else "no LED"


def _button(kit):
    return f"button on GPIO{kit['button']['pin']}" if kit["button"] else "no button"


def freeze(board):
    """The module (str) that a frozen image has its board's settings from."""
    text = pprint.pformat(boards.settings(board), sort_dicts=False).replace("'", '"')
    return (
        f'"""Written by `python -m meterling_tools.wiring` from board.json."""\n\n'
        f"SETTINGS = {text}\n"
    )


def made(board):
    """{file name: text} of all that is made for `board`."""
    return {
        "wiring.svg": draw(board),
        "README.md": describe(board),
        "board_settings.py": freeze(board),
    }


def main():
    for name in boards.names():
        for file, text in made(boards.load(name)).items():
            (boards.BOARDS / name / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
