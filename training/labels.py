"""Labelled tables to one frame of the data contract's columns. Not here: splits (splits.py), reports (prepare.py)."""

import difflib
import json
from pathlib import Path

import pandas as pd

from segmenter.errors import TableError
from segmenter.messages import MessageBatch
from segmenter.params import LabelledTable, Params
from segmenter.scope import languages
from segmenter.tables import TableReader
from segmenter.text import text_key

KINDS = ("gold", "silver", "weak")  # the more trusted first
SPLITS = ("train", "dev", "test", "gate", "leave_out")
BATCH_ROWS = 10_000


def read_labels(params: Params) -> pd.DataFrame:
    """Every row of every table of `params.data`.

    Returns:
        One row a message: id, text, audiences (list of ids), lang, author, source, created_at, label_kind, weight, split
        (None where it is ours to choose), split_unit (`author` or `message`), table, line, key (text_key).

    Raises:
        TableError: A table that cannot be read, a row without text, or an audience, split or weight that is not one.
    """
    rows = [row for table in params.data.tables for row in _table_rows(table, params.audience_ids)]
    if not rows:
        found = "hold no message" if len(params.data.tables) > 1 else "holds no message"
        raise TableError(", ".join(table.path for table in params.data.tables), found, "bring labelled messages")
    frame = pd.DataFrame(rows)
    missing = frame["lang"].isna()
    frame.loc[missing, "lang"] = languages(frame.loc[missing, "text"].tolist())
    return frame


def _table_rows(table: LabelledTable, audience_ids: list[str]) -> list[dict[str, object]]:
    path = Path(table.path)
    reader = TableReader(path, text_column=table.columns.get("text", "text"))
    for ours, theirs in {"audiences": "audiences", **table.columns}.items():
        if theirs not in reader.schema.names:
            found = f"no column {theirs!r} among {', '.join(map(repr, reader.schema.names))}"
            raise TableError(path, found, f"map it in params: data.tables.columns: {{{ours}: …}}")
    return [row for batch in reader.batches(BATCH_ROWS) for row in _batch_rows(batch, table, audience_ids)]


def _batch_rows(batch: MessageBatch, table: LabelledTable, audience_ids: list[str]) -> list[dict[str, object]]:
    names = set(batch.rows.schema.names)

    def column(ours: str) -> list[str | None]:
        theirs = table.columns.get(ours, ours)
        return batch.column(theirs) if theirs in names else [None] * len(batch.lines)

    wanted = ("id", "lang", "author", "source", "created_at", "split", "split_unit", "label_kind", "weight")
    columns = {name: column(name) for name in wanted}
    rows = []
    for place, (text, labels) in enumerate(zip(column("text"), column("audiences"), strict=True)):
        where = f"{batch.file} line {batch.lines[place]}"
        given = {name: values[place] or None for name, values in columns.items()}
        author = given["author"]
        row: dict[str, object] = {
            **given,
            "id": given["id"] or f"{Path(batch.file).stem}:{batch.lines[place]}",
            "text": text,
            "audiences": _audiences(labels, audience_ids, where),
            "label_kind": _one_of(given["label_kind"] or table.label_kind, KINDS, "label_kind", where),
            "weight": table.weight * _number(given["weight"] or "1", where),
            "split": _split(given["split"], table, where),
            "split_unit": _one_of(
                given["split_unit"] or ("author" if author else "message"), ("author", "message"), "split_unit", where
            ),
            "table": batch.file,
            "line": batch.lines[place],
            "key": text_key(text or ""),
        }
        rows.append(row)
    return rows


def _audiences(found: str | None, audience_ids: list[str], where: str) -> list[str]:
    """Labels from a JSON list or `;`-joined ids; empty means none of the audiences."""
    text = (found or "").strip()
    try:
        given = json.loads(text) if text.startswith(("[", '"')) else text  # quoted: rows of one column differ in type
        labels = [part.strip() for part in given.split(";") if part.strip()] if isinstance(given, str) else given
    except json.JSONDecodeError as error:
        raise TableError(
            where, f"audiences {text!r} is not a JSON list", "write ids joined by ';', or a JSON list of them"
        ) from error
    for label in labels:
        if label not in audience_ids:
            near = difflib.get_close_matches(str(label), audience_ids, n=1)
            remedy = (
                f"did you mean {near[0]!r}?"
                if near
                else f"add it to audiences in params, or use one of {', '.join(audience_ids)}"
            )
            raise TableError(where, f"unknown audience {label!r}", remedy)
    return [audience for audience in audience_ids if audience in labels]


def _split(found: str | None, table: LabelledTable, where: str) -> str | None:
    if found is None:
        return None
    return _one_of(table.splits.get(found, found), SPLITS, "split", where)


def _one_of(found: str, allowed: tuple[str, ...], column: str, where: str) -> str:
    if found not in allowed:
        raise TableError(
            where, f"{column} {found!r} is not one of {', '.join(allowed)}", "mend it, or map it in params"
        )
    return found


def _number(found: str, where: str) -> float:
    try:
        number = float(found)
    except ValueError:
        number = -1.0
    if not 0 < number < float("inf"):
        raise TableError(where, f"weight {found!r} is not a number above 0", "mend it")
    return number
