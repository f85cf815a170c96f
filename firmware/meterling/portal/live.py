"""Server-sent events: every viewer sees each telegram, and none can hold up another.

    event: reading \\n data: {..} \\n \\n

A telegram is written once, into one buffer, and handed to each viewer's socket at once:
what that does not take now is kept (less than one event), and until it has gone, the
viewer misses telegrams. One that takes nothing for 10 s is dropped.
"""

import json

from ..publish.loop import readable, sleep_ms, ticks_diff, ticks_ms
from ..python import const

_VIEWERS = const(4)
_AT_FIRST = const(2048)  # bytes of a reading's JSON; later there may be no such piece of heap
_STEP = const(256)
_LONGEST = const(4096)
_STALLED = const(10_000)  # ms
_STATUS_EVERY = const(5)  # s: also says that the connection lives
_OLDEST = const(86_400_000)  # ms: an older reading is none
_TICK = const(50)  # ms: how exactly the interval of telegrams that nobody can read is known
_TICKS = const(20)  # to a second
_WRAP = const(0x3FFFFFFF)  # of the counters; see errors
_COUNTER_JUMP = const(1000)  # more is a restart, not loss

_HEAD = b"event: reading\ndata: "
_LAST = b"event: last\n"
_DATA = const(15)  # where "data:" begins in the head
_STREAM = (
    b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    b"X-Content-Type-Options: nosniff\r\n\r\nretry: 2000\n\n"
)


class _Viewer:
    def __init__(self, channel):
        self.channel = channel
        self._rest = b""
        self._took = ticks_ms()

    def put(self, view):
        # Hand over one event (memoryview); False if this viewer is to be dropped.
        if not self.flush():
            return False
        if self._rest:
            return True  # misses this one
        try:
            count = self.channel.send_now(view)
            if 0 < count < len(view):
                self._rest = bytes(view[count:])
        except (OSError, MemoryError):
            return False
        if count:
            self._took = ticks_ms()
        return True

    def flush(self):
        # Send what is left of an event; False if this viewer is to be dropped.
        if self._rest:
            try:
                count = self.channel.send_now(self._rest)
                if count:
                    self._took = ticks_ms()
                    self._rest = self._rest[count:]
            except (OSError, MemoryError):
                return False
        return ticks_diff(ticks_ms(), self._took) < _STALLED


