"""The label of a dongle: the name and the password of its own Wi-Fi, as text and as a QR code
that a phone's camera takes for "join this network".

    WIFI:T:WPA;S:Meterling-A1B2;P:k7mp-3xqd-9wfa;;      \\ ; , : " have a \\ before them
"""

import secrets
from xml.sax.saxutils import escape

import segno

# Without those that are taken for one another: 0 o, 1 i l.
_READABLE = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS = (4, 4, 4)  # 59 bits
_ESCAPED = '\\;,:"'
_BORDER = 4  # modules of white around a QR code (ISO/IEC 18004)
_ADDRESS = "http://192.168.4.1"
_WORDS = (
    ("WLAN", "Passwort", "Damit verbinden: Die Seite öffnet sich von selbst; sonst"),
    ("Wi-Fi", "Password", "Join it: the page opens by itself; else"),
)
_SHORT = ("Verbinden, und die Seite öffnet sich.", "Join it, and the page opens.")
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="60mm" height="25mm" viewBox="0 0 600 250">
<rect width="600" height="250" fill="#fff"/>
<g transform="translate({at} {at}) scale({scale})"><path d="{path}" fill="#000"/></g>
<g font-family="sans-serif" fill="#000">
{lines}
</g>
</svg>
"""


def new_password():
    """A password (str) that can be read off a label and typed."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(length)) for length in _GROUPS)


class Label:
    """name: str, of the Wi-Fi; password: str, "" if it is open."""

    def __init__(self, name, password):
        self.name = name
        self.password = password

    def code(self):
        """What the QR code says (str)."""
        if not self.password:
            return f"WIFI:T:nopass;S:{_escape(self.name)};;"
        return f"WIFI:T:WPA;S:{_escape(self.name)};P:{_escape(self.password)};;"

    def text(self):
        """The label in words, each language a paragraph (str)."""
        parts = []
        for wifi, password, join in _WORDS:
            lines = [f"{wifi}: {self.name}"]
            if self.password:
                lines.append(f"{password}: {self.password}")
            parts.append("\n".join([*lines, f"{join} {_ADDRESS}"]))
        return "\n\n".join(parts) + "\n"

    def _rows(self):
        qr = segno.make(self.code(), error="m", micro=False)
        return [[bool(module) for module in row] for row in qr.matrix_iter(border=_BORDER)]

    def terminal(self, colours=False):
        """The QR code for a terminal (str): two rows of modules a line. `colours`: with the
        colours set by ANSI codes; without, right where the background is dark."""
        rows = self._rows()
        if len(rows) % 2:
            rows.append([False] * len(rows[0]))
        lines = []
        for upper, lower in zip(rows[::2], rows[1::2], strict=True):
            # What is drawn is the light modules.
            line = "".join("█▀▄ "[2 * a + b] for a, b in zip(upper, lower, strict=True))
            lines.append(f"\x1b[97;40m{line}\x1b[0m" if colours else line)
        return "\n".join(lines) + "\n"

    def svg(self):
        """A drawing (str) of 60 x 25 mm, to be printed."""
        rows = self._rows()
        path = "".join(
            f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
        )
        lines = [(30, "bold", self.name)]
        if self.password:
            lines.append((30, "normal", self.password))
        y = 70
        drawn = []
        for size, weight, words in lines:
            drawn.append(_line(y, size, weight, words))
            y += 42
        for words in (*_SHORT, _ADDRESS):
            drawn.append(_line(y, 15, "normal", words))
            y += 22
        scale = round(230 / len(rows), 3)
        return _SVG.format(at=10, scale=scale, path=path, lines="\n".join(drawn))

    def save(self, folder, number):
        """Write label-NUMBER.svg and .txt into `folder` (Path), readable only by their owner;
        returns their Paths."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for suffix, content in (("svg", self.svg()), ("txt", self.text())):
            path = folder / f"label-{number}.{suffix}"
            path.touch(mode=0o600)
            path.write_text(content, encoding="utf-8")
            paths.append(path)
        return paths


def _escape(text):
    return "".join("\\" + x if x in _ESCAPED else x for x in text)


def _line(y, size, weight, words):
    style = f'font-size="{size}" font-weight="{weight}"'
    return f'<text x="250" y="{y}" {style}>{escape(words)}</text>'
