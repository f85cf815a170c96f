"""The settings with which a dongle begins that was flashed: what it had; in the place of its
wires, those of its board; over all, what --settings says; and a password for its own Wi-Fi.

They are read and written by the firmware's own config, which knows files of other versions.
"""

import json
import tempfile
from pathlib import Path

from meterling import config

from . import CommandError, boards
from .label import Label, new_password

_SHORTEST_PASSWORD = 8  # of WPA2
_NOT_KEPT = (
    "The dongle's settings cannot be kept: {error}. Put it right with --settings, or begin anew, "
    "without them, with --erase."
)


def read_own(path):
    """What the file `path` (Path or None) sets: {name: value}, as in config's flat dicts.
    CommandError if it cannot be read, or something in it is wrong."""
    if path is None:
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        settings = config.load(str(path))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.", 1)
    except ValueError:
        raise CommandError(f"{path} is not JSON.", 1)
    except config.ConfigError as error:
        raise CommandError(f"{path}: {error}.", 1)
    if document is None:  # JSON's null; config takes it for a file that never was
        raise CommandError(f"{path}: the settings must be one JSON object.", 1)
    return {name: settings[name] for name in _names(document) if name in settings}


def _names(document):
    for name, value in document.items():
        if isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner in value)
        else:
            yield name


def combine(board, old, own):
    """(the new settings.json (bytes), the same as a flat dict) of a dongle that is `board` (as
    boards.load gives) and had `old` (bytes, None if nothing); `own`: as read_own gives.
    CommandError if `old` is damaged."""
    with tempfile.TemporaryDirectory(prefix="meterling-") as scratch:
        path = Path(scratch) / "settings.json"
        if old is not None:
            path.write_bytes(old)
        try:
            settings = config.load(str(path))
        except (config.ConfigError, ValueError) as error:
            settings = _repaired(path, own, error)
        for name, value in _wires(board).items():
            if old is not None and settings[name] != value and name not in own:
                print(f"{name} is {json.dumps(value)} on this board; was {settings[name]!r}.")
            settings[name] = value
        settings.update(own)
        if not settings["ap.open"] and len(settings["ap.password"]) < _SHORTEST_PASSWORD:
            settings["ap.password"] = new_password()
        try:
            config.save(str(path), settings)
        except config.ConfigError as error:
            raise CommandError(_NOT_KEPT.format(error=error), 1)
        return path.read_bytes(), settings


def _repaired(path, own, error):
    """The settings in the file `path`, once what `own` says is in the place of what is wrong."""
    name = getattr(error, "setting", None)
    if name not in own:
        raise CommandError(_NOT_KEPT.format(error=error), 1)
    document = json.loads(path.read_bytes())
    room, _, inner = name.rpartition(".")
    del (document[room] if room else document)[inner]
    path.write_text(json.dumps(document))
    try:
        return config.load(str(path))
    except config.ConfigError as error:
        return _repaired(path, own, error)


def _wires(board):
    return {
        f"{room}.{name}": value
        for room, values in boards.settings(board).items()
        for name, value in values.items()
    }


def label_of(settings, mac):
    """The Label of a dongle with these settings (flat dict) and that number (bytes, 6)."""
    # As the firmware has it: board.chip.unique_name and portal.guest_network
    device = settings["device"] or "meterling-" + mac[-3:].hex()
    password = "" if settings["ap.open"] else settings["ap.password"]
    return Label("Meterling-" + device[-4:].upper(), password)
