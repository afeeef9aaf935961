"""When a message was written, and on which day of a time zone. Not here: columns (scored.py), periods (timeline.py)."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
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
    try:
        found = _parse(value.strip()) if isinstance(value, str) else value
        if isinstance(found, bool) or found is None:
            return None
        if isinstance(found, int | float):
            found = datetime.fromtimestamp(found / (1000 if abs(found) >= MILLISECONDS_FROM else 1), UTC)
        if isinstance(found, datetime):
            aware = found if found.tzinfo else found.replace(tzinfo=UTC)
            return Day(aware.astimezone(zone).date(), found.tzinfo is None)
        return Day(found, False) if isinstance(found, date) else None
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
