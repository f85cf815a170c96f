"""Updates a slot on LittleFS, on a flash in memory of as many blocks as the stock image gives,
time after time. Its argument: a folder with `slot/` (files of one), `new.release`, its key as
`key` (hex) and `rounds`."""

import asyncio
import os
import sys

import vfs

FOLDER = sys.argv[1]
BLOCKS, BLOCK = 512, 4096
_COUNT, _SIZE = 4, 5  # of ioctl


class Flash:
    def __init__(self):
        self.data = bytearray(BLOCKS * BLOCK)

    def readblocks(self, number, buffer, offset=0):
        at = number * BLOCK + offset
        buffer[:] = memoryview(self.data)[at : at + len(buffer)]

    def writeblocks(self, number, buffer, offset=0):
        at = number * BLOCK + offset
        self.data[at : at + len(buffer)] = buffer

    def ioctl(self, what, argument):
        return {_COUNT: BLOCKS, _SIZE: BLOCK}.get(what, 0)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def copy(source, target):
    os.mkdir(target)
    for name in os.listdir(source):
        path = source + "/" + name
        if os.stat(path)[0] & 0x4000:
            copy(path, target + "/" + name)
        else:
            with open(target + "/" + name, "wb") as file:
                file.write(content(path))


flash = Flash()
vfs.VfsLfs2.mkfs(flash)
vfs.mount(vfs.VfsLfs2(flash), "/flash")
copy(FOLDER + "/slot", "/flash/a")
for name in "main.py boot_slots.mpy rescue.mpy settings.json starts.json line.json".split():
    with open("/flash/" + name, "wb") as file:
        file.write(bytes(3000))

import boot_slots  # noqa: E402
from meterling.update import ed25519, package, slots, updater  # noqa: E402
from meterling.update.errors import Refused  # noqa: E402


def believe(public, message, signature):
    yield  # the signature has tests of its own, and takes its time
    return True


ed25519.steps = believe
updater.unload = lambda *names: None
boot_slots.write(["a", boot_slots.NONE, 0, boot_slots.NONE, boot_slots.NONE], "/flash/")
release = content(FOLDER + "/new.release")
with open(FOLDER + "/new.release", "rb") as file:
    mpy = package.front(file).mpy
for _ in range(int(content(FOLDER + "/rounds"))):
    update = updater.Updater(False, "/flash/", (content(FOLDER + "/key").decode(),), "0.0.1", mpy)
    try:
        for at in range(0, len(release), 512):
            update.write(release[at : at + 512])
        asyncio.run(update.finish("rn"))
    except Refused as refused:
        print(refused.code, os.statvfs("/flash")[4])
        break
    boot_slots.choose("/flash/")
    slots.proved("/flash/")
    print(update.progress[0], slots.running("/flash/"))
