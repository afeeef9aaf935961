"""The only way tables of messages are read: a file or a folder as a stream of batches of one schema.

A row that cannot be used is named by file and line: it stops the run, or goes to the `on_reject` the caller gave.
Every CSV column stays text, as it was written. Not here: the formats (rows.py), writing (writers.py).
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from segmenter.errors import TableError
from segmenter.messages import MessageBatch, Reject
from segmenter.rows import JSON_TEXT, Row, Values, raw_rows, schema_of, table_format

ROW_SHOWN = 2_000  # characters of a rejected row that are kept


def table_files(path: Path) -> list[Path]:
    """The tables at `path`: the file itself, or every table below a folder, sorted by name.

    Raises:
        TableError: Nothing is there, or a folder holds no table.
    """
    if path.is_dir():
        found = [
            file
            for file in sorted(path.rglob("*"))
            if file.is_file() and not _is_hidden(file.relative_to(path)) and _is_table(file)
        ]
        if not found:
            raise TableError(path, "the folder holds no table", "put .csv, .jsonl or .parquet files there")
        return found
    if not path.exists():
        raise TableError(path, "there is no such file or folder", "check the path")
    table_format(path)
    return [path]


def _is_hidden(path: Path) -> bool:
    """Whether a file or a folder it lies in starts with a dot, as notebooks' checkpoint copies do."""
    return any(part.startswith(".") for part in path.parts)


def _is_table(path: Path) -> bool:
    try:
        table_format(path)
    except TableError:
        return False
    return True


class TableReader:
    """Reads one file or folder as a stream of batches of one schema.

    Attributes:
        schema: Columns over all files. CSV columns are text; JSONL columns take the one type their values have, or
            are JSON text (marked in the field's metadata) where values are nested or of several types. The text column
            is always plain text: a row that has no text there is unusable.
        n_rows: Rows met so far, rejects included.
        n_rejects: Rows set aside so far.
        done_share: Part of the input's bytes read so far, in [0, 1].
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
        self.files = table_files(path)
        self.text_column = text_column
        self.on_reject = on_reject
        self.n_rows = 0
        self.n_rejects = 0
        self.done_share = 0.0
        self._bytes = [max(file.stat().st_size, 1) for file in self.files]
        schemas = [schema_of(file) for file in self.files]
        for file, schema in zip(self.files, schemas, strict=True):
            if text_column is not None and text_column not in schema.names:
                raise TableError(
                    file,
                    f"no column {text_column!r} among {', '.join(map(repr, schema.names))}",
                    "name the text column (--text-column)",
                )
        self.schema = pa.schema(
            [pa.field(field.name, pa.string()) if field.name == text_column else field for field in _merge(schemas)]
        )

    def batches(self, n_rows: int) -> Iterator[MessageBatch]:
        """Every usable row in order, at most `n_rows` a batch."""
        for number, file in enumerate(self.files):
            before, total = sum(self._bytes[:number]), sum(self._bytes)
            lines: list[int] = []
            rows: list[Values] = []
            for row, position in raw_rows(file):
                self.n_rows += 1
                values = self._usable(file, row)
                if values is not None:
                    lines.append(row.line)
                    rows.append(values)
                if len(rows) == n_rows:
                    self.done_share = (before + position()) / total
                    yield self._batch(file, lines, rows)
                    lines, rows = [], []
            self.done_share = (before + self._bytes[number]) / total
            if rows:
                yield self._batch(file, lines, rows)

    def _usable(self, file: Path, row: Row) -> Values | None:
        reason = row.reason
        if row.values is not None and self.text_column is not None:
            text = row.values.get(self.text_column)
            if text is not None and not isinstance(text, str):
                reason = f"column {self.text_column!r} holds {type(text).__name__}, not text"
            elif text is None or not text.strip():
                reason = f"column {self.text_column!r} is empty"
        if not reason:
            return row.values
        if self.on_reject is None:
            where = f"{file} {_unit(file)} {row.line}"
            raise TableError(where, reason, "mend it (segmenter score can set such rows aside with --rejects FILE)")
        self.n_rejects += 1
        found = row.found or ("" if row.values is None else json.dumps(row.values, ensure_ascii=False, default=str))
        self.on_reject(Reject(str(file), row.line, reason, found[:ROW_SHOWN]))
        return None

    def _batch(self, file: Path, lines: list[int], rows: list[Values]) -> MessageBatch:
        arrays = [pa.array([_cell(row.get(field.name), field) for row in rows], field.type) for field in self.schema]
        return MessageBatch(str(file), lines, pa.RecordBatch.from_arrays(arrays, schema=self.schema))


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


def _unit(file: Path) -> str:
    return "row" if table_format(file)[0] == "parquet" else "line"


def _cell(value: object, field: pa.Field) -> object:
    if value is None or field.metadata != JSON_TEXT:
        return value if value is None or field.type != pa.string() or isinstance(value, str) else str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


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
