"""What a browser asks over Improv, and what it is answered. Loaded while one does."""

import asyncio
import sys

from .config import ConfigError
from .improv import BAD, COMMAND, ERROR, OUTSIDE, PACKET, STATE, Parser, packet, result, texts_of
from .python import const

_CTRL_C = const(3)

_WIFI = const(1)  # commands
_STATE = const(2)
_INFO = const(3)
_NETWORKS = const(4)

_READY = b"\2"  # states
_JOINING = b"\3"
_JOINED = b"\4"

_NO_ERROR = b"\0"
_INVALID = b"\1"
_UNKNOWN_COMMAND = b"\2"
_NOT_CONNECTED = b"\3"
_OTHER = b"\xff"

_NAME = "Meterling"  # as in the web flasher's manifests: a browser compares the two
_MOST_NETWORKS = const(24)
_LONGEST_SSID = const(32)  # bytes
_SHORTEST_PASSWORD = const(8)  # of WPA2
_LONGEST_PASSWORD = const(64)  # then they are hex digits
_HTTP = const(80)


class Dialogue:
    """`house`: portal.house.House; write(bytes): sends. working: the command (int) that takes
    longer and is being worked on, 0 if none is."""

    def __init__(self, house, write):
        self._house = house
        self._write = write
        self._parser = Parser()
        self.reset = self._parser.reset
        self.working = 0

    def feed(self, byte):
        """Take the next `byte` (int). KeyboardInterrupt, if that is Ctrl-C."""
        found = self._parser.feed(byte)
        if found == OUTSIDE and byte == _CTRL_C:
            raise KeyboardInterrupt
        if found == BAD:
            self._write(packet(ERROR, _INVALID))
        elif found == PACKET and self._parser.type == COMMAND and self._parser.length:
            error = self._answer(self._parser.data[0])
            if error:
                self._write(packet(ERROR, error))

    def _answer(self, command):
        house = self._house
        if command == _STATE:
            state = self._state()
            self._write(packet(STATE, state))
            if state == _JOINED:
                self._write(result(_STATE, [self._url()]))
        elif command == _INFO:
            self._write(result(_INFO, [_NAME, house.version, chip_family(), house.device]))
        elif command == _WIFI or command == _NETWORKS:
            texts = texts_of(self._parser.data, self._parser.length)
            if texts is None or len(texts) != (2 if command == _WIFI else 0):
                return _INVALID
            if self.working or house.wifi.is_busy():
                return _OTHER
            self.working = command
            asyncio.create_task(self._work(texts))
        else:
            return _UNKNOWN_COMMAND
        return None

    def _state(self):
        if self.working == _WIFI:
            return _JOINING
        house = self._house
        return _JOINED if house.settings["wifi.ssid"] and house.wifi.is_up() else _READY

    def _url(self):
        port = self._house.settings["portal.port"]
        port = "" if port == _HTTP else ":%d" % port
        return "http://{}{}/".format(self._house.wifi.address(), port)

    async def _work(self, texts):
        try:
            if self.working == _WIFI:
                await self._join(texts)
            else:
                await self._show_networks()
        except Exception as error:  # MemoryError, too
            print("improv: failed: " + type(error).__name__)
            self._write(packet(ERROR, _OTHER))
        finally:
            self.working = 0

    async def _show_networks(self):
        best = {}
        for ssid, _, rssi, secure in await self._house.wifi.scan():
            if ssid and (ssid not in best or best[ssid][0] < rssi):
                best[ssid] = rssi, secure
        for ssid in sorted(best, key=lambda ssid: -best[ssid][0])[:_MOST_NETWORKS]:
            rssi, secure = best[ssid]
            self._write(result(_NETWORKS, [ssid, str(rssi), "YES" if secure else "NO"]))
        self._write(result(_NETWORKS, []))

    async def _join(self, texts):
        self._write(packet(ERROR, _NO_ERROR))
        self._write(packet(STATE, _JOINING))
        error = await self._try(texts)
        self.working = 0
        self._write(packet(STATE, self._state()))
        # Last what ends the browser's waiting.
        self._write(packet(ERROR, error) if error else result(_WIFI, [self._url()]))

    async def _try(self, texts):
        # As the page does it: tried before it is saved.
        if not _may_be(texts):
            return _NOT_CONNECTED
        house = self._house
        try:
            ssid, password = [text.decode() for text in texts]
            code, _, _ = await house.wifi.test(ssid, password)
            print("improv: " + code)
            if code != "ok":
                return _NOT_CONNECTED
            new = dict(house.settings)
            new["wifi.ssid"] = ssid
            new["wifi.password"] = password
            house.save(new)
        except (ConfigError, OSError, ValueError) as error:  # UnicodeError, too
            print("improv: failed: " + type(error).__name__)
            return _OTHER
        return None


def _may_be(texts):
    ssid, password = [len(text) for text in texts]
    return 0 < ssid <= _LONGEST_SSID and (
        password == 0 or _SHORTEST_PASSWORD <= password <= _LONGEST_PASSWORD
    )


def chip_family():
    """What we run on (str), as esp-web-tools calls it: "ESP32", "ESP32-C3"; what the machine
    says of itself, if it is none of Espressif's."""
    # "ESP32C3 module with ESP32C3", "LOLIN_S2_MINI with ESP32-S2FN4R2"
    machine = getattr(sys.implementation, "_machine", "PC")
    _, found, rest = machine.upper().rpartition("ESP32")
    if not found:
        return machine
    rest = rest.replace("-", "")[:2]
    return "ESP32-" + rest if rest[:1] in ("C", "H", "P", "S") and rest[1:].isdigit() else "ESP32"
