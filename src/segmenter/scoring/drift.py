"""How far the scores of a corpus are from those the bundle was calibrated on: counts by bin, and one index an audience."""

import numpy as np
from numpy.typing import NDArray

from segmenter.bundle import Bundle
from segmenter.calibration import Scores, to_scores
from segmenter.out_of_fold import read_out_of_fold
from segmenter.sections import Section

Counts = NDArray[np.int64]
_ODDS = np.arange(-8, 8.5, 0.5)
_EDGES = (1 / (1 + np.exp(-_ODDS))).astype(np.float32)
_MIDDLES = 1 / (1 + np.exp(-np.append(_ODDS - 0.25, 8.25)))  # a score of each bin
N_BINS = len(_EDGES) + 1
GROUPS = 10  # at most; the customary number. Source: Siddiqi 2006, Credit Risk Scorecards, ch. 8
UNSEEN = 0.5  # messages added to each group, so that an empty one has a logarithm; matters in small corpora alone
CHANCE_Z = 2.326  # 99th percentile of a standard normal variable


class AudienceDrift(Section):
    """How far the scores of one audience are from the bundle's own.

    Attributes:
        audience: Its id.
        index: Population stability index: the sum over groups of (p - q) ln(p / q), p and q being the shares of the
            corpus and of the bundle's out-of-fold messages in a group; 0 for equal shares. Source: Siddiqi 2006.
        chance: What it stays below in 99 of 100 corpora of this size drawn from the out-of-fold messages themselves.
            Source: Yurdakul 2018, Statistical Properties of Population Stability Index: index / (1/n + 1/m) is then
            chi-squared with one degree of freedom less than there are groups. Message by message, that is: of a few
            hundred messages by a handful of authors it says too little.
    """

    audience: str
    index: float
    chance: float


class Drift(Section):
    """The scores of a corpus beside the bundle's out-of-fold scores.

    Attributes:
        n_messages: Of the corpus, repeats included.
        n_reference: Out-of-fold messages.
        audiences: In the order of the scores.
    """

    n_messages: int
    n_reference: int
    audiences: list[AudienceDrift]

    def warning(self, at_most: float) -> str | None:
        """What to say where an index is above `at_most` and what chance may add to it; None where none is."""
        far = [part for part in self.audiences if part.index - part.chance > at_most]
        if not far:
            return None
        worst = sorted(far, key=lambda part: -part.index)
        named = ", ".join(f"{part.index:.2f} for {part.audience}" for part in worst)
        found = f"population stability index {named}; above {at_most:g} counts as far"
        unlike = f"the scores of this corpus are unlike those the model was calibrated on ({found})"
        return f"{unlike}; shares counted from it are less certain: check them on labelled messages drawn at random"


def bins(scores: Scores) -> Counts:
    """Messages by bin of each audience, shape (n_audiences, N_BINS): below log-odds -8, by .5 up to 8, from 8 on."""
    places = np.searchsorted(_EDGES, scores, side="right")
    return np.stack([np.bincount(column, minlength=N_BINS) for column in places.T]).astype(np.int64)


def drift_of(bundle: Bundle, score_bins: Counts) -> Drift | None:
    """The drift of a corpus, None where it or the bundle has no message to compare.

    Args:
        bundle: What scored it.
        score_bins: Counts of the corpus, as of `bins`.
    """
    reference = bins(to_scores(read_out_of_fold(bundle).logits, bundle.manifest.calibration))
    n_messages, n_reference = int(score_bins[0].sum()), int(reference[0].sum())
    if not n_messages or not n_reference:
        return None
    parts = [
        _audience_drift(name, own, other)
        for name, own, other in zip(bundle.audience_ids, score_bins, reference, strict=True)
    ]
    return Drift(n_messages=n_messages, n_reference=n_reference, audiences=parts)


def _audience_drift(audience: str, counts: Counts, reference: Counts) -> AudienceDrift:
    starts = group_starts(reference)
    share, usual = (_shares(np.add.reduceat(part, starts)) for part in (counts, reference))
    index = float(((share - usual) * np.log(share / usual)).sum())
    chance = _chi_squared(len(starts) - 1) * float(1 / counts.sum() + 1 / reference.sum())
    return AudienceDrift(audience=audience, index=index, chance=chance)


def group_starts(reference: Counts) -> list[int]:
    """The first bin of each group: so many neighbouring bins that the groups weigh about the same.

    A message of score p weighs p(1 - p), what it adds to the variance of the number of messages built for the audience.
    With plain counts most groups would lie among scores that all but say no, on which no share depends, and where the
    sealed model and the fold models that judged the out-of-fold messages differ most: a corpus of the training messages
    themselves came out as drifted.
    """
    weights = reference * _MIDDLES * (1 - _MIDDLES)
    starts, least, met, left = [0], weights.sum() / GROUPS, 0.0, weights.sum()
    for place, weight in enumerate(weights.tolist()):
        if met >= least and left >= least:
            starts.append(place)
            met = 0.0
        met, left = met + weight, left - weight
    return starts


def _shares(counts: Counts) -> NDArray[np.float64]:
    filled = counts + UNSEEN
    return np.asarray(filled / filled.sum())


def _chi_squared(degrees: int) -> float:
    """Its 99th percentile. Source: Wilson and Hilferty 1931; within 1 % from 1 degree of freedom on."""
    if not degrees:
        return 0.0
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + CHANCE_Z * part**0.5) ** 3)
