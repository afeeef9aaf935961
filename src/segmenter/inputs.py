"""What is scored: files, folders, patterns and standard input as one corpus, cut into chunks of fixed row ranges.

Not here: what a row is (rows.py, sources/), where the scores go (scoring/).
"""

import glob
import os
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pyarrow as pa

from segmenter.bundle import sha256_of
from segmenter.errors import TableError
from segmenter.messages import MessageBatch, Reject
from segmenter.rows import Position, Row
from segmenter.sources import TABLE, source_files, source_of
from segmenter.sources.records import Names, Source
from segmenter.spans import Span, Wanted, row_spans
from segmenter.spool import NAME, spooled
from segmenter.tables import table_files, table_schema, table_spans, unit_of

STDIN = "-"
TEXT = "text"  # column of the text, unless a table's is named otherwise


@dataclass(frozen=True)
class InputFile:
    """One file of a corpus.

    Attributes:
        path: As the user named it; of standard input, the temporary file that holds it.
        name: As records and rejects name it: its path below the folder given, or its own name, with as many folders
            before it as tell it from every other file; `stdin` for standard input. One name, one file.
        n_bytes: Its size when it was opened.
        changed_ns: When it was last written to, as the disk says, in nanoseconds.
        sha256: Of its bytes.
    """

    path: Path
    name: str
    n_bytes: int
    changed_ns: int
    sha256: str


@dataclass(frozen=True)
class Corpus:
    """All that is scored in one run. Plain data: it can be sent to another process that sees the same files.

    Attributes:
        files: By name; one file named twice is there once.
        source: `table`, or one of sources.FORMATS.
        text_column: Column of a chunk's rows that holds the text.
        text_field: What a foreign format calls its text, where that is not the format's own name for it.
        columns: Those that are carried over, None for all.
        schema: Of a chunk's rows: what is carried over, and last the text column where it is not among that.
    """

    files: tuple[InputFile, ...]
    source: str
    text_column: str
    text_field: str | None
    columns: tuple[str, ...] | None
    schema: pa.Schema

    @property
    def carried(self) -> pa.Schema:
        """The columns that go into the output, the first ones of `schema`."""
        return self.schema if self.columns is None else pa.schema(list(self.schema)[: len(self.columns)])

    @property
    def n_bytes(self) -> int:
        """Of all files."""
        return sum(file.n_bytes for file in self.files)


@dataclass(frozen=True)
class Chunk:
    """Rows [number * n_rows, (number + 1) * n_rows) met in one file, those set aside included in the count.

    Attributes:
        file: Its number in the corpus.
        number: From 0 in each file.
        n_rows: Rows met, rejects included; fewer than asked for only in the last chunk of a file.
        messages: The usable ones; None where there are none or the chunk was done before.
        rejects: The others, each with its line; found again where the chunk was done before.
        done_share: Of the bytes of the whole corpus, read when this file and all before it are read this far, in [0, 1].
    """

    file: int
    number: int
    n_rows: int
    messages: MessageBatch | None
    rejects: list[Reject]
    done_share: float


@contextmanager
def open_corpus(
    inputs: Sequence[str], *, source: str, text_column: str | None, columns: Sequence[str] | None
) -> Iterator[Corpus]:
    """Find every file, its digest and the columns over all of them; JSONL is read through once for its types.

    Args:
        inputs: Files, folders, patterns (`corpus/*.csv`), or `-` for standard input, which is kept in a temporary file
            until the block ends.
        source: `table`, or one of sources.FORMATS.
        text_column: None for `text`, or for what the foreign format calls it.
        columns: Those to carry over, None for all.

    Raises:
        TableError: Nothing is there, a table that cannot be read, or no such column.
    """
    kept = None if columns is None else tuple(dict.fromkeys(columns))
    foreign = None if source == TABLE else source_of(source)
    with spooled(foreign) if STDIN in inputs else nullcontext() as stdin:
        found = _found(inputs, foreign, stdin)
        paths = list(found.values())
        text = text_column or TEXT if foreign is None else TEXT
        whole = table_schema(paths, text) if foreign is None else foreign.schema
        corpus = Corpus(
            files=tuple(_input_file(path, name) for name, path in found.items()),
            source=source,
            text_column=text,
            text_field=None if foreign is None else text_column,
            columns=kept,
            schema=whole if kept is None else _chosen(whole, kept, text),
        )
        for path in paths if foreign is not None else []:
            next(_rows(corpus, path), None)  # whether such a file is there, and such a field
        yield corpus


