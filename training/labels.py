"""Labelled tables to one frame of the data contract's columns, and what became of every row on the way.

Not here: what a row says (label_rows.py), splits (splits.py), reports (prepare.py).
"""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from segmenter.errors import TableError
from segmenter.params import Params
from segmenter.scope import languages
from segmenter.sections import LabelledTable
from segmenter.sources import open_source
from segmenter.tables import RowReader
from training.annotators import merge
from training.label_rows import LabelledRow, column_of, rows_of

BATCH_ROWS = 10_000


@dataclass(frozen=True)
class TableCounts:
    """What became of the rows of one labelled table; every row is in one of the counts.

    Attributes:
        path: As params name it.
        n_rows: Read from it.
        n_messages: Kept, one row each.
        n_merged: Another annotator's labels of a message that is kept.
        n_filtered: Of other values than `filter` names.
        n_unlabelled: Without a label, which says nothing.
        n_capped: Of messages beyond `author_messages_at_most`.
        rejected: Rows that the format itself sets aside, by reason.
        n_tied: Of the kept messages, those with an audience that half of the annotators mark; it is not marked.
    """

    path: str
    n_rows: int
    n_messages: int
    n_merged: int
    n_filtered: int
    n_unlabelled: int
    n_capped: int
    rejected: dict[str, int]
    n_tied: int


@dataclass(frozen=True)
class Labels:
    """A labelled set.

    Attributes:
        frame: One row a message: id, text, audiences (list of ids), lang, author, source, created_at, label_kind,
            weight, split (None where it is ours to choose), split_unit (`author` or `message`), annotations (audiences
            by annotator; empty where the annotator has no name), table, line, key (text_key); then what a table keeps.
        tables: What became of their rows.
        files: Every file that was read.
    """

    frame: pd.DataFrame
    tables: list[TableCounts]
    files: list[Path]


@dataclass(frozen=True)
class _Part:
    """The messages of one table."""

    rows: list[LabelledRow]
    counts: TableCounts
    files: list[Path]


def read_labels(params: Params) -> Labels:
    """Every message of every table of `params.data`.

    Raises:
        TableError: A table that cannot be read or of which nothing is kept, a row without text, or a label, split or
            weight that is not one.
    """
    parts = [_part(table, params) for table in params.data.tables]
    frame = pd.DataFrame([row for part in parts for row in part.rows])
    missing = frame["lang"].isna()
    frame.loc[missing, "lang"] = languages(frame.loc[missing, "text"].tolist())
    return Labels(frame, [part.counts for part in parts], [file for part in parts for file in part.files])


def _part(table: LabelledTable, params: Params) -> _Part:
    reader = _open(table)
    left_out: Counter[str] = Counter()
    found: list[LabelledRow] = []
    n_found = n_capped_at = 0
    for batch in reader.batches(BATCH_ROWS):
        for row in rows_of(batch, table, params.audience_ids):
            if isinstance(row, str):
                left_out[row] += 1
            else:
                n_found += 1
                found.append(row)
        if len(found) > 2 * n_capped_at + BATCH_ROWS:  # now and then, so that memory holds what is kept and no more
            found = _capped(found, table.author_messages_at_most, params.data.seed)
            n_capped_at = len(found)
    found = _capped(found, table.author_messages_at_most, params.data.seed)
    if not found:
        why = f" of its {reader.n_rows:,} rows" if reader.n_rows else ""
        raise TableError(table.path, f"holds no message{why} that is labelled and kept", "see its filter and labels")
    merged = merge(found, params.audience_ids)
    counts = TableCounts(
        path=table.path,
        n_rows=reader.n_rows,
        n_messages=len(merged.rows),
        n_merged=len(found) - len(merged.rows),
        n_filtered=left_out["filtered"],
        n_unlabelled=left_out["unlabelled"],
        n_capped=n_found - len(found),
        rejected=dict(reader.reasons),
        n_tied=merged.n_tied,
    )
    return _Part(merged.rows, counts, reader.files)


def _open(table: LabelledTable) -> RowReader:
    """The table as a stream, its columns checked."""
    path, columns = Path(table.path), table.columns
    is_table = table.format == "table"
    reader = open_source(
        path,
        format=table.format,
        text_column=columns.get("text", "text" if is_table else None),
        label_column=columns.get("audiences"),
    )
    wanted = [("audiences", column_of(table, "audiences"))]
    wanted += list(columns.items()) if is_table else []
    for ours, theirs in wanted:
        if theirs not in reader.schema.names:
            raise TableError(path, _missing(theirs, reader), f"map it in params: data.tables.columns: {{{ours}: …}}")
    for key, names in (("filter", list(table.filter)), ("keep", table.keep), ("annotators", table.annotators)):
        for name in names:
            if name not in reader.schema.names:
                raise TableError(path, _missing(name, reader), f"mend data.tables.{key} in params")
    return reader


def _missing(name: str, reader: RowReader) -> str:
    return f"no column {name!r} among {', '.join(map(repr, reader.schema.names))}"


def _capped(rows: list[LabelledRow], at_most: int | None, seed: int) -> list[LabelledRow]:
    """The rows of at most so many messages of each author; messages without an author all stay.

    Drawn by a hash of seed and message: neither the order of the rows nor capping twice changes who stays.
    """
    if at_most is None:
        return rows
    draws = [hashlib.sha256(f"{seed} {row['id']} {row['key']}".encode()).digest() for row in rows]
    by_author: dict[object, set[bytes]] = {}
    for row, draw in zip(rows, draws, strict=True):
        by_author.setdefault(row["author"], set()).add(draw)
    kept = {author: set(sorted(own)[:at_most]) for author, own in by_author.items() if author is not None}
    return [row for row, draw in zip(rows, draws, strict=True) if row["author"] is None or draw in kept[row["author"]]]
