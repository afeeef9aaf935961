"""The margins that the page's choices run over, as compact JSON that no text can break out of.

Shares stand as numbers of SHARE_DIGITS digits, names as they are shown. Not here: how they are drawn (script.js), what a
part of the corpus was told (told.html, which the template writes).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from segmenter.summary.findings import Cell, Dimension, Findings, Periods, Series, ShareFinding, Value
from segmenter.summary.redact import plain
from segmenter.summary.templates import colour, shown
from segmenter.summary.wording import language_name

SHARE_DIGITS = 4
NAME_CHARACTERS = 60
DATE_FORMATS = {"hour": "%-d %b %H:%M", "day": "%-d %b", "week": "%-d %b", "month": "%b %Y", "year": "%Y"}
NOON_MS = 43_200_000  # an event's rule stands in the middle of its day
SHAPES = ("circle", "square", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left", "stroke")
_BREAKERS = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


@dataclass(frozen=True)
class MarginData:
    """What the page's script reads, and how many values have no timeline in it for want of room."""

    json: str
    n_without_time: int


def margin_data(findings: Findings, *, most_bytes: int) -> MarginData:
    """The figures of every value of every dimension; the timelines of the smallest values give way to `most_bytes`."""
    ids = [one.id for one in findings.audiences]
    kept: dict[str, Any] = {
        "audiences": [
            {"id": one.id, "name": shown(one.name, NAME_CHARACTERS), "fill": colour(place), "shape": _shape(place)}
            for place, one in enumerate(findings.audiences)
        ],
        "redacted": not findings.method.handles_shown,
        "periods": _periods(findings.periods),
        "events": [
            {"at": _wall_ms(event.date.isoformat()) + NOON_MS, "number": str(number)}
            for number, event in enumerate(findings.events, 1)
        ],
    }
    for dimension in findings.dimensions:
        kept[dimension.name] = [_value(value, dimension, ids) for value in dimension.values]
    n_without_time = _add_timelines(kept, findings, ids, most_bytes - len(as_data(kept)))
    return MarginData(as_data(kept), n_without_time)


def _add_timelines(kept: dict[str, Any], findings: Findings, ids: Sequence[str], most_bytes: int) -> int:
    """Largest values first, the whole corpus whatever it costs; how many had no room."""
    timed = [
        (dimension.name != "all", -value.n_messages, kept[dimension.name][place], value.over_time)
        for dimension in findings.dimensions
        for place, value in enumerate(dimension.values)
        if value.over_time is not None
    ]
    n_without_time = 0
    for is_part, _, shown_value, over_time in sorted(timed, key=lambda one: one[:2]):
        series = _series(over_time, ids)
        most_bytes -= len(as_data(series))
        if most_bytes > 0 or not is_part:
            shown_value["time"] = series
        else:
            n_without_time += 1
    return n_without_time


def as_data(found: object) -> str:
    """JSON that is safe between script tags: no `<`, `>` or `&`, and no line separator, stands in it."""
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"), allow_nan=False).translate(_BREAKERS)


def _shape(place: int) -> str:
    return SHAPES[place % len(SHAPES)]


def _value(value: Value, dimension: Dimension, ids: Sequence[str]) -> dict[str, Any]:
    name = language_name(value.name) if dimension.name == "language" else shown(value.name, NAME_CHARACTERS)
    return {
        "name": name or "(no visible name)",
        "code": plain(value.name[:20]) if dimension.name == "language" else "",
        "kind": value.kind,
        "n": value.n_messages,
        "uncertain": value.n_uncertain,
        "out": value.n_out_of_scope,
        "cells": [_cell(value.audiences[name]) for name in ids],
    }


def _cell(cell: Cell) -> list[Any]:
    return [cell.n_chosen, None if cell.share is None else _share(cell.share)]


def _share(share: ShareFinding) -> list[float]:
    ends = (share.value, share.low, share.high, share.bound_low, share.bound_high)
    return [*(round(end, SHARE_DIGITS) for end in ends), share.n_estimable]


def _series(series: Series, ids: Sequence[str]) -> dict[str, Any]:
    def rounded(shares: list[float | None]) -> list[float | None]:
        return [None if share is None else round(share, SHARE_DIGITS) for share in shares]

    found = [series.audiences[name] for name in ids]
    return {
        "n": series.n_messages,
        "cells": [[one.n_chosen, rounded(one.value), rounded(one.low), rounded(one.high)] for one in found],
    }


def _periods(periods: Periods) -> dict[str, Any]:
    starts = [_wall_ms(start) for start in periods.starts]
    return {
        "unit": periods.unit,
        "starts": starts,
        "end": _wall_ms(periods.end) if periods.end else 0,
        "labels": [shown(label, NAME_CHARACTERS) for label in periods.labels],
        "format": DATE_FORMATS.get(periods.unit, "%Y-%m-%d"),
    }


def _wall_ms(iso: str) -> int:
    """Milliseconds of a time as the clock of the summary's zone shows it: the axis then needs no zone."""
    return int(datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp() * 1000)
