"""What one row of a labelled table says: its labels as audiences, and every value checked by the data contract.

Not here: files and what becomes of their rows (labels.py), rows that are several annotators' (annotators.py).
"""

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from segmenter.errors import TableError
from segmenter.messages import MessageBatch
from segmenter.sections import COLUMNS, LabelledTable
from segmenter.text import text_key

KINDS = ("gold", "silver", "weak")  # the more trusted first
SPLITS = ("train", "dev", "test", "gate", "leave_out", "free")
LabelledRow = dict[str, object]
LeftOut = Literal["filtered", "unlabelled"]


def column_of(table: LabelledTable, ours: str) -> str:
    """What the table calls one of our columns; a foreign format's reader has turned its names into ours."""
    return table.columns.get(ours, ours) if table.format == "table" else ours


def rows_of(batch: MessageBatch, table: LabelledTable, audience_ids: list[str]) -> Iterator[LabelledRow | LeftOut]:
    """Each row of a batch as the data contract has it, with what the table keeps beyond it, or why it is left out.

    Raises:
        TableError: A value outside the contract, named by its line.
    """
    names = set(batch.rows.schema.names)

    def column(theirs: str) -> list[str | None]:
        return batch.column(theirs) if theirs in names else [None] * len(batch.lines)

    filters = [(column(name), frozenset(values)) for name, values in table.filter.items()]
    columns = {name: column(column_of(table, name)) for name in COLUMNS} | {name: column(name) for name in table.keep}
    annotators = {name: column(name) for name in table.annotators}
    for place, line in enumerate(batch.lines):
        where = f"{batch.file} line {line}"
        if any((values[place] or "") not in wanted for values, wanted in filters):
            yield "filtered"
            continue
        audiences = _audiences(columns["audiences"][place], table, audience_ids, where)
        if audiences is None:
            yield "unlabelled"
            continue
        given = {name: values[place] or None for name, values in columns.items()}
        given["id"] = given["id"] or f"{Path(batch.file).stem}:{line}"
        found = {name: values[place] for name, values in annotators.items() if values[place] is not None}
        marked = {name: _audiences(labels, table, audience_ids, where) for name, labels in found.items()}
        yield {
            **given,
            **_checked(given, table, where),
            "audiences": audiences,
            "annotations": {name: labels for name, labels in marked.items() if labels is not None},
            "table": batch.file,
            "line": line,
            "key": text_key(given["text"] or ""),
        }


def _checked(given: dict[str, str | None], table: LabelledTable, where: str) -> LabelledRow:
    """The values that must be of a kind; what a row leaves open is as the table says."""
    split = None if given["split"] is None else table.splits.get(given["split"], given["split"])
    unit = given["split_unit"] or ("author" if given["author"] else "message")
    return {
        "label_kind": _one_of(given["label_kind"] or table.label_kind, KINDS, "label_kind", where),
        "weight": table.weight * _number(given["weight"] or "1", where),
        "split": None if split is None or _one_of(split, SPLITS, "split", where) == "free" else split,
        "split_unit": _one_of(unit, ("author", "message"), "split_unit", where),
    }


def _audiences(found: str | None, table: LabelledTable, audience_ids: list[str], where: str) -> list[str] | None:
    """Audiences of a JSON list or of `;`-joined labels, in the order of params.

    An empty list is none of the audiences. So is an empty value where labels are audience ids already; where the table
    maps its labels, it says nothing (None) unless "" is mapped.
    """
    text = (found or "").strip()
    try:
        given = json.loads(text) if text.startswith(("[", '"')) else text  # quoted: rows of one column differ in type
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond what can be read
        raise TableError(
            where, f"audiences {text!r} is not a JSON list", "write ids joined by ';', or a JSON list of them"
        ) from error
    if given in ("", None) and table.labels:
        return table.labels.get("")
    labels = [part.strip() for part in given.split(";") if part.strip()] if isinstance(given, str) else given
    marked: list[str] = []
    for label in map(str, labels):
        if label not in table.labels and label not in audience_ids:
            raise TableError(where, *_unknown(label, table, audience_ids))
        marked += table.labels.get(label, [label])
    return [audience for audience in audience_ids if audience in marked]


def _unknown(label: str, table: LabelledTable, audience_ids: list[str]) -> tuple[str, str]:
    if table.labels:
        return f"label {label!r} is not in the table's map of labels", "add it to data.tables.labels in params"
    near = difflib.get_close_matches(label, audience_ids, n=1)
    listed = ", ".join(audience_ids)
    remedy = f"did you mean {near[0]!r}?" if near else f"add it to audiences in params, or use one of {listed}"
    return f"unknown audience {label!r}", remedy


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
