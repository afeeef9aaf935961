"""Arrays to figures: what a set of scores is worth against reference labels.

Every metric is computed over weighted messages: once as they are, and once per resample of whole authors, all at one
time. Not here: resamples and intervals (intervals.py); tables and plots, which are eval/'s.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from segmenter.intervals import Drawn, Floats, Labels, Resamples, student

STEPS = 14  # of a search that halves: finer than a figure is shown
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

    Messages of one score are in one bin, so the error does not depend on their order.

    Source: Nguyen and O'Connor 2015 (adaptive bins).
    """
    return _calibration_error(truth, scores, _as_they_are(len(truth)), n_bins).values


def exact_match(truth: Labels, chosen: Labels) -> float:
    """Share of messages whose whole audience set is right."""
    return float((truth == chosen).all(axis=1).mean())


def reliability(truth: Labels, scores: Floats, n_bins: int) -> list[tuple[float, float, int]]:
    """Mean score, share of true and count per bin, for one audience (1-d arrays); bins are those of calibration_error."""
    parts = _bins(scores, n_bins)
    return [(float(scores[part].mean()), float(truth[part].mean()), len(part)) for part in parts]


def _bins(scores: Floats, n_bins: int) -> list[NDArray[np.int64]]:
    """Places of the messages of each bin, by rising score: as near to equal counts as messages of one score allow."""
    order = np.argsort(scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True)) + 1  # of each score
    equal = np.cumsum([len(part) for part in np.array_split(order, n_bins)])
    return np.split(order, np.unique(ends[np.searchsorted(ends, equal)])[:-1])


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


def _as_they_are(n_messages: int) -> Resamples:
    return Resamples(np.arange(n_messages), np.ones((1, n_messages)))


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
    rows = resamples.sums((scores - truth) ** 2) / resamples.sums(np.ones((len(truth), 1), np.bool_))
    return Drawn(rows[0], rows[1:], resamples.n_effective(truth))  # most of the distance is where the audience is


@dataclass(frozen=True, kw_only=True)
class DrawnGaps(Drawn):
    """The calibration error, which finite sets lift, and resamples once more: chance alone makes gaps, and none is below 0.

    Attributes:
        gaps: Mean score less share of true in each bin, times the bin's share of messages, shape (1 + n_rounds,
            n_columns, n_bins); their absolute values add up to the error.
    """

    gaps: Floats

    def _bounds(self, columns: Labels) -> tuple[float, float]:
        """The lower bound by inverting a test, the upper one as of any metric, less what the resamples are lifted by.

        Were every true gap a part of the one found, how large would the error be found? The lower bound is the least
        part of the error of which the one found is no more than 97.5 % of the answers; 0.0 where chance explains it all.

        Source: Bröcker and Smith 2007 (consistency resampling); Carpenter 1999 (test inversion bootstrap).
        """
        _, high = super()._bounds(columns)
        gaps = self.gaps[:, columns] / columns.sum()
        found, chance = gaps[0], gaps[1:] - gaps[0]
        value, draws = np.abs(found).sum(), np.abs(gaps[1:]).sum(axis=(1, 2))
        most = float(ndtr(student(float(self.n_effective[columns].mean()))))
        least, part = 0.0, 1.0
        for _ in range(STEPS):
            middle = (least + part) / 2
            too_small = np.quantile(np.abs(middle * found + chance).sum(axis=(1, 2)), most) < value
            least, part = (middle, part) if too_small else (least, middle)
        return least * value, max(value, high - (draws.mean() - value))


def _calibration_error(truth: Labels, scores: Floats, resamples: Resamples, n_bins: int) -> Drawn:
    everything = np.ones((len(truth), 1), np.bool_)
    n_messages, n_effective = resamples.sums(everything), resamples.n_effective(everything)
    by_audience = []
    for i in range(truth.shape[1]):
        gaps = np.zeros((len(truth), n_bins))
        for number, part in enumerate(_bins(scores[:, i], n_bins)):
            gaps[part, number] = scores[part, i] - truth[part, i]
        by_audience.append(resamples.sums(gaps) / n_messages)
    whole = np.stack(by_audience, axis=1)
    rows = np.abs(whole).sum(axis=2)
    return DrawnGaps(rows[0], rows[1:], np.repeat(n_effective, truth.shape[1]), gaps=whole)


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
