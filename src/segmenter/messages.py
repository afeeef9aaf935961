"""The nouns that everything passes on: a batch of messages, a rejected row, the columns scoring adds. No files here."""

import json
from dataclasses import dataclass

import pyarrow as pa

VERDICTS = ("chosen", "none", "uncertain")
NEAR = "near_threshold"  # codes of the `reason` column; what one concerns follows after a colon
TOO_SHORT, NOT_TRAINED, SHATTERED = "too_short", "language_not_trained", "shattered"
OUT_OF_SCOPE = (TOO_SHORT, NOT_TRAINED, SHATTERED)


@dataclass(frozen=True)
class MessageBatch:
    """Some rows of a table, in file order.

    Attributes:
        file: The file they stand in, as the user named it.
        lines: Where each row starts: line (CSV, JSONL) or row (Parquet) number, from 1.
        rows: Every column of the table.
    """

    file: str
    lines: list[int]
    rows: pa.RecordBatch

    def column(self, name: str) -> list[str | None]:
        """One column as text, None where the row has none; a list (Parquet has them) as JSON."""
        return [_as_text(value) for value in self.rows.column(name).to_pylist()]


def _as_text(value: object) -> str | None:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if value is None or isinstance(value, str) else str(value)


@dataclass(frozen=True)
class Reject:
    """A row that was set aside: where it stands, why, and the row as it was found."""

    file: str
    line: int
    reason: str
    row: str


def scored_fields(audience_ids: list[str], prefix: str) -> list[pa.Field]:
    """The columns that scoring adds, in order; `audiences` is `;`-joined so that it survives every format.

    Args:
        audience_ids: Column order of the scores.
        prefix: Put before each name; empty unless the input has a column of one of these names.
    """
    scores = [pa.field(f"{prefix}score_{audience}", pa.float32()) for audience in audience_ids]
    rest = ("audiences", "verdict", "reason", "language", "model")
    return scores + [pa.field(f"{prefix}{name}", pa.string()) for name in rest]
