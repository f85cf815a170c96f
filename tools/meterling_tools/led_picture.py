"""Draws boards/common/led.svg: what the LED says, each strip of the firmware as light and dark
over 3 s, readable in black and white.

`python -m meterling_tools.led_picture` does it again after the strips were changed; the tests
compare.
"""

import sys
from xml.sax.saxutils import escape

from meterling import signals

from . import ROOT

PICTURE = ROOT / "boards" / "common" / "led.svg"

# Strip, or None for OK's flash; what is counted, and what it means, in English and German
ROWS = (
    (
        signals.STARTING,
        "steady",
        "leuchtet",
        "power; nothing else to say yet",
        "Strom; sonst noch nichts",
    ),
    (None, "one flash a telegram", "je Telegramm ein Blitz", "all is well", "alles in Ordnung"),
    (signals.NO_BYTES, "2 short", "2-mal kurz", "the meter sends nothing", "Zähler sendet nichts"),
    (
        signals.NO_TELEGRAMS,
        "3 short",
        "3-mal kurz",
        "bytes, but no telegram to be read",
        "Bytes, aber kein lesbares Telegramm",
    ),
    (signals.KEY, "4 short", "4-mal kurz", "key missing or wrong", "Schlüssel fehlt oder falsch"),
    (signals.WIFI, "1 long, 1 short", "lang, 1-mal kurz", "no Wi-Fi", "kein WLAN"),
    (
        signals.BROKER,
        "1 long, 2 short",
        "lang, 2-mal kurz",
        "MQTT broker does not take it",
        "MQTT-Broker nimmt nichts an",
    ),
    (
        signals.SETUP,
        "slow and even",
        "langsam, gleichmäßig",
        "setup: its own Wi-Fi is open",
        "Einrichtung: eigenes WLAN ist offen",
    ),
)
HELD = (
    (signals.OK, "dark", "dunkel", "let go now: nothing happens", "jetzt loslassen: nichts"),
    (
        signals.LET_GO_SETUP,
        "steady, from 3 s on",
        "leuchtet, ab 3 s",
        "let go now: setup",
        "jetzt loslassen: Einrichtung",
    ),
    (
        signals.LET_GO_RESET,
        "flickers, from 12 s on",
        "flackert, ab 12 s",
        "let go now: factory reset",
        "jetzt loslassen: Werkszustand",
    ),
)

_ROW = 46  # px
_LEFT = 200  # px, where a strip begins
_CELL = 12  # px a step
_WIDTH = _LEFT + _CELL * signals.STEPS + 290
_FLASH_AT = 12  # step: when the telegram comes is the meter's affair


def steps(strip):
    """[whether it lights] of each step of 100 ms; None: a telegram's flash."""
    if strip is None:
        return [i == _FLASH_AT for i in range(signals.STEPS)]
    bits = signals.STRIPS[strip]
    return [bool(bits >> (signals.STEPS - 1 - i) & 1) for i in range(signals.STEPS)]


def draw():
    """The picture (str, SVG)."""
    lines = [_text(20, 30, "What the LED says", 18, "bold"), _text(20, 50, "Was die LED sagt", 14)]
    lines.append(_text(_LEFT, 68, "black: it lights · schwarz: sie leuchtet", 12))
    y = 84
    y = _group(lines, ROWS, y)
    lines += [
        _text(20, y + 14, "While the button is held", 15, "bold"),
        _text(20, y + 32, "Solange der Taster gedrückt ist", 13),
    ]
    y = _group(lines, HELD, y + 50)
    lines += [
        _text(20, y + 14, "Held for more than 30 s: nothing happens.", 13),
        _text(20, y + 32, "Länger als 30 s gedrückt: nichts geschieht.", 12),
    ]
    height = y + 50
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="Helvetica, Arial, sans-serif">'
    )
    title = "<title>What the LED says: light and dark over 3 s</title>"
    background = f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, title, background, *lines, "</svg>", ""])


def _group(lines, rows, y):
    for strip, pattern, pattern_de, meaning, meaning_de in rows:
        lines += [_text(20, y + 12, pattern, 14, "bold"), _text(20, y + 29, pattern_de, 12)]
        lines += _strip(steps(strip), y)
        x = _LEFT + _CELL * signals.STEPS + 16
        lines += [_text(x, y + 12, meaning, 14), _text(x, y + 29, meaning_de, 12)]
        y += _ROW
    return _axis(lines, y) + 18


def _strip(lit, y):
    """Black is light: as it comes out of a printer. Runs of steps are one box."""
    yield (
        f'<rect x="{_LEFT}" y="{y}" width="{_CELL * len(lit)}" height="28" fill="#ffffff" '
        'stroke="#777777"/>'
    )
    begin = 0
    while begin < len(lit):
        end = begin + 1
        while end < len(lit) and lit[end] == lit[begin]:
            end += 1
        if lit[begin]:
            yield (
                f'<rect x="{_LEFT + _CELL * begin}" y="{y}" width="{_CELL * (end - begin)}" '
                'height="28" fill="#111111"/>'
            )
        begin = end


def _axis(lines, y):
    per_second = 1000 // signals.STEP * _CELL
    for second in range(signals.STEPS * signals.STEP // 1000 + 1):
        x = _LEFT + per_second * second
        lines.append(f'<path d="M{x} {y - 16} v8" stroke="#777777"/>')
        lines.append(_text(x, y + 6, f"{second} s", 12, anchor="middle"))
    return y + 8


def _text(x, y, text, size, weight="normal", anchor="start"):
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="#111111" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )


def main():
    PICTURE.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
