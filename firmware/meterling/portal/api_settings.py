"""/api/settings, /api/key: what can be set, checked as a whole before any of it is used."""

import json
import os
from binascii import hexlify

from microdot import Response

from .. import config
from ..publish.loop import ticks_diff, ticks_ms
from ..python import const, unload
from .errors import Refused
from .server import body_of

_TOKEN_AGE = const(600_000)  # ms
_SECRET_ENDS = ("password", "key", "secret", "token")
_OWN = ("portal.password", "portal.setup_done")  # only by their own requests
_NOT_EXPORTED = ("device",)
# What takes effect at once; everything else at the next start.
_AT_ONCE = ("device", "meter.operator", "portal.password", "portal.setup_done")
_KEYS = ("meter.key", "meter.auth_key")


def is_secret(name):
    """True if the setting `name` is never to be shown. By its name: whoever adds a setting
    need not think of it."""
    return name.endswith(_SECRET_ENDS)


def shown(settings):
    """The settings as GET shows them (nested dict): secrets are True or False."""
    visible = {}
    for name, value in settings.items():
        if name not in _OWN:
            visible[name] = bool(value) if is_secret(name) else value
    return nested(visible)


def exported(settings):
    """The settings without any secret (nested dict)."""
    return nested(
        {
            name: value
            for name, value in settings.items()
            if not (is_secret(name) or name in _OWN or name in _NOT_EXPORTED)
        }
    )


def nested(settings):
    """`{"meter": {"link": ..}}` of `{"meter.link": ..}`; numbers, text, true, false only."""
    document = {}
    for name, value in settings.items():
        room, _, inner = name.partition(".")
        if inner:
            document.setdefault(room, {})[inner] = value
        else:
            document[name] = value
    return document


def _merged(settings, document):
    # The settings (flat dict) with what `document` (nested dict) changes. ConfigError.
    wanted = {}
    for room, value in document.items():
        if isinstance(value, dict):
            for inner, inner_value in value.items():
                wanted[room + "." + inner] = inner_value
        else:
            wanted[room] = value
    new = {}
    for name, value in wanted.items():
        if name in _OWN:
            raise config.ConfigError("unknown-setting", name, "is no setting of this request")
        if not (is_secret(name) and isinstance(value, bool)):
            new[name] = value
    checked = config.check(nested(new))
    result = dict(settings)
    for name in new:
        result[name] = checked[name]
    return result


async def get(portal, request):
    return shown(portal.house.settings)


async def export(portal, request):
    text = json.dumps(exported(portal.house.settings))
    name = 'attachment; filename="meterling-settings.json"'
    return Response(text, 200, {"Content-Type": "application/json", "Content-Disposition": name})


async def put(portal, request):
    """Also of what was exported."""
    house = portal.house
    document = body_of(request)
    token = document.pop("key_token", None)
    new = _merged(house.settings, document)
    if token is not None:
        understood = _redeem(portal, token)
        if understood.key is not None:
            new["meter.key"] = understood.key
        if understood.auth_key is not None:
            new["meter.auth_key"] = understood.auth_key
    at_once = _AT_ONCE + _KEYS if house.keys_changed else _AT_ONCE
    restart = any(
        value != house.settings[name] and name not in at_once for name, value in new.items()
    )
    portal.save(new)
    return {"restart": restart}


async def key(portal, request):
    """What was pasted, understood and tried."""
    document = body_of(request)
    text = document.get("text", "")
    auth_text = document.get("auth", "")
    if not (isinstance(text, str) and isinstance(auth_text, str)):
        raise Refused(400, "not-text")
    house = portal.house
    try:
        from .key_doctor import Understood, understand

        if "text" in document or "auth" in document:
            found = understand(text, auth_text)
        else:
            found = Understood(
                "set" if house.settings["meter.key"] else "empty",
                house.settings["meter.key"],
                house.settings["meter.auth_key"],
            )
    finally:
        unload("meterling.portal", "key_doctor")
    verdict, swapped = None, False
    if found.key is not None or found.auth_key is not None:
        key, auth_key = _to_try(house, found)
        verdict, swapped = _try(house, key, auth_key)
        if swapped:
            found.key, found.auth_key = auth_key, key
    answer = {
        "understood": found.code,
        "key": found.key is not None,
        "auth_key": found.auth_key is not None,
        "notes": found.notes,
        "digits": found.digits,
        "check": verdict,
        "swapped": swapped,
        "token": None,
    }
    if verdict is not None and found.code != "set":
        answer["token"] = hexlify(os.urandom(16)).decode()
        portal.understood = (answer["token"], found, ticks_ms())
    return answer


def _try(house, key, auth_key):
    if not house.sample.length and house.diagnosis.code == "ok":
        return "not-ciphered", False
    try:
        from .key_check import check

        return check(house.sample, key, auth_key)
    finally:
        unload("meterling.portal", "key_check")


def _to_try(house, found):
    # What is missing in the paste may be set already.
    settings = house.settings
    if found.key is None:
        return settings["meter.key"], found.auth_key
    if found.auth_key is None and found.code == "key":
        return found.key, settings["meter.auth_key"]
    return found.key, found.auth_key


def _redeem(portal, token):
    kept = portal.understood
    if kept is None or token != kept[0] or not 0 <= ticks_diff(ticks_ms(), kept[2]) < _TOKEN_AGE:
        raise Refused(400, "key-token")
    portal.understood = None
    return kept[1]
