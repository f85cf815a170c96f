"""Other networks than ours: what is in the air, and whether one of them can be joined. Loaded
when somebody wants to know, and dropped again."""

import asyncio
import sys

from ..python import const

_CHECK = const(100)  # ms
# Of the time that a test may take: until then the driver may tell what stopped the network
# before this one, or a first try of which the second goes well.
_BELIEVED = 0.4
_WEAK = const(-82)  # dBm: joining fails more often than not
_OPEN = const(0)
_PATIENT = ("wifi-joining", "wifi-lost")  # may still become a connection


async def scan(wifi):
    """See Wifi.scan."""
    found = await _look_around(wifi)
    return [
        (_text(ssid), channel, rssi, security != _OPEN)
        for ssid, _, channel, rssi, security, *_ in found
    ]


async def test(wifi, ssid, password):
    """See Wifi.test."""
    address = None
    try:
        wifi.join(ssid, password)
        code = await _joined(wifi)
        rssi = wifi.rssi()
        if code == "ok":
            address = wifi.wlan.ifconfig()[0]
            wifi.use(ssid, password)
        elif code == "wifi-timeout":
            # Where there is a strength there is a network: only the address is missing.
            if rssi is not None:
                code = "wifi-no-address" if rssi > _WEAK else "wifi-too-weak"
        elif code in ("wifi-not-found", "wifi-password", "wifi-refused"):
            code, rssi = await _look_closer(wifi, ssid, code)
    finally:
        if address is None:
            wifi.leave()  # `run` joins the former network again
    return code, address, rssi


async def _joined(wifi):
    looks = wifi.test_time * 1000 // _CHECK
    for look in range(looks):
        await asyncio.sleep(_CHECK / 1000)
        if wifi.wlan.isconnected():
            return "ok"
        problem = wifi.problem()
        # Where there is a strength it let us in, whatever the driver says: an address may come.
        if problem not in _PATIENT and look >= looks * _BELIEVED and wifi.rssi() is None:
            return problem
    return "wifi-timeout"


async def _look_closer(wifi, ssid, code):
    # A network at the edge of what can be heard fails in any of these ways.
    try:
        found = await _look_around(wifi)
    except OSError:
        return code, None
    strengths = [rssi for name, _, _, rssi, *_ in found if _text(name) == ssid]
    if not strengths:
        return code, None
    if max(strengths) <= _WEAK:
        return "wifi-too-weak", max(strengths)
    return code, max(strengths)


async def _look_around(wifi):
    # While it joins a network the driver finds none, and does not say why: `run` joins again.
    if not wifi.wlan.isconnected():
        wifi.leave()
        await asyncio.sleep(_CHECK / 1000)
    return await _beside(wifi.wlan.scan)


def _text(name):
    try:
        return name.decode()
    except UnicodeError:
        return ""


async def _beside(work):
    """What `work()` returns. Where threads share the interpreter (ESP32), in one of its own:
    a scan takes seconds, and lets the others run meanwhile."""
    if getattr(sys.implementation, "_thread", "") != "GIL":
        return work()
    import _thread

    result = []

    def thread():
        try:
            result.append(work())
        except Exception as error:  # whoever waits would wait for ever
            result.append(error)

    _thread.start_new_thread(thread, ())
    while not result:
        await asyncio.sleep(_CHECK / 1000)
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0]
