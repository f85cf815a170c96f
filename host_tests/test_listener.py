"""The listener's Channel: what of a request's head gets as far as microdot."""

import ast
import asyncio
import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meterling.portal import listener
from meterling_tools import ROOT, dependencies
from portal_runner import free_port

_FIRST = b"GET http://meterling.local/a:b HTTP/1.1\r\n"
_WANTED = [
    b"Host: meterling.local\r\n",
    b"cookie:session=1; other=2\r\n",
    b"CONTENT-LENGTH: 2\r\n",
    b"X-Meterling: 1\r\n",
]
_OTHERS = [
    b"User-Agent: Mozilla/5.0 (Linux; Android 10; K)\r\n",
    b"Accept: */*\r\n",
    b"Hos: t\r\n",
    b": nothing\r\n",
    b"X-Cookie: no\r\n",
]


def lines_of(head, piece=512):
    """The lines that microdot is given of `head` (bytes), which comes in pieces."""

    async def read():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            channel = listener.Channel(ours, "127.0.0.1")
            lines = []
            for begin in range(0, len(head), piece):
                theirs.send(head[begin : begin + piece])
                await channel._receive()
            while not lines or lines[-1].strip():
                lines.append(await channel.readline())
            return lines, await channel.readexactly(2)

    return asyncio.run(read())


@given(st.permutations(_WANTED + _OTHERS), st.sampled_from((7, 100, 512)))
def test_of_headers_only_the_wanted_are_given_in_their_order(headers, piece):
    lines, body = lines_of(_FIRST + b"".join(headers) + b"\r\n{}", piece)
    assert lines == [_FIRST, *(line for line in headers if line in _WANTED), b"\r\n"]
    assert body == b"{}"


def test_what_is_no_header_is_given_so_that_it_is_refused():
    assert lines_of(_FIRST + b"no colon\n\n{}")[0] == [_FIRST, b"no colon\n", b"\n"]


def test_what_nobody_wants_counts_as_well():
    head = _FIRST + (b"X-Long: " + b"x" * 90 + b"\r\n") * 41 + b"\r\n{}"
    with pytest.raises(listener.HeadTooLong):
        lines_of(head)


def test_every_header_that_is_read_is_wanted():
    """As the sources say: a header that is asked for and never given would be a riddle."""
    asked = set()
    for path in (ROOT / "firmware" / "meterling" / "portal").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("headers.get"):
                name = ast.unparse(node.args[0])
                asked.add("X-Meterling" if name == "_HEADER" else ast.literal_eval(name))
    source = (dependencies.fetch() / "microdot.py").read_text()
    asked |= set(re.findall(r"'([\w-]+)' in self\.headers:", source.split("class Response")[0]))
    assert {"Host", "Cookie", "Content-Length", "X-Meterling"} < asked
    assert {name.lower() for name in asked} == set(listener._WANTED.decode().split())


async def _serve(channel):
    await channel.send(b"here")


def test_without_memory_for_one_connection_the_places_stay_and_the_next_is_served(monkeypatch):
    create_task = asyncio.create_task
    tries = []

    async def run():
        port = free_port()
        one = listener.Listener(_serve, "127.0.0.1", port)

        def short_of_memory(work):
            if "_one" in work.__qualname__:
                tries.append(work)
                if len(tries) <= 8:  # more than there are places
                    work.close()
                    raise MemoryError
            return create_task(work)

        monkeypatch.setattr(listener.asyncio, "create_task", short_of_memory)
        task = create_task(one.run())
        await asyncio.sleep(0.1)
        answers = []
        for _ in range(9):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                answers.append(await asyncio.wait_for(reader.read(), 5))
            except ConnectionError:
                answers.append(b"")
            writer.close()
        task.cancel()
        assert answers == [b""] * 8 + [b"here"] and one._channels == []

    asyncio.run(run())
