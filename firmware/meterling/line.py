"""What is known of the meter's line: remembered over restarts, and doubted when it no
longer fits.

    line.json: {"link": "mbus", "baudrate": 2400, "framing": "8E1", "inverted": false, "head": ""}

head: hex of what told the sender of telegrams that have no check; see link.sniffer.
"""

from .config import ConfigError, check, read_document, write_document

_FIELDS = ("link", "baudrate", "framing", "inverted")


def recall(path):
    """(link, baudrate, framing, inverted, head) of the file `path`: str, int, str, bool,
    bytes or None; None if there is no such file, or a damaged one: it is only a memory."""
    try:
        document = read_document(path)
        # Its values are checked as settings are.
        line = {name: document[name] for name in _FIELDS}
        settings = check({"meter": line})
        line = [settings["meter." + name] for name in _FIELDS]
        if "auto" in line:
            return None
        head = document["head"]
        return tuple(line) + (
            bytes(int(head[i : i + 2], 16) for i in range(0, len(head), 2)) or None,
        )
    except (ConfigError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return None


def remember(path, line):
    """Write `line` (as `recall` gives) to the file `path`, if it is not what is there: flash
    wears out. False if it cannot be written."""
    if recall(path) == line:
        return True
    document = dict(zip(_FIELDS, line))
    document["head"] = "".join("%02x" % byte for byte in line[4] or b"")
    try:
        write_document(path, document)
    except OSError:
        return False
    return True


def of_settings(settings):
    """(link, baudrate, framing, inverted) as the owner has set them: None for what is to be
    found out."""
    line = [settings["meter." + name] for name in _FIELDS]
    return [None if one == "auto" else one for one in line]
