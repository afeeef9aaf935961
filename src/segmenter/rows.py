"""One table file as raw records, format by format: CSV, JSONL, Parquet, plain, .gz or .zst.

Not here: what a caller needs of a row (tables.py), writing (writers.py).
"""

import csv
import io
import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from segmenter.errors import TableError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
MAX_NESTING = 100  # deeper JSON is refused: Python's own JSON reader and writer stop at some 980, each elsewhere
HALF_CHARACTER = re.compile(r"\\u[dD]")  # how JSON writes one; two of them make one character
JSON_TEXT = {b"segmenter": b"json"}  # field metadata: this text column holds JSON, written back as JSON
PARQUET_BUFFER_BYTES = 1 << 20  # of a column read at a time: without it all of a row group's column is held
Values = dict[str, Any]
Position = Callable[[], int]  # how many of a file's bytes are read


class Row(NamedTuple):
    """One record as found: `values`, or None and the reason why it has none.

    `left_out`: nothing is wrong with it; its format says that it is not to be used.
    """

    line: int
    values: Values | None
    found: str
    reason: str
    left_out: bool = False


def table_format(path: Path) -> tuple[str, str | None]:
    """Format (csv, jsonl, parquet) and compression of a path, by its name.

    Raises:
        TableError: The name ends in none of the known endings.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    kind = FORMATS.get(suffixes[-2] if compression and len(suffixes) > 1 else (suffixes or [""])[-1])
    if kind is None or (kind == "parquet" and compression):
        raise TableError(
            path,
            "is not a table by its name",
            "name it .csv, .tsv, .jsonl or .parquet (the first three also .gz or .zst)",
        )
    return kind, compression


def schema_of(file: Path) -> pa.Schema:
    """Columns of one file: CSV all text, JSONL by the values found (read through once), Parquet its own (text plain).

    Raises:
        TableError: Empty, broken, or two columns of one name.
    """
    kind, _ = table_format(file)
    if kind == "parquet":
        found = _parquet(file).schema_arrow
        _check_names(str(file), found.names)
        return pa.schema([pa.field(field.name, _plain(field.type)) for field in found])
    if kind == "csv":
        header = next(_csv_lines(file), None)
        if header is None:
            raise TableError(file, "is empty", "a CSV table starts with a header line")
        return pa.schema([pa.field(name, pa.string()) for name in header[1]])
    kinds: dict[str, set[str]] = {}
    for row, _position in jsonl_rows(file):
        for name, value in (row.values or {}).items():
            kinds.setdefault(name, set()).add(_json_kind(value))
    if not kinds:
        raise TableError(file, "holds no JSON object", "a JSONL table has one object a line")
    return pa.schema([_json_field(name, found - {"NoneType"}) for name, found in kinds.items()])


def _plain(kind: pa.DataType) -> pa.DataType:
    """One type for every way Arrow stores text, so that files of several writers agree."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def _json_kind(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        # no float holds it exactly; past int64 it is kept as JSON text
        return "long" if -(2**63) <= value < 2**63 else "huge"
    return type(value).__name__


def _json_field(name: str, kinds: set[str]) -> pa.Field:
    plain = {"str": pa.string(), "bool": pa.bool_(), "int": pa.int64(), "long": pa.int64(), "float": pa.float64()}
    if not kinds:
        return pa.field(name, pa.null())
    if kinds == {"int", "float"}:
        return pa.field(name, pa.float64())
    types = {plain.get(kind) for kind in kinds}
    if len(types) == 1 and None not in types:
        return pa.field(name, types.pop())
    return pa.field(name, pa.string(), metadata=JSON_TEXT)


def raw_rows(file: Path) -> Iterator[tuple[Row, Position]]:
    """Every record of a CSV or JSONL file in order, unusable ones with a reason.

    Each comes with a function that says how many bytes are read by then.
    """
    kind, _ = table_format(file)
    return csv_rows(file) if kind == "csv" else jsonl_rows(file)


