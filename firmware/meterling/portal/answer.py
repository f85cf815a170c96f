"""What a request is answered with: microdot's Response, sent in as few pieces as there are.

    HTTP/1.0 200 OK | what every answer has | its own headers | blank line | body

The page of a dongle is nothing that others may frame, guess the type of, or load into theirs;
and but for the site's files, nothing of it is to be kept.
"""

from microdot import Response

from ..python import const

_PIECE = const(1024)  # bytes of a file at once
_SMALL = const(1024)  # bytes of a body that goes with its head
_PART = const(256)  # bytes: a hole of that size is found in any heap

# With no-referrer, Chromium says "Origin: null" for the form of the page without JavaScript.
_ALWAYS = const(
    b"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    b"img-src 'self' data:; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    b"frame-ancestors 'none'; base-uri 'none'\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
    b"X-Frame-Options: DENY\r\n"
    b"Referrer-Policy: same-origin\r\n"
    b"Cross-Origin-Resource-Policy: same-origin\r\n"
)


class Refused(Exception):
    """What a request is refused with. status: of HTTP; code: stable, see API.md; more: dict,
    added to the answer."""

    def __init__(self, status, code, **more):
        super().__init__(code)
        self.status = status
        self.code = code
        self.more = more


def parts_of(pieces):
    """A body (tuple of bytes) of many `pieces` (iterable of str or bytes)."""
    parts = []
    part = b""
    for piece in pieces:
        part += piece if isinstance(piece, bytes) else piece.encode()
        if len(part) >= _PART:
            parts.append(part)
            part = b""
    parts.append(part)
    return tuple(parts)


class Answer(Response):
    """body: str, bytes, a tuple of bytes, dict (becomes JSON), or an open file, which is closed
    in the end and whose length the headers tell. microdot adds `is_head`: then the body is not
    sent."""

    async def write(self, channel):
        """Send it over `channel` (Channel). OSError if that breaks."""
        body = self.body
        is_file = hasattr(body, "readinto")
        try:
            parts = () if is_file else body if isinstance(body, tuple) else (body,)
            head = self._head(None if is_file else sum(map(len, parts)))
            if parts and len(parts[0]) <= _SMALL and not self.is_head:
                head.extend(parts[0])
                parts = parts[1:]
            await channel.send(head)
            if self.is_head:
                return
            del head
            for part in parts:
                await channel.send(part)
            if not is_file:
                return
            view = memoryview(bytearray(_PIECE))
            count = body.readinto(view)
            while count:
                await channel.send(view[:count])
                count = body.readinto(view)
        finally:
            if is_file:
                body.close()

    def _head(self, length):
        # bytearray; length: of the body, None if the headers tell it
        headers = self.headers
        status = self.status_code
        head = bytearray(b"HTTP/1.0 %d %s\r\n" % (status, b"OK" if status == 200 else b"N/A"))
        head.extend(_ALWAYS)
        if "Content-Type" not in headers:
            headers["Content-Type"] = "text/plain; charset=UTF-8"
        if "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        if length is not None:
            headers["Content-Length"] = str(length)
        for name, value in headers.items():
            head.extend("{}: {}\r\n".format(name, value).encode())
        head.extend(b"\r\n")
        return head
