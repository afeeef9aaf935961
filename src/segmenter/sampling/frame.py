"""A corpus read once: its frame (every usable message, in order) and the messages of smallest rank, held in bounds.

Not here: what ranks a message (strategies.py).
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmenter.messages import MessageBatch
from segmenter.tables import TableReader
from segmenter.text import text_key

CARRIED = ("id", "source", "created_at", "lang")  # columns that go with a message where the corpus has them; no author
LEFT_OUT = float("inf")  # the rank of a message that is not to be drawn
Rank = Callable[[list[str]], NDArray[np.float64]]


@dataclass(frozen=True)
class Candidate:
    """A message in hand.

    Attributes:
        rank: The smaller, the sooner drawn.
        row: Its number in the frame, from 1.
        key: Its text key.
        place: File name and line, to find it again without naming anybody.
        text: The original message.
        carried: Values of the CARRIED columns that the corpus has.
    """

    rank: float
    row: int
    key: str
    place: str
    text: str
    carried: dict[str, str | None]


class Pool:
    """The messages of smallest rank met so far, `size` of them; twice as many are held at most.

    Attributes:
        by_text: Messages of one text key stand once, in their smallest rank.
    """

    def __init__(self, size: int, *, by_text: bool) -> None:
        self.by_text = by_text
        self._size = size
        self._held: list[Candidate] = []
        self._worst = LEFT_OUT

    def wants(self, rank: float) -> bool:
        """Whether a message of this rank may be among the smallest."""
        return rank < self._worst

    def add(self, candidate: Candidate) -> None:
        """Take a message in hand."""
        self._held.append(candidate)
        if len(self._held) >= 2 * self._size:
            self._held = self.best()
            if len(self._held) == self._size:
                self._worst = self._held[-1].rank

    def best(self) -> list[Candidate]:
        """The messages of smallest rank, smallest first; of equal ranks the earlier row."""
        kept: dict[str | int, Candidate] = {}
        for candidate in sorted(self._held, key=lambda held: (held.rank, held.row)):
            kept.setdefault(candidate.key if self.by_text else candidate.row, candidate)
        return list(kept.values())[: self._size]


@dataclass(frozen=True)
class Frame:
    """What was read.

    Attributes:
        digest: sha256 over the text keys of its messages in order, each followed by a line feed: the same for a
            corpus in another format, with other columns, or scored.
        n_rows: Rows in, rejects included.
        n_rejects: Rows set aside.
        short_keys: Of every message the first half of its text key as a number, shape (n_messages,); empty where copies
            are not asked for. 8 bytes a message.
    """

    digest: str
    n_rows: int
    n_rejects: int
    short_keys: NDArray[np.uint64]

    @property
    def n_messages(self) -> int:
        """Usable messages."""
        return self.n_rows - self.n_rejects

    def copies(self, candidates: Sequence[Candidate]) -> list[int]:
        """How many messages of the frame have each candidate's text key, itself included."""
        wanted = [_short(candidate.key) for candidate in candidates]
        found = self.short_keys[np.isin(self.short_keys, np.array(wanted, np.uint64))]
        counts = Counter(found.tolist())
        return [counts[key] for key in wanted]


def read_frame(
    reader: TableReader, pool: Pool, rank: Rank, *, batch_messages: int, show: Callable[[float, int], None]
) -> Frame:
    """Read a corpus through once, rank every message, and leave those of smallest rank in the pool."""
    digest = hashlib.sha256()
    short_keys = array("Q")
    n_messages = 0
    for batch in reader.batches(batch_messages):
        texts = [text or "" for text in batch.column(str(reader.text_column))]
        keys = [text_key(text) for text in texts]
        digest.update("".join(f"{key}\n" for key in keys).encode())
        if pool.by_text:
            short_keys.extend(map(_short, keys))
        carried = {name: batch.column(name) for name in CARRIED if name in reader.schema.names}
        for number, value in enumerate(rank(texts)):
            if pool.wants(value):
                values = {name: column[number] for name, column in carried.items()}
                place = _place(batch, number)
                pool.add(Candidate(float(value), n_messages + number + 1, keys[number], place, texts[number], values))
        n_messages += len(texts)
        show(reader.done_share, n_messages)
    return Frame(digest.hexdigest(), reader.n_rows, reader.n_rejects, np.array(short_keys, np.uint64))


def _place(batch: MessageBatch, number: int) -> str:
    return f"{Path(batch.file).name} line {batch.lines[number]}"


def _short(key: str) -> int:
    return int(key[:16], 16)
