"""PUT /api/settings, and the import: checked as a whole before any of it is used."""

from .. import config
from ..publish.loop import ticks_diff, ticks_ms
from ..python import const
from .answer import Refused
from .asked import body_of

_IMPORT = const("/api/settings/import")
_TOKEN_AGE = const(600_000)  # ms
_SECRET_ENDS = ("password", "key", "secret", "token")
OWN = ("portal.password", "portal.setup_done")  # only by their own requests
# What takes effect at once; everything else at the next start.
_AT_ONCE = ("timezone", "meter.operator", "portal.password", "portal.setup_done", "update.url")
_KEYS = ("meter.key", "meter.auth_key")


def is_secret(name):
    """True if the setting `name` is never to be shown. By its name: whoever adds a setting
    need not think of it."""
    return name.endswith(_SECRET_ENDS)


async def put(portal, request):
    """Also of what was exported."""
    house = portal.house
    document = body_of(request)
    token = document.pop("key_token", None)
    if request.path == _IMPORT:
        _leave_wifi(document)
    new = _merged(house.settings, document)
    if token is not None:
        key, auth_key = _redeem(portal, token)
        if key is not None:
            new["meter.key"] = key
        if auth_key is not None:
            new["meter.auth_key"] = auth_key or None
    at_once = _AT_ONCE + _KEYS if house.keys_changed else _AT_ONCE
    restart = any(
        value != house.settings[name] and name not in at_once for name, value in new.items()
    )
    portal.save(new)
    portal.restart = portal.restart or restart
    return {"restart": portal.restart}


def _leave_wifi(document):
    # Without its password a network cannot be joined; older exports name it.
    wifi = document.get("wifi")
    if isinstance(wifi, dict) and not isinstance(wifi.get("password"), str):
        wifi.pop("ssid", None)


def _redeem(portal, token):
    # The keys (bytes; None: leave it; b"": remove it) that were understood when `token` was given
    # out
    kept = portal.understood
    if kept is None or token != kept[0] or not 0 <= ticks_diff(ticks_ms(), kept[3]) < _TOKEN_AGE:
        raise Refused(400, "key-token")
    portal.understood = None
    return kept[1:3]


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
        if name in OWN:
            raise config.ConfigError("unknown-setting", name, "is no setting of this request")
        if not (is_secret(name) and isinstance(value, bool) and name in settings):
            new[name] = value
    result = dict(settings)
    result.update(config.with_fields("checked", new))
    return result
