"""Calibration messages and corpora with no author in common; a corpus has the audiences and languages that it is given.

A corpus is drawn anew from the messages of its side, by language and set of audiences, so label shift holds but for the
authors, and but for one thing that correction does not know: what else the messages without the audience are.
"""

import numpy as np
from numpy.typing import NDArray

from eval.shares_bench.labelled import Labelled

LANGUAGE_SPREAD = 8.0  # Dirichlet: a language with 40 % of the messages gets 11 to 74 % of a corpus, mostly
LEAST, MOST = 0.02, 0.70  # share of the audience in focus, within each language where it can be had
FEWEST = 30  # different messages of a kind on a side, for it to be drawn more often than it comes


def cut(whole: Labelled, draw: np.random.Generator) -> tuple[Labelled, Labelled]:
    """Two halves of the authors: calibration messages, and those that corpora are drawn from."""
    numbers, cluster = np.unique(whole.clusters, return_inverse=True)
    first = draw.random(len(numbers))[cluster] < 0.5
    return whole.part(first), whole.part(~first)


def corpus(side: Labelled, n_messages: int, focus: int, draw: np.random.Generator) -> NDArray[np.int64]:
    """Places in a side of a corpus's messages; its mix of languages is drawn, and the share of the audience in focus.

    That share is drawn evenly from LEAST to MOST and alike in each language, but for odds that differ by a factor of e to
    the 0.5; where a side has too few messages with the audience or without it, they come as they are. The sets of
    audiences of the other messages are mixed anew too.
    """
    codes, n_of = np.unique(side.languages, return_counts=True)
    codes = codes[n_of >= FEWEST]
    usual = n_of[n_of >= FEWEST]
    n_by_code = draw.multinomial(n_messages, draw.dirichlet(LANGUAGE_SPREAD * usual / usual.sum()))
    share = draw.uniform(LEAST, MOST)
    places = [
        _drawn(side, np.flatnonzero(side.languages == code), int(n), focus, share, draw)
        for code, n in zip(codes, n_by_code, strict=True)
    ]
    return np.concatenate(places)


def _drawn(
    side: Labelled, here: NDArray[np.int64], n: int, focus: int, share: float, draw: np.random.Generator
) -> NDArray[np.int64]:
    """Messages of one language, of which `share` carry the audience in focus, or as many as come."""
    with_it = side.truth[here, focus]
    odds = share / (1 - share) * np.exp(draw.normal(0, 0.5))
    wanted = float(np.clip(odds / (1 + odds), LEAST, MOST))
    if min(with_it.sum(), (~with_it).sum()) < FEWEST:
        wanted = float(with_it.mean())
    weights = np.where(with_it, wanted / max(with_it.sum(), 1), 0.0)
    others = _mixed_anew(side.truth[here], ~with_it, draw)
    weights += (1 - wanted) * others
    return here[draw.choice(len(here), n, p=weights / weights.sum())]


def _mixed_anew(truth: NDArray[np.bool_], part: NDArray[np.bool_], draw: np.random.Generator) -> NDArray[np.float64]:
    """Weights of the messages of a part: their sets of audiences by shares drawn around those that they have."""
    weights = np.zeros(len(truth))
    sets, kind = np.unique(truth, axis=0, return_inverse=True)
    n_of = np.bincount(kind[part], minlength=len(sets))
    factors = np.where(n_of >= FEWEST, np.exp(draw.normal(0, 0.5, len(sets))), 1.0)
    weights[part] = factors[kind[part]]
    return np.asarray(weights / max(weights.sum(), 1e-9))
