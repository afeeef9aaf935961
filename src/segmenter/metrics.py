"""Arrays to figures: what a set of scores is worth against reference labels, and how sure that is.

Every metric is computed over weighted messages: once as they are, and once per resample of whole authors, all at one
time. Tables and plots are eval/'s.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

Labels = NDArray[np.bool_]
Floats = NDArray[np.float64]
TAIL = 0.025  # beyond either bound of a 95 % interval
CELLS = 2**18  # weights (resamples times messages) that are summed at one time: what a processor's cache holds


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
    return _average_precision(truth, scores, _as_they_are(len(truth))).values


def brier(truth: Labels, scores: Floats) -> Floats:
    """Mean squared distance of score and truth per audience, shape (n_audiences,). Source: Brier 1950."""
    return _brier(truth, scores, _as_they_are(len(truth))).values


def calibration_error(truth: Labels, scores: Floats, n_bins: int) -> Floats:
    """Expected calibration error per audience over bins of equal message count, shape (n_audiences,).

    Source: Nguyen and O'Connor 2015 (adaptive bins).
    """
    return _calibration_error(truth, scores, _as_they_are(len(truth)), n_bins).values


def exact_match(truth: Labels, chosen: Labels) -> float:
    """Share of messages whose whole audience set is right."""
    return float((truth == chosen).all(axis=1).mean())


def reliability(truth: Labels, scores: Floats, n_bins: int) -> list[tuple[float, float, int]]:
    """Mean score, share of true and count per bin of equal message count, for one audience (1-d arrays)."""
    parts = _bins(scores, n_bins)
    return [(float(scores[part].mean()), float(truth[part].mean()), len(part)) for part in parts]


def _bins(scores: Floats, n_bins: int) -> list[NDArray[np.int64]]:
    """Places of the messages of each bin, by rising score."""
    parts = np.array_split(np.argsort(scores, kind="stable"), n_bins)
    return [part for part in parts if len(part)]


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


@dataclass(frozen=True)
class Resamples:
    """Test sets resampled by author, as weights of the messages at hand; the first of them is the messages as they are.

    Attributes:
        cluster: Which cluster each message is of, shape (n_messages,), numbered from 0.
        times: How often each cluster is in each test set, shape (1 + n_rounds, n_clusters); the first row is ones.
    """

    cluster: NDArray[np.int64]
    times: Floats

    def sums(self, part: Labels | Floats) -> Floats:
        """Totals of a part of shape (n_messages, n_columns) in each test set, shape (1 + n_rounds, n_columns)."""
        return np.asarray(self.times @ self._by_cluster(part))

    def n_effective(self, part: Labels) -> Floats:
        """Clusters of one size that would tell as much of a part as these do, shape (n_columns,), 0.0 where it is empty.

        It is the number of clusters with messages of the part where each has as many, less where a few have most.
        Source: Kish 1965, Survey Sampling, 11.7.
        """
        sizes = self._by_cluster(part)
        return _ratio(sizes.sum(axis=0) ** 2, (sizes**2).sum(axis=0))

    def _by_cluster(self, part: Labels | Floats) -> Floats:
        order = np.argsort(self.cluster, kind="stable")
        starts = np.searchsorted(self.cluster[order], np.arange(self.times.shape[1]))
        return np.add.reduceat(part[order].astype(np.float64), starts, axis=0)


def resample(clusters: NDArray[np.int64], *, n_rounds: int, seed: int) -> Resamples:
    """Test sets of whole clusters, as many as there are, drawn with replacement.

    Args:
        clusters: Shape (n_messages,), any numbers; messages of one author share one.
        n_rounds: How many test sets.
        seed: Of the draw; one seed and the same clusters give the same test sets, so that differences are paired.

    Source: Field and Welsh 2007 (cluster bootstrap).
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    n_clusters = int(cluster.max()) + 1
    times = np.random.default_rng(seed).multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), size=n_rounds)
    return Resamples(cluster, np.vstack([np.ones(n_clusters), times]))


def _as_they_are(n_messages: int) -> Resamples:
    return Resamples(np.arange(n_messages), np.ones((1, n_messages)))


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Drawn:
    """A metric of the messages as they are, and of each resample.

    Attributes:
        values: Shape (n_columns,), one an audience; exact match and the like have one column. 1 at most.
        draws: Shape (n_rounds, n_columns); row for row of the same messages wherever the Resamples are the same.
        n_effective: Of the messages that the metric is a share of, shape (n_columns,).
        least: What the metric cannot be below: 0.0, of a difference -1.0.
        lifted: The fewer the messages, the higher the metric on average, so a resample's is higher than theirs.
    """

    values: Floats
    draws: Floats
    n_effective: Floats
    least: float = 0.0
    lifted: bool = False

    def less(self, other: "Drawn") -> "Drawn":
        """The paired difference."""
        n_effective = np.minimum(self.n_effective, other.n_effective)
        return Drawn(self.values - other.values, self.draws - other.draws, n_effective, -1.0)

    def estimate(self, columns: Labels) -> Estimate:
        """The mean over some columns (a mask), with its interval.

        Where no resample can differ, the interval is not that point: of one author it is all that the metric can be;
        of all messages right, or none, it is that of so many clusters. Source: Clopper and Pearson 1934.
        """
        value, n_effective = float(self.values[columns].mean()), float(self.n_effective[columns].mean())
        low, high = map(float, interval(self.draws[:, columns].mean(axis=1), n_effective))
        if n_effective <= 1:
            return Estimate(value, self.least, 1.0)
        if self.lifted:  # the truth may be as far below as a resample is above
            low = max(self.least, min(low, 2 * value - high))
        if low == high and self.least == 0.0:
            low = TAIL ** (1 / n_effective) if value == 1.0 else low
            high = 1 - TAIL ** (1 / n_effective) if value == 0.0 else high
        return Estimate(value, low, high)


