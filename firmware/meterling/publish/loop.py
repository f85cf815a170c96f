"""What CPython's and MicroPython's asyncio do differently, in one place.

`readable(socket)` and `writable(socket)` wait for a non-blocking socket;
`receive(socket, view)` then takes what is there: int > 0, 0 = closed by the other
side, None = nothing yet. `sleep_ms`, `ticks_ms`, `ticks_diff` as in MicroPython.
"""

import errno
import socket as _socket

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
    from .loop_plain import readable, receive, sleep_ms, ticks_diff, ticks_ms, writable  # noqa: F401


def is_dotted(text):
    """True for four numbers from 0 to 255 with dots between."""
    parts = text.split(".")
    return len(parts) == 4 and all(
        part and len(part) <= 3 and all("0" <= c <= "9" for c in part) and int(part) <= 255
        for part in parts
    )


def address(host, port):
    """What `connect` takes for a dotted IPv4 address: getaddrinfo asks nobody for those."""
    return _socket.getaddrinfo(host, port)[0][-1]


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
