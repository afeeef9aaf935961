"""Arrays to figures: what a set of scores is worth against reference labels. Tables and plots are eval/'s."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

Labels = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """True positives, false positives and false negatives per audience, each of shape (..., n_audiences)."""

    tp: Floats
    fp: Floats
    fn: Floats

    @property
    def precision(self) -> Floats:
        """Right among the chosen, 0.0 where nothing was chosen."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> Floats:
        """Found among the true, 0.0 where nothing was true."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> Floats:
        """Harmonic mean of precision and recall, 0.0 where both are. Source: van Rijsbergen 1979, ch. 7."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)


def counts(truth: Labels, chosen: Labels) -> Counts:
    """Counts per audience of two arrays of shape (n_messages, n_audiences).

    Raises:
        ValueError: The two arrays differ in shape.
    """
    if truth.shape != chosen.shape:
        raise ValueError(f"truth {truth.shape} and chosen {chosen.shape} differ in shape")
    tp, fp, fn = (part.sum(axis=0).astype(np.float64) for part in (truth & chosen, ~truth & chosen, truth & ~chosen))
    return Counts(tp, fp, fn)


def macro_f1(truth: Labels, chosen: Labels) -> float:
    """Mean F1 over audiences, each weighing the same."""
    return float(counts(truth, chosen).f1.mean())


def average_precision(truth: Labels, scores: Floats) -> Floats:
    """Area under the precision-recall steps per audience, shape (n_audiences,); NaN where no message is true."""
    columns = range(truth.shape[1])
    return np.array(
        [average_precision_score(truth[:, i], scores[:, i]) if truth[:, i].any() else np.nan for i in columns]
    )


def brier(truth: Labels, scores: Floats) -> Floats:
    """Mean squared distance of score and truth per audience, shape (n_audiences,). Source: Brier 1950."""
    return np.asarray(((scores - truth) ** 2).mean(axis=0), dtype=np.float64)


def calibration_error(truth: Labels, scores: Floats, n_bins: int) -> Floats:
    """Expected calibration error per audience over bins of equal message count, shape (n_audiences,).

    Source: Nguyen and O'Connor 2015 (adaptive bins).
    """
    return np.array([_calibration_error(truth[:, i], scores[:, i], n_bins) for i in range(truth.shape[1])])


def _calibration_error(truth: Labels, scores: Floats, n_bins: int) -> float:
    gaps = [abs(mean_score - share) * n for mean_score, share, n in reliability(truth, scores, n_bins)]
    return float(sum(gaps) / len(truth))


def reliability(truth: Labels, scores: Floats, n_bins: int) -> list[tuple[float, float, int]]:
    """Mean score, share of true and count per bin of equal message count, for one audience (1-d arrays)."""
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, n_bins) if len(part)]
    return [(float(scores[part].mean()), float(truth[part].mean()), len(part)) for part in parts]


GRID = np.round(np.arange(0.05, 0.951, 0.01), 2)
BAGS = 100  # resamples whose best thresholds are pooled: the best threshold of one draw is mostly noise


def best_threshold(scores: Floats, truth: Labels, seed: int) -> float:
    """Median, over resamples, of the (middle) threshold with the highest F1, for 1-d arrays; 0.5 where none is true."""
    if not truth.any():
        return 0.5
    weights = np.random.default_rng(seed).multinomial(len(scores), np.full(len(scores), 1 / len(scores)), size=BAGS)
    chosen = scores[:, None] >= GRID
    tp, n_chosen, n_true = weights @ (chosen & truth[:, None]), weights @ chosen, (weights @ truth)[:, None]
    f1 = 2 * tp / np.maximum(n_chosen + n_true, 1)
    ties = [GRID[row == row.max()] for row in f1]  # the middle of the best errs least on other messages
    return float(np.round(np.median([tied[len(tied) // 2] for tied in ties]), 3))


def exact_match(truth: Labels, chosen: Labels) -> float:
    """Share of messages whose whole audience set is right."""
    return float((truth == chosen).all(axis=1).mean())


def bootstrap_counts(truth: Labels, chosen: Labels, clusters: NDArray[np.int64], *, n_rounds: int, seed: int) -> Counts:
    """Counts of resampled test sets, whole clusters drawn with replacement; each of shape (n_rounds, n_audiences).

    Args:
        truth: Shape (n_messages, n_audiences).
        chosen: Same shape.
        clusters: Shape (n_messages,); messages of one author share a number.
        n_rounds: Bootstrap rounds.
        seed: Of the draw; calls with one seed and the same clusters draw the same, so their differences are paired.

    Source: Field and Welsh 2007 (cluster bootstrap).
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    n_clusters = int(cluster.max()) + 1
    weights = np.random.default_rng(seed).multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=n_rounds)
    summed = [_per_cluster(part, cluster, n_clusters) for part in (truth & chosen, ~truth & chosen, truth & ~chosen)]
    return Counts(*(weights @ part for part in summed))


def interval(draws: Floats) -> tuple[Floats, Floats]:
    """95 % percentile interval over the first axis: lower and upper bound."""
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    return low, high


def _per_cluster(part: Labels, cluster: NDArray[np.int64], n_clusters: int) -> Floats:
    totals = np.zeros((n_clusters, part.shape[1]))
    np.add.at(totals, cluster, part)
    return totals
