"""/api/operators: which grid operators we know, and how their customers get a key."""

from .. import operators
from ..python import unload
from .errors import Refused
from .plain import language


async def index(portal, request):
    try:
        found = [{"id": i, "name": n, "country": c} for i, n, c in operators.index()]
    finally:
        unload("meterling", "operators")
    return {"operators": found}


async def find(portal, request):
    wanted = request.args.get("lang") if request.args else None
    if wanted not in operators.LANGUAGES:
        wanted = language(request.headers.get("Accept-Language", ""))
    try:
        return operators.find(request.path[len("/api/operators/") :], wanted)
    except operators.OperatorError as error:
        unknown = error.code == "unknown-operator"
        raise Refused(404 if unknown else 500, "not-found" if unknown else error.code)
    finally:
        unload("meterling", "operators")
