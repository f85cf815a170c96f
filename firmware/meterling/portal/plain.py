"""The page without JavaScript: the numbers as they are now, or the form to log in."""

import json

from ..python import const, unload
from ..reading import decimal_text
from .answer import Answer, Refused, parts_of
from .asked import language

_FORM_TYPE = "application/x-www-form-urlencoded"
_HTML = "text/html; charset=utf-8"
_STYLE = "/plain.css"
# Each language's texts are one: as many short ones would be as many names that stay in heap.
_NAMES = (
    "no-reading",
    "age",
    "meter",
    "time",
    "no-time",
    "password",
    "login",
    "wrong-password",
    "slow-down",
    "csrf",
    "setup",
    "power",
    "stale",
    "mark",
)
_TEXTS = {
    "de": (
        "Noch keine Messwerte. Stand:|s alt|Zähler|Zeit am Zähler|nennt er nicht|"
        "Passwort|Anmelden|Das Passwort stimmt nicht.|"
        "Zu viele Versuche: bitte etwas warten.|"
        "Dieses Formular kam nicht von dieser Seite.|"
        "Zum Einrichten braucht die Seite JavaScript.|"
        "Leistung jetzt (Bezug minus Einspeisung)|veraltet|,"
    ),
    "en": (
        "No readings yet. State:|s old|Meter|Time on the meter|it does not tell|Password|"
        "Log in|The password is wrong.|Too many tries: please wait a little.|"
        "This form did not come from this page.|Setting up needs JavaScript.|"
        "Power now (import minus export)|stale|."
    ),
}
_STALE = const(30)  # s
_QUOTE = const(34)
_BACKSLASH = const(92)
_AS_LIST = {123: 91, 125: 93, 58: 44}  # { } : become [ ] ,
_TO_W = {"W": 0, "kW": 3, "MW": 6}  # powers of ten
_TO_KWH = {"Wh": -3, "kWh": 0, "MWh": 3}
_HEAD = (
    '<!doctype html><html lang="{}"><head><meta charset="utf-8"><meta name="viewport" '
    'content="width=device-width,initial-scale=1"><title>Meterling</title>{}'
    '<link rel="stylesheet" href="' + _STYLE + '"></head><body><main><h1>Meterling</h1>'
)
_FOOT = "</main></body></html>"
_REFRESH = '<meta http-equiv="refresh" content="10">'
_FORM = (
    '{}<form method="post" action="/login"><label>{} <input type="password" name="password" '
    'autocomplete="current-password" required></label> <button>{}</button></form>'
)


async def page(portal, request):
    """GET /plain"""
    lang = language(request.headers.get("Accept-Language", ""))
    if not portal.house.settings["portal.password"]:
        text = setup(lang)
    elif not portal.is_in(request):
        text = login(lang)
    else:
        live = portal.live
        code = portal.house.diagnosis.code
        zone = portal.house.settings["timezone"]
        text = parts_of(numbers(lang, live.reading(), live.age(), code, zone))
    return Answer(text, 200, {"Content-Type": _HTML})


async def log_in(portal, request):
    """POST /login"""
    from .api_account import check_password, cookie

    is_form = (request.content_type or "").startswith(_FORM_TYPE)
    try:
        await check_password(portal, password_of(request.body) if is_form else None)
    except Refused as refused:
        lang = language(request.headers.get("Accept-Language", ""))
        return Answer(login(lang, refused.code), refused.status, {"Content-Type": _HTML})
    headers = {"Set-Cookie": cookie(portal.sessions.open()), "Location": "/plain"}
    return Answer("", 303, headers)


def password_of(form):
    """What the form's `body` (bytes) has for it (str), None if nothing."""
    for pair in form.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == b"password":
            return _decoded(value)
    return None


def _decoded(value):
    # application/x-www-form-urlencoded: a "+" is a blank, %C3%9F an octet each.
    parts = value.replace(b"+", b" ").split(b"%")
    result = bytearray(parts[0])
    try:
        for part in parts[1:]:
            result.append(int(part[:2], 16))
            result.extend(part[2:])
        return bytes(result).decode()
    except ValueError:  # UnicodeError too
        return None


def _escape(text):
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _texts(lang):
    # {name: text}
    return dict(zip(_NAMES, _TEXTS[lang].split("|")))


def login(lang, error=""):
    """The form (str)."""
    texts = _texts(lang)
    problem = '<p role="alert">' + texts[error] + "</p>" if error else ""
    form = _FORM.format(problem, texts["password"], texts["login"])
    return _HEAD.format(lang, "") + form + _FOOT


def setup(lang):
    """What there is before the setup (str)."""
    return _HEAD.format(lang, "") + "<p>" + _texts(lang)["setup"] + "</p>" + _FOOT


