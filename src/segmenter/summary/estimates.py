"""Corrected shares of cells as findings: grounds from a bundle's out-of-fold messages, bounds for what they do not reach.

Not here: the correction itself (shares/), the counts of cells (margins.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmenter.bundle import Bundle
from segmenter.calibration import to_scores
from segmenter.out_of_fold import read_out_of_fold
from segmenter.shares.corrected import Shares, corrected
from segmenter.shares.ground import Ground, ShareSettings, grounds
from segmenter.summary.findings import ShareFinding


def grounds_of(bundle: Bundle) -> dict[str, Ground]:
    """What shares of each audience are corrected by, by audience id."""
    found = read_out_of_fold(bundle)
    scores = to_scores(found.logits, bundle.manifest.calibration)
    return grounds(
        found.audience_ids, scores=scores, truth=found.truth, languages=found.languages, clusters=found.clusters
    )


@dataclass(frozen=True)
class Estimator:
    """Estimates shares of any cells of one corpus.

    Attributes:
        grounds: By audience id; empty where the bundle is not known: then nothing is estimated.
        languages: Codes, in the order of the counts' axis.
        settings: The `summary` section.
        seed: Of the draws.
    """

    grounds: Mapping[str, Ground]
    languages: Sequence[str]
    settings: ShareSettings
    seed: int

    def findings(
        self, audience: str, counts: NDArray[np.int64], n_messages: NDArray[np.int64]
    ) -> list[ShareFinding | None]:
        """The share of one audience in each cell, None where it cannot be estimated.

        Args:
            audience: Its id.
            counts: In-scope messages by cell, language and bin of score, shape (n_cells, n_languages, N_BINS).
            n_messages: All messages of each cell, shape (n_cells,).
        """
        if audience not in self.grounds:
            return [None] * len(counts)
        found = corrected(counts, self.languages, self.grounds[audience], self.settings, self.seed)
        return [_finding(found, cell, int(n)) for cell, n in enumerate(n_messages)]


def _finding(found: Shares, cell: int, n_messages: int) -> ShareFinding | None:
    n = int(found.n_estimable[cell])
    if not n:
        return None
    value, low, high = (float(ends[cell]) for ends in (found.value, found.low, found.high))
    return ShareFinding(
        value=value,
        low=low,
        high=high,
        n_estimable=n,
        n_messages=n_messages,
        bound_low=low * n / n_messages,
        bound_high=(high * n + n_messages - n) / n_messages,
        method="corrected",
    )
