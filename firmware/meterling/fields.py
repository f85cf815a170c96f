"""What settings there are: names, defaults, and what each takes.

Loaded by config while it checks, and dropped again: needed at the start and when the owner
changes something. The table is text, of which a dongle has little at a time; as functions made
for each setting it took twice the heap.
"""

import json

from .config import AUTO, ConfigError, read_document
from .publish.loop import is_dotted
from .python import unload

_HEX = "0123456789abcdefABCDEF"
_BETWEEN_DIGITS = " :-"

# Name, default (JSON), and what is taken:
#   text N C       at most N bytes, none of the characters C (_ is a blank) and nothing below " "
#   filled N C     the same, and not empty
#   passphrase     "" or what opens a Wi-Fi
#   address        of IPv4
#   integer A B    a whole number from A to B
#   choice ..      one of these
#   flag           true or false
#   key            32 hex digits, with blanks, colons or dashes between; null or "": none
#   zone           a time zone, as POSIX writes it; see timezone
# "auto", before one of them, takes that word, too; "0" before them means the same.
_FIELDS = (  # in pieces: little heap has no room for it in one
    b'\ndevice "" text 32 /+#\n'  # "": named after the chip
    b'timezone "CET-1CEST,M3.5.0,M10.5.0/3" zone\n'
    b'wifi.ssid "" text 32\n'
    b'wifi.password "" text 64\n'
    b"ethernet.mdc -1 integer -1 48\n"  # of a LAN8720; -1: there is none
    b"ethernet.mdio -1 integer -1 48\n"
    b"ethernet.power -1 integer -1 48\n"  # -1: always on
    b"ethernet.address 1 integer 0 31\n",
    b'\nmeter.link "auto" choice auto mbus hdlc apdu p1 sml amis\n'
    b'meter.baudrate "auto" 0 auto integer 300 921600\n'
    # 8E1: data bits, parity (none, even, odd), stop bits
    b'meter.framing "auto" 0 auto choice 7N1 7N2 7E1 7E2 7O1 7O2 8N1 8N2 8E1 8E2 8O1 8O2\n'
    b"meter.key null key\n"
    b"meter.auth_key null key\n"
    b"meter.rx_pin 16 integer 0 48\n"
    b"meter.tx_pin 17 integer 0 48\n"
    b"meter.request_pin -1 integer -1 48\n"  # P1's data request; -1: none
    b"meter.optical false flag\n"  # may be asked at 300 baud (IEC 62056-21 mode C)
    b'meter.inverted "auto" auto flag\n'  # the line idles low, as P1's does
    b'meter.operator "" text 32\n',  # id of a grid operator, for the page; see operators
    b'\nap.password "" passphrase\n'  # of the dongle's own Wi-Fi
    b"ap.open false flag\n"
    b'portal.password "" text 160\n'  # hashed; see portal.passwords
    b"portal.setup_done false flag\n"
    b'portal.address "0.0.0.0" address\n'  # where the page listens
    b"portal.port 80 integer 1 65535\n"
    b"led.pin -1 integer -1 48\n"
    b'led.kind "plain" choice plain active-low ws2812\n'
    b"led.brightness 30 integer 0 100\n"  # per cent
    b"button.pin -1 integer -1 48\n"
    b'power.supply "usb" choice usb p1 mbus\n'
    b"power.sense_pin -1 integer -1 48\n",  # half of the capacitor's voltage; -1: none
    b'\nmqtt.host "" text 255 _/\n'  # "": publishes nowhere
    b"mqtt.port 1883 integer 1 65535\n"
    b'mqtt.user "" text 128\n'
    b'mqtt.password "" text 128\n'
    b'mqtt.topic "meterling" filled 64 +#\n'
    b'update.url "" text 255 _\n',  # a release is fetched from there, when asked; "": off
)


def defaults():
    """The settings of a new dongle (flat dict)."""
    settings = {}
    for rows in _FIELDS:
        for row in rows.decode().strip().split("\n"):
            name, default = row.split(" ", 2)[:2]
            settings[name] = json.loads(default)
    return settings


def checked(values):
    """Those settings (flat dict, as the file has them) as the program has them. ConfigError."""
    return {name: _checked(name, value) for name, value in values.items()}