def numbers(lang, reading, age, diagnosis, zone=None):
    """The numbers (yields str). reading: JSON (bytes-like) or None; age: ms; zone: as timezone has
    it, for the meter's time; None shows that as it came."""
    texts = _texts(lang)
    yield _HEAD.format(lang, _REFRESH)
    if reading is None:
        yield "<p>{} <code>{}</code></p>".format(texts["no-reading"], _escape(diagnosis))
        yield _FOOT
        return
    document = json.loads(in_order(reading))
    document = dict(zip(document[::2], document[1::2]))
    age //= 1000
    old = " (" + texts["stale"] + ")" if age > _STALE else ""
    yield "<p>{} {}{}, <code>{}</code></p>".format(age, texts["age"], old, _escape(diagnosis))
    values = document["values"]
    power = None if old else net_power(values)
    if power is not None:
        power = _joined([power], "W", texts["mark"])
        yield "<p>{}: <strong>{}</strong></p>".format(texts["power"], power)
    yield "<table>"
    if document["time"] is None:
        document["time"] = texts["no-time"]
    elif zone:
        document["time"] = _by_clock(document["time"], zone)
    for name in ("meter", "time"):
        if document[name] is not None:
            yield _row(texts[name], _joined(document[name], "", "."))
    for name, value, unit in _each(values):
        if _group(name)[:4] in ("1.8.", "2.8."):
            energy = _decimal(value, unit, _TO_KWH)
            if energy:
                value, unit = [decimal_text(*energy)], "kWh"
        yield _row(name, _joined(value, unit, texts["mark"]))
    yield "</table>"
    yield _FOOT


def _by_clock(time, zone):
    try:
        from ..timezone import in_zone, parse

        return in_zone(parse(zone), time).replace("T", " ")
    finally:
        unload("meterling", "timezone")


def in_order(reading):
    """The JSON `reading` (bytes-like) as other JSON (bytearray), of lists: an object becomes
    [name, value, name, value ..], as MicroPython's dicts know no order; a number [text], as a
    float of 32 bits spoils 12 345 678 Wh.

        {"value":12937,"unit":"Wh"}  ->  ["value",["12937"],"unit","Wh"]
    """
    out = bytearray()
    text = escaped = number = False
    for byte in reading:
        if text:
            text = escaped or byte != _QUOTE
            escaped = byte == _BACKSLASH and not escaped
        elif number and byte in b"+-.0123456789Ee":
            pass
        else:
            if number:
                out.extend(b'"]')
            number = byte in b"-0123456789"
            if number:
                out.extend(b'["')
            text = byte == _QUOTE
            byte = _AS_LIST.get(byte, byte)
        out.append(byte)
    return out


def net_power(values):
    """Power from the grid less power to the grid, W (text, exact), None if the meter does not
    tell. values: as `in_order` makes them."""
    taken = _power(values, "1.7.0")
    given = _power(values, "2.7.0")
    both = _power(values, "16.7.0")
    if not (taken and given) and both:
        return decimal_text(*both)
    if not (taken or given):
        return None
    taken = taken or (0, 0)
    given = given or (0, 0)
    scaler = min(taken[1], given[1])
    return decimal_text(_scaled(taken, scaler) - _scaled(given, scaler), scaler)


def _power(values, group):
    # (int, power of ten) of the first such value, W; None if there is none.
    for name, value, unit in _each(values):
        if _group(name) == group:
            found = _decimal(value, unit, _TO_W)
            if found:
                return found
    return None


def _scaled(number, scaler):
    return number[0] * 10 ** (number[1] - scaler)


def _each(values):
    # ["1-0:1.7.0", ["value", ["5"], "unit", "W"], "1-0:1.8.0", ["values", [["value", ..], ..]]]
    for i in range(0, len(values), 2):
        entry = values[i + 1]
        for one in entry[1] if entry[0] == "values" else (entry,):
            yield values[i], one[1], one[3] if len(one) > 2 else ""


def _group(name):
    # "1.7.0" of "1-0:1.7.0", whatever the channel is; "" if it is not electricity.
    medium, _, group = name.partition(":")
    return group if medium[:2] == "1-" else ""


def _decimal(value, unit, powers):
    # (int, power of ten) of a number with one of those units, else None.
    if not isinstance(value, list) or unit not in powers:
        return None
    whole, _, fraction = value[0].partition(".")
    if not (whole + fraction).lstrip("-").isdigit():
        return None
    return int(whole + fraction), powers[unit] - len(fraction)


def _joined(value, unit, mark):
    if value is None:
        value = "\u2013"
    elif isinstance(value, list):
        value = value[0].replace(".", mark)
    return value + "\u00a0" + unit if unit else value


def _row(name, value):
    return '<tr><th scope="row">{}</th><td>{}</td></tr>'.format(_escape(name), _escape(value))
