"""Which words and phrases set an audience's texts apart from the other texts of the same language, in any part of a corpus.

The prior is how often each stands in the whole corpus, of that language: so that language is not the finding. `z` orders
terms and is no test. Not here: which texts hold a term (terms.py).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmenter.summary.terms import NO_WORD, Longs, Terms
from segmenter.summary.words import Word

Z_DIGITS = 3
LOOKED_AT = 2000  # of the most distinctive phrases, for such as share no words
Floats = NDArray[np.float64]


class WordSettings(Protocol):
    """What of the `summary` section words and phrases go by."""

    @property
    def words(self) -> int:
        """Shown of an audience and language, as many phrases."""
        ...

    @property
    def word_messages_at_least(self) -> int:
        """A term in fewer texts of the audience is not shown."""
        ...

    @property
    def word_z_at_least(self) -> float:
        """A less distinctive term is not shown."""
        ...

    @property
    def prior_strength(self) -> float:
        """Of the prior, in terms."""
        ...

    @property
    def comparison_messages_at_least(self) -> int:
        """Texts on both sides of a comparison."""
        ...


@dataclass(frozen=True)
class Side:
    """Some texts.

    Attributes:
        counts: Texts with each term, shape (n_terms,).
        mass: The same summed over all terms, rare ones among them.
    """

    counts: Longs
    mass: int


def side(terms: Terms, texts: Longs) -> Side:
    """Some texts of a language, by their places in it."""
    return Side(terms.counts(texts), int(terms.sizes[texts].sum()))


def set_apart(terms: Terms, ours: Side, theirs: Side, settings: WordSettings) -> list[Word]:
    """The terms most over-represented in some texts against others, most distinctive first, of equal ones the longer.

    Of phrases that share two neighbouring words the first alone.

    Source: Monroe, Colaresi, Quinn 2008, "Fightin' Words", Political Analysis 16(4), equations 15, 16 and 22.
    """
    if not ours.mass or not theirs.mass:
        return []
    frequent = np.flatnonzero(ours.counts >= settings.word_messages_at_least)
    prior = settings.prior_strength * terms.totals[frequent] / terms.mass
    z = np.round(_z(ours, theirs, frequent, prior, settings.prior_strength), Z_DIGITS)
    best = np.argsort(-z, kind="stable")[:LOOKED_AT]
    order = sorted(
        best[z[best] >= settings.word_z_at_least].tolist(),
        key=lambda at: _order(terms, float(z[at]), int(frequent[at])),
    )
    taken: set[tuple[int, int]] = set()
    words: list[Word] = []
    for at in order:
        term = int(frequent[at])
        pairs = _pairs(terms.parts[term].tolist())
        if len(words) < settings.words and not pairs & taken:
            taken |= pairs
            words.append(Word(terms.shown(term), float(z[at]), int(ours.counts[term]), int(theirs.counts[term])))
    return words


def _order(terms: Terms, z: float, term: int) -> tuple[float, int, str]:
    return -z, -int((terms.parts[term] != NO_WORD).sum()), terms.shown(term)


def _z(ours: Side, theirs: Side, terms: Longs, prior: Floats, strength: float) -> Floats:
    """Log-odds ratio over its standard deviation, shape (n_terms,)."""
    ratio = np.zeros(len(terms))
    variance = np.zeros(len(terms))
    for sign, one in ((1, ours), (-1, theirs)):
        counts = one.counts[terms] + prior
        ratio += sign * np.log(counts / (one.mass + strength - counts))
        variance += 1 / counts
    return np.asarray(ratio / np.sqrt(variance), np.float64)


def _pairs(parts: list[int]) -> set[tuple[int, int]]:
    """Neighbouring words of a phrase; none of a word."""
    return {(one, other) for one, other in zip(parts, parts[1:], strict=False) if other != NO_WORD}
