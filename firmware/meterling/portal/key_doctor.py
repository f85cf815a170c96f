"""A key as people paste it: from a letter, an e-mail, a portal, a spreadsheet, a C file.

The text is cut into words (letters and digits); words of hex digits, one after the other,
are a run; other words may be labels. Keys are, in this order:

    words of exactly 32 digits      36C66639E48A8CA4D6BC8B282A793BBB
    words of exactly 64             33364336..: spell 32 digits; or else are two keys
    runs of 32 or 64 in all         36 C6 66 .., 0x36, 0xC6, .., 36C66639 E48A8CA4 ..
    runs of 32 in a line            numbers before it belong to no key
    16 characters                   the key's bytes themselves

API.md lists the codes. Nothing here is ever printed or logged.
"""

from binascii import hexlify, unhexlify

from ..python import const

_LONGEST = const(1024)  # characters that are looked at
_KEY = const(32)  # digits
_CHARACTERS = const(16)
_STRAY = const(8)  # digits of a run that is no broken key, but a number or a word
_METERING_POINT = const(33)  # characters: AT, then 31
_NEAR = const(2)  # words: a label that is written out further off is part of a sentence
_SHORT = const(4)  # characters of one that is not

_HEX = "0123456789abcdefABCDEF"
_DECIMAL = "0123456789"
_AUTH = ("gak", "ak", "auth", "ak1")
_ENC = ("guek", "ek", "guk", "unicast", "glo")
_AUTH_STARTS = ("authenti", "authkey")
_ENC_STARTS = ("encr", "decr", "verschl", "entschl", "gueksch")
_QUOTES = "\"'`\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb<>"


class Understood:
    """What was found: code (str), key and auth_key (bytes, 16, or None), notes (list of
    str), digits (int)."""

    def __init__(self, code, key=None, auth_key=None, notes=(), digits=0):
        self.code = code
        self.key = key
        self.auth_key = auth_key
        self.notes = sorted(notes)
        self.digits = digits


def understand(text, auth_text=""):
    """Understood from what was pasted (str) into the field of the key and into that of
    the authentication key."""
    found = _one(text)
    if not auth_text or not auth_text.strip():
        return found
    second = _one(auth_text)
    if second.code not in ("key", "auth-key"):
        return second
    auth_key = second.key or second.auth_key
    if found.code == "empty":
        return Understood("auth-key", None, auth_key, second.notes, _KEY)
    if found.code == "key":
        if found.key == auth_key:
            return Understood("same-twice", notes=found.notes, digits=_KEY)
        notes = set(found.notes) | set(second.notes)
        return Understood("two-keys", found.key, auth_key, notes, _KEY)
    if found.code in ("two-keys", "auth-key"):
        return Understood("too-many", notes=found.notes, digits=_KEY)
    return found


def _one(text):
    found = _understand(text[:_LONGEST])
    if len(text) > _LONGEST and not (found.key or found.auth_key):
        return Understood("long-text", digits=len(text))
    return found


def _understand(text):
    notes = set()
    words = _words(text, notes)
    if not words:
        return Understood("empty")
    keys = _keys(words, notes)
    if keys is None:
        return _none(text, words, notes)
    if isinstance(keys, int):
        return Understood("too-short" if keys < _KEY else "too-long", notes=notes, digits=keys)
    return _sort(keys, notes)


def _sort(keys, notes):
    # keys: (label before, key, label behind), as in the text
    labels = [label for label, _, _ in keys]
    behind = [label for _, _, label in keys]
    if not labels[0] and behind[-1]:  # each behind its key
        labels = behind
    values = [key for _, key, _ in keys]
    if any(labels):
        notes.add("labels")
    if len(values) > 2:
        return Understood("too-many", notes=notes, digits=_KEY)
    for value in values:
        if value == value[:1] * _CHARACTERS and value[0] >> 4 == value[0] & 0x0F:
            return Understood("placeholder", notes=notes, digits=_KEY)
    if len(values) == 1:
        if labels[0] == "auth":
            return Understood("auth-key", None, values[0], notes, _KEY)
        return Understood("key", values[0], None, notes, _KEY)
    if values[0] == values[1]:
        return Understood("same-twice", notes=notes, digits=_KEY)
    if labels[0] == "auth" or (labels[1] == "enc" and not labels[0]):
        values.reverse()
    return Understood("two-keys", values[0], values[1], notes, _KEY)


