"""Brokers as nobody wants them, on loopback, in a thread of their own; and one to talk to.

with Brokers() as brokers:
    port = brokers.start(never_puback)
"""

import asyncio
import socket
import threading

CONNACK = b"\x20\x02\x00\x00"
CONNECT, PUBLISH, PINGREQ, DISCONNECT = 1, 3, 12, 14


class Packet:
    """One MQTT packet: kind (1 CONNECT, 3 PUBLISH, ..), duplicate, qos, retain; of a
    PUBLISH topic (str), identifier (int) and payload (bytes)."""

    def __init__(self, head, body):
        self.kind = head >> 4
        self.body = body
        if self.kind == PUBLISH:
            self.duplicate = bool(head & 8)
            self.qos = head >> 1 & 3
            self.retain = bool(head & 1)
            end = 2 + int.from_bytes(body[:2], "big")
            self.topic = body[2:end].decode()
            self.identifier = int.from_bytes(body[end : end + 2], "big")
            self.payload = body[end + 2 :]

    def puback(self):
        return b"\x40\x02" + self.identifier.to_bytes(2, "big")


async def read_packet(reader):
    """The next Packet; IncompleteReadError if the connection ends."""
    head = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return Packet(head, await reader.readexactly(length))


async def silent(reader, writer):
    """Takes the connection and never says a word."""
    await asyncio.sleep(60)


async def closes_at_once(reader, writer):
    pass


async def closes_after_connect(reader, writer):
    await read_packet(reader)


async def refuses_password(reader, writer):
    await read_packet(reader)
    writer.write(b"\x20\x02\x00\x04")
    await asyncio.sleep(0.2)


async def refuses_client(reader, writer):
    await read_packet(reader)
    writer.write(b"\x20\x02\x00\x05")
    await asyncio.sleep(0.2)


async def speaks_http(reader, writer):
    await read_packet(reader)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await asyncio.sleep(60)


async def garbage_after_connack(reader, writer):
    await read_packet(reader)
    writer.write(CONNACK + bytes(range(256)) * 20)
    await asyncio.sleep(60)


async def never_puback(reader, writer):
    await read_packet(reader)
    writer.write(CONNACK)
    await asyncio.sleep(60)


async def wrong_puback(reader, writer):
    """Acknowledges, but always what nobody sent."""
    await read_packet(reader)
    writer.write(CONNACK)
    while True:
        packet = await read_packet(reader)
        writer.write(b"\x40\x02" + (packet.identifier ^ 0xFF).to_bytes(2, "big"))


async def drips(reader, writer):
    """A good broker behind a line that delivers one byte every few milliseconds."""

    async def slowly(data):
        for byte in data:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.005)

    await read_packet(reader)
    await slowly(CONNACK)
    while True:
        packet = await read_packet(reader)
        await slowly(packet.puback() if packet.kind == PUBLISH else b"\xd0\x00")


async def resets_midway(reader, writer):
    """Acknowledges three and then resets the connection."""
    await read_packet(reader)
    writer.write(CONNACK)
    for _ in range(3):
        writer.write((await read_packet(reader)).puback())
    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


class Brokers:
    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._sockets = []

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self):
        for open_socket in self._sockets:
            open_socket.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def call(self, coroutine):
        """Run it on the brokers' loop, to its end."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def start(self, serve):
        """A server on a free port of 127.0.0.1 (int) that runs `serve` for each connection."""

        async def handle(reader, writer):
            try:
                await serve(reader, writer)
            except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
                pass
            finally:
                writer.close()

        server = self.call(asyncio.start_server(handle, "127.0.0.1", 0))
        self._sockets.append(server)
        return server.sockets[0].getsockname()[1]

    def refused(self):
        """A port that is taken and where nothing listens."""
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        self._sockets.append(taken)
        return taken.getsockname()[1]

    def hanging(self):
        """A port whose queue of connections is full: one more gets no answer at all."""
        full = socket.socket()
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        self._sockets.append(full)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            self._sockets.append(filler)
        return full.getsockname()[1]
