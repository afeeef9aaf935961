"""How sure a figure is: test sets resampled by whole authors, and 95 % intervals from what a metric is on each of them.

Every metric is drawn on the same resamples, so any two of them differ in pairs. Not here: the metrics (metrics.py).
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

Labels = NDArray[np.bool_]
Floats = NDArray[np.float64]
TAIL = 0.025  # beyond either bound of a 95 % interval
ROUNDING = 1e-12
FEWEST = 3.0  # authors of one size; the intervals of fewer held the truth too seldom (docs/evaluation.md)


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
        squares = (sizes**2).sum(axis=0)
        return np.asarray(np.divide(sizes.sum(axis=0) ** 2, squares, out=np.zeros(len(squares)), where=squares > 0))

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


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval.

    Attributes:
        value: Of the messages as they are.
        low: Lower bound.
        high: Upper bound.
        n_effective: Authors of one size that would tell as much of it.
    """

    value: float
    low: float
    high: float
    n_effective: float


class Bounded(Protocol):
    """Anything with a value and, where it has them, bounds."""

    @property
    def value(self) -> float | None:
        """The figure."""
        ...

    @property
    def low(self) -> float | None:
        """Lower bound."""
        ...

    @property
    def high(self) -> float | None:
        """Upper bound."""
        ...


def shown(one: Bounded, form: str) -> str:
    """A figure as text, `0.813 [0.700, 0.900]` for `.3f`; without bounds the value alone, without a value a dash."""
    if one.value is None:
        return "–"
    if one.low is None or one.high is None:
        return f"{one.value:{form}}"
    return f"{one.value:{form}} [{one.low:{form}}, {one.high:{form}}]"


def interval(draws: Floats, value: Floats | float, n_effective: float) -> tuple[Floats, Floats]:
    """95 % interval over the first axis, without NaN: lower and upper bound.

    Percentiles of a few clusters of uneven size lie too close together. Each bound is the farther of two that allow for
    it by Student's t of so many clusters, which is wider than the normal distribution: the percentile that lies as far
    out, which cannot be beyond the draws, and the usual percentile moved away from the value in that proportion.

    Args:
        draws: Shape (n_rounds, ...), of a metric on each resample.
        value: The metric of the messages as they are, shape (...).
        n_effective: Clusters of one size, as many as would tell as much.

    Source: Hesterberg 2015, What Teachers Should Know About the Bootstrap, 5.3 (expanded percentiles); Carter,
    Schnepel and Steigerwald 2017 (t of the effective number of clusters).
    """
    t = student(n_effective)
    tail, wider = float(ndtr(-t)), -t / float(ndtri(TAIL))
    least, low, high, most = np.nanquantile(draws, [tail, TAIL, 1 - TAIL, 1 - tail], axis=0)
    low = np.minimum(least, value - wider * np.maximum(value - low, 0))
    return low, np.maximum(most, value + wider * np.maximum(high - value, 0))


def student(n_effective: float) -> float:
    """How many standard errors of a bootstrap over so many clusters a 95 % interval reaches to either side; 1.96 of many."""
    n = max(n_effective, 1.01)  # of one cluster it would be infinite
    return -float(stdtrit(n - 1, TAIL)) * math.sqrt(n / (n - 1))


@dataclass(frozen=True)
class Drawn:
    """A metric of the messages as they are, and of each resample.

    Attributes:
        values: Shape (n_columns,), one an audience; exact match and the like have one column. 1 at most.
        draws: Shape (n_rounds, n_columns); row for row of the same messages wherever the Resamples are the same.
        n_effective: Of the messages that the metric is a share of, shape (n_columns,).
        least: What the metric cannot be below: 0.0, of a difference -1.0.
    """

    values: Floats
    draws: Floats
    n_effective: Floats
    least: float = 0.0

    def less(self, other: "Drawn") -> "Drawn":
        """The paired difference."""
        n_effective = np.minimum(self.n_effective, other.n_effective)
        return Drawn(self.values - other.values, self.draws - other.draws, n_effective, -1.0)

    def estimate(self, columns: Labels) -> Estimate:
        """The mean over some columns (a mask), with its interval; of too few authors that is all that the metric can be."""
        value, n_effective = float(self.values[columns].mean()), float(self.n_effective[columns].mean())
        if n_effective < FEWEST:
            return Estimate(value, self.least, 1.0, n_effective)
        low, high = self._bounds(columns)
        unseen = float(np.sqrt((self._unseen(columns) ** 2).sum()) / columns.sum())
        low, high = value - math.hypot(value - low, unseen), value + math.hypot(high - value, unseen)
        return Estimate(value, max(low, self.least), min(high, 1.0), n_effective)

    def _bounds(self, columns: Labels) -> tuple[float, float]:
        """On either side of the mean over some columns, as the resamples have it."""
        value, n_effective = float(self.values[columns].mean()), float(self.n_effective[columns].mean())
        low, high = interval(self.draws[:, columns].mean(axis=1), value, n_effective)
        return float(low), float(high)

    def _unseen(self, columns: Labels) -> Floats:
        """How far off each of some columns may be of which no resample differs (all right, none right), else 0.0.

        It is the bound of as many independent authors, all of one kind. Two models that are level in every resample
        choose the same, and differ by nothing. Margins of several columns are added in quadrature.

        Source: Clopper and Pearson 1934; Zou and Donner 2008 (intervals of sums from those of their parts).
        """
        draws, margins = self.draws[:, columns], 1 - TAIL ** (1 / np.maximum(self.n_effective[columns], 1))
        same = np.nanmax(draws, axis=0) - np.nanmin(draws, axis=0) < ROUNDING
        level = (np.abs(self.values[columns]) < ROUNDING) & (self.least < 0)
        return np.where(same & ~level, margins, 0.0)
