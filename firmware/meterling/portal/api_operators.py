"""/api/operators: which grid operators we know, and how their customers get a key."""

import json

from ..python import unload
from .answer import Answer, Refused, parts_of
from .asked import LANGUAGES, language

_JSON = {"Content-Type": "application/json"}


async def index(portal, request):
    try:
        return Answer(parts_of(_index()), 200, _JSON)
    finally:  # not in `_index`: MicroPython closes no generator that was left half-way
        unload("meterling", "operators")


async def find(portal, request):
    wanted = _wanted(request.query_string or "")
    if wanted not in LANGUAGES:
        wanted = language(request.headers.get("Accept-Language", ""))
    found = _find(request.path[len("/api/operators/") :], wanted)
    return Answer(parts_of(_as_json(found)), 200, _JSON)


# Piece by piece: all of it, and then its JSON, would take 12 kB.


def _index():
    from .. import operators

    yield '{"operators": ['
    separator = ""
    for operator, name, country in operators.index():
        yield separator + json.dumps({"id": operator, "name": name, "country": country})
        separator = ", "
    yield "]}"


def _as_json(document):
    separator = "{"
    for name in document:
        yield separator + json.dumps(name) + ": " + json.dumps(document[name])
        separator = ", "
    yield "}"


def _find(operator, wanted):
    # A function of its own: a frame holds what it has loaded.
    from .. import operators

    try:
        return operators.find(operator, wanted)
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
