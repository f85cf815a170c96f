"""Connections to the portal: few at a time, each bounded in size and in time.

microdot reads requests and writes answers; here are the sockets under it. Its own server
takes any number of connections, lines of any length, and waits for ever.
"""

import asyncio
import errno
import socket as _socket

from ..publish.loop import readable, sleep_ms, ticks_diff, ticks_ms, writable
from ..python import const

_CONNECTIONS = const(6)  # lwIP has 10 sockets: listener, name server, broker and a test too
_BACKLOG = const(4)
_HEAD = const(4096)  # bytes, request line and headers
# Headers that anybody here reads. A browser sends twice as many, which would take 2 kB of heap
# for each of its six connections.
_WANTED = const(
    b" host cookie content-length content-type if-none-match origin sec-fetch-site x-meterling"
    b" accept-language "
)
_RECEIVE = const(512)  # bytes at once
_REQUEST_TIME = const(8_000)  # ms, from the first byte of a request to its last
_STALLED = const(10_000)  # ms without anybody taking a byte of the answer
_RETRY = const(100)  # ms, after a failed accept
_LOOK = const(500)  # ms: how exactly those times are kept
_MOST_DRAINED = const(24)  # pieces and pauses
_SILENT = const(4)  # pauses after which there is nothing more to come
_PAUSE = const(50)  # ms

_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)


class HeadTooLong(Exception):
    """Request line and headers are longer than 4096 bytes."""


def again(error):
    """True if an OSError only says "not now"."""
    return bool(error.args) and error.args[0] == errno.EAGAIN


def dotted(peer):
    """The address (str, dotted) in what `accept` gave: MicroPython's unix port gives it
    packed, the others as (address, port)."""
    if isinstance(peer, tuple):
        return peer[0]
    packed = _socket.sockaddr(peer)[1]
    return ".".join(str(byte) for byte in packed)


class Channel:
    """One connection, as what microdot takes for its reader and its writer.

    peer: str, the client's address; sent: True once a byte of the answer is out; viewer: of
    the live view, who takes the channel over once its request is done with.
    """

    def __init__(self, socket, peer):
        self.socket = socket
        self.peer = peer
        self.sent = False
        self.viewer = None
        self._in = b""  # received, not read yet
        self._head = _HEAD  # bytes that the head may still have
        self._started = self._since = ticks_ms()
        self._patience = 0  # ms
        self.task = None

    def get_extra_info(self, name):
        return self.peer

    # What microdot reads

    async def readline(self):
        """The next line of the head that anybody wants, with its end. HeadTooLong; OSError if
        there is no more."""
        while True:
            end = self._in.find(b"\n") + 1
            if (end or len(self._in)) > self._head:
                raise HeadTooLong
            if not end:
                await self._receive()
                continue
            line = self._in[:end]
            self._in = self._in[end:]
            is_first = self._head == _HEAD
            self._head -= end
            name, colon, _ = line.partition(b":")
            # What is no header at all is for microdot to refuse.
            if is_first or not colon or b" " + name.lower() + b" " in _WANTED:
                return line

    async def readexactly(self, count):
        """`count` bytes of the body."""
        if count < 0:
            raise ValueError
        while len(self._in) < count:
            await self._receive()
        data = self._in[:count]
        self._in = self._in[count:]
        return data

    async def receive(self, most):
        """The next bytes of a body that is too long to be kept (bytes, 1 to `most`). The task
        is cancelled if none come for as long as a whole request may take."""
        if not self._in:
            self._started = ticks_ms()
            await self._receive()
        data = self._in[:most]
        self._in = self._in[most:]
        return data

    async def _receive(self):
        while True:
            try:
                data = self.socket.recv(_RECEIVE)
            except OSError as error:
                if not again(error):
                    raise
            else:
                if not data:
                    raise OSError(errno.ECONNRESET)
                self._in += data
                return
            await self._wait(readable(self.socket), self._started, _REQUEST_TIME)

    async def drain_input(self):
        """Take what a refused request still sends: closed with bytes unread, TCP would
        throw our answer away too."""
        self._in = b""
        silent = 0
        for _ in range(_MOST_DRAINED):
            try:
                if not self.socket.recv(_RECEIVE):
                    return
                silent = 0
            except OSError as error:
                silent += 1
                if silent > _SILENT or not again(error):
                    return
                await sleep_ms(_PAUSE)

    # What answers are written to

    async def send(self, data):
        """Send all of `data` (bytes-like), in as many pieces as the other side takes."""
        view = memoryview(data)
        while len(view):
            count = self.send_now(view)
            view = view[count:]
            if len(view):
                await self._wait(writable(self.socket), ticks_ms(), _STALLED)

    def send_now(self, view):
        """Send what the network takes at once (int, bytes). OSError if it is broken."""
        try:
            count = self.socket.send(view)
        except OSError as error:
            if not again(error):
                raise
            return 0
        self.sent = True
        return count

    async def aclose(self):
        """microdot's word for: that is all."""

    async def _wait(self, what, since, patience):
        # Its task is cancelled when that takes longer than `patience` (ms) after `since`.
        # (asyncio's wait_for would take another task for each wait.)
        self._since = since
        self._patience = patience
        await what
        self._patience = 0

    def is_late(self):
        """True if the other side has made us wait for too long."""
        patience = self._patience
        return patience > 0 and ticks_diff(ticks_ms(), self._since) > patience


class Listener:
    """Takes connections for `serve(channel)` (coroutine function).

    host (dotted), port (int): where to listen.
    """

    def __init__(self, serve, host, port):
        self._serve = serve
        self._host = host
        self._port = port
        self._channels = []

    async def run(self):
        """Take connections, for ever."""
        listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        watch = None
        try:
            listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            listener.bind(_socket.getaddrinfo(self._host, self._port)[0][-1])
            listener.listen(_BACKLOG)
            listener.setblocking(False)
            watch = asyncio.create_task(self._watch())
            while True:
                await readable(listener)
                # Those beyond the limit wait in the backlog, where they cost no heap.
                while len(self._channels) >= _CONNECTIONS:
                    await sleep_ms(20)
                try:
                    socket, peer = listener.accept()
                except OSError:
                    await sleep_ms(_RETRY)
                    continue
                socket.setblocking(False)
                try:
                    socket.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
                except OSError:
                    pass
                channel = None
                try:
                    channel = Channel(socket, dotted(peer))
                    self._channels.append(channel)
                    channel.task = asyncio.create_task(self._one(channel))
                except MemoryError:  # the others keep their connections
                    if channel in self._channels:
                        self._channels.remove(channel)
                    socket.close()
                    await sleep_ms(_RETRY)
                del socket, peer, channel
        finally:
            listener.close()
            if watch is not None:
                watch.cancel()
            for channel in list(self._channels):
                channel.task.cancel()

    async def _watch(self):
        # Send away whoever lets us wait.
        while True:
            await sleep_ms(_LOOK)
            self._cancel_late()

    def _cancel_late(self):
        # Not in `_watch`, whose frame would hold the last channel.
        for channel in self._channels:  # a copy might find no memory, and end this
            if channel.is_late():
                channel.task.cancel()

    async def _one(self, channel):
        try:
            await self._serve(channel)
        except (OSError, MemoryError, asyncio.CancelledError):
            pass  # it went away, or was sent away, or cannot be shown anything
        finally:
            channel.socket.close()
            self._channels.remove(channel)
