"""doccano's JSONL export: one row a line; older exports list each user's labels, by number, under `annotations`."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from segmenter.rows import Position, Row, Values, jsonl_rows
from segmenter.sources.records import (
    LABELLED,
    Messages,
    Names,
    SetAside,
    Source,
    context,
    labels_in,
    plain,
    rows_of,
    text_in,
)


def _rows(file: Path, names: Names) -> Iterator[tuple[Row, Position]]:
    annotator = file.name.split(".")[0]  # doccano writes one file an annotator, named by the user
    read = partial(_messages, names=names, annotator=annotator)
    for row, position in jsonl_rows(file):
        for found in [row] if row.values is None else rows_of(row.line, row.values, read):
            yield found, position


def _messages(record: Values, *, names: Names, annotator: str) -> Messages:
    message = {
        "id": plain("id", record.get("id")),
        "text": text_in(record, names.text or "text"),
        **context(record, record.get("meta")),
    }
    labels = next((name for name in (names.labels, "label", "labels") if name in record), None)
    if labels is not None:
        yield message | {"audiences": labels_in(labels, record[labels]), "annotator": annotator}
    elif "annotations" in record:
        for user, numbers in _by_user(record["annotations"]).items():
            yield message | {"audiences": labels_in("annotations", numbers), "annotator": user}
    else:
        raise SetAside(f"field {names.labels or 'label'!r} is missing", left_out=False)


def _by_user(annotations: object) -> dict[str | None, list[str]]:
    """Label numbers of each user, as text (a label map names them)."""
    if not isinstance(annotations, list):
        raise SetAside(f"field 'annotations' holds {type(annotations).__name__}, not a list", left_out=False)
    if not annotations:
        raise SetAside("no choice was made", left_out=True)
    users: dict[str | None, list[str]] = {}
    for part in annotations:
        label = plain("label", part.get("label")) if isinstance(part, dict) else None
        if label is None or "start_offset" in part:
            raise SetAside("an annotation is no label of the whole text", left_out=False)
        users.setdefault(plain("user", part.get("user")), []).append(label)
    return users


SOURCE = Source(".jsonl", LABELLED, "line", _rows)
