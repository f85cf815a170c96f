"""The settings: one JSON file, checked as a whole before anything uses it.

    {"device": "meterling",
     "wifi": {"ssid": "..", "password": ".."},
     "meter": {"key": "32 hex digits", ..},
     "mqtt": {"host": "192.168.1.2", "port": 1883, "user": "..", "password": "..", "topic": ".."}}

In the program they are one flat dict: `settings["meter.key"]`. What the file leaves
out has its default. "auto" is for the dongle to find out; see link.sniffer. Which there
are: fields. What other versions of the firmware called them: migrations.

A power cut at any moment leaves the old or the new settings. The new ones are first
written to a second file and then renamed. LittleFS and POSIX rename over the old file
in one step; FAT removes the old one first, and if the power fails right there, only
the second file is left: `load` then takes that, and finishes the renaming.
"""

import gc
import json
import os

from .python import unload

_SECOND = ".new"
_END = "}\n"  # JSON on one line: nowhere else. MicroPython 1.25's parser takes cut text.
AUTO = "auto"


class ConfigError(Exception):
    """A setting is wrong. code: stable; setting: its name, as "meter.key", or None if
    the file as a whole is; the text names both and never a value."""

    def __init__(self, code, setting, sentence):
        super().__init__(setting + ": " + sentence if setting else sentence)
        self.code = code
        self.setting = setting


def defaults():
    """The settings of a new dongle (flat dict)."""
    return with_fields("defaults")


def check(document):
    """Settings (flat dict) from what the file holds (nested dict). ConfigError."""
    return with_fields("check", document)


def with_fields(function, *args):
    """What that function (str) of fields returns. Loaded for this one call: a quarter of the heap
    that a telegram's way takes."""
    try:
        from . import fields

        return getattr(fields, function)(*args)
    finally:
        fields = None
        unload("meterling", "fields migrations timezone", False)
        gc.collect()  # here: from within `unload`, the collector finds them on the stack


def read_document(path):
    """What the JSON file `path` holds, or None if there never was one. ConfigError if it
    is damaged."""
    for candidate in (path, path + _SECOND):
        try:
            with open(candidate) as file:
                text = file.read()
        except OSError:
            continue
        except ValueError:  # no UTF-8
            text = ""
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
    """The settings in the file `path`, whichever version of the firmware wrote it; the
    defaults if there never was one. ConfigError if the file is damaged or a setting is wrong."""
    return with_fields("read", read_document(path))[0]


def save(path, settings, keep=True):
    """Write `settings` (flat dict, as `load` gives) to the file `path`, whole or not
    at all; keep: with what a later version left there. ConfigError, and nothing written, if
    one is wrong."""
    write_document(path, with_fields("write", settings, path if keep else None))
