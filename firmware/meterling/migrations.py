"""The settings, from one version of the firmware to another, and back.

The file says which schema it was written in ("schema", 1 if it says nothing). A release that
has a setting more, takes more values for one, or calls one otherwise counts SCHEMA up and
adds a step to STEPS:

    up(values)      sets newer names from older ones, as far as these are there
    down(values)    sets older names from newer ones, as well as they can be said
    retired         the older names: for older versions only

`values` is flat: {"mqtt.host": ..}, as the JSON file has them. Where nothing is called otherwise
the step is NOTHING.

An older version that returns after an update finds its own names (the newer one wrote them,
too: `down`), and keeps what it does not understand under "later", for when the newer one is
back. So no setting is lost either way, and none keeps a version from starting.
"""

SCHEMA = 1
NOTHING = (lambda values: None, lambda values: None, ())
STEPS = ()  # (up, down, retired): the first from schema 1 to 2, ..

_SCHEMA = "schema"
_LATER = "later"


def read(document, accepts, defaults, schema=SCHEMA, steps=STEPS):
    """(values of this version, what a later one left or {}) of `document` (nested dict, as
    the file has it; it is left as it is). accepts(name, value): whether this version takes
    that; defaults: {name: value}, as in a file. Values of this version's own or an older schema
    that are not accepted are returned all the same, for the check to name them."""
    values = flat(document)
    written = values.pop(_SCHEMA, 1)
    later = {}
    for name in list(values):
        if name.startswith(_LATER + "."):
            later[name[len(_LATER) + 1 :]] = values.pop(name)
    if not isinstance(written, int) or isinstance(written, bool) or written < 1:
        written = 1
    if written > schema:
        for name in list(values):
            if not accepts(name, values[name]):
                later[name] = values.pop(name)
        return values, later
    for up, _, _ in steps[written - 1 : schema - 1]:
        up(values)
    for _, _, retired in steps[: schema - 1]:
        for name in retired:
            values.pop(name, None)
    for name in list(later):
        if accepts(name, later[name]):
            value = later.pop(name)
            if name not in values or values[name] == defaults.get(name):
                values[name] = value
    return values, later


def is_of_later(document, schema=SCHEMA):
    """True if a later version has written `document` (what the file holds, or None), or left
    something in it."""
    if not isinstance(document, dict):
        return False
    written = document.get(_SCHEMA, 1)
    return _LATER in document or isinstance(written, int) and written > schema


def write(values, later, schema=SCHEMA, steps=STEPS):
    """What goes into the file (nested dict): `values` (flat) in every schema there was, and
    what `read` said a later version left."""
    if schema > 1:
        values = dict(values)
    for _, down, _ in reversed(steps[: schema - 1]):
        down(values)
    document = {_SCHEMA: schema}
    document.update(nested(values))
    if later:
        document[_LATER] = later
    return document


def flat(document):
    """{"mqtt.host": ..} of {"mqtt": {"host": ..}}, however deep."""
    values = {}
    for name, value in document.items():
        if isinstance(value, dict) and value:
            for inner, inner_value in flat(value).items():
                values[name + "." + inner] = inner_value
        else:
            values[name] = value
    return values


def nested(values):
    """The opposite of `flat`."""
    document = {}
    for name, value in values.items():
        room = document
        parts = name.split(".")
        for part in parts[:-1]:
            room = room.setdefault(part, {})
        room[parts[-1]] = value
    return document
