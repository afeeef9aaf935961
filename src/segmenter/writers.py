"""The only writer of message tables: CSV, JSONL and Parquet, plain, .gz or .zst. A file appears only when complete."""

import csv
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from segmenter.errors import TableError
from segmenter.messages import Reject
from segmenter.rows import JSON_TEXT, table_format

REJECT_SCHEMA = pa.schema([("file", pa.string()), ("line", pa.int64()), ("reason", pa.string()), ("row", pa.string())])


_UNFINISHED = re.compile(r"\.(.+)\.\d+\.part")  # what whole_file writes under, whose name it is and by which process


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A binary stream whose bytes appear at `path` only when the block ends well, and are on the disk by then.

    Raises:
        TableError: The folder cannot be written to, or the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            yield stream
        with part.open("r+b") as written:  # who compresses closes the first stream himself
            os.fsync(written.fileno())
        part.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):  # also where the folder itself was never one
            part.unlink(missing_ok=True)


@contextmanager
def sole_writer(output: Path, lock: Path) -> Iterator[None]:
    """Hold an output against every other run, by a lock file that is gone afterwards.

    Raises:
        TableError: Another run holds it, or the lock cannot be written.
    """
    held = FileLock(lock, timeout=0)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except Timeout as error:
        remedy = "wait until that run has ended, or name another output"
        raise TableError(output, "is being written by another run", remedy) from error
    except OSError as error:
        raise _unwritable(output, error) from error
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()  # while it is held: who opened it before finds it gone and does not take it for the lock
        held.release()


def swept(folder: Path, *names: str) -> None:
    """Take away what killed runs left half-written in a folder, of some files or (without names) of all.

    These outputs are held meanwhile.

    Raises:
        TableError: It cannot be taken away.
    """
    try:
        for path in folder.iterdir():
            found = _UNFINISHED.fullmatch(path.name)
            if found and (not names or found[1] in names):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(path: object, error: OSError) -> TableError:
    found = f"cannot be written ({error.strerror or error})"
    return TableError(path, found, "check the folder's permissions and the free space")


@contextmanager
def table_writer(path: Path, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], object]]:
    """A function that appends batches of `schema`; the file appears when the block ends well.

    float32 columns are written with the digits that tell two float32 apart, no more. JSON has no NaN and no infinity:
    in a JSONL column of numbers they become null.

    Raises:
        TableError: The name is no table's, the folder cannot be written to, or the disk is full.
    """
    kind, compression = table_format(path)
    with whole_file(path) as file:
        if kind == "parquet":
            stored = _stored(schema)
            with pq.ParquetWriter(file, stored, compression="zstd") as writer:
                yield lambda batch: writer.write_batch(batch.cast(stored))
            return
        with (
            pa.CompressedOutputStream(pa.PythonFile(file, mode="w"), compression)
            if compression
            else nullcontext(file) as sink
        ):
            separated = partial(_csv_text, "\t" if ".tsv" in path.suffixes else ",")
            if kind == "csv":
                sink.write(separated([tuple(schema.names)]))
            as_text = separated if kind == "csv" else partial(_jsonl_text, schema.names)
            yield lambda batch: sink.write(as_text(_rows(batch, schema, kind)))


@contextmanager
def standard_output(schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], object]]:
    """A function that prints batches of `schema` as JSONL, each at once.

    Raises:
        TableError: Nobody reads it any more, or the disk is full.
    """
    with open(sys.stdout.fileno(), "wb", buffering=0, closefd=False) as stream:

        def write(batch: pa.RecordBatch) -> None:
            left = memoryview(_jsonl_text(schema.names, _rows(batch, schema, "jsonl")))
            while left:
                left = left[stream.write(left) :]

        try:
            yield write
        except OSError as error:
            found = f"cannot be written ({error.strerror or error})"
            raise TableError("standard output", found, "keep what reads it running, and its disk free") from error


def parquet_bytes(rows: pa.RecordBatch, footer: Mapping[bytes, bytes]) -> pa.Buffer:
    """One batch as a Parquet file in memory, `footer` in its metadata; the same batch gives the same bytes."""
    stored, sink = _stored(rows.schema), pa.BufferOutputStream()
    with pq.ParquetWriter(sink, stored, compression="zstd", write_page_checksum=True) as writer:
        writer.write_batch(rows.cast(stored))
        writer.add_key_value_metadata(dict(footer))
    return sink.getvalue()


def _stored(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field.remove_metadata() for field in schema])


def reject_batch(rejects: list[Reject]) -> pa.RecordBatch:
    """Rejected rows as a batch of REJECT_SCHEMA."""
    return pa.RecordBatch.from_pylist([vars(reject) for reject in rejects], schema=REJECT_SCHEMA)


def refuse_overwriting(messages: Path, *, out: Path | None, rejects: Path | None) -> None:
    """See to it that no output is the input, lies in the input folder, or is the other output.

    Args:
        messages: Input file or folder.
        out: None for standard output.
        rejects: None where there are none.

    Raises:
        TableError: One is.
    """
    source = messages.resolve()
    for option, place in (("--out", out), ("--rejects", rejects)):
        if place is None:
            continue
        if place.resolve() == source:
            raise TableError(place, f"is the input and cannot be {option} too", "name another file")
        if source in place.resolve().parents:
            raise TableError(
                place,
                f"lies in the input folder, where every table is input, and cannot be {option}",
                "name another folder",
            )
    if rejects is not None and out is not None and rejects.resolve() == out.resolve():
        raise TableError(out, "is named by --out and by --rejects", "name two files")


@contextmanager
def reject_sink(path: Path | None) -> Iterator[Callable[[Reject], None] | None]:
    """A function that writes each reject, or None where no file was named for them."""
    if path is None:
        yield None
        return
    with table_writer(path, REJECT_SCHEMA) as write:
        yield lambda reject: _write_one(write, reject)


def _write_one(write: Callable[[pa.RecordBatch], object], reject: Reject) -> None:
    write(reject_batch([reject]))


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, as UTF-8.

    Raises:
        TableError: The folder cannot be written to, or the disk is full.
    """
    with whole_file(path) as stream:
        stream.write(text.encode("utf-8"))


def _rows(batch: pa.RecordBatch, schema: pa.Schema, kind: str) -> list[tuple[object, ...]]:
    columns = [_values(batch.column(number), field, kind) for number, field in enumerate(schema)]
    return list(zip(*columns, strict=True))


class _Lines(list[str]):
    """What csv.writer writes to. It quotes a lone carriage return only where lines end in one, so they do till here."""

    def write(self, line: str) -> None:
        self.append(line.removesuffix("\r\n") + "\n")


def _csv_text(delimiter: str, rows: Sequence[tuple[object, ...]]) -> bytes:
    lines = _Lines()
    csv.writer(lines, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return "".join(lines).encode("utf-8")


def _jsonl_text(names: list[str], rows: Sequence[tuple[object, ...]]) -> bytes:
    lines = (json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=str) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _values(column: pa.Array, field: pa.Field, kind: str) -> list[object]:
    values: list[Any] = column.to_pylist()
    if pa.types.is_float32(field.type):
        values = [None if value is None else float(str(np.float32(value))) for value in values]
    if kind == "jsonl" and pa.types.is_floating(field.type):
        return [value if value is None or math.isfinite(value) else None for value in values]
    if kind == "jsonl" and field.metadata == JSON_TEXT:
        return [None if value is None else json.loads(str(value)) for value in values]
    if kind == "csv" and (pa.types.is_nested(field.type)):
        return [None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in values]
    return values
