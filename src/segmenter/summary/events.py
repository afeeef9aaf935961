"""Dated events to mark on the timeline. Not here: how they are drawn (charts.py)."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from segmenter.errors import TableError
from segmenter.summary.dates import day_of
from segmenter.tables import read_rows

DECLARED = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": None, "none": None}


@dataclass(frozen=True)
class Event:
    """One dated event.

    Attributes:
        date: Its day.
        label: As the analyst wrote it.
        kind: As the analyst wrote it, possibly empty.
        declared: Chosen before looking at the corpus; None where the table does not say.
    """

    date: date
    label: str
    kind: str
    declared: bool | None


def read_events(path: Path, zone: ZoneInfo) -> list[Event]:
    """The events of a table with columns date, label and optionally kind, declared; by date.

    Raises:
        TableError: No such table, a column is missing, or a row has no date, no label or an unclear `declared`.
    """
    rows = read_rows(path, ("date", "label"))
    return sorted((_event(f"{path} row {number}", row, zone) for number, row in enumerate(rows, 1)), key=_order)


def _event(where: str, row: dict[str, object], zone: ZoneInfo) -> Event:
    day = day_of(row["date"], zone)
    if day is None:
        raise TableError(where, f"date {row['date']!r} is no date", "write it as 2031-07-04")
    label = _text(row["label"])
    if not label:
        raise TableError(where, "the event has no label", "say in a few words what happened")
    declared = _text(row.get("declared")).lower()
    if declared not in DECLARED:
        raise TableError(where, f"declared {declared!r} is neither true nor false", "write true, false or nothing")
    return Event(day.day, label, _text(row.get("kind")), DECLARED[declared])


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _order(event: Event) -> tuple[date, str]:
    return event.date, event.label
