"""What the page shows of the dongle's state; API.md, GET /api/status."""

import gc
from binascii import unhexlify


def status(house, live):
    """dict; no secret can be in it: keys are only "set" or "not"."""
    settings = house.settings
    return {
        "device": house.device,
        "version": house.version,
        "uptime": house.uptime(),
        "start": house.health.number,
        "cause": house.health.cause,
        "diagnosis": house.diagnosis.code,
        "age": live.age(),
        "lost": live.lost,
        "interval": live.interval,
        "counters": house.diagnosis.as_dict()["counters"],
        "line": house.line(),
        "ciphered": True if house.sample.length else live.ciphered,
        "maker": _maker(house.sample, live.maker),
        "key": settings["meter.key"] is not None,
        "auth_key": settings["meter.auth_key"] is not None,
        "wifi": house.wifi.status(),
        "mqtt": house.mqtt(),
        "heap": gc.mem_free() if hasattr(gc, "mem_free") else 0,
        "viewers": len(live),
    }


def _maker(sample, title):
    # The first three letters of the system title
    if title:
        letters = unhexlify(title)[:3]
    elif sample.length > 5 and sample.buffer[0] != 0x5B:
        letters = bytes(sample.buffer[2:5])
    else:
        return None
    if not all(65 <= byte <= 90 for byte in letters):
        return None
    return letters.decode()
