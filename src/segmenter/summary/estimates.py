"""Estimated shares as findings: of cells, by a bundle's out-of-fold messages, with bounds for what these do not reach; of the
corpus, by labels of a random sample.

Not here: the estimates themselves (shares/), the counts of cells (margins.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmenter.bundle import Bundle
from segmenter.calibration import to_scores
from segmenter.out_of_fold import read_out_of_fold
from segmenter.shares.corrected import Shares, corrected
from segmenter.shares.ground import Ground, ShareSettings, estimable, grounds
from segmenter.shares.sampled import prediction_powered
from segmenter.shares.shift import unlike_mixture
from segmenter.summary.findings import ShareFinding, Shift
from segmenter.summary.labels import Sampled
from segmenter.summary.wording import language_name

UNKNOWN_MODEL = "the model that scored the corpus is not at hand: name it with --model"
ALL_LANGUAGES = "*"


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

    def not_estimable(self, audience: str) -> dict[str, str]:
        """Why the share of an audience cannot be estimated, by language; `*` for all of them."""
        if audience not in self.grounds:
            return {ALL_LANGUAGES: UNKNOWN_MODEL}
        found = estimable(self.grounds[audience], list(self.languages), self.settings)
        return {code: why for code, why in found.items() if why}

    def shift(self, counts: Mapping[str, NDArray[np.int64]], names: Mapping[str, str]) -> Shift | None:
        """Whether the scores of the corpus are like any mixture of calibration scores; None without grounds.

        Args:
            counts: In-scope messages by language and bin of score, shape (n_languages, N_BINS), by audience id.
            names: Of the audiences, by id.
        """
        if not self.grounds:
            return None
        found = unlike_mixture(counts, self.languages, self.grounds, self.settings, self.seed)
        if not found.is_unlike:
            return Shift(False, found.p, "")
        audience, language, _ = found.parts[0]
        where = f"Scores for {names[audience]} in {language_name(language)}"
        return Shift(True, found.p, f"{where} are unlike any mixture of the messages the model was calibrated on.")

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


def sampled_share(scores: NDArray[np.float32], labels: Sampled, audience: int, settings: ShareSettings) -> ShareFinding:
    """The share of one audience by labels of a random sample.

    Args:
        scores: Of the whole corpus for the audience, shape (n_messages,).
        labels: Of the sample.
        audience: Its place among the labels' columns.
        settings: When labels are read alone.
    """
    found = prediction_powered(scores, scores[labels.rows], labels.truth[:, audience], settings)
    return ShareFinding(
        value=found.value,
        low=found.low,
        high=found.high,
        n_estimable=len(scores),
        n_messages=len(scores),
        bound_low=found.low,
        bound_high=found.high,
        method="sampled",
    )


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