def interval(draws: Floats, n_effective: float) -> tuple[Floats, Floats]:
    """95 % interval over the first axis, without NaN: lower and upper bound.

    The percentiles of a few clusters of uneven size lie too close together; they are moved apart as far as Student's t
    of so many clusters is wider than the normal distribution.

    Args:
        draws: Shape (n_rounds, ...).
        n_effective: Clusters of one size, as many as would tell as much.

    Source: Hesterberg 2015, What Teachers Should Know About the Bootstrap, 5.3 (expanded percentiles); Carter,
    Schnepel and Steigerwald 2017 (t of the effective number of clusters).
    """
    n = max(n_effective, 1 + 1e-9)  # of one cluster: from the least draw to the greatest
    tail = float(ndtr(np.sqrt(n / (n - 1)) * stdtrit(n - 1, TAIL)))
    low, high = np.nanquantile(draws, [tail, 1 - tail], axis=0)
    return low, high


def measured(truth: Labels, scores: Floats, chosen: Labels, resamples: Resamples, *, n_bins: int) -> dict[str, Drawn]:
    """Every metric by name, of the messages and of their resamples.

    Args:
        truth: Shape (n_messages, n_audiences).
        scores: Same shape.
        chosen: Same shape.
        resamples: Of these messages.
        n_bins: Of the calibration error; a resample is binned as the messages at hand are.
    """
    right = (truth == chosen).all(axis=1, keepdims=True)
    return {
        "precision": shares(truth, chosen, resamples),
        "recall": shares(chosen, truth, resamples),
        "f1": f1(truth, chosen, resamples),
        "average_precision": _average_precision(truth, scores, resamples),
        "brier": _brier(truth, scores, resamples),
        "calibration_error": _calibration_error(truth, scores, resamples, n_bins),
        "exact_match": shares(right, np.ones_like(right), resamples),
    }


def shares(part: Labels, whole: Labels, resamples: Resamples) -> Drawn:
    """Messages of a part among those of a whole, both of shape (n_messages, n_columns); 0.0 where the whole is empty."""
    rows = _ratio(resamples.sums(part & whole), resamples.sums(whole))
    return Drawn(rows[0], rows[1:], resamples.n_effective(whole))


def f1(truth: Labels, chosen: Labels, resamples: Resamples) -> Drawn:
    """F1 per audience, of the messages and of their resamples; arguments as in `measured`."""
    rows = Counts(*(resamples.sums(part) for part in (truth & chosen, ~truth & chosen, truth & ~chosen))).f1
    return Drawn(rows[0], rows[1:], resamples.n_effective(truth | chosen))


def _brier(truth: Labels, scores: Floats, resamples: Resamples) -> Drawn:
    drawn = _of_all(resamples.sums((scores - truth) ** 2), resamples)
    return replace(drawn, n_effective=resamples.n_effective(truth))  # most of the distance is where the audience is


def _of_all(sums: Floats, resamples: Resamples) -> Drawn:
    """Sums of shape (1 + n_rounds, n_columns) over the number of messages."""
    everything = np.ones((len(resamples.cluster), 1), np.bool_)
    rows = sums / resamples.sums(everything)
    return Drawn(rows[0], rows[1:], np.repeat(resamples.n_effective(everything), rows.shape[1]))


def _calibration_error(truth: Labels, scores: Floats, resamples: Resamples, n_bins: int) -> Drawn:
    errors = []
    for i in range(truth.shape[1]):
        bins = _bins(scores[:, i], n_bins)
        gaps = np.zeros((len(truth), len(bins)))
        for number, part in enumerate(bins):
            gaps[part, number] = scores[part, i] - truth[part, i]
        errors.append(np.abs(resamples.sums(gaps)).sum(axis=1))
    return replace(_of_all(np.stack(errors, axis=1), resamples), lifted=True)


def _average_precision(truth: Labels, scores: Floats, resamples: Resamples) -> Drawn:
    rows = np.stack([_area(truth[:, i], scores[:, i], resamples) for i in range(truth.shape[1])], axis=1)
    return Drawn(rows[0], rows[1:], resamples.n_effective(truth))


def _area(truth: Labels, scores: Floats, resamples: Resamples) -> Floats:
    """Average precision of one audience (1-d arrays) in each test set, shape (1 + n_rounds,); NaN without a true one."""
    order = np.argsort(-scores, kind="stable")
    true, cluster = truth[order], resamples.cluster[order]
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # equal scores are chosen together
    ends = ends[np.diff(true.cumsum()[ends], prepend=0) > 0]  # only there does recall rise
    areas = []
    for times in np.array_split(resamples.times, 1 + len(resamples.times) * len(truth) // CELLS):
        weights = times[:, cluster]
        found = (weights * true).cumsum(axis=1)[:, ends]
        precision = _ratio(found, weights.cumsum(axis=1)[:, ends])
        risen = np.diff(found, axis=1, prepend=0)
        with np.errstate(invalid="ignore"):
            areas.append((precision * risen).sum(axis=1) / risen.sum(axis=1))
    return np.concatenate(areas)