def check(document):
    """Settings (flat dict) from what the file holds (nested dict). ConfigError."""
    if not isinstance(document, dict):
        raise ConfigError("not-an-object", None, "the settings must be one JSON object")
    settings = defaults()
    for name, value in _flat(document):
        settings[name] = _checked(name, value)
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
    values, later = _migrations().read(document, _accepts, _as_in_file(defaults()))
    return check(values), later


def write(settings, path=None):
    """What the file `path` is to hold (nested dict) for `settings` (flat dict), with what a later
    version left there; None: without. ConfigError if one is wrong."""
    for name in settings:
        _checked(name, _in_file(settings[name]))
    later = _later_in(path) if path else {}
    return _migrations().write(_as_in_file(settings), later)


def _later_in(path):
    # A function of its own: the document takes 3 kB.
    try:
        old = read_document(path)
        return read(old)[1] if _migrations().is_of_later(old) else {}
    except ConfigError:
        return {}  # what stands there is damaged


def template():
    """What the file of a new dongle would hold (nested dict)."""
    return _migrations().nested(_as_in_file(defaults()))


def _migrations():
    from . import migrations

    return migrations


def _as_in_file(settings):
    return {name: _in_file(value) for name, value in settings.items()}


def _in_file(value):
    if value is None:
        return ""
    if isinstance(value, bytes):
        return "".join(["%02X" % byte for byte in value])
    return value


def _accepts(name, value):
    try:
        _checked(name, value)
    except ConfigError:
        return False
    return True


def _checked(name, value):
    """The `value` of the setting `name`, as the program has it. ConfigError."""
    words = _words(name)
    also_zero = words[0] == "0"
    if also_zero:
        words.pop(0)
    if words[0] == AUTO:
        words.pop(0)
        # By its type as well: False is 0.
        if value == AUTO or also_zero and value == 0 and _is_integer(value):
            return AUTO
    return _CHECKS[words[0]](name, value, words[1:])


def _words(name):
    # What is taken
    head = b"\n" + name.encode() + b" "
    for rows in _FIELDS:
        start = rows.find(head)
        if start >= 0 and " " not in name:
            start += len(head)
            return rows[start : rows.find(b"\n", start)].decode().split(" ")[1:]
    raise ConfigError("unknown-setting", name, "is no setting")


def _is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _text(name, value, args):
    if not isinstance(value, str):
        raise ConfigError("not-text", name, "must be text")
    longest = int(args[0])
    if len(value.encode()) > longest:
        raise ConfigError("too-long", name, "must not be longer than %d bytes" % longest)
    forbidden = args[1].replace("_", " ") if len(args) > 1 else ""
    for character in value:
        if character < " " or character in forbidden:
            raise ConfigError("forbidden-character", name, "has a character it must not have")
    return value


def _filled(name, value, args):
    if value == "":
        raise ConfigError("empty", name, "must not be empty")
    return _text(name, value, args)


def _passphrase(name, value, args):
    _text(name, value, ("63",))
    if 0 < len(value.encode()) < 8:  # nothing opens with such a one
        raise ConfigError("too-short", name, "must have at least 8 bytes")
    return value


def _address(name, value, args):
    _text(name, value, ("15",))
    if not is_dotted(value):
        raise ConfigError("not-an-address", name, "must be an IPv4 address, as 0.0.0.0")
    return value


def _integer(name, value, args):
    least, greatest = map(int, args)
    if not _is_integer(value) or not least <= value <= greatest:
        sentence = "must be a whole number from %d to %d" % (least, greatest)
        raise ConfigError("not-in-range", name, sentence)
    return value


def _choice(name, value, args):
    if value not in args:
        raise ConfigError("not-a-choice", name, "must be one of " + ", ".join(args))
    return value


def _flag(name, value, args):
    if not isinstance(value, bool):
        raise ConfigError("not-a-flag", name, "must be true or false")
    return value


def _key(name, value, args):
    """bytes, 16; None if there is none."""
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


def _zone(name, value, args):
    _text(name, value, ("64",))
    try:
        from .timezone import parse

        parse(value)
    except ValueError:
        sentence = "must be a time zone, as CET-1CEST,M3.5.0,M10.5.0/3"
        raise ConfigError("not-a-time-zone", name, sentence)
    finally:
        parse = None
        unload("meterling", "timezone", False)
    return value


_CHECKS = {
    "text": _text,
    "filled": _filled,
    "passphrase": _passphrase,
    "address": _address,
    "integer": _integer,
    "choice": _choice,
    "flag": _flag,
    "key": _key,
    "zone": _zone,
}