def _parquet(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file, buffer_size=PARQUET_BUFFER_BYTES, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise TableError(file, f"is not a whole Parquet file ({one_line(error)})", "export it again") from error


def parquet_batches(file: Path, names: list[str], n_rows: int) -> Iterator[tuple[pa.RecordBatch, Position]]:
    """The rows of a Parquet file in batches of `n_rows`, the last one of what is left; text of every kind as plain text.

    Args:
        file: It.
        names: Columns to read; those that the file does not have are not there.
        n_rows: However the file's own row groups and pages are cut.
    """
    parquet = _parquet(file)
    n_all, size, n_met = max(parquet.metadata.num_rows, 1), file.stat().st_size, 0

    def position() -> int:
        return int(size * n_met // n_all)

    pieces: list[pa.RecordBatch] = []
    try:
        for piece in parquet.iter_batches(n_rows, columns=names):
            n_lacking = n_rows - sum(map(len, pieces))
            pieces.append(_as_plain(piece.slice(0, n_lacking)))
            if len(piece) >= n_lacking:
                n_met += n_rows
                yield pa.concat_batches(pieces), position
                pieces = [_as_plain(piece.slice(n_lacking))] if len(piece) > n_lacking else []
    except (pa.ArrowException, OSError) as error:
        where = f"{file} row {n_met + sum(map(len, pieces)) + 1}"
        raise TableError(where, f"cannot be read ({one_line(error)})", "export it again") from error
    if pieces:
        n_met += sum(map(len, pieces))
        yield pa.concat_batches(pieces), position


def _as_plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with text of one type, as `schema_of` says."""
    plain = [(column, _plain(column.type)) for column in batch.columns]
    columns = [column if column.type == kind else column.cast(kind) for column, kind in plain]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def jsonl_rows(file: Path) -> Iterator[tuple[Row, Position]]:
    """Every line of a JSONL file as a row; empty lines are none."""
    stream, position = open_bytes(file)
    with stream:
        for line, raw in _whole_lines(file, stream):
            if not raw.strip():
                continue
            try:
                found = raw.decode("utf-8-sig" if line == 1 else "utf-8").rstrip("\r\n")
                values = json.loads(found)
            except UnicodeDecodeError:
                yield Row(line, None, raw.decode("utf-8", "replace"), "is not UTF-8"), position
            except json.JSONDecodeError as error:
                yield Row(line, None, found, f"is not JSON ({error.msg} at character {error.pos + 1})"), position
            except (ValueError, RecursionError) as error:  # a number of thousands of digits; endless nesting
                yield Row(line, None, found, f"is not JSON ({one_line(error)})"), position
            else:
                if not isinstance(values, dict):
                    yield Row(line, None, found, f"is {type(values).__name__}, not a JSON object"), position
                elif found.count("{") + found.count("[") > MAX_NESTING and _too_deep(values):
                    yield Row(line, None, found, f"is nested more than {MAX_NESTING} deep"), position
                elif HALF_CHARACTER.search(found) and not encodable(values):
                    yield Row(line, None, found, "holds half a character (a lone surrogate)"), position
                else:
                    yield Row(line, values, found, ""), position


def _whole_lines(file: Path, stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    line = 0
    try:
        for raw in stream:
            line += 1
            yield line, raw
    except (OSError, EOFError, pa.ArrowException) as error:
        raise TableError(
            f"{file} after line {line}",
            f"cannot be read further ({one_line(error)})",
            "fetch or export the file again",
        ) from error


def csv_rows(file: Path) -> Iterator[tuple[Row, Position]]:
    """Every record of a CSV file as a row of its header's columns; `schema_of` has looked at the header."""
    lines = _csv_lines(file)
    _, header, _ = next(lines)
    for line, fields, position in lines:
        found = ",".join(fields)
        if not encodable(found):
            yield Row(line, None, found.encode("utf-8", "replace").decode(), "is not UTF-8"), position
        elif len(fields) != len(header):
            yield Row(line, None, found, f"has {len(fields)} fields, the header has {len(header)}"), position
        else:
            yield Row(line, dict(zip(header, fields, strict=True)), found, ""), position


class _Source:
    """Lines, then one empty line of our own: a record that holds it has a quotation mark still open."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        yield from self._lines
        self.ended = True
        yield "\n"


def _csv_lines(file: Path) -> Iterator[tuple[int, list[str], Position]]:
    """Records with their first line; the header first, with its names checked."""
    csv.field_size_limit(sys.maxsize if sys.maxsize < 2**31 else 2**31 - 1)
    stream, position = open_bytes(file)
    with io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        line = 0
        try:
            first = text.readline()
            while first and not first.strip():
                first, line = text.readline(), line + 1
            n_blank, is_header = line, True
            delimiter = "\t" if ".tsv" in file.suffixes else max(",;\t", key=first.count)
            source = _Source(itertools.chain([first], text))
            reader = csv.reader(source, delimiter=delimiter)
            for fields in reader:
                start, line = line + 1, n_blank + reader.line_num
                if not fields:
                    continue
                if source.ended:
                    where = f"{file} line {start}"
                    raise TableError(where, "a quoted field is never closed", "close its quotation mark")
                if is_header:
                    _check_header(file, start, fields)
                    is_header = False
                yield start, fields, position
        except (OSError, EOFError, pa.ArrowException, csv.Error) as error:
            raise TableError(
                f"{file} after line {line}",
                f"cannot be read further ({one_line(error)})",
                "fetch or export the file again",
            ) from error


def _check_header(file: Path, line: int, header: list[str]) -> None:
    if not encodable("".join(header)) or "\x00" in "".join(header):
        raise TableError(f"{file} line {line}", "the header is not UTF-8", "save the table as UTF-8")
    _check_names(f"{file} line {line}", header)


def _check_names(where: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise TableError(where, f"two columns are named {repeated[0]!r}", "rename one")


def open_bytes(file: Path) -> tuple[BinaryIO, Position]:
    """A byte stream of the decompressed file, and a function that says how many of the file's bytes are read.

    When the stream is closed, that is all of them.
    """
    compression = COMPRESSIONS.get(file.suffix.lower())
    try:
        raw = file.open("rb")
        n_bytes = file.stat().st_size
    except OSError as error:
        raise TableError(file, f"cannot be read ({error.strerror})", "check its permissions") from error

    def position() -> int:
        return n_bytes if raw.closed else raw.tell()

    return raw if compression is None else io.BufferedReader(_Decompressed(raw, compression), 1 << 16), position


class _Decompressed(io.RawIOBase):
    """A pyarrow decompressor in the shape that io.BufferedReader reads from."""

    def __init__(self, raw: BinaryIO, compression: str) -> None:
        self._raw = raw
        self._stream = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), compression)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        with memoryview(buffer).cast("B") as target:
            data = self._stream.read(len(target))
            target[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _too_deep(values: Values) -> bool:
    level: list[object] = [values]
    for _ in range(MAX_NESTING):
        inner = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        level = [part for parts in inner for part in parts]
        if not level:
            return False
    return True


def encodable(value: object) -> bool:
    """Whether UTF-8 can hold it: no byte that was no character, no half of one."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def one_line(error: BaseException) -> str:
    """What a library says of a fault, fit for one sentence of ours."""
    return " ".join(str(error).split())[:200] or type(error).__name__
