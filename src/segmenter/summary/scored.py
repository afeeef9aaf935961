"""A scored table as a stream of typed rows, checked. Not here: counting (tally.py)."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from segmenter.errors import TableError
from segmenter.messages import OUT_OF_SCOPE, VERDICTS, MessageBatch
from segmenter.summary.dates import Day, day_of, open_zone
from segmenter.tables import TableReader

BATCH_MESSAGES = 8192  # held in memory at a time; changes no result
ADDED = ("audiences", "verdict", "reason", "language", "model")


@dataclass(frozen=True)
class ScoredRow:
    """One scored message.

    Attributes:
        place: File name and line, to find it again without naming anybody.
        text: The original message.
        source: Outlet, channel or platform; None where the table has no such column or value.
        date: The value of `created_at` as a day, None where there is none.
        scores: In [0, 1], in the order of `ScoredTable.audience_ids`.
        audiences: Ids clearly above their threshold.
        verdict: One of VERDICTS.
        reasons: Pairs of a code and what it concerns (an audience id, a language, or nothing).
        language: ISO 639 code.
    """

    place: str
    text: str
    source: str | None
    date: Day | None
    scores: list[float]
    audiences: list[str]
    verdict: str
    reasons: list[tuple[str, str]]
    language: str

    @property
    def in_scope(self) -> bool:
        """The model could judge the message."""
        return not any(code in OUT_OF_SCOPE for code, _ in self.reasons)


class ScoredTable:
    """Reads a scored file or folder row by row.

    Attributes:
        audience_ids: From the `score_` columns, in their order.
        dated: The table has a `created_at` column.
        sourced: The table has a `source` column.
        model: The bundle's digest, known once a row was read.
    """

    def __init__(self, path: Path, *, prefix: str, text_column: str, time_zone: str) -> None:
        """Look at the columns.

        Raises:
            TableError: No table there, or not one that scoring wrote.
            ParamsError: There is no such time zone.
        """
        self._reader = TableReader(path, text_column=text_column)
        self._path, self._prefix, self._text_column = path, prefix, text_column
        self._zone = open_zone(time_zone)
        names = self._reader.schema.names
        self.files = self._reader.files
        self.dated, self.sourced = "created_at" in names, "source" in names
        self.audience_ids = _audience_ids(names, prefix)
        missing = [prefix + name for name in ADDED if prefix + name not in names]
        if missing or not self.audience_ids:
            column = missing[0] if missing else f"{prefix}score_…"
            raise TableError(
                path, f"no column {column!r}", "run segmenter score first (with its --prefix, if it had one)"
            )
        self.model = ""

    def rows(self, on_progress: Callable[[float], None] | None) -> Iterator[ScoredRow]:
        """Every message in order; `on_progress` takes the part of the input read so far, in [0, 1].

        Raises:
            TableError: An unreadable row, a value that scoring does not write, or messages of several models.
        """
        for batch in self._reader.batches(BATCH_MESSAGES):
            yield from self._typed(batch)
            if on_progress:
                on_progress(self._reader.done_share)

    def _typed(self, batch: MessageBatch) -> Iterator[ScoredRow]:
        texts = batch.column(self._text_column)
        sources = batch.column("source") if self.sourced else [None] * len(texts)
        dates = _dates(batch) if self.dated else [None] * len(texts)
        added = {name: [value or "" for value in batch.column(self._prefix + name)] for name in ADDED}
        columns = [batch.rows.column(f"{self._prefix}score_{name}").to_pylist() for name in self.audience_ids]
        name = Path(batch.file).name
        for number, line in enumerate(batch.lines):
            place = f"{name} line {line}"
            self._check(place, *(added[column][number] for column in ("model", "verdict", "audiences")))
            yield ScoredRow(
                place=place,
                text=texts[number] or "",
                source=(sources[number] or "").strip() or None,
                date=day_of(dates[number], self._zone),
                scores=[_score(place, column[number]) for column in columns],
                audiences=_parts(added["audiences"][number]),
                verdict=added["verdict"][number],
                reasons=[_reason(part) for part in _parts(added["reason"][number])],
                language=added["language"][number] or "und",
            )

    def _check(self, place: str, model: str, verdict: str, audiences: str) -> None:
        self.model = self.model or model
        if model != self.model or not model:
            raise TableError(
                self._path,
                f"{place} was scored by model {model!r}, those before by {self.model!r}",
                "score the whole corpus with one model (one summary, one model)",
            )
        if verdict not in VERDICTS:
            raise TableError(
                self._path, f"{place} has the verdict {verdict!r}", f"it is one of {', '.join(VERDICTS)}; score again"
            )
        unknown = [name for name in _parts(audiences) if name not in self.audience_ids]
        if unknown:
            raise TableError(
                self._path, f"{place} names an audience {unknown[0]!r} without a score column", "score the corpus again"
            )


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


def _dates(batch: MessageBatch) -> list[object]:
    column = batch.rows.column("created_at")
    if pa.types.is_timestamp(column.type):  # nanoseconds would come out as pandas objects
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    values: list[object] = column.to_pylist()
    return values


def _score(place: str, value: object) -> float:
    try:
        score = float(value) if isinstance(value, str | float | int) else math.nan
    except ValueError:
        score = math.nan
    if not 0.0 <= score <= 1.0:
        raise TableError(place, f"holds {value!r} as a score", "scores lie in [0, 1]; score the corpus again")
    return score


def _parts(joined: str) -> list[str]:
    return [part for part in joined.split(";") if part]


def _reason(part: str) -> tuple[str, str]:
    code, _, about = part.partition(":")
    return code, about
