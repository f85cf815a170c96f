"""When no version starts: one page that takes a signed release. No update replaces this file.

It needs Wi-Fi, and `meterling.update` of either slot. It has no copy of its own: a slot is
only emptied by an update that the other slot's `meterling.update` has just made, so that
there is always one that works. Whose releases are taken is as in that slot. A downgrade is
taken: what was newer does not start. Whatever happens here, after half an hour the chip starts
anew.
"""

import asyncio
import json
import sys

import boot_slots
import machine
import network

_JOIN = 20  # s to be in the home's Wi-Fi, before our own is opened
_LONGEST = 1800  # s
_WATCHDOG = 60_000  # ms
_HEAD = 4096  # bytes; as much again before the release in a form
_PIECE = 1024
_REST = 1024  # pieces that are thrown away behind what was refused
_QUIET = 15  # s without a byte
_GUESTS = 4
_SECURE, _OPEN = 3, 0  # network.AUTH_WPA2_PSK, AUTH_OPEN
_END = b"\r\n\r\n"
_ANY = "65535.65535.65535"  # as if the newest ran: no release says that it wants a newer one

_PAGE = """HTTP/1.0 200 OK\r
Content-Type: text/html; charset=utf-8\r
Cache-Control: no-store\r
X-Frame-Options: DENY\r
Connection: close\r
\r
<!DOCTYPE html><html lang="de"><meta name="viewport" content="width=device-width">
<title>Meterling</title><body style="font:1.1em sans-serif;max-width:30em;margin:2em auto">
<h1>Meterling</h1>
<p>Keine Version startet. Laden Sie ein Release (.release) hoch.
<p lang="en">No version starts. Upload a release (.release).
<form method="post" enctype="multipart/form-data" action="/">
<p><input type="file" name="f" aria-label="Release" required> <button>OK</button></form>
<p role="status"><b>{}</b>
"""
_DONE = "OK. Startet neu / restarts .."
_REFUSED = "Abgelehnt / refused: {}"
_NOTHING = "Nur noch per Kabel / by cable only: no meterling.update"


class _State:
    turn = asyncio.Lock()
    guests = 0
    done = False


def run():
    """Serve the page, then start anew; KeyboardInterrupt if who reads along says so."""
    print("rescue: no version starts")
    try:
        asyncio.run(_main(_settings()))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        print("rescue: " + type(error).__name__)
    machine.reset()


def _settings():
    try:
        with open("settings.json") as file:
            document = json.load(file)
    except (OSError, ValueError):
        document = None
    return document if isinstance(document, dict) else {}


def _of(settings, room, name, default):
    room = settings.get(room)
    value = room.get(name) if isinstance(room, dict) else None
    return value if isinstance(value, type(default)) else default


async def _main(settings):
    watchdog = machine.WDT(timeout=_WATCHDOG)
    for _ in _steps_to_network(settings):
        watchdog.feed()
        await asyncio.sleep(1)
    host = _of(settings, "portal", "address", "0.0.0.0")
    server = await asyncio.start_server(_serve, host, _of(settings, "portal", "port", 80))
    for _ in range(_LONGEST):
        watchdog.feed()
        await asyncio.sleep(1)
        if _State.done and not _State.guests:
            break
    server.close()


def _steps_to_network(settings):
    # The home's Wi-Fi; ours, if there is none. A generator, a second each.
    ssid = _of(settings, "wifi", "ssid", "")
    password = _of(settings, "wifi", "password", "")
    try:
        network.hostname("meterling")
        if ssid:
            home = network.WLAN(network.STA_IF)
            home.active(True)
            home.connect(*((ssid, password) if password else (ssid,)))
            for _ in range(_JOIN):
                if home.isconnected():
                    print("rescue: http://{}/".format(home.ifconfig()[0]))
                    return
                yield
            home.active(False)  # else it goes on trying, and ours can hardly be heard
    except (OSError, ValueError) as error:
        print("rescue: wifi: {}".format(type(error).__name__))
    own = network.WLAN(network.AP_IF)
    own.active(True)
    name = "Meterling-" + "".join(["%02X" % byte for byte in machine.unique_id()[-2:]])
    password = _of(settings, "ap", "password", "")
    if len(password) >= 8:
        own.config(ssid=name, security=_SECURE, key=password)
    else:
        own.config(ssid=name, security=_OPEN)  # it only takes what is signed
    print("rescue: {}, http://{}/".format(name, own.ifconfig()[0]))


async def _serve(reader, writer):
    # One after the other, few in line, and each wait has its end.
    _State.guests += 1
    try:
        if _State.guests <= _GUESTS:
            async with _State.turn:
                text = _PAGE.format(await _answer(reader))
                await _drain(reader)
                writer.write(text.encode())
                await asyncio.wait_for(writer.drain(), _QUIET)
    except (OSError, EOFError, ValueError, asyncio.TimeoutError):
        pass  # who asked went away, or speaks no HTTP
    finally:
        writer.close()
        await writer.wait_closed()
        _State.guests -= 1


async def _read(reader):
    data = await asyncio.wait_for(reader.read(_PIECE), _QUIET)
    if not data:
        raise EOFError
    return data


async def _drain(reader):
    # Closed with bytes unread, TCP would throw our answer away.
    try:
        for _ in range(_REST):
            if not await asyncio.wait_for(reader.read(_PIECE), 0.3):
                return
    except asyncio.TimeoutError:
        pass


async def _answer(reader):
    data = b""
    while _END not in data:
        if len(data) > _HEAD:
            return _REFUSED.format("head-too-long")
        data += await _read(reader)
    head, data = data.split(_END, 1)
    if not head.startswith(b"POST"):
        return ""
    said = {}
    for line in head.decode().lower().split("\r\n")[1:]:
        name, _, value = line.partition(":")
        said[name] = value.strip()
    if said.get("origin", "http://" + said.get("host", "")) != "http://" + said.get("host", ""):
        return _REFUSED.format("csrf")
    try:
        return await _update(reader, data)
    except (OSError, EOFError, asyncio.TimeoutError):
        raise
    except Exception as error:  # a Refused, of a module that may be anything
        sys.print_exception(error)
        return _REFUSED.format(getattr(error, "code", type(error).__name__))


async def _update(reader, data):
    found = _library()
    if not found:
        return _NOTHING
    updater_of, package, slot = found
    # In a form, the release comes behind a boundary and a few headers, and ends by itself.
    while True:
        at = data.find(package.MAGIC)
        if at >= 0 and len(data) - at >= package.FRONT:
            break
        if len(data) > _HEAD:
            return _REFUSED.format("no-release")
        data += await _read(reader)
    updater = updater_of(True, version=_ANY, into=boot_slots.other(slot))
    try:
        updater.write(data[at : at + package.FRONT])
        data = data[at + package.FRONT :]
        left = updater.progress[2] - package.FRONT
        while True:
            updater.write(data[:left])
            left -= len(data)
            if left <= 0:
                break
            data = await _read(reader)
        data = b""
        await updater.finish()
    finally:
        updater.abandon()
    _State.done = True
    return _DONE


def _library():
    # (Updater, its package, the slot they are from), None if neither slot has all of it.
    run = boot_slots.read()[0]
    for slot in (run, boot_slots.other(run)):
        sys.path.insert(0, slot)
        try:
            from meterling.update import ed25519, package  # noqa: F401
            from meterling.update.updater import Updater

            return Updater, package, slot
        except Exception as error:
            sys.print_exception(error)
        sys.path.remove(slot)
        for name in list(sys.modules):
            if name.partition(".")[0] == "meterling":
                del sys.modules[name]
    return None