def chunks(corpus: Corpus, *, file: int, n_rows: int, rejecting: bool, done: Container[int]) -> Iterator[Chunk]:
    """Every chunk of one file, in order; the same however often the run was broken off.

    Args:
        corpus: What `open_corpus` found.
        file: Number of the file.
        n_rows: Rows met in a chunk.
        rejecting: Set unusable rows aside; without it the first one stops the run.
        done: Numbers of chunks that are read past: their messages are left out.

    Raises:
        TableError: An unusable row (without `rejecting`), or a file that breaks off or changes while it is read.
    """
    entry = corpus.files[file]
    before = sum(other.n_bytes for other in corpus.files[:file])
    _check_unchanged(entry)
    try:
        for number, span in enumerate(_spans(corpus, entry, n_rows=n_rows, rejecting=rejecting, done=done)):
            share = (before + span.n_bytes) / max(corpus.n_bytes, 1)
            yield Chunk(file, number, span.n_rows, span.messages, span.rejects, share)
    except pa.ArrowException:  # values that are not of the types found before
        _check_unchanged(entry)
        raise
    _check_unchanged(entry)


def _spans(corpus: Corpus, file: InputFile, *, n_rows: int, rejecting: bool, done: Container[int]) -> Iterator[Span]:
    unit = unit_of(file.path) if corpus.source == TABLE else source_of(corpus.source).unit
    wanted = Wanted(file.name, unit, corpus.schema, corpus.text_column, rejecting)
    if corpus.source == TABLE:
        return table_spans(file.path, wanted, n_rows=n_rows, done=done)
    return row_spans(_rows(corpus, file.path), wanted, n_rows=n_rows, done=done)


def _rows(corpus: Corpus, path: Path) -> Iterator[tuple[Row, Position]]:
    """Every row of a foreign file."""
    return source_of(corpus.source).rows(path, Names(corpus.text_field, None))


def _check_unchanged(file: InputFile) -> None:
    if _looks(file.path) != (file.n_bytes, file.changed_ns):
        raise TableError(file.name, "changed while it was read", "run again when nothing writes to it")


def _looks(path: Path) -> tuple[int, int]:
    """Its size, and when it was last written to."""
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return found.st_size, found.st_mtime_ns


def _input_file(path: Path, name: str) -> InputFile:
    try:
        n_bytes, changed_ns = _looks(path)  # before it is read: what is written meanwhile changes them
        return InputFile(path, name, n_bytes, changed_ns, sha256_of(path))
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> TableError:
    return TableError(path, f"cannot be read ({error.strerror})", "check the path and its permissions")


def _chosen(whole: pa.Schema, columns: Sequence[str], text_column: str) -> pa.Schema:
    """The columns carried over, and the text."""
    for name in columns:
        if name not in whole.names:
            listed = ", ".join(map(repr, whole.names))
            raise TableError("--columns", f"no column {name!r} among {listed}", "name columns that the input has")
    return pa.schema([whole.field(name) for name in dict.fromkeys([*columns, text_column])])


def _found(inputs: Sequence[str], source: Source | None, stdin: Path | None) -> dict[str, Path]:
    """Every file by its name, sorted by it. A file named twice is there once, by its longer name.

    Args:
        inputs: As the user gave them.
        source: The foreign format, None for tables.
        stdin: Where standard input is kept, where it is among them.
    """
    paths: dict[Path, Path] = {} if stdin is None else {stdin: stdin}
    n_parts = dict.fromkeys(paths, 0)
    for given in inputs:
        for path, root in _files(given, source) if given != STDIN else ():
            whole = Path(os.path.abspath(path))  # noqa: PTH100  # links stay: two links to one file are two files
            paths.setdefault(whole, path)
            n_parts[whole] = max(n_parts.get(whole, 0), len(path.parts) - len(root.parts))
    names = _names(n_parts)
    return {names[whole]: paths[whole] for whole in sorted(paths, key=names.__getitem__)}


def _files(given: str, source: Source | None) -> Iterator[tuple[Path, Path]]:
    """The files that one argument means, each with the folder that its name starts after."""
    path = Path(given)
    matches, root = [path], path if path.is_dir() else path.parent
    if not path.exists() and glob.has_magic(given):
        matches = sorted(map(Path, glob.glob(given, recursive=True)))  # noqa: PTH207  # a shell's: none hidden
        root = Path(*takewhile(lambda part: not glob.has_magic(part), path.parts))
        if not matches:
            raise TableError(given, "no file matches this pattern", "check it")
    for match in matches:
        for file in table_files(match) if source is None else source_files(match, source):
            yield file, root


def _names(n_parts: Mapping[Path, int]) -> dict[Path, str]:
    """A name of its own for every file: so many last parts of its path, and more where two would have one name.

    Args:
        n_parts: At least, of each whole path; 0 for standard input.
    """
    names = {path: Path(*path.parts[-n:]).as_posix() if n else NAME for path, n in n_parts.items()}
    counts = Counter(names.values())
    longer = {path: n + 1 for path, n in n_parts.items() if n and counts[names[path]] > 1}
    return _names({**n_parts, **longer}) if longer else names
