"""A release from a URL of its owner's choice: GET, and nothing that is not asked for.

TLS is only the way it comes. Nobody's certificate is checked: MicroPython brings no list
of authorities, and a dongle has no clock to know which have expired. That the release is
ours, and whole, its own signature says; who sits in between can see that there was one, or
keep it away, and no more.
"""

import asyncio

from ..publish.dns import resolve
from ..publish.errors import BrokerError
from ..publish.loop import sleep_ms, ticks_diff, ticks_ms
from ..python import const
from .errors import Refused

_PIECE = const(512)  # bytes
_LONGEST = const(1 << 20)  # bytes of a release
_LONGEST_LINE = const(2048)  # of a head; GitHub's have more, in lines that we do not need
_LONGEST_HEAD = const(16384)
_REDIRECTS = const(4)
_QUIET = const(15)  # s without a byte
_TIME = const(600_000)  # ms for all of it


async def fetch(url, nameserver, take):
    """Give what is at `url` (str, https:// or http://) to `take(piece)` (bytes), as it comes.
    nameserver: dotted. Refused: not-fetched, and whatever `take` raises."""
    try:
        for _ in range(_REDIRECTS):
            url = await _get(url, nameserver, take)
            if not url:
                return
    except (OSError, EOFError, ValueError, BrokerError, ImportError, asyncio.TimeoutError) as error:
        print("update: not fetched: {}".format(type(error).__name__))
    raise Refused("not-fetched")


def parts(url):
    """(whether it is TLS, host, port, path) of a URL. ValueError."""
    scheme, mark, rest = url.partition("://")
    scheme = scheme.lower()
    host, slash, path = rest.partition("/")
    name, _, port = host.partition(":")
    if scheme not in ("http", "https") or not mark or not name or "@" in host:
        raise ValueError
    return scheme == "https", name, int(port or (443 if scheme == "https" else 80)), "/" + path


async def _get(url, nameserver, take):
    # Where it is instead (str), "" if all of it was given away.
    secure, host, port, path = parts(url)
    context = None
    if secure:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_mode = ssl.CERT_NONE
    address = await resolve(host, nameserver)
    more = {"ssl": context, "server_hostname": host} if secure else {}
    connection = asyncio.open_connection(address, port, **more)
    reader, writer = await asyncio.wait_for(connection, _QUIET)
    try:
        # 1.0: the answer then comes as it is, and ends with the connection.
        writer.write("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n".format(path, host).encode())
        await asyncio.wait_for(writer.drain(), _QUIET)
        return _resolved(await _answer(reader, take), url)
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass  # it was closed there


def _resolved(elsewhere, url):
    # RFC 3986, 4.2: "//host/path" is by the same scheme, "/path" on the same host and port.
    same = 1 if elsewhere.startswith("//") else 3 if elsewhere.startswith("/") else 0
    return "/".join(url.split("/")[:same]) + elsewhere


async def _answer(reader, take):
    status, elsewhere, data, length = await _head(reader)
    if status in (301, 302, 303, 307, 308) and elsewhere:
        return elsewhere
    if status != 200 or length > _LONGEST:
        raise ValueError
    started = ticks_ms()
    total = 0
    while True:
        total += len(data)
        if total > _LONGEST or ticks_diff(ticks_ms(), started) > _TIME:
            raise ValueError
        take(data)
        await sleep_ms(0)
        if total == length:
            return ""
        data = await asyncio.wait_for(reader.read(_PIECE), _QUIET)
        if not data:
            return ""  # a release knows by itself how long it is


async def _head(reader):
    # (status, Location or "", the first bytes behind it, Content-Length or -1)
    data = b""
    status = None
    elsewhere = ""
    length = -1
    total = 0
    while True:
        end = data.find(b"\n")
        if end < 0:
            piece = await asyncio.wait_for(reader.read(_PIECE), _QUIET)
            total += len(piece)
            if not piece or total > _LONGEST_HEAD:
                raise ValueError
            data = data[:_LONGEST_LINE] + piece
            continue
        line = data[:end].strip()
        data = data[end + 1 :]
        if status is None:
            version, _, rest = line.partition(b" ")
            status = int(rest[:3]) if version.startswith(b"HTTP/1.") else 0
        elif not line:
            return status, elsewhere, data, length
        name, _, value = line.partition(b":")
        if end >= _LONGEST_LINE:
            value = b""  # its middle is missing: neither a place nor a number
        if name.lower() == b"location":
            elsewhere = value.decode().strip()
        elif name.lower() == b"content-length":
            length = int(value)
