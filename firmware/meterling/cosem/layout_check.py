"""Is an owner's file of layouts right? For the page that takes it and for the PC's tools; not
loaded while telegrams are read, which leave out what is wrong (see learn).

    # a comment
    name makers pattern         see layouts and positional for what a pattern is made of
"""

from ..python import const
from .obis import parse, unit_number

_LONGEST = const(4096)  # bytes of the file: it stays in memory
_DEPTH = const(8)  # as deep as a telegram may be; see axdr

_OPENING = const("{[(")
_CLOSING = const("}])")
_WORDS = const("obis value quantity unit clock time date meter list same null objects pushed")
_TYPES = const("u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 text any")
_IMPLIED = const("energy voltage current factor")


class _Wrong(Exception):
    # code, sentence
    pass


def check(text):
    """What is wrong with the layouts in `text` (str): [(line number from 1, code, sentence)],
    empty if all is well. At most one for a line.

    Codes: too-long, parts, makers, bracket, blank, empty, repeat, outside, too-deep, word,
    code, type, unit, scaler, no-obis, no-objects.
    """
    found = []
    if len(text.encode()) > _LONGEST:
        found.append((1, "too-long", "The file is longer than %d bytes." % _LONGEST))
    number = 0
    for line in text.split("\n"):
        number += 1
        try:
            _line(line)
        except _Wrong as wrong:
            found.append((number, wrong.args[0], wrong.args[1]))
    return found


def _line(line):
    # None, or _Wrong, for one line.
    words = line.replace("\t", " ").replace("\r", " ").split(None, 2)
    if not words or words[0][0] == "#":
        return
    if len(words) < 3:
        raise _Wrong("parts", "A line is a name, makers (or *) and a pattern.")
    if words[1] != "*":
        for maker in words[1].split(","):
            if len(maker) != 3 or not all("A" <= letter <= "Z" for letter in maker):
                raise _Wrong(
                    "makers", "Makers are three capital letters each, with commas between, or *."
                )
    _pattern(_tokens(words[2]))


def _tokens(pattern):
    # Brackets (with what follows them: * or ?) and words (with ? behind them).
    tokens = []
    i = 0
    while i < len(pattern):
        begin = i
        letter = pattern[i]
        i += 1
        if letter == " ":
            continue
        if letter not in _OPENING and letter not in _CLOSING:
            while i < len(pattern) and pattern[i] not in " ?{[()]}":
                i += 1
            if i < len(pattern) and pattern[i] in _OPENING:
                raise _Wrong("blank", "There must be a blank ahead of " + pattern[i] + ".")
        if letter not in _OPENING and i < len(pattern) and pattern[i] == "?":
            i += 1
        elif letter == ")" and i < len(pattern) and pattern[i] == "*":
            i += 1
        tokens.append(pattern[begin:i])
    return tokens


def _pattern(tokens):
    open_now = []
    seen = []
    outside = 0  # how many stand beside one another outside all brackets
    before = ""
    for token in tokens:
        letter = token[0]
        if not open_now:
            outside += 1
        if letter in _OPENING:
            open_now.append(letter)
            if len(open_now) > 2 * _DEPTH:
                raise _Wrong("too-deep", "No telegram has brackets as deep as these.")
        elif letter in _CLOSING:
            if not open_now or _OPENING.index(open_now.pop()) != _CLOSING.index(letter):
                raise _Wrong("bracket", "There is no bracket that this " + letter + " closes.")
            if letter == ")" and token == ")":
                raise _Wrong("repeat", "Behind ) must be * (once or more) or ? (may be missing).")
            if letter == ")" and before == "(":
                raise _Wrong("empty", "There is nothing between ( and ).")
        else:
            _word(token[:-1] if token[-1] == "?" and len(token) > 1 else token, seen)
        before = token
    if open_now:
        raise _Wrong("bracket", "The bracket " + open_now[-1] + " is not closed.")
    if outside != 1:
        raise _Wrong("outside", "All must stand inside one pair of brackets.")


def _word(word, seen):
    word = word.partition("=")[0]
    parts = word.split(":")
    name = parts[0]
    if name in _WORDS.split():
        if name in ("value", "quantity") and "obis" not in seen:
            raise _Wrong("no-obis", "There is no obis ahead of " + name + ".")
        if name == "pushed" and "objects" not in seen:
            raise _Wrong("no-objects", "There is no objects ahead of pushed.")
        seen.append(name)
        if name in ("quantity", "pushed"):
            _implied(parts[1:])
        elif len(parts) > 1:
            raise _Wrong("word", "Nothing can stand behind " + name + ".")
        return
    if len(parts) > 2 and "-" in name:
        parts[:2] = [name + ":" + parts[1]]
        name = parts[0]
    if not 2 <= len(parts) <= 4:
        raise _Wrong("word", "There is no word " + word + ".")
    if name != "?":
        _code(name)
    if parts[1] not in _TYPES.split():
        raise _Wrong("type", "There is no type " + parts[1] + "; there are " + _TYPES + ".")
    if len(parts) > 2:
        try:
            unit_number(parts[2])
        except ValueError:
            raise _Wrong("unit", "There is no unit " + parts[2] + ".") from None
    if len(parts) > 3:
        _scaler(parts[3])


def _implied(parts):
    if len(parts) % 2:
        raise _Wrong("scaler", "Behind " + parts[-1] + " must be a scaler, as in current:-2.")
    for i in range(0, len(parts), 2):
        if parts[i] not in _IMPLIED.split():
            raise _Wrong("word", "There is no " + parts[i] + "; there are " + _IMPLIED + ".")
        _scaler(parts[i + 1])


def _scaler(text):
    # A power of ten; the firmware could hold more, no meter has them.
    digits = text[1:] if text[:1] == "-" else text
    if len(digits) != 1 or not "0" <= digits <= "9":
        raise _Wrong("scaler", "A scaler is a power of ten from -9 to 9, not " + text + ".")


def _code(name):
    name, slash, attribute = name.partition("/")
    numbers = name.replace("-", ".").replace(":", ".").split(".")
    if slash:
        numbers.append(attribute)
    good = all(number and all("0" <= digit <= "9" for digit in number) for number in numbers)
    try:
        if not good or max(int(number) for number in numbers) > 255:
            raise ValueError
        parse(name)
    except ValueError:
        raise _Wrong(
            "code", "There is no OBIS code " + name + "; 1.8.0 and 0-0:96.1.0 are."
        ) from None
