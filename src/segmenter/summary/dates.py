"""When a message was written, and on which day of a time zone. Not here: columns (columns.py), periods (periods.py)."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from segmenter.errors import ParamsError

MILLISECONDS_FROM = 1e11  # as seconds, a number this large would lie after the year 5100
ISO_DATE_DIGITS = 8  # 20310615 is a date of ISO 8601, not an epoch of August 1970


@dataclass(frozen=True)
class Day:
    """The day a message belongs to.

    Attributes:
        day: In the time zone of the summary; a date without a time is taken as it stands.
        assumed_utc: The value carried a time without a zone, read as UTC.
    """

    day: date
    assumed_utc: bool


@dataclass(frozen=True)
class Moment:
    """When a message was written.

    Attributes:
        seconds: Since 1970-01-01 UTC, rounded down; of a date without a time, its midnight in the time zone of the summary.
        has_time: The value carries a time of day.
        assumed_utc: It carried a time without a zone, read as UTC.
    """

    seconds: int
    has_time: bool
    assumed_utc: bool


def open_zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name.

    Raises:
        ParamsError: There is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ParamsError(
            "settings", f"summary.time_zone: no time zone {name!r}", "name an IANA zone, such as UTC or Europe/Berlin"
        ) from error


def day_of(value: object, zone: ZoneInfo) -> Day | None:
    """The day of an ISO 8601 string, a timestamp, a date or an epoch, None where it is none of these.

    Epochs are seconds, or milliseconds from MILLISECONDS_FROM on, as numbers or as digits of a text table.
    """
    found = _when(value)
    if not isinstance(found, datetime):
        return None if found is None else Day(found, False)
    try:
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return Day(aware.astimezone(zone).date(), found.tzinfo is None)
    except OverflowError:  # a day that no calendar here holds
        return None


def moment_of(value: object, zone: ZoneInfo) -> Moment | None:
    """The moment that a value as of `day_of` stands for, None where it is none or has no day in the time zone."""
    found = _when(value)
    if found is None:
        return None
    if not isinstance(found, datetime):
        return Moment(int(datetime.combine(found, time(), zone).timestamp()), False, False)
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        aware.astimezone(zone)
    except OverflowError:  # a day that no calendar here holds
        return None
    return Moment(math.floor(aware.timestamp()), True, found.tzinfo is None)


def _when(value: object) -> date | datetime | None:
    try:
        found = _parse(value.strip()) if isinstance(value, str) else value
        if isinstance(found, bool) or found is None:
            return None
        if isinstance(found, int | float):
            return datetime.fromtimestamp(found / (1000 if abs(found) >= MILLISECONDS_FROM else 1), UTC)
        return found if isinstance(found, date) else None
    except (ValueError, OverflowError, OSError):  # not a date, or one that no calendar here holds
        return None


def _parse(text: str) -> date | datetime | float:
    if len(text) != ISO_DATE_DIGITS or not text.isdigit():
        try:
            number = float(text)
        except ValueError:
            pass
        else:
            if not math.isfinite(number):
                raise ValueError(text)
            return number
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)