def _words(text, notes):
    # (word, its line) of letters and digits; "0x" ahead of digits is left out
    words = []
    word = ""
    line = 0
    for character in text + "\n":
        if _of_word(character):
            word += character
            continue
        if character in _QUOTES:
            notes.add("quotes")
        if word:
            if word[:2] in ("0x", "0X") and len(word) > 2:
                word = word[2:]
                notes.add("prefix")
            words.append((word, line))
            word = ""
        if character == "\n":
            line += 1
    return words


def _of_word(character):
    if character < "\x80":
        return "0" <= character <= "9" or "a" <= character.lower() <= "z"
    # Letters with accents, of Europe's; all else (blanks, arrows, bullets) stands around words.
    return 0xC0 <= ord(character) < 0x2000


def _is_hex(word, digits=_HEX):
    for character in word:
        if character not in digits:
            return False
    return True


def _label(word):
    word = word.lower()
    if word in _AUTH or word.startswith(_AUTH_STARTS[0]) or word.startswith(_AUTH_STARTS[1]):
        return "auth"
    if word in _ENC:
        return "enc"
    for start in _ENC_STARTS:
        if word.startswith(start):
            return "enc"
    return ""


class _Run:
    # Words of hex digits with no other word between

    def __init__(self, label):
        self.before = label
        self.behind = ""
        self.words = []
        self.lines = []

    def digits(self):
        return "".join(self.words)


def _runs(words):
    runs = []
    run = None
    label = ""
    header = []  # both kinds, ahead of all keys: a table's first line
    away = 0  # words since the label, or since the run; a short label is always near
    for word, line in words:
        word = _look_again(word)
        if _is_hex(word):
            if run is None:
                run = _Run(label if away <= _NEAR else "")
                runs.append(run)
                label = ""
            run.words.append(word)
            run.lines.append(line)
            away = 0
            continue
        found = _label(word)
        away += 1
        if found:
            if not runs and found not in header:
                header.append(found)
            short = len(word) <= _SHORT
            beside = runs and away <= _NEAR and runs[-1].lines[-1] == line
            if runs and not runs[-1].behind and (short or beside):
                runs[-1].behind = found
            label = found
            away = -len(words) if short else 0
        run = None
    if len(header) == 2:
        keys = [run for run in runs if len(run.digits()) >= _KEY]
        if len(keys) > 1 or keys and len(keys[0].digits()) >= 2 * _KEY:
            for key, label in zip(keys, header):
                key.before = label
    return runs


def _look_again(word):
    # The letters O, I and l where digits belong: only where everything else fits.
    if len(word) != _KEY or _is_hex(word):
        return word
    again = word.replace("O", "0").replace("o", "0").replace("I", "1").replace("l", "1")
    return again if _is_hex(again) else word


def _keys(words, notes):
    # [(label, key, label)]; int: how many digits there are instead; None: nothing like it
    runs = _runs(words)
    if any(_look_again(word) != word for word, _ in words):
        notes.add("lookalike")
    keys = []
    rest = odd = 0
    for run in runs:
        found, left = _of_run(run, notes)
        for i, digits in enumerate(found):
            before = run.before if i == 0 else ""
            behind = run.behind if i == len(found) - 1 else ""
            keys.append((before, unhexlify(digits), behind))
            if digits.upper() != digits:
                notes.add("lower-case")
        rest = max(rest, left)
        if not all(_is_hex(word, _DECIMAL) for word in run.words):
            odd = max(odd, left)
    # Beside a key, numbers are a customer's, a meter's, a bank's.
    if keys and odd < 2 * _STRAY:
        return keys
    if rest >= _STRAY and not _is_number(words):
        return rest
    return None


