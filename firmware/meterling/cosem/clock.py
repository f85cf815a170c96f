"""COSEM date-time (IEC 62056-6-2, 4.1.6.1), always as the bytes that were sent.

    year (2) | month | day | weekday | hour | minute | second | hundredths |
    deviation (2, signed, minutes) | status

UTC = local + deviation. Any field may be unspecified (FF, or FFFF; deviation 8000);
month and day also have codes from FD on for rules such as "last day of the month".
"""

from ..python import VIPER, const, micropython

if not VIPER:
    from ..python import ptr8

DATE_TIME_TEXT = const(25)  # most characters that `put` writes

_UNSPECIFIED = const(0xFF)
_NO_DEVIATION = const(0x8000)
_MOST_DEVIATION = const(840)  # minutes: 14 hours


@micropython.viper
def _days(year: int, month: int) -> int:
    # Days of a month; 30 unless it is another number.
    if month == 2:
        if year & 3 == 0 and (year % 100 or year % 400 == 0):
            return 29
        return 28
    if month > 7:
        month += 1
    return 30 + (month & 1)


@micropython.viper
def _two(out: ptr8, at: int, number: int):
    tens = number // 10
    out[at] = 48 + tens
    out[at + 1] = 48 + number - tens * 10


@micropython.viper
def is_date(data: ptr8, position: int) -> int:
    """1 if year, month and day at `data[position]` name a day, else 0."""
    year = data[position] << 8 | data[position + 1]
    month = data[position + 2]
    day = data[position + 3]
    if year < 2000 or year > 2099 or month < 1 or month > 12 or day < 1:
        return 0
    if day > int(_days(year, month)):
        return 0
    return 1


@micropython.viper
def put(target, at: int, source, position: int, utc: int) -> int:
    """Write the date-time at `source[position]` (12 bytes) in ISO 8601 to `target[at]`.

    As sent: `2021-07-19T15:46:35+02:00`; without the offset if the deviation is
    unspecified, without second or time of day if those are. utc (1): converted, `..Z`.
    Returns where it ends, or -1: no day is named, a field is out of range, or UTC is
    asked for and the deviation unspecified. Allocates nothing.
    """
    if int(is_date(source, position)) == 0:
        return -1
    data = ptr8(source)
    out = ptr8(target)
    year = data[position] << 8 | data[position + 1]
    month = data[position + 2]
    day = data[position + 3]
    hour = data[position + 5]
    minute = data[position + 6]
    second = data[position + 7]
    # How far UTC is ahead of local time, in minutes.
    offset = data[position + 9] << 8 | data[position + 10]
    known = 1
    if offset > 0x7FFF:
        offset -= 0x10000
    if offset < -_MOST_DEVIATION or offset > _MOST_DEVIATION:
        known = 0  # -32768: unspecified
    timed = 0
    if hour < 24 and minute < 60:
        timed = 1
    elif hour != _UNSPECIFIED and minute != _UNSPECIFIED:
        return -1
    if second > 59 and second != _UNSPECIFIED:
        return -1
    if utc:
        if known == 0 or timed == 0:
            return -1
        minute += 60 * hour + offset
        if minute < 0:
            minute += 1440
            day -= 1
            if day == 0:
                month -= 1
                if month == 0:
                    month = 12
                    year -= 1
                day = int(_days(year, month))
        elif minute >= 1440:
            minute -= 1440
            day += 1
            if day > int(_days(year, month)):
                day = 1
                month += 1
                if month > 12:
                    month = 1
                    year += 1
        hour = minute // 60
        minute -= 60 * hour
    _two(target, at, year // 100)
    _two(target, at + 2, year - year // 100 * 100)
    out[at + 4] = 45  # -
    _two(target, at + 5, month)
    out[at + 7] = 45
    _two(target, at + 8, day)
    at += 10
    if timed == 0:
        return at
    out[at] = 84  # T
    _two(target, at + 1, hour)
    out[at + 3] = 58  # :
    _two(target, at + 4, minute)
    at += 6
    if second < 60:
        out[at] = 58
        _two(target, at + 1, second)
        at += 3
    if utc:
        out[at] = 90  # Z
        return at + 1
    if known:
        # The offset of local time is the negative of the deviation.
        out[at] = 43  # +
        if offset > 0:
            out[at] = 45
        else:
            offset = 0 - offset
        hour = offset // 60
        _two(target, at + 1, hour)
        out[at + 3] = 58
        _two(target, at + 4, offset - 60 * hour)
        at += 6
    return at


def seconds(data, position):
    """Seconds of UTC (of local time, if the deviation is unspecified) since 2020, for
    comparing (int, below 2**30 until 2054), or -1 if no moment is named."""
    if not is_date(data, position) or data[position + 5] > 23 or data[position + 6] > 59:
        return -1
    year = (data[position] << 8 | data[position + 1]) - 2020
    if not 0 <= year <= 33:
        return -1
    days = 365 * year + (year + 3) // 4 + data[position + 3] - 1
    for month in range(1, data[position + 2]):
        days += _days(year + 2020, month)
    offset = data[position + 9] << 8 | data[position + 10]
    if offset > 0x7FFF:
        offset -= 0x10000
    if not -_MOST_DEVIATION <= offset <= _MOST_DEVIATION:
        offset = 0
    second = data[position + 7]
    minutes = 60 * data[position + 5] + data[position + 6] + offset
    return 86400 * days + 60 * minutes + (second if second < 60 else 0)
