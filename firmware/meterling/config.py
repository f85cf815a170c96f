"""The settings: one JSON file, checked as a whole before anything uses it.

    {"device": "meterling",
     "wifi": {"ssid": "..", "password": ".."},
     "meter": {"key": "32 hex digits", ..},
     "mqtt": {"host": "192.168.1.2", "port": 1883, "user": "..", "password": "..", "topic": ".."}}

In the program they are one flat dict: `settings["meter.key"]`. What the file leaves
out has its default. "auto" is for the dongle to find out; see link.sniffer.

A power cut at any moment leaves the old or the new settings. The new ones are first
written to a second file and then renamed. LittleFS and POSIX rename over the old file
in one step; FAT removes the old one first, and if the power fails right there, only
the second file is left: `load` then takes that, and finishes the renaming.
"""

import json
import os

_SECOND = ".new"
_END = "}\n"  # JSON on one line: nowhere else. MicroPython 1.25's parser takes cut text.
AUTO = "auto"
_HEX = "0123456789abcdefABCDEF"
_BETWEEN_DIGITS = " :-"


class ConfigError(Exception):
    """A setting is wrong. code: stable; setting: its name, as "meter.key", or None if
    the file as a whole is; the text names both and never a value."""

    def __init__(self, code, setting, sentence):
        super().__init__(setting + ": " + sentence if setting else sentence)
        self.code = code
        self.setting = setting


def _text(longest, forbidden=""):
    def check(name, value):
        if not isinstance(value, str):
            raise ConfigError("not-text", name, "must be text")
        if len(value.encode()) > longest:
            raise ConfigError("too-long", name, "must not be longer than %d bytes" % longest)
        for character in value:
            if character < " " or character in forbidden:
                raise ConfigError("forbidden-character", name, "has a character it must not have")
        return value

    return check


def _integer(least, greatest):
    def check(name, value):
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= greatest:
            raise ConfigError(
                "not-in-range", name, "must be a whole number from %d to %d" % (least, greatest)
            )
        return value

    return check


def _one_of(*choices):
    def check(name, value):
        if value not in choices:
            raise ConfigError("not-a-choice", name, "must be one of " + ", ".join(choices))
        return value

    return check


def _flag(name, value):
    if not isinstance(value, bool):
        raise ConfigError("not-a-flag", name, "must be true or false")
    return value


def _or_auto(check, *also):
    """A check that takes "auto", too; and whatever else (`also`) means the same."""

    def check_auto(name, value):
        # By its type as well: False is 0.
        if value == AUTO or any(value == x and type(value) is type(x) for x in also):
            return AUTO
        return check(name, value)

    return check_auto


