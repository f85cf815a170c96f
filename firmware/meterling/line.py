"""What is known of the meter's line: remembered over restarts, and doubted when it no
longer fits.

    line.json: {"link": "mbus", "baudrate": 2400, "framing": "8E1", "inverted": false, "head": ""}

head: hex of what told the sender of telegrams that have no check; see link.sniffer.
"""

from .config import ConfigError, check, read_document, write_document
from .python import const

_FIELDS = ("link", "baudrate", "framing", "inverted")

# Where the link is set and the line is not
_USUAL = {
    "mbus": (2400, "8E1"),
    "hdlc": (2400, "8E1"),
    "apdu": (115200, "8N1"),
    "p1": (115200, "8N1"),
    "sml": (9600, "8N1"),
    "amis": (9600, "8E1"),
}

_BROKEN = const(5)  # bursts without a valid frame, one after the other, and
_BROKEN_FOR = const(30_000)  # ms since the last one: the meter is another one
_LONG_SILENCE = const(60_000)  # ms: somebody may have been at the meter; then
_BROKEN_THEN = const(2)  # bursts are enough


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
    """(baudrate, framing, inverted) where the owner has set the link: what is left "auto" is
    what that link has most often."""
    baudrate, framing = _USUAL[settings["meter.link"]]
    if settings["meter.baudrate"] != "auto":
        baudrate = settings["meter.baudrate"]
    if settings["meter.framing"] != "auto":
        framing = settings["meter.framing"]
    return baudrate, framing, settings["meter.inverted"] is True


class Watch:
    """Whether the line still speaks as it did. The search begins anew after five bursts in
    a row without a valid frame, and 30 s without one; after a minute of silence, when
    somebody may have been at the meter, two such bursts are enough."""

    def __init__(self, now):
        self._good = now  # ms: the last valid frame
        self._last = now  # ms: the last burst
        self._broken = 0
        self._enough = _BROKEN

    def burst(self, now, good):
        """A burst has ended (ms); good: bool, there was a valid frame in it. True if the
        search is to begin anew."""
        if now - self._last >= _LONG_SILENCE:
            self._enough = _BROKEN_THEN
        self._last = now
        if good:
            self._good = now
            self._broken = 0
            self._enough = _BROKEN
            return False
        self._broken += 1
        return self._broken >= self._enough and now - self._good >= _BROKEN_FOR
