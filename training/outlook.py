"""What more labels would give: inverse power laws through the points of a learning curve, with an interval.

Every exponent of a grid is fitted by least squares and counts by how well it fits, so no single extrapolation is
trusted. Not here: the points (learning.py).

Source: Figueroa et al. 2012, Predicting sample size required for classification performance (the inverse power law).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EXPONENTS = np.geomspace(0.05, 2.0, 40)  # from nearly logarithmic growth to a curve that is flat at once


@dataclass(frozen=True)
class Points:
    """A learning curve's points.

    Attributes:
        n_messages: Training labels of each, shape (n_points,).
        f1: Macro-F1 on dev, likewise.
        resampled: The same on resampled dev sets, the points in pairs, shape (n_rounds, n_points).
    """

    n_messages: Floats
    f1: Floats
    resampled: Floats


@dataclass(frozen=True)
class Outlook:
    """What `more_messages` beyond `n_messages` would add to macro-F1: an estimate and a 95 % interval."""

    n_messages: int
    more_messages: int
    f1: float
    gain: float
    low: float
    high: float

    @property
    def sentence(self) -> str:
        """For a console: the estimate where the interval excludes zero, else that it cannot be told."""
        where = f"macro-F1 on dev {self.f1:.3f} at {self.n_messages:,} labels; {self.more_messages:,} more like them"
        between = f"between {self.low:+.3f} and {self.high:+.3f}"
        if self.low <= 0 <= self.high:
            return f"{where}: these points cannot tell, {between} (95 %)"
        return f"{where} would give about {self.gain:+.3f}, {between} (95 %)"


def outlook(points: Points, more_messages: int, seed: int) -> Outlook:
    """What more labels would give, counted from the largest part.

    The interval covers which parts and seeds were drawn (the points' scatter), which messages dev has, and the exponent.
    """
    now = points.n_messages.max()
    at = np.array([now, now + more_messages])
    here, there = fitted(points, at)
    drawn = drawn_curves(points, at, seed)
    low, high = np.percentile(drawn[:, 1] - drawn[:, 0], [2.5, 97.5])
    return Outlook(int(now), more_messages, float(here), float(there - here), float(low), float(high))


def fitted(points: Points, at: Floats) -> Floats:
    """The curve at some numbers of labels: the mean over exponents, each by its weight."""
    fit = _Fit(points.n_messages, points.f1[None])
    curves = fit.mean[:, None] + fit.slopes[0][:, None] * fit.features(at)  # one line an exponent
    return np.asarray(fit.weights[0] @ curves)


def drawn_curves(points: Points, at: Floats, seed: int) -> Floats:
    """One curve for each resampled dev set, drawn from those its points allow; shape (n_rounds, len(at)).

    Given an exponent, the textbook draw of a straight line: variance, then level and slope (flat priors).
    """
    generator = np.random.default_rng(seed)
    fit = _Fit(points.n_messages, points.resampled)
    n_rounds, n_points = points.resampled.shape
    picked = (fit.weights.cumsum(axis=1) < generator.random((n_rounds, 1))).sum(axis=1).clip(max=len(EXPONENTS) - 1)
    rounds = np.arange(n_rounds)
    deviation = np.sqrt(fit.residuals[rounds, picked] / generator.chisquare(n_points - 2, n_rounds))
    level, slope = generator.standard_normal((2, n_rounds)) * deviation / np.sqrt(n_points)
    slopes = fit.slopes[rounds, picked] + slope
    return np.asarray((fit.mean + level)[:, None] + slopes[:, None] * fit.features(at)[picked])


class _Fit:
    """Rows of F1 on standardised -n ** -c, for every exponent c; weights are the exponents' share of the evidence."""

    def __init__(self, n_messages: Floats, f1: Floats) -> None:
        self.scale = n_messages.max()
        raw = self._raw(n_messages)
        self.centre, self.spread = raw.mean(axis=1, keepdims=True), raw.std(axis=1, keepdims=True)
        features = self.features(n_messages)  # mean 0 and mean square 1 over the points
        n_points = len(n_messages)
        self.mean = f1.mean(axis=1)
        self.slopes = f1 @ features.T / n_points
        left = f1[:, None] - self.mean[:, None, None] - self.slopes[..., None] * features
        self.residuals = np.maximum((left**2).sum(axis=2), 1e-12)  # (n_rows, n_exponents)
        evidence = -(n_points - 2) / 2 * np.log(self.residuals)
        weights = np.exp(evidence - evidence.max(axis=1, keepdims=True))
        self.weights = weights / weights.sum(axis=1, keepdims=True)

    def _raw(self, n_messages: Floats) -> Floats:
        return np.asarray(-((n_messages / self.scale) ** -EXPONENTS[:, None]))

    def features(self, n_messages: Floats) -> Floats:
        """Shape (n_exponents, len(n_messages))."""
        return np.asarray((self._raw(n_messages) - self.centre) / self.spread)