def _of_run(run, notes):
    # Keys (digits) in a run, and how many digits there are beside them
    keys = []
    others = ""
    for word in run.words:
        if len(word) in (_KEY, 2 * _KEY, 4 * _KEY):
            keys += _cut(word, notes)
        else:
            others += word
    if keys:
        # The same one, written in another way, or numbers
        known = others.upper() == keys[-1].upper() or _is_hex(others, _DECIMAL)
        return keys, 0 if known else len(others)
    digits = run.digits()
    if len(digits) in (_KEY, 2 * _KEY, 4 * _KEY):
        notes.add("separators")
        return _cut(digits, notes), 0
    # "KEY[16] = {" in the line above, "AES-128: 36 C6 .."
    first = run.words[0]
    alone = len(run.words) > 1 and (len(first) != len(run.words[1]) or run.lines[0] != run.lines[1])
    if alone and _is_hex(first, _DECIMAL) and len(digits) - len(first) in (_KEY, 2 * _KEY):
        notes.add("separators")
        return _cut(digits[len(first) :], notes), 0
    # In lines: "1. 36 C6 .." or a key in each.
    rest = 0
    for line in range(run.lines[0], run.lines[-1] + 1):
        words = [w for w, at in zip(run.words, run.lines) if at == line]
        found = "".join(words)
        if len(found) not in (_KEY, 2 * _KEY) and len(words) > 1:
            found = "".join(words[1:])
        if len(found) in (_KEY, 2 * _KEY):
            notes.add("separators")
            keys += _cut(found, notes)
        else:
            rest += len("".join(words))
    return (keys, rest) if keys else ([], len(digits))


def _cut(digits, notes):
    # 32, 64 or 128 digits
    if len(digits) > _KEY:
        spelled = _spelled(digits)
        if spelled:
            notes.add("hex-of-hex")
            digits = spelled
    return [digits[i : i + _KEY] for i in range(0, len(digits), _KEY)]


def _spelled(digits):
    # The digits that the digits spell in ASCII, "" if they spell none
    try:
        text = unhexlify(digits).decode()
    except (ValueError, UnicodeError):
        return ""
    return text if _is_hex(text) else ""


def _is_number(words):
    # Decimal digits only, beside words, and not as many as a key has
    numbers = [word for word, _ in words if _is_hex(word)]
    return bool(numbers) and (
        all("0" <= c <= "9" for word in numbers for c in word)
        and sum(len(word) for word in numbers) < _KEY
    )


def _none(text, words, notes):
    characters = _characters(text)
    if characters:
        notes.add("ascii")
        return Understood("key", characters, None, notes, _CHARACTERS)
    joined = "".join(word for word, _ in words if not _label(word))
    decimals = sum(1 for c in joined if "0" <= c <= "9")
    if _is_number(words):
        return Understood("customer-number", notes=notes, digits=decimals)
    longest = 0
    for word, _ in words:
        count = sum(1 for c in word if "0" <= c <= "9")
        longest = max(longest, len(word))
        # A metering point (AT00..), a meter's number (1KFM02..)
        if 6 <= len(word) <= _METERING_POINT and len(word) != _KEY and 2 * count > len(word):
            return Understood("customer-number", notes=notes, digits=len(word))
    if _metering_point(joined):
        return Understood("customer-number", notes=notes, digits=len(joined))
    return Understood("not-hex", notes=notes, digits=longest)


def _metering_point(text):
    return len(text) == _METERING_POINT and text[:2].upper() in ("AT", "DE", "CH", "LU")


def _characters(text):
    # The key (bytes) if the text has one word of 16 printable characters that is no number
    found = None
    for mark in _QUOTES:
        if mark not in "'\"`<>" or len(text.strip()) != _CHARACTERS:
            text = text.replace(mark, " ")
    for word in text.split():
        if len(word) == _CHARACTERS and all("!" <= c <= "~" for c in word):
            if _is_hex(word):
                continue
            if found or word[-1] == ":" or _is_word(word):
                return None
            found = word.encode()
    return found


def _is_word(word):
    # Letters only, and at most the first of them a capital: what people write.
    for character in word[1:]:
        if not "a" <= character <= "z":
            return False
    return True


def digits_of(key):
    """The key (bytes) as the settings hold it (str)."""
    return hexlify(key).decode().upper()
