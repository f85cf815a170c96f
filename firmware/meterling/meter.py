"""The meter's end of the firmware: bytes from the port to the decoder, and before that to
the sniffer, until it has found out what the meter speaks."""

import asyncio

from .counters import Counters
from .decoder import Decoder
from .publish.loop import sleep_ms, ticks_diff, ticks_ms
from .python import const, unload

_CHUNK = const(512)  # bytes read at once
_QUIET = const(100)  # ms without a byte: the line is quiet
_CHECK = const(50)  # ms
_NOTHING_READ = const(20)  # ms to wait where the UART says "readable" and gives nothing
_ENDLESS = const(10_000)  # ms of bytes without a pause: as good as a burst
_SILENT = const(20_000)  # ms without a byte: on an optical port, the meter may want to be asked
_QUIET_ASKED = const(1500)  # ms: between identification and data block there is a pause

_BYTES = const(0)  # codes; see errors
_FRAMES = const(1)

# What the sniffer says; see link.sniffer.
_RETUNE = const(1)
_LOCKED = const(2)
_ASK = const(3)  # what `_ask_sniffer` says, too


def _sweep(depth):
    # Write over what calls have left on the stack: the collector takes it for objects in use,
    # and kept the sniffer in half of all trials.
    if depth:
        _sweep(depth - 1)


class MeterReader:
    """Bytes from `port` (board.uart.Port) to a Decoder as they come, all memory taken
    early. `path`: where the line is remembered. own_layouts: str, see cosem.learn.
    on_ciphered: called with (data, begin, end) of each ciphered telegram.

    counters: counters.Counters, of the decoder once there is one. link: str, None while it
    is being looked for. setting: (baudrate, framing, inverted) of the port now.
    """

    def __init__(
        self, port, settings, on_reading, path="line.json", own_layouts="", on_ciphered=None
    ):
        self.port = port
        self._own_layouts = own_layouts
        self.settings = settings
        self._on_reading = on_reading
        self.path = path
        self._stream = asyncio.StreamReader(port.uart)
        self._buffer = bytearray(_CHUNK)
        self._heard = None  # ms: the last byte, None if the line is known quiet
        self._began = 0  # ms: the first byte of the burst
        self._frames = 0  # before the burst
        self._reads = self._looks = 0
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
        self.searched = False  # kept by search
        self.rarely("start")

    def rarely(self, what):
        """What is done only now and then: what the function `what` (str) of search returns."""
        try:
            from . import search

            return getattr(search, what)(self)
        finally:
            unload("meterling", "search line")

    def tune(self, setting):
        """Set the port to (baudrate, framing, inverted)."""
        self.setting = setting
        self.port.tune(*setting)

    def now(self):
        """ms since the start; unlike ticks_ms, they do not begin anew."""
        ticks = ticks_ms()
        self._time += ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        return self._time

    def set_keys(self, key, auth_key):
        """Other keys (bytes, 16, or None) from the next telegram on."""
        if self._decoder is not None:
            self._decoder.set_keys(key, auth_key)

    @property
    def beats(self):
        """Another int whenever both loops went on: while bytes wait, only reading them counts."""
        return self._reads if self.port.waiting() else self._looks

    def line(self):
        """What is listened to now (dict): "link" (str, None while it is being looked for),
        "baudrate" (int), "framing" ("8E1"), "inverted" (bool), "sniffing" (bool)."""
        baudrate, framing, inverted = self.setting
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
        while True:
            count = await readinto(buffer)
            if count:
                self._reads = self._reads + 1 & 0xFFFF
                self._hear(buffer, count)
            else:
                await sleep_ms(_NOTHING_READ)

    async def watch_quiet(self):
        """Notice when the line has become quiet."""
        while True:
            await sleep_ms(_CHECK)
            self._look()

    def _look(self):
        self._looks = self._looks + 1 & 0xFFFF
        now = self.now()
        if self._sniffer is not None:
            self._do(self._ask_sniffer(now))
            return
        if self._decoder is None:  # there was no memory for either
            self.rarely("start")
            return
        if self._asker is not None:
            self._asker.keep_asking(self, now)
        if self._heard is not None:
            quiet = now - self._heard > (_QUIET if self._asker is None else _QUIET_ASKED)
            if quiet:
                self._heard = None
                self._decoder.quiet()
            if self._watch is not None and (quiet or now - self._began > _ENDLESS):
                self._began = now
                self._look_back(now)

    def _hear(self, buffer, count):
        now = self.now()
        self._silent = now
        if self._sniffer is not None:
            self.counters.add(_BYTES, count)
            self._do(self._tell_sniffer(buffer, count, now))
            return
        if self._heard is None:
            self._began = now
        self._heard = now
        if self._asker is not None:
            self._asker.hear(buffer, count, now)
        self._feed(buffer, count)

    # Functions of their own: a frame holds what it has called until it returns, and a sniffer
    # has 14 kB, which a decoder wants.

    def _ask_sniffer(self, now):
        what = self._sniffer.tick(now, self.port.idle_level())
        if now - self._silent > _SILENT and self.settings["meter.optical"]:
            if self.settings["meter.link"] in ("auto", "p1"):
                return _ASK
        return what

    def _tell_sniffer(self, buffer, count, now):
        return self._sniffer.hear(buffer, count, now)

    def _feed(self, buffer, count):
        self._decoder.feed(buffer, count)
        self._answer()

    def _answer(self):
        answer = self._decoder.take_answer()
        if answer:
            self.port.write(answer)

    def decode(self, link):
        """From now on, all bytes go to a decoder. The one there was, if it is of the same
        link, knows the last invocation counter, and stays."""
        if link != self.link or self._decoder is None:  # there was no memory for the last
            settings = self.settings
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
            counted = self.counters[_BYTES]
            self.counters.counts = decoder.counters.counts
            self.counters.add(_BYTES, counted)
            self._decoder = decoder
            self.link = link
        self._frames = self.counters[_FRAMES]

    def ask_with(self, asker):
        """The meter speaks when it is asked, by `asker` (asker.Asker); None: it is not."""
        self._watch = None
        self._asker = asker

    # The search

    def begin_search(self, sniffer):
        """All bytes go to `sniffer` (link.sniffer.Sniffer), until it knows the line."""
        self._watch = None
        self._ticks = ticks_ms()
        self._time = self._silent = 0
        self._sniffer = sniffer
        self._do(_RETUNE)

    def end_search(self):
        """Nothing more to the sniffer, which is returned."""
        sniffer, self._sniffer = self._sniffer, None
        return sniffer

    def _do(self, what):
        if what == _RETUNE:
            self.tune(self._sniffer.setting)
            self.port.drain(self._buffer)
        elif what == _LOCKED:
            _sweep(12)
            # The burst that showed what the line is counts as well, read where nothing of the
            # search takes memory any more.
            burst = self.rarely("lock")
            self._feed(burst, len(burst))
            self._heard = self._began = self.now()  # to learn its shape has taken long
        elif what == _ASK:
            self.rarely("ask")

    def begin_watch(self, watch):
        """From now on a `watch` (class watch.Watch) says when the line is to be looked for
        again."""
        self._watch = watch(self.now())

    def _look_back(self, now):
        # A burst has ended.
        frames = self.counters[_FRAMES]
        if self._watch.burst(now, frames != self._frames):
            print("line: nothing valid any more")
            self.rarely("find")
        self._frames = frames
