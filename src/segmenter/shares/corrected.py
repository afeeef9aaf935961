"""Shares of an audience in many cells at once, corrected within language, with intervals. No labels of the corpus needed.

Assumed: among the messages of a language with the audience, and among those without, scores are distributed as in the
calibration messages, but for the authors (label shift). Whether a corpus speaks against it, shift.py asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmenter.intervals import TAIL
from segmenter.shares.ground import Ground, Mixed, ShareSettings, estimable, mixed

Floats = NDArray[np.float64]
N_GRID = 192  # shares that are tried, even in arcsine of the root: as dense as 8,000 messages can tell apart
MOST_MESSAGES = 8000.0  # a cell with more is as sure of its share as one of these; authors matter more by then
FIT_MESSAGES = 30.0  # by so many a cell chooses among distributions; by more it would follow its authors too closely


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

    Source: Bayesian quantification (Ziegler and Czyż 2024) on a grid, the distributions drawn by author and learned from
        the cell as by FIT_MESSAGES only (tempered likelihood: Bissiri, Holmes and Walker 2016).
    """
    why_not = estimable(ground, list(languages), settings)
    total = np.zeros((1 + settings.share_draws, len(counts)))
    n_estimable = counts.sum(axis=2) * np.array([not why_not[code] for code in languages], np.int64)
    for place, code in enumerate(languages):
        cells = np.flatnonzero(n_estimable[:, place])
        if len(cells):
            draw = np.random.default_rng([seed, place])
            found = mixed(ground, code, settings, draw)
            total[:, cells] += _carrying(found.merged(counts[cells, place]), found, draw)
    n = n_estimable.sum(axis=1)
    shares = np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)
    low, high = np.quantile(shares[1:], [TAIL, 1 - TAIL], axis=0)
    return Shares(np.clip(shares[0], low, high), low, high, n)


def _carrying(counts: Floats, found: Mixed, draw: np.random.Generator) -> Floats:
    """How many messages of each cell carry the audience: expected first, then once a draw, shape (1 + n_draws, n_cells).

    Args:
        counts: Messages by cell and bin, shape (n_cells, n_bins).
        found: The distributions.
        draw: For the share in each row, for the messages given that share, and for which rows count.
    """
    grid = np.sin(np.pi / 2 * (np.arange(N_GRID) + 0.5) / N_GRID) ** 2  # even weights on it are Jeffreys' prior
    n = counts.sum(axis=1)
    told = (counts * np.minimum(1, MOST_MESSAGES / n)[:, None]).astype(np.float32)  # half the time, and sure enough
    rows, fit = np.empty((2, len(found.prior), len(counts)))
    for number, (with_it, without) in enumerate(zip(found.with_it, found.without, strict=True)):
        mixture = np.outer(with_it, grid) + np.outer(without, 1 - grid)
        posterior = told @ np.log(mixture).astype(np.float32)
        best = posterior.max(axis=1, keepdims=True)
        fit[number] = best[:, 0] * np.minimum(1, FIT_MESSAGES / told.sum(axis=1)) + found.prior[number]
        np.exp(posterior - best, out=posterior)
        true = np.outer(with_it, grid) / mixture  # chance that a message of the bin carries it, at each share
        if number < found.n_scales:
            rows[number] = (posterior * (counts @ true)).sum(axis=1) / posterior.sum(axis=1)
            continue
        upto = posterior.cumsum(axis=1)
        wanted = draw.random((len(counts), 1), np.float32) * upto[:, -1:]
        place = np.count_nonzero(upto < wanted, axis=1)
        chance = true.T[np.minimum(place, N_GRID - 1)]
        mean, variance = (counts * chance).sum(axis=1), (counts * chance * (1 - chance)).sum(axis=1)
        rows[number] = np.clip(mean + np.sqrt(variance) * draw.standard_normal(len(counts)), 0, n)
    scales, draws = slice(found.n_scales), slice(found.n_scales, None)
    expected = (_weighed(fit[scales]) * rows[scales]).sum(axis=0)
    return np.vstack([expected, _redrawn(rows[draws], _weighed(fit[draws]), draw)])


def _weighed(fit: Floats) -> Floats:
    """Weights of rows that add up to 1 in each cell, from their logarithms."""
    weights = np.exp(fit - fit.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0))


def _redrawn(rows: Floats, weights: Floats, draw: np.random.Generator) -> Floats:
    """As many rows by their weights, cell by cell (systematic resampling: Kitagawa 1996), so that all count alike."""
    upto = weights.cumsum(axis=0)
    wanted = (np.arange(len(rows)) + draw.random((rows.shape[1], 1))) / len(rows)
    for cell in range(rows.shape[1]):
        place = np.searchsorted(upto[:, cell], wanted[cell] * upto[-1, cell])
        rows[:, cell] = rows[np.minimum(place, len(rows) - 1), cell]
    return rows
