"""Batches of a scored table as checked columns of numbers. Not here: what cells hold (cells.py), the corpus (corpus.py)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segmenter.errors import TableError
from segmenter.messages import VERDICTS, MessageBatch
from segmenter.summary.cells import Ints, Numbers, dictionary, parts_of, score_column, text_column, verdict_numbers
from segmenter.summary.dates import moment_of

ADDED = ("audiences", "verdict", "reason", "language", "model")
UNDATED = np.iinfo(np.int64).min
FIRST_SECOND, LAST_SECOND = -62_135_510_400, 253_402_214_400  # a day inside the years 1 and 9999, in any time zone


@dataclass(frozen=True)
class Part:
    """A batch as columns, each of shape (n_rows,) but for the scores.

    Attributes:
        scores: Shape (n_rows, n_audiences).
        seconds: Since 1970 UTC, UNDATED where there is no date.
        n_assumed_utc: Times without a zone.
    """

    language: Ints
    source: Ints
    verdict: Ints
    reason: Ints
    audiences: Ints
    scores: NDArray[np.float32]
    seconds: NDArray[np.int64]
    has_time: NDArray[np.bool_]
    n_assumed_utc: int
    line: NDArray[np.int64]


class Columns:
    """Turns batches of one scored table into parts, whose numbers it names.

    Attributes:
        model: The bundle's digest, known once a row was read.
    """

    def __init__(self, path: Path, names: Sequence[str], *, prefix: str, zone: ZoneInfo) -> None:
        """Look at the columns of the table.

        Raises:
            TableError: Scoring did not write it.
        """
        self._path, self._prefix, self._zone = path, prefix, zone
        self.is_dated, self.is_sourced = "created_at" in names, "source" in names
        self.audience_ids = _audience_ids(list(names), prefix)
        missing = [prefix + name for name in ADDED if prefix + name not in names]
        if missing or not self.audience_ids:
            column = missing[0] if missing else f"{prefix}score_…"
            raise TableError(
                path, f"no column {column!r}", "run segmenter score first (with its --prefix, if it had one)"
            )
        self.model = ""
        self.languages, self.sources, self.reasons, self.audiences = Numbers(), Numbers(), Numbers(), Numbers()

    def part(self, batch: MessageBatch) -> Part:
        """The columns of a batch.

        Raises:
            TableError: A value that scoring does not write, or messages of several models; of the first such row.
        """
        added = {name: text_column(batch, self._prefix + name) for name in ADDED}
        scores = [score_column(batch.rows.column(f"{self._prefix}score_{name}")) for name in self.audience_ids]
        self._check(batch, added, scores)
        n = len(batch.lines)
        source = text_column(batch, "source") if self.is_sourced else pa.nulls(n, pa.string())
        seconds, has_time, n_assumed_utc = self._seconds(batch) if self.is_dated else _no_dates(n)
        return Part(
            language=self.languages.of_column(added["language"], lambda value: value or "und"),
            source=self.sources.of_column(source, lambda value: (value or "").strip() or None),
            verdict=verdict_numbers(added["verdict"]),
            reason=self.reasons.of_column(added["reason"], lambda value: value or ""),
            audiences=self.audiences.of_column(added["audiences"], lambda value: value or ""),
            scores=np.stack(scores, axis=1).astype(np.float32),
            seconds=seconds,
            has_time=has_time,
            n_assumed_utc=n_assumed_utc,
            line=np.array(batch.lines, np.int64),
        )

    def _seconds(self, batch: MessageBatch) -> tuple[NDArray[np.int64], NDArray[np.bool_], int]:
        column = batch.rows.column("created_at")
        if pa.types.is_timestamp(column.type):
            moments = column.cast(pa.timestamp("us", column.type.tz), safe=False)
            seconds = moments.cast(pa.int64()).fill_null(UNDATED).to_numpy(zero_copy_only=False) // 1_000_000
            has_time = np.ones(len(seconds), np.bool_)
            assumed_utc = np.full(len(seconds), not column.type.tz)
        else:
            read = [moment_of(value, self._zone) for value in column.to_pylist()]
            seconds = np.array([UNDATED if one is None else one.seconds for one in read], np.int64)
            has_time = np.array([one is not None and one.has_time for one in read], np.bool_)
            assumed_utc = np.array([one is not None and one.assumed_utc for one in read], np.bool_)
        is_dated = (seconds >= FIRST_SECOND) & (seconds <= LAST_SECOND)
        return np.where(is_dated, seconds, UNDATED), has_time & is_dated, int((assumed_utc & is_dated).sum())

    def _check(self, batch: MessageBatch, added: dict[str, pa.Array], scores: list[NDArray[np.float64]]) -> None:
        self.model = self.model or added["model"][0].as_py() or ""
        faults = [
            _first(added["model"], lambda value: value != self.model or not value),
            _first(added["verdict"], lambda value: value not in VERDICTS),
            _first(added["audiences"], lambda value: any(self._unknown(value))),
            *(_first_row(~((score >= 0.0) & (score <= 1.0))) for score in scores),
        ]
        row = min(faults)
        if row == math.inf:
            return
        kind, at = faults.index(row), int(row)
        place = f"{Path(batch.file).name} line {batch.lines[at]}"
        if kind >= 3:
            value = batch.rows.column(f"{self._prefix}score_{self.audience_ids[kind - 3]}")[at].as_py()
            raise TableError(place, f"holds {value!r} as a score", "scores lie in [0, 1]; score the corpus again")
        name = ("model", "verdict", "audiences")[kind]
        self._refuse(place, name, added[name][at].as_py() or "")

    def _refuse(self, place: str, name: str, value: str) -> None:
        if name == "model":
            raise TableError(
                self._path,
                f"{place} was scored by model {value!r}, those before by {self.model!r}",
                "score the whole corpus with one model (one summary, one model)",
            )
        if name == "verdict":
            raise TableError(
                self._path, f"{place} has the verdict {value!r}", f"it is one of {', '.join(VERDICTS)}; score again"
            )
        unknown = self._unknown(value)[0]
        raise TableError(
            self._path, f"{place} names an audience {unknown!r} without a score column", "score the corpus again"
        )

    def _unknown(self, audiences: str | None) -> list[str]:
        return [name for name in parts_of(audiences or "") if name not in self.audience_ids]


def _audience_ids(names: list[str], prefix: str) -> list[str]:
    """Scoring writes its columns side by side, before `audiences`: an input column `score_x` elsewhere is not one."""
    start = f"{prefix}score_"
    run: list[str] = []
    end = names.index(f"{prefix}audiences") if f"{prefix}audiences" in names else len(names)
    for name in reversed(names[:end]):
        if not name.startswith(start):
            break
        run.insert(0, name)
    found = run or [name for name in names if name.startswith(start)]  # columns that someone put in another order
    return [name.removeprefix(start) for name in found]


def _first(column: pa.Array, is_bad: Callable[[str | None], bool]) -> float:
    values, places = dictionary(column)
    return _first_row(np.array([is_bad(value) for value in values])[places])


def _first_row(bad: NDArray[np.bool_]) -> float:
    """The first row of a mask, infinity where there is none."""
    return float(bad.argmax()) if bad.any() else math.inf


def _no_dates(n: int) -> tuple[NDArray[np.int64], NDArray[np.bool_], int]:
    return np.full(n, UNDATED, np.int64), np.zeros(n, np.bool_), 0
