"""What a request brings: its JSON, and the language of who asks."""

import json

from ..python import const
from .answer import Refused

_JSON = const("application/json")
LANGUAGES = ("de", "en")


def body_of(request):
    """The JSON object in the body (dict); Refused if there is none."""
    if (request.content_type or "").split(";")[0].strip() != _JSON:
        raise Refused(400, "not-json")
    try:
        text = request.body.decode().strip()
        if not text.endswith("}"):  # MicroPython 1.25's parser takes cut text
            raise ValueError
        document = json.loads(text)
    except MemoryError:
        raise
    except Exception:  # ValueError, UnicodeError, RecursionError
        raise Refused(400, "not-json")
    if not isinstance(document, dict):
        raise Refused(400, "not-json")
    return document


def language(accepted):
    """ "de" or "en", whichever Accept-Language (str) names first; "en" if neither."""
    for item in accepted.lower().split(","):
        name = item.strip()[:2]
        if name in LANGUAGES:
            return name
    return "en"
