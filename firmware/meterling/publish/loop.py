"""What CPython's and MicroPython's asyncio do differently, in one place.

`readable(socket)` and `writable(socket)` wait for a non-blocking socket;
`receive(socket, view)` then takes what is there: int > 0, 0 = closed by the other
side, None = nothing yet. `sleep_ms`, `ticks_ms`, `ticks_diff` as in MicroPython.
"""

import errno
import socket as _socket

from ..python import const

try:
    from asyncio import core, sleep_ms
    from time import ticks_diff, ticks_ms

    def readable(socket):
        yield core._io_queue.queue_read(socket)

    def writable(socket):
        yield core._io_queue.queue_write(socket)

    def receive(socket, view):
        return socket.readinto(view)

except ImportError:  # CPython
    import asyncio
    from time import monotonic

    async def sleep_ms(milliseconds):
        await asyncio.sleep(milliseconds / 1000)

    def ticks_ms():
        return int(monotonic() * 1000)

    def ticks_diff(later, earlier):
        return later - earlier

    async def _ready(socket, add, remove):
        future = asyncio.get_running_loop().create_future()
        add(socket, lambda: future.done() or future.set_result(None))
        try:
            await future
        finally:
            remove(socket)

    async def readable(socket):
        loop = asyncio.get_running_loop()
        await _ready(socket, loop.add_reader, loop.remove_reader)

    async def writable(socket):
        loop = asyncio.get_running_loop()
        await _ready(socket, loop.add_writer, loop.remove_writer)

    def receive(socket, view):
        try:
            return socket.recv_into(view)
        except BlockingIOError:
            return None


# TCP_NODELAY: RFC 896's waiting for company would hold a packet back for up to 40 ms.
# MicroPython names neither number; they are the same on Linux, macOS and lwIP.
_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)


def address(host, port):
    """What `connect` takes for a dotted IPv4 address: getaddrinfo asks nobody for those."""
    return _socket.getaddrinfo(host, port)[0][-1]


async def open_tcp(host, port):
    """A connected, non-blocking socket to a dotted IPv4 address. OSError if refused
    at once; a later refusal shows at the first write."""
    socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        socket.setblocking(False)
        try:
            socket.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
        except OSError:
            pass  # this port cannot: each packet is one write anyway
        try:
            socket.connect(address(host, port))
        except OSError as error:
            if error.args[0] != errno.EINPROGRESS:
                raise
        await writable(socket)
        return socket
    except BaseException:  # a cancelled wait too: MicroPython closes no lost socket
        socket.close()
        raise


async def send(socket, view):
    """Send all of `view` (memoryview); one `send` unless the other side is slow."""
    while True:
        try:
            sent = socket.send(view)
        except OSError as error:
            if error.args[0] != errno.EAGAIN:
                raise
            sent = 0
        if sent == len(view):
            return
        view = view[sent:]
        await writable(socket)
