"""Drawn messages as rows, as Label Studio tasks, and the record beside them. Not here: which ones (strategies.py).

The model's choices travel as `suggested`, never as `audiences`: a table that comes back has no labels but a person's.
Task format: Label Studio's JSON import, predictions as pre-annotations; training/label_studio.xml has the names.
"""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segmenter.messages import scored_fields
from segmenter.sampling.frame import CARRIED
from segmenter.sampling.strategies import Draw
from segmenter.score import Scored, Scorer
from segmenter.sections import Section
from segmenter.sources.label_studio import NONE, result

RECORD_FORMAT = 1


class FrameRecord(Section):
    """The frame a draw was made from.

    Attributes:
        digest: sha256 over the messages' text keys in order, each followed by a line feed.
        n_messages: Usable messages.
        n_rejects: Rows set aside before.
        text_column: Where the text stands.
        files: Each input file and its sha256.
    """

    digest: str
    n_messages: int
    n_rejects: int
    text_column: str
    files: dict[str, str]


class DrawnMessage(Section):
    """A drawn message: its number in the frame, from 1, and its text key, by which a label finds it again."""

    row: int
    key: str


class Record(Section):
    """What a draw was, for whoever reads the labels later.

    Attributes:
        format: RECORD_FORMAT.
        strategy: How messages were drawn.
        estimation: Shares of the frame may be estimated from its labels: each message had the same known chance.
        seed: Of the draw.
        n_messages: Drawn.
        inclusion_probability: n_messages / frame.n_messages where estimation, else null.
        frame: What they were drawn from.
        messages: In the order of the tasks.
        model: Digest of the bundle that scored them.
    """

    format: int
    strategy: str
    estimation: bool
    seed: int
    n_messages: int
    inclusion_probability: float | None
    frame: FrameRecord
    messages: list[DrawnMessage]
    model: str


def drawn_rows(drawn: Draw, record: Record, scorer: Scorer) -> pa.RecordBatch:
    """The drawn messages, one a row: text, carried columns, what the model says, and how they were drawn."""
    scored = scorer.score([message.text for message in drawn.messages])
    ids = scorer.bundle.audience_ids
    model = scorer.columns(scored, "")
    messages = drawn.messages
    columns = {"text": pa.array([message.text for message in messages])}
    for name in CARRIED:
        if name in messages[0].carried:
            columns[name] = pa.array([message.carried[name] for message in messages], pa.string())
    columns["place"] = pa.array([message.place for message in messages])
    columns |= {field.name: model[field.name] for field in scored_fields(ids, "") if field.name != "audiences"}
    columns["suggested"] = pa.array([";".join(chosen) for chosen in _suggested(scored, ids)])
    columns["least_sure"] = pa.array(_least_sure(scored))
    columns["copies"] = pa.array(drawn.copies, pa.int64())
    columns["row"] = pa.array([message.row for message in messages], pa.int64())
    constant = {
        "strategy": record.strategy,
        "estimation": record.estimation,
        "seed": record.seed,
        "frame": record.frame.digest,
        "frame_messages": record.frame.n_messages,
        "drawn_messages": record.n_messages,
    }
    columns |= {name: pa.array([value] * len(messages)) for name, value in constant.items()}
    columns["inclusion_probability"] = pa.array([record.inclusion_probability] * len(messages), pa.float64())
    return pa.RecordBatch.from_pydict(columns)


def tasks(rows: pa.RecordBatch) -> list[dict[str, Any]]:
    """Drawn rows as Label Studio tasks; a message out of scope has no prediction, the model cannot judge it."""
    found = []
    for values in rows.to_pylist():
        suggested, least_sure = values.pop("suggested"), values.pop("least_sure")
        data = {name: round(value, 6) if name.startswith("score_") else value for name, value in values.items()}
        marked = result(suggested.split(";"))
        prediction = {"model_version": data["model"], "score": round(least_sure, 6), "result": [marked]}
        found.append({"data": data, "predictions": [prediction] if suggested else []})
    return found


def _suggested(scored: Scored, audience_ids: list[str]) -> list[list[str]]:
    """For each message the audiences at or above their threshold, NONE where there are none, nothing out of scope."""
    ids = np.array(audience_ids)
    return [
        [] if why else list(ids[row]) or [NONE] for row, why in zip(scored.verdicts.chosen, scored.scope, strict=True)
    ]


def _least_sure(scored: Scored) -> NDArray[np.float64]:
    """The chance that the least sure of a message's decisions is right, in [0, 1]: Label Studio sorts by it."""
    right = np.where(scored.verdicts.chosen, scored.scores, 1 - scored.scores)
    return np.asarray(right.min(axis=1), np.float64)
