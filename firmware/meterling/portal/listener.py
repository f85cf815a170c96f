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
_RECEIVE = const(512)  # bytes at once
_SEND = const(1024)  # bytes of a small answer that are joined with its head
_REQUEST_TIME = const(8_000)  # ms, from the first byte of a request to its last
_STALLED = const(10_000)  # ms without anybody taking a byte of the answer
_RETRY = const(100)  # ms, after a failed accept

_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)

_AGAIN = (errno.EAGAIN, getattr(errno, "EWOULDBLOCK", errno.EAGAIN))


class HeadTooLong(Exception):
    """Request line and headers are longer than 4096 bytes."""


def again(error):
    """True if an OSError only says "not now"."""
    return bool(error.args) and error.args[0] in _AGAIN


def dotted(peer):
    """The address (str, dotted) in what `accept` gave: MicroPython's unix port gives it
    packed, the others as (address, port)."""
    if isinstance(peer, tuple):
        return peer[0]
    packed = _socket.sockaddr(peer)[1]
    return ".".join(str(byte) for byte in packed)


class Channel:
    """One connection, as what microdot takes for its reader and its writer.

    peer: str, the client's address; sent: True once a byte of the answer is out.
    """

    def __init__(self, socket, peer):
        self.socket = socket
        self.peer = peer
        self.sent = False
        self._in = b""  # received, not read yet
        self._out = bytearray()  # written, not sent yet
        self._head = _HEAD  # bytes that the head may still have
        self._deadline = _REQUEST_TIME
        self._started = ticks_ms()

    def get_extra_info(self, name):
        return self.peer

    # What microdot reads

    async def readline(self):
        """The next line of the head, with its end. HeadTooLong; OSError if there is no more."""
        while True:
            end = self._in.find(b"\n") + 1
            if (end or len(self._in)) > self._head:
                raise HeadTooLong
            if end:
                break
            await self._receive()
        line = self._in[:end]
        self._in = self._in[end:]
        self._head -= end
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
            left = _REQUEST_TIME - ticks_diff(ticks_ms(), self._started)
            if left <= 0:
                raise OSError(errno.ETIMEDOUT)
            await _wait(readable(self.socket), left)

    async def drain_input(self):
        """Take what a refused request still sends: closed with bytes unread, TCP would
        throw our answer away too."""
        self._in = b""
        try:
            for _ in range(16):
                await _wait(readable(self.socket), 200)
                if not self.socket.recv(_RECEIVE):
                    return
        except OSError:
            pass

    # What microdot writes: the head in many pieces, then the body

    async def awrite(self, data):
        """Write `data` (bytes-like). OSError if it is not taken in time."""
        if len(self._out) + len(data) <= _SEND:
            self._out.extend(data)
        else:
            await self.flush()
            await self.send(data)

    async def flush(self):
        """Send what was written."""
        if self._out:
            data = self._out
            self._out = bytearray()
            await self.send(data)

    async def send(self, data):
        """Send all of `data` (bytes-like), in as many pieces as the other side takes."""
        view = memoryview(data)
        while len(view):
            count = self.send_now(view)
            view = view[count:]
            if len(view):
                await _wait(writable(self.socket), _STALLED)

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
        await self.flush()


async def _wait(what, milliseconds):
    try:
        await asyncio.wait_for(what, milliseconds / 1000)
    except asyncio.TimeoutError:
        raise OSError(errno.ETIMEDOUT)


class Listener:
    """Takes connections for `serve(channel)` (coroutine function).

    host (dotted), port (int): where to listen. open: int, how many there are now.
    """

    def __init__(self, serve, host, port):
        self._serve = serve
        self._host = host
        self._port = port
        self.open = 0
        self._tasks = set()

    async def run(self):
        """Take connections, for ever."""
        listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        try:
            listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            listener.bind(_socket.getaddrinfo(self._host, self._port)[0][-1])
            listener.listen(_BACKLOG)
            listener.setblocking(False)
            while True:
                await readable(listener)
                # Those beyond the limit wait in the backlog, where they cost no heap.
                while self.open >= _CONNECTIONS:
                    await sleep_ms(20)
                try:
                    socket, peer = listener.accept()
                except OSError:
                    await sleep_ms(_RETRY)
                    continue
                self.open += 1
                task = asyncio.create_task(self._one(socket, peer))
                self._tasks.add(task)
        finally:
            listener.close()
            for task in list(self._tasks):
                task.cancel()

    async def _one(self, socket, peer):
        task = asyncio.current_task()
        try:
            socket.setblocking(False)
            try:
                socket.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
            except OSError:
                pass
            await self._serve(Channel(socket, dotted(peer)))
        except (OSError, asyncio.CancelledError):
            pass  # it went away, or was sent away
        finally:
            socket.close()
            self.open -= 1
            self._tasks.discard(task)
