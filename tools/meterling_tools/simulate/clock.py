"""The meter's clock: Central European time and the COSEM date-time on the wire."""

from datetime import UTC, datetime, timedelta, timezone

# What a meter's clock shows first unless it is told: an early summer morning.
DEFAULT_START = datetime(2026, 6, 18, 4, 30, 0, tzinfo=UTC)


def _last_sunday(year, month):
    """01:00 UTC on the last Sunday of a month of 31 days."""
    day = datetime(year, month, 31, 1, tzinfo=UTC)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def is_summer_time(utc):
    """Whether the EU's summer time holds (directive 2000/84/EC: last Sundays, 01:00 UTC)."""
    return _last_sunday(utc.year, 3) <= utc < _last_sunday(utc.year, 10)


def local_time(utc):
    """Central European local time, aware, without asking the machine for a time zone table."""
    return utc.astimezone(timezone(timedelta(hours=2 if is_summer_time(utc) else 1)))


def as_utc(moment):
    """``moment`` in UTC, whole seconds; one without a zone is taken as Central European time."""
    moment = moment.replace(microsecond=0)
    if moment.tzinfo is None:
        as_if_utc = moment.replace(tzinfo=UTC)
        return as_if_utc - local_time(as_if_utc - timedelta(hours=1)).utcoffset()
    return moment.astimezone(UTC)


def date(local):
    """COSEM date, 5 octets: year (2), month, day, weekday (Monday 1)."""
    return local.year.to_bytes(2, "big") + bytes([local.month, local.day, local.isoweekday()])


def time(local, hundredths=0):
    """COSEM time, 4 octets: hour, minute, second, hundredths (FF: not specified)."""
    return bytes([local.hour, local.minute, local.second, hundredths])


def date_time(local, deviation=True):
    """COSEM date-time, 12 octets: date (5), time (4), deviation (2), status.

    The deviation is UTC minus local time in minutes. Meters that leave it open
    (``deviation`` False: Landis+Gyr, Kamstrup) send 8000, hundredths FF and status 00.
    """
    if not deviation:
        return date(local) + time(local, 0xFF) + b"\x80\x00\x00"
    minutes = int(local.utcoffset().total_seconds()) // 60
    status = b"\x80" if is_summer_time(local) else b"\x00"
    return date(local) + time(local) + (-minutes).to_bytes(2, "big", signed=True) + status