def _key(name, value):
    """bytes, 16, from hex digits with blanks, colons or dashes between; None from ""."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigError("not-text", name, "must be text")
    digits = "".join(c for c in value if c not in _BETWEEN_DIGITS)
    if not all(c in _HEX for c in digits):
        raise ConfigError("not-hex", name, "must have only the digits 0 to 9 and A to F")
    if len(digits) != 32:
        raise ConfigError("key-length", name, "must have 32 digits, not %d" % len(digits))
    return bytes(int(digits[i : i + 2], 16) for i in range(0, 32, 2))


# 8E1: data bits, parity (none, even, odd), stop bits
_framing = _one_of(*[b + p + s for b in "78" for p in "NEO" for s in "12"])

# Name -> default, check
_FIELDS = {
    "device": ("", _text(32, "/+#")),  # "": named after the chip
    "wifi.ssid": ("", _text(32)),
    "wifi.password": ("", _text(64)),
    "meter.link": (AUTO, _one_of(AUTO, "mbus", "hdlc", "apdu", "p1", "sml", "amis")),
    "meter.baudrate": (AUTO, _or_auto(_integer(300, 921_600), 0)),
    "meter.framing": (AUTO, _or_auto(_framing, 0)),
    "meter.key": (None, _key),
    "meter.auth_key": (None, _key),
    "meter.rx_pin": (16, _integer(0, 48)),
    "meter.tx_pin": (17, _integer(0, 48)),
    "meter.request_pin": (-1, _integer(-1, 48)),  # P1's data request; -1: none
    "meter.optical": (False, _flag),  # may be asked at 300 baud (IEC 62056-21 mode C)
    "meter.inverted": (AUTO, _or_auto(_flag)),  # the line idles low, as P1's does
    "meter.operator": ("", _text(32)),  # id of a grid operator, for the page; see operators
    "ap.password": ("", _text(63)),  # of the dongle's own Wi-Fi
    "ap.open": (False, _flag),
    "portal.password": ("", _text(160)),  # hashed; see portal.passwords
    "portal.setup_done": (False, _flag),
    "portal.address": ("0.0.0.0", _text(64, " /")),  # where the page listens
    "portal.port": (80, _integer(1, 65_535)),
    "led.pin": (-1, _integer(-1, 48)),
    "led.kind": ("plain", _one_of("plain", "active-low", "ws2812")),
    "led.brightness": (30, _integer(0, 100)),  # per cent
    "button.pin": (-1, _integer(-1, 48)),
    "mqtt.host": ("", _text(255, " /")),  # "": publishes nowhere
    "mqtt.port": (1883, _integer(1, 65_535)),
    "mqtt.user": ("", _text(128)),
    "mqtt.password": ("", _text(128)),
    "mqtt.topic": ("meterling", _text(64, "+#")),
}


def _nested(settings):
    """What the file holds (nested dict) for `settings` (flat dict)."""
    document = {}
    for name, value in settings.items():
        if value is None:
            value = ""
        elif isinstance(value, bytes):
            value = "".join("%02X" % byte for byte in value)
        room, _, inner = name.partition(".")
        if inner:
            document.setdefault(room, {})[inner] = value
        else:
            document[name] = value
    return document


def defaults():
    """The settings of a new dongle (flat dict)."""
    return {name: default for name, (default, _) in _FIELDS.items()}


# The same as the file would hold them (nested dict): a template.
DEFAULTS = _nested(defaults())


def check(document):
    """Settings (flat dict) from what the file holds (nested dict). ConfigError."""
    settings = defaults()
    if not isinstance(document, dict):
        raise ConfigError("not-an-object", None, "the settings must be one JSON object")
    for name, value in _flat(document):
        if name not in _FIELDS:
            raise ConfigError("unknown-setting", name, "is no setting")
        settings[name] = _FIELDS[name][1](name, value)
    if not settings["mqtt.topic"]:
        raise ConfigError("empty", "mqtt.topic", "must not be empty")
    return settings


def _flat(document):
    for name, value in document.items():
        if isinstance(value, dict):
            for inner, inner_value in value.items():
                yield name + "." + inner, inner_value
        else:
            yield name, value


def read_document(path):
    """What the JSON file `path` holds, or None if there never was one. ConfigError if it
    is damaged."""
    for candidate in (path, path + _SECOND):
        try:
            with open(candidate) as file:
                text = file.read()
        except OSError:
            continue
        if candidate != path:
            if not text.endswith(_END):
                continue  # was being written when the power failed, for the first time ever
            os.rename(candidate, path)  # before the next `save` writes over it
        try:
            return json.loads(text)
        except ValueError:
            raise ConfigError("damaged", None, path + " is not JSON")
    return None


def write_document(path, document):
    """Write `document` (dict) to the file `path` as JSON, whole or not at all."""
    with open(path + _SECOND, "w") as file:
        json.dump(document, file)
        file.write("\n")
        file.flush()  # on MicroPython this is the sync
        if hasattr(os, "fsync"):
            os.fsync(file.fileno())
    os.rename(path + _SECOND, path)


def load(path):
    """The settings in the file `path`; the defaults if there never was one.
    ConfigError if the file is damaged or a setting is wrong."""
    document = read_document(path)
    return defaults() if document is None else check(document)


def save(path, settings):
    """Write `settings` (flat dict, as `load` gives) to the file `path`, whole or not
    at all. ConfigError, and nothing written, if one is wrong."""
    document = _nested(settings)
    check(document)
    write_document(path, document)
