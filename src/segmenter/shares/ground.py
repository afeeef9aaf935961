"""What shares are corrected by: messages whose labels are known, each scored by a model that had not seen its author.

Per audience and language: is there enough of them, and how are their scores distributed, with the audience and without?
How sure that is depends on authors: distributions are drawn anew with authors of other weight. Not here: the correction.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from segmenter.intervals import TAIL, student
from segmenter.shares.bins import N_BINS, bin_of

Floats = NDArray[np.float64]
PSEUDO_MESSAGES = 1.0  # of either kind, spread over the bins like all messages of the language: no bin is impossible
ALIKE = 0.05  # correlation of an author's messages of one kind: the more of them, the less each tells. Measured: docs
OTHERS_SPREAD = (
    1.5  # in log-odds: a corpus has the other audiences in other shares, up to seven times as often or seldom
)
TINY = 1e-9  # a gamma weight may be 0 in floating point, of all authors of a set at once
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
    """How scores of one audience are distributed in one language.

    Attributes:
        bins: The bin here of each of the N_BINS fixed ones, shape (N_BINS,), rising from 0.
        with_it: Share of the audience's messages in each bin, a draw of authors a row, the authors at hand first, shape
            (1 + n_draws, n_bins).
        without: The same of the other messages, on the same draws.
    """

    bins: NDArray[np.int64]
    with_it: Floats
    without: Floats

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

    A draw gives each author a gamma weight. Its variance is the bootstrap's (Rubin 1981) twice over, as the authors of a
    corpus are a draw too, wider for few authors of one size as Student's t is wider than the normal distribution. And it
    gives each set of other audiences a log-normal weight.
    """
    here = ground.languages == language
    fixed = bin_of(ground.scores[here]).astype(np.int64)
    bins = _merging(fixed, ground.truth[here], settings.share_bins)
    _, cluster = np.unique(ground.clusters[here], return_inverse=True)
    counts = np.zeros((2, int(ground.others.max()) + 1, int(cluster.max()) + 1, int(bins[-1]) + 1))
    kinds = ground.truth[here].astype(np.int64), ground.others[here]
    np.add.at(counts, (*kinds, cluster, bins[fixed]), 1)
    rows = [np.sum([_drawn(part, settings.share_draws, draw) for part in counts[kind]], axis=0) for kind in (1, 0)]
    both = rows[0][0] + rows[1][0]
    pseudo = PSEUDO_MESSAGES * (both + 1) / (both.sum() + len(both))
    with_it, without = ((part + pseudo) / (part + pseudo).sum(axis=1, keepdims=True) for part in rows)
    return Mixed(bins, with_it, without)


def _merging(fixed: NDArray[np.int64], truth: NDArray[np.bool_], n_bins: int) -> NDArray[np.int64]:
    """Neighbouring fixed bins taken together until each has about its part of the messages, classes weighed alike."""
    both = [
        np.bincount(fixed[truth == kind], minlength=N_BINS) / max((truth == kind).sum(), 1) for kind in (True, False)
    ]
    before = np.append(0, np.cumsum(both[0] + both[1])[:-1]) / 2
    wanted = np.minimum((before * n_bins).astype(np.int64), n_bins - 1)
    return np.asarray(np.unique(wanted, return_inverse=True)[1], np.int64)


def _drawn(counts: Floats, n_draws: int, draw: np.random.Generator) -> Floats:
    """Weight by bin of messages with the same audiences: as they are first, then once a draw; shape (1 + n_draws, n_bins).

    Args:
        counts: Messages by author and bin, shape (n_clusters, n_bins).
        n_draws: How many draws.
        draw: Of authors' weights, and of the weight of all of them.
    """
    sizes = counts.sum(axis=1)
    counts, sizes = counts[sizes > 0], sizes[sizes > 0]
    if not len(sizes):
        return np.zeros((1 + n_draws, counts.shape[1]))
    told = sizes / (1 + ALIKE * (sizes - 1))  # messages of an author as what they are worth
    counts = counts * (told / sizes)[:, None]
    wider = BOTH * (student(told.sum() ** 2 / (told**2).sum()) / -float(ndtri(TAIL))) ** 2  # Kish 1965, 11.7
    rows = draw.gamma(1 / wider, wider, (n_draws, len(sizes))) @ counts + TINY
    mixes = np.exp(draw.normal(0, OTHERS_SPREAD, (n_draws, 1)))
    rows *= mixes * counts.sum() / rows.sum(axis=1, keepdims=True)
    return np.asarray(np.vstack([counts.sum(axis=0), rows]))
