"""Prodigy's JSONL export (`db-out`): one row an accepted answer, of several choices or of a single label."""

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

ANSWERS = ("accept", "reject", "ignore")


def _rows(file: Path, names: Names) -> Iterator[tuple[Row, Position]]:
    for row, position in jsonl_rows(file):
        for found in [row] if row.values is None else rows_of(row.line, row.values, partial(_messages, names=names)):
            yield found, position


def _messages(record: Values, *, names: Names) -> Messages:
    answer = record.get("answer")
    if answer not in ANSWERS:
        raise SetAside("field 'answer' is not accept, reject or ignore", left_out=False)
    message = {"text": text_in(record, names.text or "text"), **context(record, record.get("meta"))}
    if answer != "accept":  # a rejected single label says what a message is not, never what it is
        raise SetAside(f"the answer is {answer}", left_out=True)
    labels = next((name for name in (names.labels, "accept", "label") if name in record), None)
    if labels is None:
        raise SetAside(f"fields {names.labels or 'accept'!r} and 'label' are missing", left_out=False)
    meta = record.get("meta")
    places = [record, meta] if isinstance(meta, dict) else [record]
    known = (place[name] for name in ("id", "_input_hash") for place in places if place.get(name) is not None)
    annotator = record.get("_annotator_id") or record.get("_session_id")
    yield message | {
        "id": plain("id", next(known, None)),
        "audiences": labels_in(labels, record[labels]),
        "annotator": plain("_annotator_id", annotator),
    }


SOURCE = Source(".jsonl", LABELLED, "line", _rows)
