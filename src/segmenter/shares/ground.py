"""What shares are corrected by: messages whose labels are known, each scored by a model that had not seen its author.

Per audience and language: is there enough of them, and how are their scores distributed, with the audience and without?
How sure that is depends on authors: distributions are drawn anew with authors of other weight. Not here: the correction.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from segmenter.calibration import log_odds
from segmenter.intervals import TAIL, student
from segmenter.shares.bins import EDGES, N_BINS

Floats = NDArray[np.float64]
PSEUDO_MESSAGES = 1.0  # of either kind, spread over the bins like all messages of the language: no bin is impossible
ALIKE = 0.05  # correlation of an author's messages of one kind: the more of them, the less each tells. Measured: docs
OTHERS_SPREAD = 1.5  # in log-odds, of how much more or less often a corpus has each of the other audiences
TINY = 1e-9  # a gamma weight may be 0 in floating point, of all authors of a set at once
STRETCH, MOVE = 0.15, 0.3  # standard deviations of the logarithm of the sealed model's stretch, and of its move
STEPS = (0, -2, -1, 1, 2)  # standard deviations that are tried of either
BOTH = 2.0  # the authors at hand are one draw, those of the corpus another: twice the variance of either


class ShareSettings(Protocol):
    """What of the `summary` section estimates of shares go by."""

    @property
    def calibration_messages_at_least(self) -> int:
        """With an audience, and as many without, in a language, for an estimate there."""
        ...

    @property
    def share_bins(self) -> int:
        """Bins of scores, each with about as many of the calibration messages, classes weighed alike."""
        ...

    @property
    def share_draws(self) -> int:
        """Draws of other authors that an interval is made of."""
        ...

    @property
    def sampled_exact_below(self) -> float:
        """A labelled sample with a smaller share of an audience is read by itself, exactly."""
        ...

    @property
    def shift_p_below(self) -> float:
        """The p-value under which a corpus is called unlike the calibration messages."""
        ...


@dataclass(frozen=True)
class Ground:
    """Calibration messages of one audience.

    Attributes:
        scores: Calibrated, out of fold, shape (n_messages,).
        truth: Whether each is labelled with the audience, same shape.
        languages: Of each, same shape.
        clusters: Same shape; equal for messages that share an author or a text.
        others: Same shape; equal for messages with the same other audiences.
    """

    scores: NDArray[np.float32]
    truth: NDArray[np.bool_]
    languages: NDArray[np.str_]
    clusters: NDArray[np.int64]
    others: NDArray[np.int64]


@dataclass(frozen=True)
class Mixed:
    """How scores of one audience are distributed in one language: as calibrated, on another scale, with other authors.

    Attributes:
        bins: The bin here of each of the N_BINS fixed ones, shape (N_BINS,), rising from 0.
        with_it: Share of the audience's messages in each bin, shape (n_rows, n_bins): as calibrated in row 0, on other
            scales in the other rows up to `n_scales`, then on any scale with other authors.
        without: The same of the other messages.
        prior: How likely the scale of each row is, as a logarithm, shape (n_rows,); 0.0 of drawn ones.
        n_scales: Rows with the authors at hand.
    """

    bins: NDArray[np.int64]
    with_it: Floats
    without: Floats
    prior: Floats
    n_scales: int

    def merged(self, counts: NDArray[np.int64]) -> Floats:
        """Counts in fixed bins, shape (n_cells, N_BINS), as counts in these, shape (n_cells, n_bins)."""
        starts = np.searchsorted(self.bins, np.arange(self.bins[-1] + 1))
        return np.add.reduceat(counts, starts, axis=1).astype(np.float64)


def estimable(ground: Ground, languages: list[str], settings: ShareSettings) -> dict[str, str]:
    """Why the audience's share cannot be estimated in each language, empty where it can.

    The number of authors behind the messages is no condition: it widens the interval.
    """
    found = {}
    for code in languages:
        truth = ground.truth[ground.languages == code]
        n_with, n_least = int(truth.sum()), settings.calibration_messages_at_least
        lacking = [
            f"{n} calibration messages {kind} it, {n_least} needed"
            for n, kind in ((n_with, "with"), (len(truth) - n_with, "without"))
            if n < n_least
        ]
        found[code] = "; ".join(lacking)
    return found


def grounds(
    audience_ids: list[str],
    *,
    scores: NDArray[np.float32],
    truth: NDArray[np.bool_],
    languages: NDArray[np.str_],
    clusters: NDArray[np.int64],
) -> dict[str, Ground]:
    """The ground of each audience; scores and truth have shape (n_messages, n_audiences), the others (n_messages,)."""
    found = {}
    for column, audience in enumerate(audience_ids):
        _, others = np.unique(np.delete(truth, column, axis=1), axis=0, return_inverse=True)
        found[audience] = Ground(scores[:, column], truth[:, column], languages, clusters, others)
    return found


def mixed(ground: Ground, language: str, settings: ShareSettings, draw: np.random.Generator) -> Mixed:
    """The distributions of one language's calibration messages, and what they might be in a corpus.

    The sealed model's scores are not on quite the scale of the fold models' (docs/summaries.md), so each row stretches and
    moves log-odds by its own amounts.
    """
    here = np.flatnonzero(ground.languages == language)
    truth, odds = ground.truth[here], log_odds(ground.scores[here].astype(np.float64))
    bins = _merging(np.searchsorted(EDGES, odds, side="right"), truth, settings.share_bins)
    steps = np.array([(0, 0), *((i, j) for i in STEPS for j in STEPS if i or j)], np.float64)
    drawn = draw.standard_normal((settings.share_draws, 2))
    weights = np.empty((len(steps) + settings.share_draws, len(here)))
    for kind in (True, False):
        for other in np.unique(ground.others[here]):
            own = (truth == kind) & (ground.others[here] == other)
            if own.any():
                weights[:, own] = _weights(ground.clusters[here[own]], settings.share_draws, len(steps), draw)
    rows = np.empty((2, len(weights), int(bins[-1]) + 1))
    for number, (stretch, move) in enumerate(np.vstack([steps, drawn])):
        moved = np.exp(STRETCH * stretch) * odds + MOVE * move
        found = bins[np.searchsorted(EDGES, moved, side="right")]
        for row, part in ((0, ~truth), (1, truth)):
            rows[row, number] = np.bincount(found, weights[number] * part, minlength=rows.shape[2])
    both = rows[:, 0].sum(axis=0)
    rows += PSEUDO_MESSAGES * (both + 1) / (both.sum() + len(both))
    without, with_it = rows / rows.sum(axis=2, keepdims=True)
    prior = np.append(-(steps**2).sum(axis=1) / 2, np.zeros(settings.share_draws))
    return Mixed(bins, with_it, without, prior, len(steps))


def _weights(clusters: NDArray[np.int64], n_draws: int, n_scales: int, draw: np.random.Generator) -> Floats:
    """Weights of messages with the same audiences, shape (n_scales + n_draws, n_messages); the first rows are alike.

    Messages of one author count as what they are worth together. A draw gives each author a gamma weight. Its variance is
    the bootstrap's (Rubin 1981) twice over, as the authors of a corpus are a draw too, wider for few authors of one size as
    Student's t is wider than the normal distribution. And it gives all of these messages a log-normal weight.
    """
    _, cluster, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    told = sizes / (1 + ALIKE * (sizes - 1))
    wider = BOTH * (student(told.sum() ** 2 / (told**2).sum()) / -float(ndtri(TAIL))) ** 2  # Kish 1965, 11.7
    drawn = told * (draw.gamma(1 / wider, wider, (n_draws, len(sizes))) + TINY)
    mixes = np.exp(draw.normal(0, OTHERS_SPREAD, (n_draws, 1)))
    drawn *= mixes * told.sum() / drawn.sum(axis=1, keepdims=True)
    return np.asarray(np.vstack([np.tile(told, (n_scales, 1)), drawn])[:, cluster] / sizes[cluster])


def _merging(fixed: NDArray[np.int64], truth: NDArray[np.bool_], n_bins: int) -> NDArray[np.int64]:
    """Neighbouring fixed bins taken together until each has about its part of the messages, classes weighed alike."""
    both = [
        np.bincount(fixed[truth == kind], minlength=N_BINS) / max((truth == kind).sum(), 1) for kind in (True, False)
    ]
    before = np.append(0, np.cumsum(both[0] + both[1])[:-1]) / 2
    wanted = np.minimum((before * n_bins).astype(np.int64), n_bins - 1)
    return np.asarray(np.unique(wanted, return_inverse=True)[1], np.int64)
