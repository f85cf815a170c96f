"""COSEM date-time (IEC 62056-6-2, 4.1.6.1), always as the bytes that were sent.

    year (2) | month | day | weekday | hour | minute | second | hundredths |
    deviation (2, signed, minutes) | status

UTC = local + deviation. Any field may be unspecified (FF, or FFFF; deviation 8000);
month and day also have codes from FD on for rules such as "last day of the month".
"""

from ..python import const

_UNSPECIFIED = const(0x8000)
_DAYS = b"\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"

DATE_TIME_TEXT = const(25)  # most characters that `put` writes


def _days(year, month):
    if month == 2 and year % 4 == 0 and (year % 100 or year % 400 == 0):
        return 29
    return _DAYS[month - 1]


def _two(out, at, number):
    out[at] = 48 + number // 10
    out[at + 1] = 48 + number % 10
    return at + 2


def is_date(data, position):
    """True if year, month and day at `data[position]` name a day."""
    year = data[position] << 8 | data[position + 1]
    month = data[position + 2]
    return (
        2000 <= year < 2100 and 1 <= month <= 12 and 1 <= data[position + 3] <= _days(year, month)
    )


def deviation(data, position):
    """Minutes that UTC is ahead of local time (int), or None if it is unspecified or
    more than 14 hours."""
    minutes = data[position + 9] << 8 | data[position + 10]
    if minutes == _UNSPECIFIED:
        return None
    if minutes > 0x7FFF:
        minutes -= 0x10000
    return minutes if -840 <= minutes <= 840 else None


def put(out, at, data, position, utc=False):
    """Write the date-time at `data[position]` (12 bytes) in ISO 8601 to `out[at]`.

    As sent: `2021-07-19T15:46:35+02:00`; without the offset if the deviation is
    unspecified, without second or time of day if those are. utc (bool): converted,
    `..Z`. Returns where it ends, or -1: no day is named, a field is out of range, or
    UTC is asked for and the deviation unspecified. Allocates nothing.
    """
    if not is_date(data, position):
        return -1
    year = data[position] << 8 | data[position + 1]
    month = data[position + 2]
    day = data[position + 3]
    hour = data[position + 5]
    minute = data[position + 6]
    second = data[position + 7]
    offset = deviation(data, position)
    timed = hour < 24 and minute < 60
    if not timed and hour != 0xFF and minute != 0xFF or 59 < second < 0xFF:
        return -1
    if utc:
        if offset is None or not timed:
            return -1
        minute += 60 * hour + offset
        if minute < 0:
            minute += 1440
            day -= 1
            if day == 0:
                month = month - 1 or 12
                year -= month == 12
                day = _days(year, month)
        elif minute >= 1440:
            minute -= 1440
            day += 1
            if day > _days(year, month):
                day = 1
                month = month % 12 + 1
                year += month == 1
        hour = minute // 60
        minute %= 60
    at = _two(out, at, year // 100)
    at = _two(out, at, year % 100)
    out[at] = 45  # -
    at = _two(out, at + 1, month)
    out[at] = 45
    at = _two(out, at + 1, day)
    if not timed:
        return at
    out[at] = 84  # T
    at = _two(out, at + 1, hour)
    out[at] = 58  # :
    at = _two(out, at + 1, minute)
    if second < 60:
        out[at] = 58
        at = _two(out, at + 1, second)
    if utc:
        out[at] = 90  # Z
        return at + 1
    if offset is not None:
        out[at] = 43 if offset <= 0 else 45  # the offset of local time is its negative
        offset = offset if offset > 0 else -offset
        at = _two(out, at + 1, offset // 60)
        out[at] = 58
        at = _two(out, at + 1, offset % 60)
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
    second = data[position + 7]
    minutes = 60 * data[position + 5] + data[position + 6] + (deviation(data, position) or 0)
    return 86400 * days + 60 * minutes + (second if second < 60 else 0)
