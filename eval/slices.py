"""Slices of the judged messages: by the columns of params, by period, by length, those for several audiences.

Every value is a slice, however few messages it has; but small sources are not named, they are one together. Not here:
what a slice's figures are (figures.py).
"""

from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmenter.errors import ParamsError
from segmenter.sections import Eval
from segmenter.summary.dates import Day, day_of

ALL = "all"
SEVERAL = "several audiences"
LANGUAGE = "lang="
SOURCE = "source"
# A text, its labels and its keys are a message's own; nothing is grouped by author; periods are cut from dates.
UNSLICED = ("text", "audiences", "id", "author", "created_at", "key", "group")
PERIODS: dict[str, Callable[[Day], str]] = {
    "year": lambda day: f"{day.day:%Y}",
    "quarter": lambda day: f"{day.day:%Y}-Q{(day.day.month + 2) // 3}",
    "month": lambda day: f"{day.day:%Y-%m}",
}
Mask = NDArray[np.bool_]


def slices(frame: pd.DataFrame, truth: Mask, settings: Eval) -> dict[str, Mask]:
    """The messages of each slice, as masks by name: `all`, `lang=en`, `lang, rest`, `period=2017`, `words=15-39`.

    Of slices that are the same messages, the first alone (same_slices names the others). `lang, rest` are the values of
    a column that by themselves can carry no figure, together; `source, rest` holds every small source too.

    Args:
        frame: A prepared split.
        truth: Its labels, shape (n_messages, n_audiences).
        settings: Columns, period, bands, support and how large a source is.

    Raises:
        ParamsError: A column of params is none that a slice can be made of.
    """
    found = _all_slices(frame, truth, settings)
    same = _repeated(found)
    return {name: mask for name, mask in found.items() if name not in same}


def same_slices(frame: pd.DataFrame, truth: Mask, settings: Eval) -> dict[str, str]:
    """Slices that `slices` leaves out, and the one of the same messages that stands for each."""
    return _repeated(_all_slices(frame, truth, settings))


def supported(truth: Mask, support_at_least: int) -> Mask:
    """Which audiences a slice can judge, shape (n_audiences,): enough messages carry it, and enough do not."""
    n_true = truth.sum(axis=0)
    return np.asarray(np.minimum(n_true, len(truth) - n_true) >= support_at_least)


def _all_slices(frame: pd.DataFrame, truth: Mask, settings: Eval) -> dict[str, Mask]:
    found = {ALL: np.ones(len(frame), np.bool_)}
    columns = [name for name in frame.columns if name not in UNSLICED]
    for column in settings.slices:
        if column not in columns:
            remedy = f"name some of {', '.join(columns)}, or have a table keep it (data.tables.keep)"
            raise ParamsError("eval.slices", f"{column!r} makes no slices", remedy)
        by_value = _by_value(column, frame[column])
        unnamed = _small_sources(by_value, settings) if column == SOURCE else set()
        found |= {name: mask for name, mask in by_value.items() if name not in unnamed}
        small = [
            mask
            for name, mask in by_value.items()
            if name in unnamed or not supported(truth[mask], settings.slice_support_at_least).any()
        ]
        if len(small) > 1 or unnamed:
            found[f"{column}, rest"] = np.logical_or.reduce(small)
    found |= _by_value("period", frame["created_at"].map(lambda value: _period(value, settings)))
    found |= _by_length(frame["text"], settings.length_words)
    found[SEVERAL] = truth.sum(axis=1) > 1
    return {name: mask for name, mask in found.items() if mask.any()}


def _by_value(name: str, values: pd.Series) -> dict[str, Mask]:
    """`name=value` for each value, in order; last `name unknown`, of messages without one."""
    shown = values.map(_one_line, na_action="ignore")
    known = shown.notna()
    found = {f"{name}={value}": (shown == value).to_numpy(np.bool_) for value in sorted(shown[known].unique())}
    return found | {f"{name} unknown": (~known).to_numpy(np.bool_)}


def _small_sources(by_value: dict[str, Mask], settings: Eval) -> set[str]:
    """Those with so few messages that to name them would say too much of who wrote."""
    n_of = {name: mask.sum() for name, mask in by_value.items() if name.startswith(f"{SOURCE}=")}
    return {name for name, n in n_of.items() if n < settings.source_messages_at_least}


def _one_line(value: object) -> str | None:
    """A value as part of a name that stands in tables, where `|` parts columns and a line parts rows; a blank one is none."""
    return " ".join(str(value).replace("|", "/").split()) or None


def _period(value: object, settings: Eval) -> str | None:
    day = day_of(value, ZoneInfo("UTC"))
    return None if day is None else PERIODS[settings.period](day)


def _by_length(texts: pd.Series, edges: list[int]) -> dict[str, Mask]:
    band = np.digitize(texts.map(lambda text: len(text.split())), edges)
    starts = [0, *edges]
    names = [f"words={start}-{end - 1}" for start, end in zip(starts, edges, strict=False)]
    return {name: band == number for number, name in enumerate([*names, f"words={starts[-1]} and more"])}


def _repeated(found: dict[str, Mask]) -> dict[str, str]:
    first: dict[bytes, str] = {}
    return {name: kept for name, mask in found.items() if (kept := first.setdefault(mask.tobytes(), name)) != name}
