"""Several annotators' rows of one message as one row, by majority. Not here: how far they agree (agreement.py)."""

from collections import Counter
from dataclasses import dataclass
from typing import cast

from training.label_rows import LabelledRow


@dataclass(frozen=True)
class Merged:
    """Messages of a table.

    Attributes:
        rows: One a message, in the order in which each was first met.
        n_tied: Messages with an audience that exactly half of the annotators mark; it is not marked.
    """

    rows: list[LabelledRow]
    n_tied: int


def merge(rows: list[LabelledRow], audience_ids: list[str]) -> Merged:
    """One row a message: rows of one id and one text are one where they name their annotators.

    An audience is marked where more than half of the message's annotators mark it. Who labelled a message twice counts
    once, with the later labels. The rest of the row is as in the first. `annotator` becomes a part of `annotations`.
    """
    messages: dict[tuple[object, ...], LabelledRow] = {}
    n_tied = 0
    for number, row in enumerate(rows):
        annotator = row.pop("annotator")
        place = (row["id"], row["key"]) if annotator else (number,)
        first = messages.setdefault(place, row)
        if annotator:
            _annotations(first)[str(annotator)] = cast("list[str]", row["audiences"])
    several = [row for place, row in messages.items() if len(place) > 1]
    for row in several:
        annotations = _annotations(row)
        votes = Counter(audience for marked in annotations.values() for audience in marked)
        row["audiences"] = [audience for audience in audience_ids if 2 * votes[audience] > len(annotations)]
        n_tied += any(2 * n_votes == len(annotations) for n_votes in votes.values())
    return Merged(list(messages.values()), n_tied)


def _annotations(row: LabelledRow) -> dict[str, list[str]]:
    return cast("dict[str, list[str]]", row["annotations"])
