"""The meter's end of the firmware: bytes from the port to the decoder, and before that to
the sniffer, until it has found out what the meter speaks."""

import asyncio

from .decoder import Decoder, make_link
from .errors import BYTES, FRAMES, Counters
from .line import Watch, of_settings, recall, remember
from .publish.loop import sleep_ms, ticks_diff, ticks_ms
from .python import const, unload

_CHUNK = const(512)  # bytes read at once
_QUIET = const(100)  # ms without a byte: the line is quiet
_CHECK = const(50)  # ms
_NOTHING_READ = const(20)  # ms to wait where the UART says "readable" and gives nothing
_ENDLESS = const(10_000)  # ms of bytes without a pause: as good as a burst
_SILENT = const(20_000)  # ms without a byte: on an optical port, the meter may want to be asked
_QUIET_ASKED = const(1500)  # ms: between identification and data block there is a pause

_AUTO = "auto"
# Modules of link, only for the search
_SEARCHING = "sniffer burst candidates signature mbus amis hdlc sml p1 p1_lines apdu crc crc_arc"

# What the sniffer says; see link.sniffer.
_RETUNE = const(1)
_LOCKED = const(2)


class MeterReader:
    """Bytes from `port` (board.uart.Port) to a Decoder as they come, all memory taken
    early. `path`: where the line is remembered. own_layouts: str, see cosem.learn.
    on_ciphered: called with (data, begin, end) of each ciphered telegram.

    counters: errors.Counters, of the decoder once there is one. link: str, None while it
    is being looked for.
    """

    def __init__(
        self, port, settings, on_reading, path="line.json", own_layouts="", on_ciphered=None
    ):
        self._port = port
        self._own_layouts = own_layouts
        self._settings = settings
        self._on_reading = on_reading
        self._path = path
        self._stream = asyncio.StreamReader(port.uart)
        self._buffer = bytearray(_CHUNK)
        self._heard = None  # ms: the last byte, None if the line is known quiet
        self._began = 0  # ms: the first byte of the burst
        self._frames = 0  # before the burst
        self._ticks = ticks_ms()
        self._time = 0
        self._silent = 0  # ms: since the last byte, or since the search began
        self.counters = Counters()
        self.link = None
        self._decoder = None
        self._sniffer = None
        self._asker = None
        self._watch = None
        self._on_ciphered = on_ciphered
        if settings["meter.link"] == _AUTO:
            self._find(recall(path))
        else:
            self._tune(of_settings(settings))
            self._decode(settings["meter.link"])
            self._ask_if_slow(self._tuned)

    def _tune(self, setting):
        self._tuned = setting
        self._port.tune(*setting)

    def _now(self):
        # ms since the start: unlike ticks_ms, it does not begin anew.
        ticks = ticks_ms()
        self._time += ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._time

    def set_keys(self, key, auth_key):
        """Other keys (bytes, 16, or None) from the next telegram on."""
        if self._decoder is not None:
            self._decoder.set_keys(key, auth_key)

    def line(self):
        """What is listened to now (dict): "link" (str, None while it is being looked for),
        "baudrate" (int), "framing" ("8E1"), "inverted" (bool), "sniffing" (bool)."""
        baudrate, framing, inverted = self._tuned
        sniffing = self._sniffer is not None
        return {
            "link": None if sniffing else self.link,
            "baudrate": baudrate,
            "framing": framing,
            "inverted": inverted,
            "sniffing": sniffing,
        }

    async def run(self):
        readinto = self._stream.readinto
        buffer = self._buffer
        if self._decoder is None and self._sniffer is None:  # there was no memory for either
            self._find(recall(self._path))
        while True:
            count = await readinto(buffer)
            if count:
                self._hear(buffer, count)
            else:
                await sleep_ms(_NOTHING_READ)

    async def watch_quiet(self):
        """Notice when the line has become quiet."""
        while True:
            await sleep_ms(_CHECK)
            now = self._now()
            if self._sniffer is not None:
                self._do(self._sniffer.tick(now, self._port.idle_level()))
                if self._settings["meter.optical"] and now - self._silent > _SILENT:
                    self._ask()
                continue
            if self._decoder is None:
                continue
            if self._asker is not None:
                self._keep_asking(now)
            if self._heard is not None:
                quiet = now - self._heard > (_QUIET if self._asker is None else _QUIET_ASKED)
                if quiet:
                    self._heard = None
                    self._decoder.quiet()
                if self._watch is not None and (quiet or now - self._began > _ENDLESS):
                    self._began = now
                    self._look_back(now)

    def _hear(self, buffer, count):
        now = self._now()
        self._silent = now
        if self._sniffer is not None:
            self.counters.add(BYTES, count)
            self._do(self._sniffer.hear(buffer, count, now))
            return
        if self._heard is None:
            self._began = now
        self._heard = now
        if self._asker is not None:
            self._asker.hear(buffer, count, now)
        self._feed(buffer, count)

    def _feed(self, buffer, count):
        self._decoder.feed(buffer, count)
        self._answer()

    def _answer(self):
        answer = self._decoder.take_answer()
        if answer:
            self._port.write(answer)

    def _decode(self, link):
        # From now on to the decoder. The one there was, if it is of the same link, knows
        # the last invocation counter, and keeps it.
        if link != self.link:
            settings = self._settings
            self._decoder = None
            decoder = Decoder(
                link,
                settings["meter.key"],
                settings["meter.auth_key"],
                self._on_reading,
                own_layouts=self._own_layouts,
            )
            decoder.on_ciphered = self._on_ciphered
            decoder.on_answer_due = self._answer
            counted = self.counters[BYTES]
            self.counters.counts = decoder.counters.counts
            self.counters.add(BYTES, counted)
            self._decoder = decoder
            self.link = link
        self._frames = self.counters[FRAMES]

    # A meter that wants to be asked

    def _ask_if_slow(self, setting):
        # Nothing is pushed at 300 baud: whoever has set or found that wants to be asked.
        if self.link == "p1" and setting[0] == 300 and self._settings["meter.optical"]:
            from .asker import Asker

            self._watch = None
            self._asker = Asker(self._port, setting[2], self._now())

    def _ask(self):
        print("line: silent; asking at 300 baud")
        inverted = self._tuned[2]
        self._sniffer = None
        unload("meterling.link", _SEARCHING)
        self._decode("p1")
        self._ask_if_slow((300, "7E1", inverted))

    def _keep_asking(self, now):
        frames = self.counters[FRAMES]
        more = self._asker.tick(now, frames)
        self._tuned = self._asker.setting
        if frames != self._frames:
            self._frames = frames
            remember(self._path, ("p1", 300) + self._tuned[1:] + (None,))
        elif not more and self._settings["meter.link"] == _AUTO:
            self._asker = None
            self._find(None)

    # The search

    def _find(self, known):
        # known: what `recall` gives
        if known and known[1] == 300 and self._settings["meter.optical"]:
            self._decode(known[0])
            self._ask_if_slow(known[1:4])
        else:
            self._search(known and known[1:4], known and known[4])

    def _search(self, first=None, head=None):
        from .link.sniffer import AUTO, Sniffer

        settings = self._settings
        known = [
            AUTO if settings[name] == _AUTO else settings[name]
            for name in ("meter.baudrate", "meter.framing", "meter.inverted")
        ]
        if first and any(a is not AUTO and a != b for a, b in zip(known, first)):
            first = None
        self._watch = None
        self._ticks = ticks_ms()
        self._time = self._silent = 0
        self._sniffer = Sniffer(make_link, *known, first=first, head=head, tell=_tell)
        self._do(_RETUNE)

    def _do(self, what):
        if what == _RETUNE:
            self._tune(self._sniffer.setting)
            self._port.drain(self._buffer)
        elif what == _LOCKED:
            self._lock(self._sniffer)

    def _lock(self, sniffer):
        link = sniffer.link
        if sniffer.setting != self._tuned:
            self._tune(sniffer.setting)
        line = (link,) + sniffer.setting + (sniffer.head,)
        burst = sniffer.burst()
        self._sniffer = sniffer = None
        names = " ".join(name for name in _SEARCHING.split() if name != link)
        unload("meterling.link", names)
        self._decode(link)
        # The telegram that showed it counts as well.
        self._feed(burst, len(burst))
        if not remember(self._path, line):
            print("line: cannot be remembered")
        self._watch = Watch(self._now())
        self._heard = self._began = self._now()

    def _look_back(self, now):
        # A burst has ended.
        frames = self.counters[FRAMES]
        if self._watch.burst(now, frames != self._frames):
            print("line: nothing valid any more")
            self._find(recall(self._path))
        self._frames = frames


def _tell(step, sniffer):
    baudrate, framing, inverted = sniffer.setting
    line = "{} {}{}".format(baudrate, framing, " inverted" if inverted else "")
    if step == "listen":
        print("line: {} ({})".format(line, sniffer.reason))
    elif step == "locked":
        print("line: {} at {}".format(sniffer.link, line))
