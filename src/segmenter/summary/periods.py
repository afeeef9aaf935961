"""Days and periods of a time zone, a number per message; the unit goes by the span. Not here: counting (margins.py).

A day is as long as its time zone makes it: 23 or 25 hours where clocks change. An hour that clocks repeat is two periods.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from segmenter.errors import ParamsError
from segmenter.summary.columns import UNDATED
from segmenter.summary.findings import Periods

NO_DAY = np.iinfo(np.int32).min
NO_PERIOD = -1
UNITS = ("day", "week", "month", "year")  # finest first
HOUR, DAY = 3600, 86_400  # seconds
GRID = 900  # seconds: clocks change at whole quarters of an hour
THURSDAY = 3  # weekday of 1970-01-01, from Monday as 0
FIRST_DAY = np.datetime64("0001-01-01", "D")
LAST_DAY = np.datetime64("9999-12-31", "D")
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Calendar:
    """Every period from the first message to the last, and which one each message falls in.

    Attributes:
        numbers: Places in `periods`, NO_PERIOD without a date, shape (n_messages,).
    """

    periods: Periods
    numbers: Ints


def local_days(seconds: Longs, zone: ZoneInfo) -> Ints:
    """The day of each moment in a time zone, counted from 1970-01-01; NO_DAY for UNDATED.

    Raises:
        ParamsError: There are no rules for the time zone.
    """
    days = np.full(len(seconds), NO_DAY, np.int32)
    is_dated = seconds != UNDATED
    days[is_dated] = _local(seconds[is_dated], zone) // DAY
    return days


def iso_day(day: int) -> str:
    """A day of `local_days` as an ISO date."""
    return str(np.datetime64(int(day), "D"))


def day_number(day: str) -> int:
    """The day of `local_days` that an ISO date is."""
    return int(np.datetime64(day, "D").astype(np.int64))


def calendar(seconds: Longs, has_time: Mask, zone: ZoneInfo, *, periods_at_most: int) -> Calendar:
    """The finest periods of which no more than so many are needed; years in any case, then without the empty ones.

    Hours are for messages that all carry a time of day.

    Args:
        seconds: Since 1970 UTC; UNDATED without a date.
        has_time: The date carries a time of day, same shape.
        zone: Whose days and hours they are.
        periods_at_most: Of any unit but years.

    Raises:
        ParamsError: There are no rules for the time zone.
    """
    is_dated = seconds != UNDATED
    numbers = np.full(len(seconds), NO_PERIOD, np.int32)
    if not is_dated.any():
        return Calendar(Periods("day", [], [], ""), numbers)
    dated = seconds[is_dated]
    local = _local(dated, zone)
    if has_time[is_dated].all() and (local.max() - local.min()) // HOUR < periods_at_most:
        periods, numbers[is_dated] = _hours(dated, local, zone)
        return Calendar(periods, numbers)
    days = local // DAY
    unit = next((unit for unit in UNITS if np.ptp(_places(days, unit)) < periods_at_most), UNITS[-1])
    places = _places(days, unit)
    is_few = np.ptp(places) < periods_at_most
    every = np.arange(places.min(), places.max() + 1) if is_few else np.unique(places)
    numbers[is_dated] = np.searchsorted(every, places)
    starts = [str(day) for day in _starts(every, unit)]
    labels = [_label(start, unit) for start in starts]
    return Calendar(Periods(unit, starts, labels, str(_starts(every[-1:] + 1, unit)[0])), numbers)


def _local(seconds: Longs, zone: ZoneInfo) -> Longs:
    """What clocks of a time zone show, as seconds since their 1970-01-01."""
    moments = pl.from_epoch(pl.Series(seconds), time_unit="s").dt.replace_time_zone("UTC")
    try:
        local = moments.dt.convert_time_zone(zone.key)
    except pl.exceptions.PolarsError as error:
        raise ParamsError(
            "settings", f"summary.time_zone: no rules for {zone.key!r}", "name an IANA zone, such as Europe/Berlin"
        ) from error
    return np.asarray(local.dt.replace_time_zone(None).dt.epoch("s").to_numpy(), np.int64)


def _hours(dated: Longs, local: Longs, zone: ZoneInfo) -> tuple[Periods, Ints]:
    """Hours of the clock: each begins where the clock shows a whole one, or has just been put on or back."""
    grid = np.arange(dated.min() // GRID - HOUR // GRID, dated.max() // GRID + 2 * HOUR // GRID) * GRID
    shown = _local(grid, zone)
    begun = np.unique(grid - shown % HOUR)  # when the hour of each moment of the grid began
    places = np.searchsorted(begun, dated - local % HOUR)
    first, last = int(places.min()), int(places.max())
    starts = [datetime.fromtimestamp(int(second), zone).isoformat() for second in begun[first : last + 2]]
    labels = [start[:16].replace("T", " ") for start in starts]
    return Periods("hour", starts[:-1], labels[:-1], starts[-1]), (places - first).astype(np.int32)


def _places(days: Longs, unit: str) -> Longs:
    """The number of the period of each day, since 1970."""
    if unit == "week":
        return (days + THURSDAY) // 7
    if unit == "day":
        return days
    months = np.asarray(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64))
    return months if unit == "month" else months // 12


def _starts(places: Longs, unit: str) -> NDArray[np.datetime64]:
    """First days of periods, none beyond the calendar's last."""
    if unit == "week":
        days = (places * 7 - THURSDAY).astype("datetime64[D]")
    elif unit == "day":
        days = places.astype("datetime64[D]")
    else:
        days = (places if unit == "month" else places * 12).astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray(np.clip(days, FIRST_DAY, LAST_DAY), "datetime64[D]")


def _label(start: str, unit: str) -> str:
    if unit == "week":
        return f"week of {start}"
    return start[: {"day": 10, "month": 7, "year": 4}[unit]]
