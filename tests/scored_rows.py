"""Scored messages of two audiences, `north` and `south_side`, as tables and as a corpus; settings of a summary."""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from segmenter.summary.corpus import Corpus, read_corpus

MODEL = "0123456789abcdef"
UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
Row = dict[str, object]


@dataclass(frozen=True)
class Settings:
    """Small numbers, so that small corpora show something."""

    examples: int = 3
    words: int = 5
    word_messages_at_least: int = 2
    word_z_at_least: float = 0.5
    prior_strength: float = 8.0
    comparison_messages_at_least: int = 2
    source_messages_at_least: int = 3
    sources_shown: int = 2
    copy_groups: int = 2
    copies_at_least: int = 2
    copy_sources: int = 2


def unmarked(text: str, shown: str, audience_id: str) -> None:
    """No model is at hand that could say which words carry a score."""


def message(text: str, audiences: str = "", **changes: object) -> Row:
    """A scored message, clear for those named and for no other."""
    row: Row = {"text": text, "source": "harbour-post", "created_at": "2031-06-15T12:00:00Z"}
    row |= {f"score_{name}": 0.9 if name in audiences else 0.1 for name in ("north", "south_side")}
    row |= {"audiences": audiences, "verdict": "chosen" if audiences else "none", "reason": "", "language": "en"}
    return row | {"model": MODEL} | changes


def uncertain(text: str, reason: str, audiences: str = "", **changes: object) -> Row:
    return message(text, audiences, verdict="uncertain", reason=reason, **changes)


def read(path: Path, *, prefix: str = "", zone: ZoneInfo = UTC) -> Corpus:
    return read_corpus(path, prefix=prefix, text_column="text", zone=zone, on_progress=None)


def corpus_of(folder: Path, rows: list[Row], *, zone: ZoneInfo = UTC) -> Corpus:
    """The rows as a Parquet table, read."""
    pq.write_table(pa.Table.from_pylist(rows), folder / "scored.parquet")
    return read(folder / "scored.parquet", zone=zone)
