"""Labels of a random sample of the corpus, as an analyst gives them: matched by the record of the draw, one vote an annotator.

The table is what `segmenter convert` wrote of the label tool's export, the record what `segmenter sample` wrote beside the
tasks. Not here: what is estimated from them (shares), labels for training (training/labels.py).
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from segmenter.errors import TableError
from segmenter.sampling.tasks import RECORD_FORMAT, Record
from segmenter.sources.label_studio import NONE
from segmenter.tables import read_rows
from segmenter.text import text_key

SAMPLE_AGAIN = "draw with segmenter sample --strategy random from the corpus that was scored"


@dataclass(frozen=True)
class Sampled:
    """Labelled messages of a random draw.

    Attributes:
        rows: Where they stand in the scored table, from 0, shape (n_labelled,).
        truth: Their labels, shape (n_labelled, n_audiences).
        n_drawn: Messages of the draw.
        n_skipped: Drawn before the last labelled one and not labelled: were they left out for a reason, the labelled ones
            are no longer a random sample.
        n_tied: Labels that exactly half of a message's annotators gave; they are not set.
    """

    rows: NDArray[np.int64]
    truth: NDArray[np.bool_]
    n_drawn: int
    n_skipped: int
    n_tied: int


def read_sampled(labels: Path, record: Path, *, audience_ids: list[str], frame: str) -> Sampled:
    """The labels of a random draw from the very corpus that was scored.

    Args:
        labels: A table with the columns text and audiences, and annotator where there were several.
        record: `….sample.json`.
        audience_ids: Of the scored table; a label is one of them, or `none`.
        frame: Digest of the scored table's texts, as the record has it of what was drawn from.

    Raises:
        TableError: The record is none, is of another corpus or of a draw that is no random one, a label is unknown, or none
            of the drawn messages is labelled.
    """
    drawn = _record(record, frame)
    votes = _votes(labels, audience_ids)
    found = [(place, message) for place, message in enumerate(drawn.messages) if message.key in votes]
    if not found:
        raise TableError(labels, f"labels none of the messages that {record.name} says were drawn", "name its labels")
    shares = [np.mean(votes[message.key], axis=0) for _, message in found]
    return Sampled(
        rows=np.array([message.row - 1 for _, message in found], np.int64),
        truth=np.array(shares) > 1 / 2,
        n_drawn=drawn.n_messages,
        n_skipped=found[-1][0] + 1 - len(found),
        n_tied=int((np.array(shares) == 1 / 2).sum()),
    )


def _record(file: Path, frame: str) -> Record:
    try:
        record = Record.model_validate(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise TableError(file, "is not the record of a draw", "name the .sample.json beside the tasks") from error
    if record.format != RECORD_FORMAT:
        raise TableError(file, f"has format {record.format}, this segmenter reads {RECORD_FORMAT}", "draw again")
    if not record.estimation:
        raise TableError(file, f"is of a draw by {record.strategy!r}, from which no share follows", SAMPLE_AGAIN)
    if record.frame.digest != frame:
        raise TableError(file, "is of a draw from other messages than the scored table holds", SAMPLE_AGAIN)
    return record


def _votes(file: Path, audience_ids: list[str]) -> dict[str, list[NDArray[np.bool_]]]:
    """By text key: what each annotator marked, shape (n_audiences,); who labelled a message twice counts once."""
    votes: dict[str, dict[str, NDArray[np.bool_]]] = defaultdict(dict)
    for number, row in enumerate(read_rows(file, ("text", "audiences")), 1):
        marked = set(_marked(row["audiences"], f"{file} row {number}"))
        unknown = sorted(marked - {*audience_ids, NONE})
        if unknown:
            listed = ", ".join([*audience_ids, NONE])
            raise TableError(f"{file} row {number}", f"unknown label {unknown[0]!r}", f"use {listed}")
        annotator = str(row.get("annotator") or "")
        votes[text_key(str(row["text"] or ""))][annotator] = np.array([name in marked for name in audience_ids])
    return {key: list(given.values()) for key, given in votes.items()}


def _marked(found: object, where: str) -> Iterator[str]:
    """Labels of a JSON list, or joined by `;`."""
    text = str(found or "").strip()
    try:
        given = json.loads(text) if text.startswith("[") else text.split(";")
    except ValueError as error:
        raise TableError(
            where, f"audiences {text!r} is not a JSON list", "write ids joined by ';', or a list"
        ) from error
    yield from (str(label).strip() for label in given if str(label).strip())
