"""Whole weeks around an event, and how much they differ by chance. Not here: the window itself (windows.py).

A week is a block: weekdays, and what lasts some days, stay together in it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
WEEK = 7  # days
WEEKS_A_SIDE = 4  # times those of a window: with fewer, false findings went further beyond 5 % (docs/summaries.md)
LEAST_SPREAD = 1e-12
HALF_A_MESSAGE = 0.5  # added to the chosen of each week, whose logarithm needs more than none


@dataclass(frozen=True)
class Weeks:
    """Log rates of whole weeks around an event.

    Attributes:
        before: Up to the event, shape (n_weeks,).
        after: From its day on.
        n_side: Whole weeks on each side of the window.
    """

    before: Floats
    after: Floats
    n_side: int

    @property
    def n_needed(self) -> int:
        """On each side, for a p-value."""
        return WEEKS_A_SIDE * max(self.n_side, 1)

    @property
    def is_enough(self) -> bool:
        """For a p-value."""
        return self.n_side > 0 and min(len(self.before), len(self.after)) >= self.n_needed

    def seen(self) -> float:
        """Change of the mean log rate."""
        return float(self.after[: self.n_side].mean() - self.before[-self.n_side :].mean())

    def changes(self, draw: np.random.Generator, n_draws: int) -> Floats:
        """Changes between weeks in random order, each less the mean of its side, shape (n_draws,).

        A lasting change is so no part of what chance is taken to be (Freedman and Lane 1983). Where weeks that follow each
        other are alike or drift, neighbouring windows differ by more than permuted ones: then all are drawn out to that.
        """
        rest = np.concatenate([_residuals(self.before), _residuals(self.after)])
        n = self.n_side
        order = np.argsort(draw.random((n_draws, len(rest))), axis=1)[:, : 2 * n]
        drawn = rest[order[:, n:]].mean(axis=1) - rest[order[:, :n]].mean(axis=1)
        sums = np.convolve(rest, np.ones(n) / n, mode="valid")
        neighbours = sums[n:] - sums[:-n]
        lasting = math.sqrt((neighbours**2).mean() / max(float(drawn.var()), LEAST_SPREAD))
        return np.asarray(drawn * max(1.0, lasting))


def weeks_around(totals: Ints, counts: Ints, day: int, window_days: int) -> Weeks:
    """Whole weeks before a day and from it on; one without messages has the rate of all weeks together.

    Args:
        totals: Messages by day, shape (n_days,).
        counts: Those chosen for an audience, same shape.
        day: Of the event, from 0.
        window_days: Of one side of the window.
    """
    n_before, n_after = max(0, day // WEEK), max(0, (len(totals) - day) // WEEK)
    first = day - n_before * WEEK
    weeks = slice(first, first + (n_before + n_after) * WEEK)
    chosen, messages = (part[weeks].reshape(-1, WEEK).sum(axis=1) for part in (counts, totals))
    usual = max(int(chosen.sum()), HALF_A_MESSAGE) / max(int(messages.sum()), 1)
    rates = np.log((chosen + HALF_A_MESSAGE) / (messages + HALF_A_MESSAGE / usual))
    return Weeks(rates[:n_before], rates[n_before:], window_days // WEEK)


def _residuals(rates: Floats) -> Floats:
    """What is left of weekly rates on one side of an event, as large as before their mean was taken away, and a little more."""
    n = len(rates)
    return np.asarray((rates - rates.mean()) * math.sqrt(n / (n - 2)))
