"""Other networks than ours: what is in the air, and whether one of them can be joined. Loaded
when somebody wants to know, and dropped again."""

import asyncio
import sys

from ..python import const

_CHECK = const(100)  # ms
_WEAK = const(-82)  # dBm: joining fails more often than not
_OPEN = const(0)
_PATIENT = ("wifi-joining", "wifi-lost")  # may still become a connection


async def scan(wifi):
    """See Wifi.scan."""
    found = await _beside(wifi.wlan.scan)
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
            address = wifi.address()
            wifi.use(ssid, password)
        elif code == "wifi-timeout":
            # Where there is a strength there is a network: only the address is missing.
            if rssi is not None:
                code = "wifi-no-address" if rssi > _WEAK else "wifi-too-weak"
        elif code in ("wifi-not-found", "wifi-password", "wifi-refused"):
            code, rssi = await _look_closer(wifi, ssid, code)
    finally:
        if address is None:
            try:
                wifi.wlan.disconnect()  # `run` joins the former network again
            except OSError:
                pass
    return code, address, rssi


async def _joined(wifi):
    for _ in range(wifi.test_time * 1000 // _CHECK):
        await asyncio.sleep(_CHECK / 1000)
        if wifi.is_up():
            return "ok"
        problem = wifi.problem()
        if problem not in _PATIENT:
            return problem
    return "wifi-timeout"


async def _look_closer(wifi, ssid, code):
    # A network at the edge of what can be heard fails in any of these ways.
    try:
        found = await _beside(wifi.wlan.scan)
    except OSError:
        return code, None
    strengths = [rssi for name, _, _, rssi, *_ in found if _text(name) == ssid]
    if not strengths:
        return code, None
    if max(strengths) <= _WEAK:
        return "wifi-too-weak", max(strengths)
    return code, max(strengths)


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
        except OSError as error:
            result.append(error)

    _thread.start_new_thread(thread, ())
    while not result:
        await asyncio.sleep(_CHECK / 1000)
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]
