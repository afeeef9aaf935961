"""The share of an audience in a corpus of which a random sample was labelled: true whatever the model is worth there.

The scores of the whole corpus make it surer, as far as they agree with the labels. The labels must be those of messages
drawn at random from this corpus (`segmenter sample --strategy random`), not of chosen ones.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, t

from segmenter.intervals import TAIL, Estimate
from segmenter.shares.ground import ShareSettings


class _Moments(NamedTuple):
    share: float
    variance: float


def prediction_powered(
    scores: NDArray[np.floating],
    labelled_scores: NDArray[np.floating],
    labels: NDArray[np.bool_],
    settings: ShareSettings,
) -> Estimate:
    """Share of all messages that carry the audience, 95 % interval, and how many labels without scores would tell as much.

    Below `sampled_exact_below` among the labels, and where scores and labels leave no error to learn from, the labels
    alone are read, exactly.

    Args:
        scores: Of the whole corpus, the labelled messages included, shape (n_messages,).
        labelled_scores: Of the labelled ones, shape (n_labelled,).
        labels: Theirs.
        settings: When labels are read alone.

    Raises:
        ValueError: No labels, or more than messages.

    Source: Angelopoulos, Duchi and Zrnic 2023 (PPI++), here of a finite corpus, all of whose scores are known; interval
        of as many effective labels (Korn and Graubard 1998); Clopper and Pearson 1934.
    """
    if not 0 < len(labels) <= len(scores):
        raise ValueError(f"{len(labels)} labels of {len(scores)} messages")
    n_true, n = int(labels.sum()), len(labels)
    if n_true < settings.sampled_exact_below * n:
        return Estimate(n_true / n, *_exact(n_true, n), float(n))
    found = _powered(scores.astype(np.float64), labelled_scores.astype(np.float64), labels.astype(np.float64))
    if not 0 < found.share < 1 or found.variance <= 0:
        return Estimate(n_true / n, *_exact(n_true, n), float(n))
    n_effective = found.share * (1 - found.share) / found.variance
    few = (t.ppf(TAIL, 1e9) / t.ppf(TAIL, max(n - 2, 1))) ** 2  # the variance itself is estimated
    return Estimate(found.share, *_exact(found.share * n_effective * few, n_effective * few), n_effective)


def _powered(scores: NDArray[np.float64], labelled: NDArray[np.float64], labels: NDArray[np.float64]) -> _Moments:
    """The estimate and its variance; scores count as far as they go along with the labels, not at all to entirely.

    In the variance two more labels count, wrong in the worst way to either side: few labels may show no error by chance.
    Source: Agresti and Coull 1998, carried over to differences.
    """
    n, spread = len(labels), labelled.var()
    power = 0.0 if spread == 0 else float(np.clip(np.cov(labels, labelled, bias=True)[0, 1] / spread, 0, 1))
    rest = labels - power * labelled
    share = power * scores.mean() + rest.mean()
    worst = np.append(rest, [1 - power * labelled.min(), -power * labelled.max()])
    return _Moments(float(share), float(worst.var(ddof=2) / n * (1 - n / len(scores))))


def _exact(n_true: float, n: float) -> tuple[float, float]:
    """Exact binomial interval, of effective counts too."""
    low = float(beta.ppf(TAIL, n_true, n - n_true + 1)) if n_true > 0 else 0.0
    return low, float(beta.ppf(1 - TAIL, n_true + 1, n - n_true)) if n_true < n else 1.0
