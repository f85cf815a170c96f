"""Time zones as POSIX writes them (IEEE Std 1003.1, 8.3, TZ): no table of the world is needed.

    CET-1CEST,M3.5.0,M10.5.0/3
    |  | |    |      |      '- when by the clock until then; 2:00 unless it is said
    |  | |    |      '- back on the fifth (or last) Sunday (0) of October
    |  | |    '- forward on the last Sunday of March
    |  | '- what the summer time is called; its offset, if that is not an hour more
    |  '- how much UTC is ahead: east is negative
    '- what the standard time is called: three letters or more, or <+03>

A day is also J60 (the 60th, the 29th of February never counted) or 59 (counted from 0).
Loaded where it is needed, and dropped again.
"""

from .python import const

_DAY = const(86_400)  # s
_HOUR = const(3600)
_MOST_HOURS = const(24)
_MOST_HOURS_OF_RULE = const(167)  # RFC 8536, 3.3.1
_TWO = const(7200)  # s: 2:00


def parse(text):
    """The zone that `text` (str) describes, for `local`. ValueError if it is none.

    (s that standard time is ahead of UTC, the same of summer time, begin, end); begin and end:
    (month, week, weekday, s after midnight), as of M; (0, day, J or not, s) for the others;
    None where there is no summer time.
    """
    rest = _after_name(text)
    ahead, rest = _time(rest, _MOST_HOURS)
    standard = summer = -ahead
    if not rest:
        return standard, summer, None, None
    rest = _after_name(rest)
    summer += _HOUR
    if rest and rest[0] != ",":
        ahead, rest = _time(rest, _MOST_HOURS)
        summer = -ahead
    begin, rest = _rule(rest)
    end, rest = _rule(rest)
    if rest:
        raise ValueError
    return standard, summer, begin, end


def local(zone, seconds):
    """(year, month, day, hour, minute, second, s ahead of UTC) in `zone` (of `parse`), at
    `seconds` (int) of UTC since 1970."""
    standard, summer, begin, end = zone
    ahead = standard
    if begin:
        year = _date((seconds + standard) // _DAY)[0]
        first = _moment(begin, year) - standard
        last = _moment(end, year) - summer
        if first < last:
            inside = first <= seconds < last
        else:  # the south, and Ireland, whose winter time is the other one
            inside = not last <= seconds < first
        if inside:
            ahead = summer
    seconds += ahead
    days = seconds // _DAY
    seconds -= days * _DAY
    return _date(days) + (seconds // _HOUR, seconds // 60 % 60, seconds % 60, ahead)


def in_zone(zone, text):
    """ISO 8601 in `zone` (of `parse`), without the offset, of what a reading calls its time:
    "2021-09-27T07:47:15Z" (seconds may be missing). What does not end with Z is local already."""
    if not text.endswith("Z"):
        return text
    date, _, time = text[:-1].partition("T")
    year, month, day = [int(part) for part in date.split("-")]
    parts = [int(part) for part in time.split(":")]
    second = parts[2] if len(parts) > 2 else 0
    seconds = _days(year, month, day) * _DAY + parts[0] * _HOUR + parts[1] * 60 + second
    found = local(zone, seconds)
    text = "%04d-%02d-%02dT%02d:%02d" % found[:5]
    return text + ":%02d" % found[5] if len(parts) > 2 else text


# Days since 1970, of the Gregorian calendar, whose years begin with March here: the
# 29th of February is then the last of a year.


def _days(year, month, day):
    year -= month < 3
    months = (month + 9) % 12
    return (
        365 * year + year // 4 - year // 100 + year // 400 + (153 * months + 2) // 5 + day - 719_469
    )


def _date(days):
    days += 719_468
    era = days // 146_097
    days -= era * 146_097
    year = (days - days // 1460 + days // 36_524 - days // 146_096) // 365
    days -= 365 * year + year // 4 - year // 100
    months = (5 * days + 2) // 153
    month = (months + 2) % 12 + 1
    return year + era * 400 + (month < 3), month, days - (153 * months + 2) // 5 + 1


def _moment(rule, year):
    # When `rule` applies, s since 1970 by the clock that it changes.
    month, day, kind, time = rule
    if month:
        first = _days(year, month, 1)
        # 1970 began with a Thursday.
        found = first + (kind - first - 4) % 7 + 7 * (day - 1)
        if found >= _days(year + month // 12, month % 12 + 1, 1):
            found -= 7
        return found * _DAY + time
    found = _days(year, 1, 1) + day
    if kind:
        found -= _days(year, 3, 1) - _days(year, 1, 1) == 59 or day < 60
    return found * _DAY + time


# Taking the text apart: what is left of it is passed on.


def _after_name(text):
    if text[:1] == "<":
        name, bracket, rest = text[1:].partition(">")
        fits = bracket and all(c in "+-0123456789" or _is_letter(c) for c in name)
    else:
        end = 0
        while end < len(text) and _is_letter(text[end]):
            end += 1
        name, rest = text[:end], text[end:]
        fits = True
    if not fits or len(name) < 3:
        raise ValueError
    return rest


def _is_letter(character):
    return "a" <= character <= "z" or "A" <= character <= "Z"


def _number(text, least, greatest):
    end = 0
    while end < min(len(text), 3) and "0" <= text[end] <= "9":
        end += 1
    number = int(text[:end])  # ValueError if there is none
    if not least <= number <= greatest:
        raise ValueError
    return number, text[end:]


def _time(text, most_hours):
    # [+-]hh[:mm[:ss]], in s
    sign = -1 if text[:1] == "-" else 1
    if text[:1] in ("+", "-"):
        text = text[1:]
    hours, text = _number(text, 0, most_hours)
    seconds = hours * _HOUR
    for each in (60, 1):
        if text[:1] != ":":
            break
        number, text = _number(text[1:], 0, 59)
        seconds += number * each
    return sign * seconds, text


def _rule(text):
    if text[:1] != ",":
        raise ValueError
    text = text[1:]
    if text[:1] == "M":
        month, text = _number(text[1:], 1, 12)
        week, text = _number(_after_dot(text), 1, 5)
        weekday, text = _number(_after_dot(text), 0, 6)
        rule = month, week, weekday
    elif text[:1] == "J":
        day, text = _number(text[1:], 1, 365)
        rule = 0, day, 1
    else:
        day, text = _number(text, 0, 365)
        rule = 0, day, 0
    time = _TWO
    if text[:1] == "/":
        time, text = _time(text[1:], _MOST_HOURS_OF_RULE)
    return rule + (time,), text


def _after_dot(text):
    if text[:1] != ".":
        raise ValueError
    return text[1:]
