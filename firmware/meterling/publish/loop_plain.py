"""Waiting, on CPython; see loop."""

import asyncio
import time


async def sleep_ms(milliseconds):
    await asyncio.sleep(milliseconds / 1000)


def ticks_ms():
    return int(time.monotonic() * 1000)


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
