"""Shares of an audience in many cells at once, corrected within language, with intervals. No labels of the corpus needed.

Assumed: among the messages of a language with the audience, and among those without, scores are distributed as in the
calibration messages, but for the authors (label shift). Whether a corpus speaks against it, shift.py asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmenter.shares.ground import Ground, Mixed, ShareSettings, estimable, mixed

Floats = NDArray[np.float64]
N_GRID = 192  # shares that are tried, even in arcsine of the root: as dense as 8,000 messages can tell apart
MOST_MESSAGES = 8000.0  # a cell with more is as sure of its share as one of these; authors matter more by then


@dataclass(frozen=True)
class Shares:
    """Corrected shares of one audience, a cell a place, shape (n_cells,); NaN where no message can be estimated.

    Attributes:
        value: Of the messages in languages in which the audience can be estimated.
        low: End of the 95 % interval, as `high`.
        n_estimable: Those messages.
    """

    value: Floats
    low: Floats
    high: Floats
    n_estimable: NDArray[np.int64]


def corrected(
    counts: NDArray[np.int64], languages: Sequence[str], ground: Ground, settings: ShareSettings, seed: int
) -> Shares:
    """Shares by cell: those of its languages, weighed by their messages.

    Args:
        counts: Messages by cell, language and bin of score (bins.py), shape (n_cells, n_languages, N_BINS).
        languages: Codes in the order of the second axis.
        ground: Of this audience.
        settings: Least messages, bins, draws.
        seed: Of the draws.

    Source: Bayesian quantification (Ziegler and Czyż 2024) on a grid, with the distributions drawn by author and not
        learned from the corpus (cut inference: Plummer 2015); quantity of the messages at hand, not of their source.
    """
    why_not = estimable(ground, list(languages), settings)
    total = np.zeros((1 + settings.share_draws, len(counts)))
    n_estimable = counts.sum(axis=2) * np.array([not why_not[code] for code in languages], np.int64)
    for place, code in enumerate(languages):
        cells = np.flatnonzero(n_estimable[:, place])
        if len(cells):
            draw = np.random.default_rng([seed, place])
            found = mixed(ground, code, settings, draw)
            total[:, cells] += _drawn(found.merged(counts[cells, place]), found, draw)
    n = n_estimable.sum(axis=1)
    shares = np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)
    low, high = np.quantile(shares[1:], [0.025, 0.975], axis=0)
    value = np.clip(shares[0], low, high)
    return Shares(value, low, high, n)


def _drawn(counts: Floats, found: Mixed, draw: np.random.Generator) -> Floats:
    """How many messages of each cell carry the audience: expected first, then once a draw, shape (1 + n_draws, n_cells).

    Args:
        counts: Messages by cell and bin, shape (n_cells, n_bins).
        found: The distributions and their draws.
        draw: For the share in each draw, and for the messages given that share.
    """
    grid = np.sin(np.pi / 2 * (np.arange(N_GRID) + 0.5) / N_GRID) ** 2  # even weights on it are Jeffreys' prior
    n = counts.sum(axis=1)
    told = counts * np.minimum(1, MOST_MESSAGES / n)[:, None]
    rows = np.empty((len(found.with_it), len(counts)))
    for number, (with_it, without) in enumerate(zip(found.with_it, found.without, strict=True)):
        mixture = np.outer(with_it, grid) + np.outer(without, 1 - grid)
        posterior = told @ np.log(mixture)
        posterior -= posterior.max(axis=1, keepdims=True)
        np.exp(posterior, out=posterior)
        true = np.outer(with_it, grid) / mixture  # chance that a message of the bin carries it, at each share
        if number == 0:
            expected = counts @ true
            rows[0] = (posterior * expected).sum(axis=1) / posterior.sum(axis=1)
            continue
        upto = posterior.cumsum(axis=1)
        place = (upto < draw.random((len(counts), 1)) * upto[:, -1:]).sum(axis=1)
        chance = true.T[np.minimum(place, N_GRID - 1)]
        mean, variance = (counts * chance).sum(axis=1), (counts * chance * (1 - chance)).sum(axis=1)
        rows[number] = np.clip(mean + np.sqrt(variance) * draw.standard_normal(len(counts)), 0, n)
    return rows
