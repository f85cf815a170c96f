"""What is done about a meter's line only now and then: looking for it, setting it, beginning
to ask on it. Loaded for each of these, and dropped again. `reader`: a meter.MeterReader."""

from .decoder import make_link
from .line import of_settings, recall, remember
from .python import const, unload

_AUTO = "auto"
# Modules of link, only for the search: bytecode, and those with machine code
_SEARCHING = "sniffer candidates"
_KERNELS = "burst signature mbus amis hdlc sml p1 p1_lines apdu crc crc_arc"
_FRAMES = const(1)  # code; see errors
_ASKED_AT = const(300)  # baud


def start(reader):
    """The line as the settings name it, or as it was when it was last heard, or the search."""
    link = reader.settings["meter.link"]
    if link == _AUTO:
        find(reader)
    else:
        setting = of_settings(reader.settings)
        reader.tune(setting)
        reader.decode(link)
        _ask_if_slow(reader, setting)


def find(reader):
    """Look for the line, first where it was last heard."""
    known = recall(reader.path)
    if known and known[1] == _ASKED_AT and reader.settings["meter.optical"]:
        reader.decode(known[0])
        _ask_if_slow(reader, known[1:4])
    else:
        _look(reader, known and known[1:4], known and known[4])


def find_anew(reader):
    """Look for the line, as if it had never been heard."""
    _look(reader, None, None)


def _look(reader, first, head):
    from .link.sniffer import AUTO, Sniffer

    settings = reader.settings
    known = [
        AUTO if settings[name] == _AUTO else settings[name]
        for name in ("meter.baudrate", "meter.framing", "meter.inverted")
    ]
    if first and any(a is not AUTO and a != b for a, b in zip(known, first)):
        first = None
    reader.begin_search(Sniffer(make_link, *known, first=first, head=head, tell=_tell))


def lock(reader):
    """The sniffer knows the line."""
    from .watch import Watch

    sniffer = reader.end_search()
    link = sniffer.link
    if sniffer.setting != reader.setting:
        reader.tune(sniffer.setting)
    line = (link,) + sniffer.setting + (sniffer.head,)
    burst = sniffer.burst()
    sniffer = None
    _forget_search(reader, link)
    reader.decode(link)
    reader.begin_watch(Watch, burst)
    if not remember(reader.path, line):
        print("line: cannot be remembered")


def _forget_search(reader, link):
    # All that was needed for it, but the link that is. An ESP32 gives machine code's memory
    # back only when it restarts: what is loaded for a second time stays.
    names = _SEARCHING
    if not reader.searched:
        reader.searched = True
        names += " " + " ".join(name for name in _KERNELS.split() if name != link)
    unload("meterling.link", names)


def ask(reader):
    """Nothing is heard: ask a meter that does not speak by itself."""
    print("line: silent; asking at 300 baud")
    reader.end_search()
    _forget_search(reader, "p1")
    reader.decode("p1")
    _ask_if_slow(reader, (_ASKED_AT, "7E1", reader.setting[2]))


def _ask_if_slow(reader, setting):
    # Nothing is pushed at 300 baud: whoever has set or found that wants to be asked.
    if reader.link == "p1" and setting[0] == _ASKED_AT and reader.settings["meter.optical"]:
        from .asker import Asker

        asker = Asker(reader.port, setting[2], reader.now(), reader.counters[_FRAMES])
        reader.setting = asker.setting
        reader.ask_with(asker)


def answered(reader):
    """The meter answers when it is asked."""
    remember(reader.path, ("p1", _ASKED_AT) + reader.setting[1:] + (None,))


def _tell(step, sniffer):
    baudrate, framing, inverted = sniffer.setting
    line = "{} {}{}".format(baudrate, framing, " inverted" if inverted else "")
    if step == "listen":
        print("line: {} ({})".format(line, sniffer.reason))
    elif step == "locked":
        print("line: {} at {}".format(sniffer.link, line))