class Live:
    """`status()`: dict, what GET /api/status answers; `state()`: the part of it whose
    changes are told at once; `telegrams()`: int, how many came so far, read or not.

    ciphered, maker: of the latest telegram that could be read (None: there was none);
    interval: ms between the last two, read or not; lost: telegrams that the invocation
    counters say are missing.
    """

    def __init__(self, status, state, telegrams):
        self._status = status
        self._state = state
        self._telegrams = telegrams
        self._seen = telegrams()  # of them
        self._came = None  # ticks_ms of the last one that was seen to come
        self._set_size(_AT_FIRST)
        self._end = 0  # of the event in the buffer; 0: there is none
        self._stamp = 0  # ticks_ms of it
        self._counter = None
        self._viewers = []
        self._shown = None  # the state, as the viewers know it
        self.ciphered = None
        self.maker = None
        self.interval = None
        self.lost = 0

    def __len__(self):
        return len(self._viewers)

    def put(self, reading):
        """Show `reading` (Reading) to everybody who looks, if there is memory for it: this is
        the meter's turn, and its next telegram is worth more."""
        try:
            self._look()
            self._end = 0
            end = reading.put_json(self._buffer, len(_HEAD))
            while end < 0 or end + 2 > len(self._buffer):
                size = len(self._buffer) - len(_HEAD) + _STEP
                if size > _LONGEST:
                    return
                self._set_size(size)
                end = reading.put_json(self._buffer, len(_HEAD))
            self._buffer[end] = self._buffer[end + 1] = 10
            self._end = end + 2
            self._stamp = ticks_ms()
            self._count(reading)
            if self._viewers:
                self._put(self._view[: self._end])
        except MemoryError:
            pass

    def _set_size(self, size):
        buffer = bytearray(len(_HEAD) + size)
        buffer[: len(_HEAD)] = _HEAD
        self._view = memoryview(buffer)
        self._buffer = buffer

    def reading(self):
        """The last reading's JSON (memoryview, valid until the next telegram), or None."""
        return self._view[len(_HEAD) : self._end - 2] if self._end else None

    def age(self):
        """ms since the last reading, None if there is none."""
        return ticks_diff(ticks_ms(), self._stamp) if self._end else None

    def admit(self, channel):
        """A viewer on `channel` (Channel), whose place is taken from now on; to be given to
        `serve`. None if all are taken."""
        if len(self._viewers) >= _VIEWERS:
            return None
        viewer = _Viewer(channel)
        self._viewers.append(viewer)
        return viewer

    async def serve(self, viewer):
        """Show everything to `viewer` until its channel closes."""
        channel = viewer.channel
        try:
            await channel.send(_STREAM)
            self._show_first(viewer)
            while True:
                await readable(channel.socket)
                if not channel.socket.recv(64):
                    return
        finally:
            self._drop(viewer)

    def _show_first(self, viewer):
        # OSError if the viewer has gone: its own task cannot cancel itself. Not in `serve`, whose
        # frame stays for as long as the viewer does, and would hold all of it.
        status = self._status_event()
        # Without it, nobody could tell how old the reading is.
        if status and not (viewer.put(status) and self._show_last(viewer)):
            raise OSError

    def _show_last(self, viewer):
        if not self._end:
            return True
        # The same bytes under another name: for a copy there may be no memory.
        begin = _DATA - len(_LAST)
        try:
            self._buffer[begin:_DATA] = _LAST
            return viewer.put(self._view[begin : self._end])
        finally:
            for i in range(_DATA):  # takes none
                self._buffer[i] = _HEAD[i]

    async def run(self):
        """Once a second: what is left of events, the state, and whoever is gone."""
        ticks = seconds = 0
        while True:
            await sleep_ms(_TICK)
            self._look()
            ticks += 1
            if ticks < _TICKS:
                continue
            ticks = 0
            seconds = self._each_second(seconds + 1)

    def _each_second(self, seconds):
        # Seconds since the last status. Not in `run`, whose frame would hold on to the viewers
        # and the status after they have gone.
        if self._end and self.age() > _OLDEST:
            self._end = 0
        if not self._viewers:
            return 0
        self._put(b"")  # what is left of the last event
        if seconds < _STATUS_EVERY and self._state() == self._shown:
            return seconds
        self._shown = self._state()
        status = self._status_event()
        if status:
            self._put(status)
        return 0

    def _look(self):
        # Have telegrams come? Also those that nobody can read: how often the meter sends is
        # known before there is a key.
        seen = self._telegrams()
        count = (seen - self._seen) & _WRAP
        if not count:
            return
        now = ticks_ms()
        if self._came is not None and count < _COUNTER_JUMP:  # more: another decoder counts
            elapsed = ticks_diff(now, self._came)
            if 0 <= elapsed < _OLDEST:
                self.interval = elapsed // count
        self._seen = seen
        self._came = now

    def _status_event(self):
        try:
            text = json.dumps(self._status())
            return memoryview(b"event: status\ndata: " + text.encode() + b"\n\n")
        except MemoryError:
            return None  # the next one may find some

    def _put(self, view):
        i = 0
        while i < len(self._viewers):  # no copy: for that there may be no memory
            viewer = self._viewers[i]
            if viewer.put(view):
                i += 1
            else:
                self._send_away(viewer)

    def _send_away(self, viewer):
        self._drop(viewer)
        viewer.channel.task.cancel()

    def send_all_away(self):
        """A session has ended: whoever is still logged in comes back by itself."""
        for viewer in list(self._viewers):
            self._send_away(viewer)

    def _drop(self, viewer):
        if viewer in self._viewers:
            self._viewers.remove(viewer)

    def _count(self, reading):
        title = reading.system_title
        self.ciphered = title is not None
        if title is None:
            return
        self.maker = title
        counter = reading.invocation_counter
        if self._counter is not None and 1 < counter - self._counter < _COUNTER_JUMP:
            self.lost += counter - self._counter - 1
        self._counter = counter
