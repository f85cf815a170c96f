"""/api/wifi: what is in the air, and a network tried before it is saved."""

import asyncio

from ..python import const, unload
from .answer import Refused
from .asked import body_of

_MOST_NETWORKS = const(24)
_LONGEST_SSID = const(32)
_HEX = "0123456789abcdefABCDEF"
_BARS = (-85, -75, -67, -55)  # dBm from which there are 1, 2, 3, 4


def bars(rssi):
    """How many of four bars (int) stand for `rssi` (int, dBm)."""
    return sum(1 for least in _BARS if rssi >= least)


async def scan(portal, request):
    """The networks in the air."""
    wifi = portal.house.wifi
    if wifi.is_busy():
        raise Refused(503, "busy")
    best = {}
    try:
        heard = await wifi.scan()
    except OSError:
        raise Refused(503, "busy")
    for ssid, channel, rssi, secure in heard:
        if ssid and (ssid not in best or best[ssid]["rssi"] < rssi):
            best[ssid] = {
                "ssid": ssid,
                "rssi": rssi,
                "bars": bars(rssi),
                "secure": secure,
                "channel": channel,
            }
    found = sorted(best.values(), key=lambda network: -network["rssi"])
    return {"networks": found[:_MOST_NETWORKS]}


async def start_test(portal, request):
    """One test at a time, in the background: the phone may lose us meanwhile."""
    document = body_of(request)
    ssid = document.get("ssid")
    password = document.get("password", "")
    if not isinstance(ssid, str) or not 0 < len(ssid.encode()) <= _LONGEST_SSID:
        raise Refused(400, "ssid")
    if not isinstance(password, str) or not _may_be_password(password):
        raise Refused(400, "wifi-password-length")
    if portal.house.wifi.is_busy() or portal.wifi_test["state"] == "running":
        raise Refused(503, "busy")
    portal.wifi_test = {"state": "running", "ssid": ssid, "result": None}
    asyncio.create_task(_test(portal, ssid, password))
    return {}, 202


async def get_test(portal, request):
    return portal.wifi_test


async def _test(portal, ssid, password):
    wifi = portal.house.wifi
    result, address, rssi, saved = "wifi-timeout", None, None, False
    name = wifi.name() + ".local"
    try:
        result, address, rssi = await wifi.test(ssid, password)
        if result == "ok":
            house = portal.house
            taken = not house.settings["device"] and await _is_taken(house, wifi.name())
            new = dict(house.settings)  # now: meanwhile others may have been saved
            new["wifi.ssid"] = ssid
            new["wifi.password"] = password
            if taken:
                # There is another dongle. From the next start on this one is called what it is
                # called elsewhere; until then the chip puts a number behind, and tells it nobody.
                new["device"] = house.device
                name = None
            portal.save(new)
            saved = True
    except Exception as error:
        print("wifi: {}".format(type(error).__name__))
        result = "not-saved" if result == "ok" else "wifi-refused"
    finally:
        portal.wifi_test = {
            "state": "done",
            "ssid": ssid,
            "result": result,
            "address": address,
            "name": name,
            "rssi": rssi,
            "saved": saved,
        }


async def _is_taken(house, name):
    from .mdns import is_taken

    try:
        return await is_taken(name, house.wifi.addresses(), house.mdns)
    except (OSError, MemoryError):
        return False  # a network without multicast
    finally:
        unload("meterling.portal", "mdns")


def _may_be_password(text):
    length = len(text.encode())
    return length == 0 or 8 <= length <= 63 or (length == 64 and all(c in _HEX for c in text))
