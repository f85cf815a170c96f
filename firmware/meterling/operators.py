"""Grid operators: which port and line their meters have, and how an owner gets the key.

All of it is a hint for people, and a first guess for the line: what is found on the line wins.

The data is one file, operators.jsonl. It is read line by line, never as a whole; each line is
one JSON value, and the kinds follow each other, so that one pass finds all that is needed:

    ["at-schwaz","Stadtwerke Schwaz","AT"]                  index: id, name, country (ISO 3166)
    {"operator":"at-schwaz","keys":1,"steps":["..",..],..}  an operator, its texts by their names
    {"port":"mbus-rj12","connector":"RJ12","pins":{..},..}  a kind of port
    {"text":"ask-1","de":"..","en":".."}                    a text in each language

One file, as each file of its own takes a whole block of flash, 4096 bytes. In a built tree
it is operators.jsonl.z, compressed (zlib, a window of 1 kB): a quarter of the size.
"""

import json

from .python import const

LANGUAGES = ("de", "en")
PATH = __file__.rpartition("operators.")[0] + "operators.jsonl"

_CHUNK = const(256)  # bytes read at once
_ROW = b'["'
_PORT = b'{"port":"'
_TEXT = b'{"text":"'


class OperatorError(Exception):
    """An operator cannot be shown. code: stable, "unknown-operator", "unknown-language" or
    "damaged" (the file)."""

    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code = code


def index(path=PATH):
    """Yield (id, name, country) of each operator, all str, in the order to be shown.

    OSError if there is no file `path`, OperatorError if it is damaged."""
    for line in _lines(path):
        if not line.startswith(_ROW):
            return
        yield tuple(_value(line))


def find(operator, language, path=PATH):
    """What is known of the operator with the id `operator` (str), as a dict to be shown in
    `language` (one of LANGUAGES):

        id, name, country   str
        interfaces          list, empty if nothing is known; each a dict:
            meters          str
            port            dict: port (name), connector (str), pins ({signal: number}), request
                            (bool: a pin must be high for the meter to send), inverted (bool: the
                            line idles low), supply ({"V", "mA"}, 0 if none; None if not known),
                            text (str), confirmed, source
            link, baudrate, framing     as in the settings "meter.*"; left out where not known
            note            str, where there is more to say
            confirmed, source           as below
        keys                int: how many the telegrams need, at most: 0, 1 (encryption key), 2 (and
                            authentication key)
        auth_key            str, 32 hex digits, where it is public and the same for all meters
        steps               list of str: how the owner gets the interface activated, and the keys
        wait                str: how long that takes
        confirmed           bool: somebody who should know says so, or somebody who did it
        source              str: who

    OperatorError if there is none, or the file is damaged; OSError if there is no file `path`.
    """
    if language not in LANGUAGES:
        raise OperatorError("unknown-language", "The languages are " + ", ".join(LANGUAGES) + ".")
    quoted = json.dumps(operator) + ","
    row = ("[" + quoted).encode()
    head = ('{"operator":' + quoted).encode()
    names = found = None
    ports = {}
    texts = {}
    for line in _lines(path):
        if line.startswith(row):
            names = _value(line)
        elif line.startswith(head):
            found = _value(line)
            _want(found, ports, texts)
        elif found and line.startswith(_PORT):
            if _name(line, _PORT) in ports:
                port = _value(line)
                ports[port["port"]] = port
                texts[port["text"]] = None
        elif found and line.startswith(_TEXT):
            name = _name(line, _TEXT)
            if name in texts:
                texts[name] = _value(line).get(language)
    if not (names or found):
        raise OperatorError("unknown-operator", "There is no operator with this id.")
    if not (names and found) or None in ports.values() or None in texts.values():
        raise _damaged()
    del found["operator"]
    found["id"], found["name"], found["country"] = names
    _fill(found, ports, texts)
    return found


def _want(found, ports, texts):
    """Enter the names of what `found` refers to, so that it is picked up further on."""
    texts[found["wait"]] = None
    for step in found["steps"]:
        texts[step] = None
    for interface in found["interfaces"]:
        ports[interface["port"]] = None
        if "note" in interface:
            texts[interface["note"]] = None


def _fill(found, ports, texts):
    """Put in the place of each name what it stands for."""
    for port in ports.values():
        port["text"] = texts[port["text"]]
    found["wait"] = texts[found["wait"]]
    found["steps"] = [texts[step] for step in found["steps"]]
    for interface in found["interfaces"]:
        interface["port"] = ports[interface["port"]]
        if "note" in interface:
            interface["note"] = texts[interface["note"]]


def _lines(path):
    # MicroPython's readline asks the file system for each byte: 32 000 times where this asks 126.
    with _open(path) as file:
        held = b""
        while True:
            try:
                chunk = file.read(_CHUNK)
            except (EOFError, OSError):
                raise _damaged()
            if not chunk:
                break
            held += chunk
            begin = 0
            end = held.find(b"\n") + 1
            while end:
                yield held[begin:end]
                begin = end
                end = held.find(b"\n", begin) + 1
            held = held[begin:]
    if held:
        yield held


def _open(path):
    try:
        return open(path, "rb")
    except OSError:
        from deflate import ZLIB, DeflateIO

        return DeflateIO(open(path + ".z", "rb"), ZLIB, 0, True)


def _name(line, kind):
    return line[len(kind) : line.find(b'"', len(kind))].decode()


def _value(line):
    # MicroPython's parser also takes a text that was cut off.
    if line.endswith(b"\n"):
        try:
            return json.loads(line)
        except ValueError:
            pass
    raise _damaged()


def _damaged():
    return OperatorError("damaged", "The list of operators is damaged: install the firmware again.")
