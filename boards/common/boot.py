"""Runs before main.py where Meterling is frozen into the image: a dongle that has no settings
yet gets those of its board. Of board_settings, each board has its own."""

import sys

# The frozen modules first: a folder of that name, with data files, must not hide them.
sys.path.remove(".frozen")
sys.path.insert(0, ".frozen")


def settle(path="settings.json"):
    from board_settings import SETTINGS
    from meterling.config import ConfigError, read_document, write_document

    try:
        if read_document(path) is None:
            write_document(path, SETTINGS)
    except (ConfigError, OSError) as error:
        print(f"boot: {error}")  # main.py says what to do about it


settle()
