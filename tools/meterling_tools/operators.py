"""`meterling operators`: the grid operators, or what one of them asks an owner to do."""

import textwrap

from meterling.operators import LANGUAGES, find, index

from . import CommandError

_WIDTH = 88
_WORDS = {
    "en": {
        "meters": "Meters",
        "port": "Port",
        "pins": "Pins",
        "line": "Line",
        "source": "Source",
        "unconfirmed": "not confirmed",
        "keys": ("No key is needed.", "Needs the encryption key.", "Needs both keys."),
    },
    "de": {
        "meters": "Zähler",
        "port": "Anschluss",
        "pins": "Pins",
        "line": "Leitung",
        "source": "Quelle",
        "unconfirmed": "nicht bestätigt",
        "keys": (
            "Ein Schlüssel ist nicht nötig.",
            "Nötig ist der Schlüssel zum Entschlüsseln.",
            "Nötig sind beide Schlüssel.",
        ),
    },
}


def add_arguments(parser):
    parser.add_argument("name", metavar="NAME", nargs="?", help="an id, or a part of a name")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="default: %(default)s")


def run(args):
    if args.name is None:
        _list(index())
    else:
        _show(find(_id(args.name), args.language), _WORDS[args.language])


def _id(name):
    """The id of the operator that `name` (str) means. CommandError unless it is one."""
    rows = list(index())
    wanted = name.casefold()
    matching = [row for row in rows if row[0] == wanted] or [
        row for row in rows if wanted in f"{row[0]} {row[1]}".casefold()
    ]
    if not matching:
        raise CommandError(f"No operator is called {name}: `meterling operators` lists them.")
    if len(matching) > 1:
        ids = ", ".join(row[0] for row in matching)
        raise CommandError(f"{name} is in the names of several operators: {ids}.")
    return matching[0][0]


def _list(rows):
    rows = list(rows)
    width = max(len(row[0]) for row in rows)
    for operator, name, country in rows:
        print(f"{operator:<{width}}  {country}  {name}")


def _show(operator, words):
    print(f"{operator['name']} ({operator['id']}, {operator['country']})\n")
    for number, step in enumerate(operator["steps"], 1):
        _wrap(f"{number}. ", step)
    _wrap("", operator["wait"])
    _wrap("", words["keys"][operator["keys"]])
    _source(operator, words)
    for interface in operator["interfaces"]:
        port = interface["port"]
        print()
        _wrap(f"{words['meters']}: ", interface["meters"])
        _wrap(f"{words['port']}: ", port["text"])
        if port["pins"]:
            pins = sorted((number, signal) for signal, number in port["pins"].items())
            _wrap(f"{words['pins']}: ", ", ".join(f"{number} {signal}" for number, signal in pins))
        line = [interface.get(name) for name in ("link", "baudrate", "framing")]
        if any(line):
            _wrap(f"{words['line']}: ", " ".join(str(part) for part in line if part))
        if "note" in interface:
            _wrap("", interface["note"])
        _source(interface, words)


def _source(facts, words):
    doubt = "" if facts["confirmed"] else f" ({words['unconfirmed']})"
    _wrap(f"{words['source']}: ", facts["source"] + doubt)


def _wrap(head, text):
    print(textwrap.fill(head + text, _WIDTH, subsequent_indent=" " * len(head)))
