"""Daily counts as periods to draw: days while they fit, else months or years. Not here: drawing (charts.py)."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from segmenter.summary.findings_1 import Group

Unit = Literal["day", "month", "year"]
MOST_DAYS = 400  # more bars than this are thinner than a pixel on a page
MOST_MONTHS = 400


@dataclass(frozen=True)
class Period:
    """Counts of one period, which runs from `start` up to, but without, `end`."""

    start: date
    end: date
    label: str
    n_messages: int
    audiences: dict[str, int]


@dataclass(frozen=True)
class Timeline:
    """Every period from the first message to the last, empty ones included."""

    unit: Unit
    periods: list[Period]


def timeline(days: list[Group], audience_ids: list[str]) -> Timeline:
    """Periods of the daily counts, in order; none where no message has a date."""
    counts: dict[date, Counter[str]] = {}
    totals: Counter[date] = Counter()
    if not days:
        return Timeline("day", [])
    found = [date.fromisoformat(group.name) for group in days]
    unit = _unit(found[0], found[-1])
    for day, group in zip(found, days, strict=True):
        start = _start(day, unit)
        totals[start] += group.n_messages
        counts.setdefault(start, Counter()).update(group.audiences)
    periods, start = [], _start(found[0], unit)
    while True:
        end = _next(start, unit)
        audiences = {name: counts.get(start, Counter())[name] for name in audience_ids}
        periods.append(Period(start, end, _label(start, unit), totals[start], audiences))
        if end > found[-1] or end == date.max:
            return Timeline(unit, periods)
        start = end


def epoch_milliseconds(day: date) -> int:
    """Midnight UTC of a day, as charts count time."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _unit(first: date, last: date) -> Unit:
    if (last - first).days < MOST_DAYS:
        return "day"
    return "month" if (last - first).days < MOST_MONTHS * 30 else "year"


def _start(day: date, unit: Unit) -> date:
    if unit == "day":
        return day
    return day.replace(day=1) if unit == "month" else day.replace(month=1, day=1)


def _next(start: date, unit: Unit) -> date:
    days = {"day": 1, "month": 32, "year": 366}[unit]
    try:
        return _start(start + timedelta(days=days), unit)
    except OverflowError:
        return date.max


def _label(start: date, unit: Unit) -> str:
    return start.isoformat()[: {"day": 10, "month": 7, "year": 4}[unit]]
