"""What a run counts: a tally of rows, verdicts and scores that adds up the same however the run was cut, and its effort.

Not here: what the counts are compared with (drift.py), the record of a run (record.py).
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmenter.scoring.drift import N_BINS


@dataclass(frozen=True)
class Tally:
    """The counts of some rows; those of a corpus are the sum of those of its parts.

    Attributes:
        n_rows: Rows met, rejects included.
        n_rejects: Those that could not be used.
        verdicts: Messages by verdict.
        n_long: Messages longer than `text.max_tokens`.
        shattered: Messages by language that the tokenizer cuts into more than `text.pieces_per_word_at_most`.
        score_bins: Messages by score, shape (n_audiences, N_BINS); drift.bins says where the edges are.
    """

    n_rows: int
    n_rejects: int
    verdicts: Counter[str]
    n_long: int
    shattered: Counter[str]
    score_bins: NDArray[np.int64]

    @classmethod
    def none(cls, n_audiences: int) -> Self:
        """No row at all."""
        return cls(0, 0, Counter(), 0, Counter(), np.zeros((n_audiences, N_BINS), np.int64))

    @classmethod
    def of_json(cls, found: dict[str, Any]) -> Self:
        """From what `as_json` gave."""
        counts = {name: Counter(found[name]) for name in ("verdicts", "shattered")}
        return cls(**(found | counts | {"score_bins": np.array(found["score_bins"], np.int64)}))

    def as_json(self) -> dict[str, Any]:
        """As JSON has it; equal tallies give equal text."""
        counts = {name: dict(sorted(getattr(self, name).items())) for name in ("verdicts", "shattered")}
        return vars(self) | counts | {"score_bins": self.score_bins.tolist()}

    @property
    def n_messages(self) -> int:
        """Messages scored: rows out."""
        return self.verdicts.total()

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            n_rows=self.n_rows + other.n_rows,
            n_rejects=self.n_rejects + other.n_rejects,
            verdicts=self.verdicts + other.verdicts,
            n_long=self.n_long + other.n_long,
            shattered=self.shattered + other.shattered,
            score_bins=self.score_bins + other.score_bins,
        )


@dataclass(frozen=True)
class Effort:
    """What was done for some rows. Unlike a tally it depends on what was scored before, and on how the run was cut.

    Attributes:
        n_texts: Different texts among them, part by part.
        n_run: Those the network ran; the rest came from the score store.
        n_tokens: Tokens of their batches, padding included.
        n_padding: Those that are padding.
    """

    n_texts: int = 0
    n_run: int = 0
    n_tokens: int = 0
    n_padding: int = 0

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(
            n_texts=self.n_texts + other.n_texts,
            n_run=self.n_run + other.n_run,
            n_tokens=self.n_tokens + other.n_tokens,
            n_padding=self.n_padding + other.n_padding,
        )
