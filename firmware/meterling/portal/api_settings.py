"""/api/settings: what can be set, checked as a whole before any of it is used."""

import json

from .. import config
from ..publish.loop import ticks_diff, ticks_ms
from ..python import const
from .answer import Answer, Refused
from .asked import body_of

_TOKEN_AGE = const(600_000)  # ms
_SECRET_ENDS = ("password", "key", "secret", "token")
_OWN = ("portal.password", "portal.setup_done")  # only by their own requests
_NOT_EXPORTED = ("device", "ap.open", "meter.inverted")
# What takes effect at once; everything else at the next start.
_AT_ONCE = ("timezone", "meter.operator", "portal.password", "portal.setup_done", "update.url")
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
    """The settings without any secret, and without what only this board is like (nested
    dict): they may be for another."""
    from .factory_reset import OF_BOARD

    return nested(
        {
            name: value
            for name, value in settings.items()
            if not (is_secret(name) or name in _OWN or name in _NOT_EXPORTED or name in OF_BOARD)
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
                wanted["{}.{}".format(room, inner)] = inner_value
        else:
            wanted[room] = value
    new = {}
    for name, value in wanted.items():
        if name in _OWN:
            raise config.ConfigError("unknown-setting", name, "is no setting of this request")
        if not (is_secret(name) and isinstance(value, bool) and name in settings):
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
    return Answer(text, 200, {"Content-Type": "application/json", "Content-Disposition": name})


async def put(portal, request):
    """Also of what was exported."""
    house = portal.house
    document = body_of(request)
    token = document.pop("key_token", None)
    new = _merged(house.settings, document)
    if token is not None:
        key, auth_key = _redeem(portal, token)
        if key is not None:
            new["meter.key"] = key
        if auth_key is not None:
            new["meter.auth_key"] = auth_key
    at_once = _AT_ONCE + _KEYS if house.keys_changed else _AT_ONCE
    restart = any(
        value != house.settings[name] and name not in at_once for name, value in new.items()
    )
    portal.save(new)
    return {"restart": restart}


def _redeem(portal, token):
    # The keys (bytes or None) that were understood when `token` was given out
    kept = portal.understood
    if kept is None or token != kept[0] or not 0 <= ticks_diff(ticks_ms(), kept[3]) < _TOKEN_AGE:
        raise Refused(400, "key-token")
    portal.understood = None
    return kept[1:3]
