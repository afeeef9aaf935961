"""Invented messages whose authors differ: the worlds that intervals and the gate are tried out in. No text, labels only.

An author leans to some audiences more than to others, and a model errs alike on messages of one author; so messages of
one author tell less than as many of several. Scores are calibrated over all messages, or too sure of themselves by a factor.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Labels = NDArray[np.bool_]
Floats = NDArray[np.float64]
Sizes = Literal["zipf", "log-normal"]
ZIPF_EXPONENT = 1.0  # the largest of 30 authors wrote a quarter of all messages
SIGMA = (
    1.2  # log-normal: the gate split of training/recipes/audience.yaml has 24 effective of 108 authors, exp(-SIGMA**2)
)
LEANING = 1.5  # standard deviation, over authors, of an audience's log-odds
AUTHOR_SPREAD, MESSAGE_SPREAD = 1.0, 1.2  # standard deviations of what moves a model's evidence beside the truth
LEAST_SCORE = 0.35  # threshold: near half the best F1 that these models reach. Source: Lipton et al. 2014
CERTAIN = (0.2, 0.6)  # a message with a score in between is uncertain


@dataclass(frozen=True)
class World:
    """What the messages are like.

    Attributes:
        shares: Of messages, one an audience; audiences are independent.
        sizes: How uneven authors are.
        evidence: How far either label is from the middle, in the units of AUTHOR_SPREAD.
        alike: Share of two models' error variance that is common to both.
        sureness: What log-odds of calibrated scores are multiplied by, one an audience.
    """

    shares: tuple[float, ...]
    sizes: Sizes
    evidence: float
    alike: float
    sureness: tuple[float, ...]


@dataclass(frozen=True)
class Seen:
    """Messages as one model sees them; labels and scores have shape (n_messages, n_audiences)."""

    truth: Labels
    scores: Floats
    clusters: NDArray[np.int64]

    @property
    def chosen(self) -> Labels:
        """At or above the threshold."""
        return np.asarray(self.scores >= LEAST_SCORE)

    @property
    def certain(self) -> Labels:
        """Messages without an audience whose score is in the uncertain band, shape (n_messages,)."""
        return np.asarray(((self.scores <= CERTAIN[0]) | (self.scores >= CERTAIN[1])).all(axis=1))


def author_sizes(sizes: Sizes, n_messages: int, n_authors: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """How many messages each author wrote, one at least; `n_messages` in all but for rounding."""
    ranks = np.arange(1, n_authors + 1)
    shares = ranks**-ZIPF_EXPONENT if sizes == "zipf" else draw.lognormal(0.0, SIGMA, n_authors)
    return np.asarray(np.maximum(1, np.round(n_messages * shares / shares.sum())), np.int64)


def see(world: World, sizes: NDArray[np.int64], draw: np.random.Generator) -> Seen:
    """New messages by new authors, as one model sees them."""
    return see_twice(world, world.evidence, sizes, draw)[0]


def see_twice(world: World, evidence: float, sizes: NDArray[np.int64], draw: np.random.Generator) -> tuple[Seen, Seen]:
    """The same new messages as two models see them: that of the world, and one of another `evidence`."""
    clusters = np.repeat(np.arange(len(sizes)), sizes)
    shares = np.array(world.shares)
    centre = logit(shares) * np.sqrt(1 + LEANING**2 / 1.7**2)  # so that the mean over authors is about the share
    leaning = centre + draw.normal(0, LEANING, (len(sizes), len(shares)))
    truth = draw.random((len(clusters), len(shares))) < expit(leaning)[clusters]
    common, first, second = (_errors(clusters, len(shares), draw) for _ in range(3))
    seen = []
    for own, strength in ((first, world.evidence), (second, evidence)):
        moved = strength * np.where(truth, 1, -1) + np.sqrt(world.alike) * common + np.sqrt(1 - world.alike) * own
        log_odds = logit(shares) + 2 * strength * moved / (AUTHOR_SPREAD**2 + MESSAGE_SPREAD**2)
        seen.append(Seen(truth, expit(np.array(world.sureness) * log_odds), clusters))
    return seen[0], seen[1]


def _errors(clusters: NDArray[np.int64], n_audiences: int, draw: np.random.Generator) -> Floats:
    by_author = draw.normal(0, AUTHOR_SPREAD, (int(clusters.max()) + 1, n_audiences))
    return by_author[clusters] + draw.normal(0, MESSAGE_SPREAD, (len(clusters), n_audiences))
