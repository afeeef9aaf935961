"""The only way tables of messages are read: a file or a folder as a stream of batches of one schema.

A row that cannot be used is named by file and line: it stops the run, or goes to the `on_reject` the caller gave.
Every CSV column stays text, as it was written. Not here: the formats (rows.py), how one file is cut into batches
(spans.py), what `segmenter score` reads (inputs.py), writing (writers.py).
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Container, Iterator
from pathlib import Path

import pyarrow as pa

from segmenter.errors import TableError
from segmenter.messages import MessageBatch, Reject
from segmenter.rows import JSON_TEXT, Values, raw_rows, schema_of, table_format
from segmenter.spans import Span, Wanted, parquet_spans, row_spans


def table_files(path: Path) -> list[Path]:
    """The tables at `path`: the file itself, or every table below a folder, sorted by name.

    Raises:
        TableError: Nothing is there, or a folder holds no table.
    """
    found = files_at(path, _is_table)
    if not found:
        raise TableError(path, "the folder holds no table", "put .csv, .jsonl or .parquet files there")
    if found == [path]:
        table_format(path)
    return found


def files_at(path: Path, is_wanted: Callable[[Path], bool]) -> list[Path]:
    """The file itself, or every wanted file below a folder, sorted by name; hidden ones are not looked at.

    Raises:
        TableError: Nothing is there.
    """
    if not path.exists():
        raise TableError(path, "there is no such file or folder", "check the path")
    if not path.is_dir():
        return [path]
    below = (file for file in sorted(path.rglob("*")) if file.is_file() and not _is_hidden(file.relative_to(path)))
    return [file for file in below if is_wanted(file)]


def _is_hidden(path: Path) -> bool:
    """Whether a file or a folder it lies in starts with a dot, as notebooks' checkpoint copies do."""
    return any(part.startswith(".") for part in path.parts)


def _is_table(path: Path) -> bool:
    try:
        table_format(path)
    except TableError:
        return False
    return True


class RowReader(ABC):
    """Some files as one stream of batches of one schema; a row that cannot be used is set aside or stops the run.

    Not here: how a file is read, which each kind of reader says.

    Attributes:
        files: In the order they are read.
        schema: Columns over all files.
        n_rows: Rows met so far, rejects included.
        n_rejects: Rows set aside so far.
        reasons: Why, each reason with its rows; what a reason says in brackets of one row is left off.
        done_share: Part of the input's bytes read so far, in [0, 1].
    """

    def __init__(
        self,
        files: list[Path],
        schema: pa.Schema,
        *,
        text_column: str | None,
        on_reject: Callable[[Reject], None] | None,
    ) -> None:
        self.files = files
        self.schema = schema
        self.text_column = text_column
        self.on_reject = on_reject
        self.n_rows = 0
        self.n_rejects = 0
        self.reasons: Counter[str] = Counter()
        self.done_share = 0.0
        self._bytes = [max(file.stat().st_size, 1) for file in files]

    @abstractmethod
    def spans(self, file: Path, n_rows: int) -> Iterator[Span]:
        """A file cut into spans of `n_rows` rows met."""

    def wanted(self, file: Path, unit: str) -> Wanted:
        """What is wanted of a file's rows, `unit` being what their numbers count."""
        return Wanted(str(file), unit, self.schema, self.text_column, rejecting=self.on_reject is not None)

    def batches(self, n_rows: int) -> Iterator[MessageBatch]:
        """Every usable row in order: of each `n_rows` rows met in a file those that are usable, where there are any."""
        total = sum(self._bytes)
        for number, file in enumerate(self.files):
            before = sum(self._bytes[:number])
            for span in self.spans(file, n_rows):
                self._count(span)
                self.done_share = (before + span.n_bytes) / total
                if span.messages is not None:
                    yield span.messages
            self.done_share = (before + self._bytes[number]) / total

    def _count(self, span: Span) -> None:
        self.n_rows += span.n_rows
        self.n_rejects += len(span.rejects)
        for reject in span.rejects:
            self.reasons[reject.reason.split(" (")[0]] += 1
            if self.on_reject is not None:
                self.on_reject(reject)


class TableReader(RowReader):
    """Reads plain tables: CSV, JSONL, Parquet.

    CSV columns are text; JSONL columns take the one type their values have, or are JSON text (marked in the field's
    metadata) where values are nested or of several types. The text column is always plain text: a row that has no text
    there is unusable.
    """

    def __init__(
        self, path: Path, *, text_column: str | None = None, on_reject: Callable[[Reject], None] | None = None
    ) -> None:
        """Look at every file's columns (JSONL is read through once for its types).

        Args:
            path: File or folder.
            text_column: The column every row needs text in, if any.
            on_reject: Takes each unusable row; without it the first one stops the run.

        Raises:
            TableError: No table there, no such column, an empty file, or a row that cannot be used (without on_reject).
        """
        files = table_files(path)
        super().__init__(files, table_schema(files, text_column), text_column=text_column, on_reject=on_reject)

    def spans(self, file: Path, n_rows: int) -> Iterator[Span]:
        """A table's records."""
        return table_spans(file, self.wanted(file, unit_of(file)), n_rows=n_rows)


def table_spans(file: Path, wanted: Wanted, *, n_rows: int, done: Container[int] = ()) -> Iterator[Span]:
    """Spans of a table of any format; arguments as of `row_spans`."""
    if unit_of(file) == "row":
        return parquet_spans(file, wanted, n_rows=n_rows, done=done)
    return row_spans(raw_rows(file), wanted, n_rows=n_rows, done=done)


def unit_of(file: Path) -> str:
    """What a row's number counts in a table."""
    return "row" if table_format(file)[0] == "parquet" else "line"


def table_schema(files: list[Path], text_column: str | None) -> pa.Schema:
    """Columns over all tables; the text column, if any, is plain text.

    Raises:
        TableError: A table that is empty or broken, or without the text column.
    """
    schemas = [schema_of(file) for file in files]
    for file, schema in zip(files, schemas, strict=True):
        if text_column is not None and text_column not in schema.names:
            raise TableError(
                file,
                f"no column {text_column!r} among {', '.join(map(repr, schema.names))}",
                "name the text column (--text-column)",
            )
    whole = [pa.field(field.name, pa.string()) if field.name == text_column else field for field in _merge(schemas)]
    return pa.schema(whole)


def read_rows(path: Path, required: tuple[str, ...]) -> list[Values]:
    """A small table (events, fixtures) as a list of rows, one dict a row.

    Raises:
        TableError: As `TableReader`, or a required column is missing.
    """
    reader = TableReader(path)
    for name in required:
        if name not in reader.schema.names:
            raise TableError(path, f"no column {name!r}", f"it needs {', '.join(required)}")
    return [row for batch in reader.batches(10_000) for row in batch.rows.to_pylist()]


def _merge(schemas: list[pa.Schema]) -> pa.Schema:
    """One schema for all files: a column's own type where all agree, JSON text or text where they do not."""
    fields: dict[str, pa.Field] = {}
    for schema in schemas:
        for field in schema:
            seen = fields.setdefault(field.name, field)
            if not seen.equals(field, check_metadata=True):
                fields[field.name] = _common(seen, field)
    return pa.schema(list(fields.values()))


def _common(one: pa.Field, other: pa.Field) -> pa.Field:
    if pa.types.is_null(one.type) or pa.types.is_null(other.type):
        return other if pa.types.is_null(one.type) else one
    return pa.field(one.name, pa.string(), metadata=JSON_TEXT)
