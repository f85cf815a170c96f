"""What is done about a meter's line only now and then: looking for it, setting it, beginning
to ask on it. Loaded for each of these, and dropped again. `reader`: a meter.MeterReader."""

from .decoder import make_link
from .line import of_settings, recall, remember
from .python import const, unload

# Modules of link, only for the search: bytecode, and those with machine code
_SEARCHING = "sniffer candidates"
_KERNELS = "burst signature mbus amis hdlc sml p1 p1_lines apdu crc crc_arc"
_FRAMES = const(1)  # code; see errors
_ASKED_AT = const(300)  # baud


def start(reader):
    """The line as the settings name it, or as it was when it was last heard, or the search."""
    settings = reader.settings
    wanted = of_settings(settings)
    if None not in wanted:
        reader.tune(tuple(wanted[1:]))
    elif wanted[:2] != ["p1", _ASKED_AT] or not settings["meter.optical"]:
        find(reader)
        return
    reader.decode(wanted[0])
    _ask_if_slow(reader, wanted[1:])


def find(reader):
    """Look for the line, first where it was last heard."""
    _look(reader, recall(reader.path))


def find_anew(reader):
    """Look for the line, as if it had never been heard."""
    _look(reader, None)


def _look(reader, known):
    # known: as `recall` says
    wanted = of_settings(reader.settings)
    if known and any(a is not None and a != b for a, b in zip(wanted, known)):
        known = None
    if known and known[1] == _ASKED_AT and reader.settings["meter.optical"]:
        reader.decode(known[0])
        _ask_if_slow(reader, known[1:4])
        return
    from .link.sniffer import Sniffer

    def make(name, counts, size):
        if wanted[0] not in (None, name):
            raise ValueError
        return make_link(name, counts, size)

    first, head = (known[1:4], known[4]) if known else (None, None)
    reader.begin_search(Sniffer(make, *wanted[1:], first=first, head=head, tell=_tell))
    reader.ask_with(None)


def lock(reader):
    """The sniffer knows the line. Returns the burst (memoryview) that showed what it is."""
    from .watch import Watch

    line, burst = _found(reader)
    _forget_search(reader, line[0])
    reader.decode(line[0])
    reader.begin_watch(Watch)
    if not remember(reader.path, line):
        print("line: cannot be remembered")
    return burst


def _found(reader):
    # A function of its own: its frame would keep the sniffer.
    sniffer = reader.end_search()
    if sniffer.setting != reader.setting:
        reader.tune(sniffer.setting)
    return (sniffer.link,) + sniffer.setting + (sniffer.head,), sniffer.burst()


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

        asker = Asker(reader.port, setting[2] is True, reader.now(), reader.counters[_FRAMES])
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
