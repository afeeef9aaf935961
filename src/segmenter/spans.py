"""One file cut into spans, fixed ranges of the rows met in it: the usable ones as Arrow columns, the others with their reason.

Not here: the formats (rows.py), which files there are (tables.py, inputs.py).
"""

import json
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from segmenter.errors import TableError
from segmenter.messages import MessageBatch, Reject
from segmenter.rows import JSON_TEXT, Position, Row, Values, one_line, parquet_batches

ROW_SHOWN = 2_000  # characters of a rejected row that are kept
WAY_OUT = "mend it (segmenter score and convert can set such rows aside with --rejects FILE)"


@dataclass(frozen=True)
class Wanted:
    """What is wanted of the rows of a file.

    Attributes:
        file: What batches, rejects and sentences call it.
        unit: What a row's number counts.
        schema: Columns of a batch, empty where the file has none of that name.
        text_column: The column every row needs text in, if any.
        rejecting: Set unusable rows aside; without it the first one stops the run.
    """

    file: str
    unit: str
    schema: pa.Schema
    text_column: str | None
    rejecting: bool

    def reject(self, row: Row, reason: str) -> Reject:
        """A row that is not used.

        Raises:
            TableError: It is to stop the run.
        """
        if not self.rejecting and not row.left_out:
            raise TableError(f"{self.file} {self.unit} {row.line}", reason, WAY_OUT)
        found = row.found or ("" if row.values is None else json.dumps(row.values, ensure_ascii=False, default=str))
        return Reject(self.file, row.line, reason, found[:ROW_SHOWN])

    def batch(self, lines: list[int], columns: list[pa.Array]) -> MessageBatch:
        """Rows that are used."""
        return MessageBatch(self.file, lines, pa.RecordBatch.from_arrays(columns, schema=self.schema))


@dataclass(frozen=True)
class Span:
    """Rows [number * n, (number + 1) * n) met in a file, whatever became of them.

    Attributes:
        n_rows: Rows met; fewer than n only at the end of the file.
        messages: The usable ones; None where there are none or they were not asked for.
        rejects: The others.
        n_bytes: How much of the file is read by the end of the span.
    """

    n_rows: int
    messages: MessageBatch | None
    rejects: list[Reject]
    n_bytes: int


def row_spans(
    rows: Iterator[tuple[Row, Position]], wanted: Wanted, *, n_rows: int, done: Container[int] = ()
) -> Iterator[Span]:
    """Spans of a file that is read row by row.

    Args:
        rows: Every row of the file, in order.
        wanted: Of each row.
        n_rows: Rows met in a span.
        done: Numbers of spans, from 0, whose messages are not asked for; their rejects are found all the same.
    """
    for number in count():
        span = _row_span(islice(rows, n_rows), wanted, is_done=number in done)
        if not span.n_rows:
            return
        yield span


def _row_span(rows: Iterator[tuple[Row, Position]], wanted: Wanted, *, is_done: bool) -> Span:
    lines: list[int] = []
    usable: list[Values] = []
    rejects: list[Reject] = []
    position: Position = int  # 0 where there is no row
    for row, position in rows:  # noqa: B007  # the last one's is asked
        values = row.values or {}
        reason = row.reason or _fault(values, wanted.text_column)
        if reason:
            rejects.append(wanted.reject(row, reason))
        else:
            lines.append(row.line)
            usable.append(values)
    messages = None
    if usable and not is_done:
        arrays = [_array([values.get(field.name) for values in usable], field) for field in wanted.schema]
        messages = wanted.batch(lines, arrays)
    return Span(len(usable) + len(rejects), messages, rejects, position())


def parquet_spans(file: Path, wanted: Wanted, *, n_rows: int, done: Container[int] = ()) -> Iterator[Span]:
    """Spans of a Parquet file, whose columns are passed on as they are; arguments as of `row_spans`."""
    first = 1
    for number, (batch, position) in enumerate(parquet_batches(file, wanted.schema.names, n_rows)):
        lines = range(first, first + len(batch))
        faults = _faults(batch, wanted.text_column)
        rejects = [wanted.reject(_row(batch, at, line), faults[at]) for at, line in enumerate(lines) if at in faults]
        messages = None
        if len(faults) < len(batch) and number not in done:
            usable = [at for at in range(len(batch)) if at not in faults]
            used = batch.take(pa.array(usable)) if faults else batch
            messages = wanted.batch([lines[at] for at in usable], [_fitted(used, field) for field in wanted.schema])
        yield Span(len(batch), messages, rejects, position())
        first += len(batch)


def _fault(values: Values, text_column: str | None) -> str:
    """Why a row has no text where it needs one, or an empty string."""
    if text_column is None:
        return ""
    text = values.get(text_column)
    if isinstance(text, str):
        return f"column {text_column!r} is empty" if not text or text.isspace() else ""
    return f"column {text_column!r} " + ("is empty" if text is None else f"holds {type(text).__name__}, not text")


def _faults(batch: pa.RecordBatch, text_column: str | None) -> dict[int, str]:
    """Why rows of a Parquet batch cannot be used, by their place in it."""
    faults = dict(_broken(batch, 0))
    if text_column is not None:
        whole = [at for at in range(len(batch)) if at not in faults]
        texts = batch.column(text_column)
        for at, text in zip(whole, (texts.take(pa.array(whole)) if faults else texts).to_pylist(), strict=True):
            if reason := _fault({text_column: text}, text_column):
                faults[at] = reason
    return faults


def _broken(batch: pa.RecordBatch, first: int) -> Iterator[tuple[int, str]]:
    """Rows whose bytes are not what their type says: Parquet does not check that text is UTF-8."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as error:
        if len(batch) > 1:
            half = len(batch) // 2
            yield from _broken(batch.slice(0, half), first)
            yield from _broken(batch.slice(half), first + half)
        else:
            yield first, "is not UTF-8" if "UTF8" in str(error) else f"is broken ({one_line(error)})"


def _row(batch: pa.RecordBatch, at: int, line: int) -> Row:
    """A row of a Parquet batch that is to be shown."""
    try:
        [values] = batch.slice(at, 1).to_pylist()
    except (ValueError, OverflowError):  # not UTF-8, or a date that no calendar holds
        values = None
    return Row(line, values, "", "")


def _array(values: list[Any], field: pa.Field) -> pa.Array:
    if field.metadata == JSON_TEXT:
        values = [None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in values]
    elif field.type == pa.string():
        values = [value if value is None or isinstance(value, str) else str(value) for value in values]
    return pa.array(values, field.type)


def _fitted(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    """A column of a Parquet batch in the type that it has over all files."""
    if field.name not in batch.schema.names:
        return pa.nulls(len(batch), field.type)
    column = batch.column(field.name)
    if field.metadata != JSON_TEXT and column.type == field.type:
        return column
    return _array(column.to_pylist(), field)
