"""/api/operators: which grid operators we know, and how their customers get a key."""

import json

from ..python import unload
from .answer import Answer
from .asked import language
from .errors import Refused


async def index(portal, request):
    from .. import operators

    text = bytearray(b'{"operators": [')
    separator = b""
    try:
        for operator, name, country in operators.index():
            # One by one: all of them, and then their JSON, would take 12 kB.
            one = {"id": operator, "name": name, "country": country}
            text.extend(separator + json.dumps(one).encode())
            separator = b", "
    finally:
        unload("meterling", "operators")
    text.extend(b"]}")
    return Answer(text, 200, {"Content-Type": "application/json"})


async def find(portal, request):
    from .. import operators

    wanted = _wanted(request.query_string or "")
    if wanted not in operators.LANGUAGES:
        wanted = language(request.headers.get("Accept-Language", ""))
    try:
        return operators.find(request.path[len("/api/operators/") :], wanted)
    except operators.OperatorError as error:
        unknown = error.code == "unknown-operator"
        raise Refused(404 if unknown else 500, "not-found" if unknown else error.code)
    finally:
        unload("meterling", "operators")


def _wanted(query):
    # "de" of "lang=de"
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name == "lang":
            return value
    return ""
