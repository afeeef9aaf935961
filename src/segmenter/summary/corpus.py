"""A scored table in memory: one checked pass over a file or folder, columns of numbers, the different texts once.

About 60 bytes a message, and its text where no earlier message has it. Not here: how a batch is checked (columns.py),
what is counted (margins.py), what was said (told.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segmenter.errors import TableError
from segmenter.messages import NEAR, OUT_OF_SCOPE, VERDICTS
from segmenter.summary.cells import parts_of, reason_of
from segmenter.summary.columns import Columns, Part
from segmenter.summary.texts import Texts
from segmenter.tables import TableReader

BATCH_MESSAGES = 8192  # read at a time; changes no result
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Corpus:
    """Scored messages by row number, from 0, in the order of the files.

    Attributes:
        files: As they were read.
        model: Digest of the bundle that scored them.
        frame: sha256 over the text keys in order, each followed by a line feed, as the record of a draw has it.
        languages: Codes by number.
        language: The number of each message's, shape (n_messages,), as the next ones.
        sources: Names by number.
        source: -1 where none is given.
        seconds: Since 1970 UTC; UNDATED without a date.
        has_time: The date carries a time of day.
        verdict: Place in VERDICTS.
        reason: Place in `reasons`, whose entries are pairs of a code and what it concerns.
        chosen: What the model chose, in scope or not, shape (n_messages, n_audiences).
        scores: In [0, 1], shape (n_messages, n_audiences).
        text: Number of its text: equal for messages whose text keys are equal, numbered as they come.
        texts: The first original of each, shape (n_texts,).
        cleaned: The same as the model reads them.
        file: Place in `files`.
        line: Where the message stands in it.
    """

    files: list[Path]
    model: str
    frame: str
    audience_ids: list[str]
    is_dated: bool
    is_sourced: bool
    languages: list[str]
    language: Ints
    sources: list[str]
    source: Ints
    seconds: NDArray[np.int64]
    has_time: Mask
    n_assumed_utc: int
    verdict: Ints
    reasons: list[list[tuple[str, str]]]
    reason: Ints
    chosen: Mask
    scores: NDArray[np.float32]
    text: Ints
    texts: pa.ChunkedArray
    cleaned: pa.ChunkedArray
    file: Ints
    line: NDArray[np.int64]

    @property
    def n_messages(self) -> int:
        """Rows."""
        return len(self.text)

    @property
    def n_texts(self) -> int:
        """Different texts."""
        return len(self.texts)

    @cached_property
    def in_scope(self) -> Mask:
        """The model could judge the message, shape (n_messages,)."""
        outside = [any(code in OUT_OF_SCOPE for code, _ in reasons) for reasons in self.reasons]
        return ~np.array(outside, np.bool_)[self.reason]

    @cached_property
    def is_uncertain(self) -> Mask:
        """By the verdict, shape (n_messages,)."""
        return np.asarray(self.verdict == VERDICTS.index("uncertain"))

    @cached_property
    def clear(self) -> Mask:
        """Chosen and in scope: what counts for an audience, shape (n_messages, n_audiences)."""
        return self.chosen & self.in_scope[:, None]

    @cached_property
    def near(self) -> Mask:
        """In scope and too near a threshold to tell, shape (n_messages, n_audiences)."""
        near = [[(NEAR, name) in reasons for name in self.audience_ids] for reasons in self.reasons]
        return np.array(near, np.bool_)[self.reason] & self.in_scope[:, None]

    def place(self, row: int) -> str:
        """File name and line, to find a message again without naming anybody."""
        return f"{self.files[self.file[row]].name} line {self.line[row]}"

    def text_of(self, row: int) -> str:
        """Its original, or that of an earlier message with the same text key."""
        return str(self.texts[int(self.text[row])].as_py())


def read_corpus(
    path: Path, *, prefix: str, text_column: str, zone: ZoneInfo, on_progress: Callable[[float], None] | None
) -> Corpus:
    """A scored file or folder; `on_progress` takes the part of it read so far, in [0, 1].

    Raises:
        TableError: No table there, not one that scoring wrote, no message in it, an unreadable row, a value that scoring
            does not write, or messages of several models.
    """
    reader = TableReader(path, text_column=text_column)
    columns = Columns(path, reader.schema.names, prefix=prefix, zone=zone)
    numbers = {str(file): number for number, file in enumerate(reader.files)}
    parts: list[Part] = []
    files: list[Ints] = []
    texts = Texts()
    for batch in reader.batches(BATCH_MESSAGES):
        parts.append(columns.part(batch))
        files.append(np.full(len(batch.lines), numbers[batch.file], np.int32))
        texts.add(batch.rows.column(text_column).to_pylist())
        if on_progress:
            on_progress(reader.done_share)
    if not parts:
        raise TableError(reader.files[0].name, "holds no message", "score a table with messages first")
    return _corpus(reader.files, columns, parts, texts, np.concatenate(files))


def _corpus(files: list[Path], columns: Columns, parts: list[Part], texts: Texts, file: Ints) -> Corpus:
    chosen = [[name in parts_of(one) for name in columns.audience_ids] for one in columns.audiences.names]
    return Corpus(
        files=files,
        model=columns.model,
        frame=texts.frame.hexdigest(),
        audience_ids=columns.audience_ids,
        is_dated=columns.is_dated,
        is_sourced=columns.is_sourced,
        languages=columns.languages.names,
        language=np.concatenate([part.language for part in parts]),
        sources=columns.sources.names,
        source=np.concatenate([part.source for part in parts]),
        seconds=np.concatenate([part.seconds for part in parts]),
        has_time=np.concatenate([part.has_time for part in parts]),
        n_assumed_utc=sum(part.n_assumed_utc for part in parts),
        verdict=np.concatenate([part.verdict for part in parts]),
        reasons=[[reason_of(part) for part in parts_of(one)] for one in columns.reasons.names],
        reason=np.concatenate([part.reason for part in parts]),
        chosen=np.array(chosen, np.bool_)[np.concatenate([part.audiences for part in parts])],
        scores=np.concatenate([part.scores for part in parts]),
        text=np.concatenate(texts.numbers),
        texts=pa.chunked_array(texts.originals, pa.string()),
        cleaned=pa.chunked_array(texts.cleaned, pa.string()),
        file=file,
        line=np.concatenate([part.line for part in parts]),
    )
