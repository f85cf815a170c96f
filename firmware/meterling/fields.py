"""What settings there are: names, defaults, and what each takes.

Loaded by config while it checks, and dropped again: as large as all the rest of the portal's
rules, and needed at the start and when the owner changes something.
"""

from . import migrations
from .config import AUTO, ConfigError
from .timezone import parse

_HEX = "0123456789abcdefABCDEF"
_BETWEEN_DIGITS = " :-"


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


def _zone(name, value):
    try:
        parse(_text(64)(name, value))
    except ValueError:
        raise ConfigError(
            "not-a-time-zone", name, "must be a time zone, as CET-1CEST,M3.5.0,M10.5.0/3"
        )
    return value


# 8E1: data bits, parity (none, even, odd), stop bits
_framing = _one_of(*[b + p + s for b in "78" for p in "NEO" for s in "12"])

# Name -> default, check
_FIELDS = {
    "device": ("", _text(32, "/+#")),  # "": named after the chip
    "timezone": ("CET-1CEST,M3.5.0,M10.5.0/3", _zone),  # as POSIX writes it; see timezone
    "wifi.ssid": ("", _text(32)),
    "wifi.password": ("", _text(64)),
    "ethernet.mdc": (-1, _integer(-1, 48)),  # of a LAN8720; -1: there is none
    "ethernet.mdio": (-1, _integer(-1, 48)),
    "ethernet.power": (-1, _integer(-1, 48)),  # -1: always on
    "ethernet.address": (1, _integer(0, 31)),
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
    "power.supply": ("usb", _one_of("usb", "p1", "mbus")),
    "power.sense_pin": (-1, _integer(-1, 48)),  # half of the capacitor's voltage; -1: none
    "mqtt.host": ("", _text(255, " /")),  # "": publishes nowhere
    "mqtt.port": (1883, _integer(1, 65_535)),
    "mqtt.user": ("", _text(128)),
    "mqtt.password": ("", _text(128)),
    "mqtt.topic": ("meterling", _text(64, "+#")),
    "update.url": ("", _text(255, " ")),  # a release is fetched from there, when asked; "": off
}


def defaults():
    """The settings of a new dongle (flat dict)."""
    return {name: default for name, (default, _) in _FIELDS.items()}


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


def read(document):
    """(settings, what a later version of the firmware left, or {}) of what the file holds;
    the defaults if it is None. ConfigError."""
    if not isinstance(document, dict):
        return defaults() if document is None else check(document), {}
    values, later = migrations.read(document, _accepts, _as_in_file(defaults()))
    return check(values), later


def write(settings, old=None):
    """What the file is to hold (nested dict) for `settings` (flat dict); old: what it holds
    now, or None. ConfigError if one is wrong."""
    values = _as_in_file(settings)
    check(values)
    try:
        later = read(old)[1]
    except ConfigError:
        later = {}
    return migrations.write(values, later)


def template():
    """What the file of a new dongle would hold (nested dict)."""
    return migrations.nested(_as_in_file(defaults()))


def _as_in_file(settings):
    values = {}
    for name, value in settings.items():
        if value is None:
            value = ""
        elif isinstance(value, bytes):
            value = "".join("%02X" % byte for byte in value)
        values[name] = value
    return values


def _accepts(name, value):
    try:
        _FIELDS[name][1](name, value)
    except (ConfigError, KeyError):
        return False
    return True
