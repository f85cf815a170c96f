"""/api/settings: what is set, without the secrets."""

import json

from .answer import Answer
from .api_save import OWN, is_secret

_NOT_EXPORTED = ("device", "ap.open", "meter.inverted", "wifi.ssid")  # its password is missing


def shown(settings):
    """The settings as GET shows them (nested dict): secrets are True or False."""
    visible = {}
    for name, value in settings.items():
        if name not in OWN:
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
            if not (is_secret(name) or name in OWN or name in _NOT_EXPORTED or name in OF_BOARD)
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


async def get(portal, request):
    return shown(portal.house.settings)


async def export(portal, request):
    text = json.dumps(exported(portal.house.settings))
    name = 'attachment; filename="meterling-settings.json"'
    return Answer(text, 200, {"Content-Type": "application/json", "Content-Disposition": name})
