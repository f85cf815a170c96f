"""/api/key: what was pasted, understood and tried."""

import gc
import os
from binascii import hexlify

from ..publish.loop import ticks_ms
from ..python import unload
from .answer import Refused
from .asked import body_of


async def key(portal, request):
    house = portal.house
    code, key, auth_key, notes, digits = _understand(house, body_of(request))
    verdict, swapped = None, False
    if key is not None or auth_key is not None:
        keys = _to_try(house, code, key, auth_key)
        verdict, swapped = _try(house, *keys)
        if swapped:
            auth_key, key = keys
    answer = {
        "understood": code,
        "key": key is not None,
        "auth_key": auth_key is not None,
        "notes": notes,
        "digits": digits,
        "check": verdict,
        "swapped": swapped,
        "token": None,
    }
    if verdict is not None and (swapped or code != "set"):
        answer["token"] = hexlify(os.urandom(16)).decode()
        if code == "key" and verdict == "auth-key-wrong":
            auth_key = b""  # the one that is set is of another meter: without it, this one reads
        portal.understood = (answer["token"], key, auth_key, ticks_ms())
    return answer


def _understand(house, document):
    # (code, key, auth_key, notes, digits): not the Understood, which would hold all of
    # key_doctor, 6 kB, while the key is tried.
    text = document.get("text", "")
    auth_text = document.get("auth", "")
    if not (isinstance(text, str) and isinstance(auth_text, str)):
        raise Refused(400, "not-text")
    if not ("text" in document or "auth" in document):
        key, auth_key = house.settings["meter.key"], house.settings["meter.auth_key"]
        return "set" if key else "empty", key, auth_key, [], 0
    try:
        from .key_doctor import understand

        found = understand(text, auth_text)
        return found.code, found.key, found.auth_key, found.notes, found.digits
    finally:
        understand = found = None
        unload("meterling.portal", "key_doctor", False)
        gc.collect()  # here: from within `unload`, the collector finds it on the stack


def _try(house, key, auth_key):
    if not house.sample.length and house.diagnosis.code == "ok":
        return "not-ciphered", False
    try:
        from .key_check import check

        return check(house.sample, key, auth_key)
    finally:
        unload("meterling.portal", "key_check")


def _to_try(house, code, key, auth_key):
    # What is missing in the paste may be set already.
    settings = house.settings
    if key is None:
        return settings["meter.key"], auth_key
    if auth_key is None and code == "key":
        return key, settings["meter.auth_key"]
    return key, auth_key
