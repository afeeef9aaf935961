"""Messages that stand for an audience in a part of the corpus: high scores, different texts, several languages and sources.

Never by author. Not here: redaction (redact.py), pooling of small sources (margins.py).
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmenter.summary.corpus import Corpus
from segmenter.summary.findings import Example
from segmenter.summary.shown import Shown
from segmenter.summary.words import words_of

POOL = 1000  # of a language, the best of each source first: what the examples are chosen from
ALIKE = 0.5  # share of common words from which two texts are one example
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """A part of the corpus and who it is told of.

    Attributes:
        rows: Of all its messages, rising.
        ours: Those clearly chosen for the audience.
        audience: Its place.
    """

    rows: Longs
    ours: Longs
    audience: int


def examples(corpus: Corpus, copies: Longs, part: Part, shown: Shown, n_examples: int) -> list[Example]:
    """At most so many messages, by score; of a group of copies one alone.

    Languages come in proportion to their texts (d'Hondt), in each the source least shown, then by score.

    Args:
        corpus: All messages.
        copies: As of `copy_numbers`.
        part: Whose.
        shown: How messages are shown.
        n_examples: How many.
    """
    first = np.unique(copies[corpus.text[part.ours]], return_index=True)[1]
    rows = part.ours[np.sort(first)]
    n_texts = np.bincount(corpus.language[rows], minlength=len(corpus.languages))
    pools = {
        number: _pool(corpus, rows, part.audience, number, n_examples) for number in np.flatnonzero(n_texts).tolist()
    }
    taken: list[int] = []
    words: list[set[str]] = []
    languages: Counter[int] = Counter()
    sources: Counter[int] = Counter()
    while len(taken) < n_examples and any(pools.values()):
        language = max(
            (n_texts[one] / (languages[one] + 1), corpus.languages[one], one) for one in pools if pools[one]
        )[2]
        place = min(range(len(pools[language])), key=lambda at: (sources[int(corpus.source[pools[language][at]])], at))
        row = pools[language].pop(place)
        own = words_of(corpus.text_of(row))
        if not any(_alike(own, other) for other in words):
            taken.append(row)
            words.append(own)
            languages[language] += 1
            sources[int(corpus.source[row])] += 1
    taken.sort(key=lambda row: (-corpus.scores[row, part.audience], row))
    return [_example(corpus, row, part, shown) for row in taken]


def _pool(corpus: Corpus, rows: Longs, audience: int, language: int, n_examples: int) -> list[int]:
    """The best messages of a language, at most `n_examples` of a source; highest scores first, then in the file's order."""
    own = rows[corpus.language[rows] == language]
    own = own[np.argsort(-corpus.scores[own, audience], kind="stable")]
    order = np.argsort(corpus.source[own], kind="stable")
    by_source = corpus.source[own][order]
    starts = np.flatnonzero(np.append(True, by_source[1:] != by_source[:-1]))
    lengths = np.diff(np.append(starts, len(order)))
    rank = np.empty(len(own), np.int64)  # among those of its source
    rank[order] = np.arange(len(order)) - np.repeat(starts, lengths)
    found = np.flatnonzero(rank < n_examples)
    best = found[np.argsort(rank[found], kind="stable")][:POOL]
    return [int(row) for row in own[np.sort(best)]]


def _example(corpus: Corpus, row: int, part: Part, shown: Shown) -> Example:
    moment, text = shown.moment(corpus, row), corpus.text_of(row)
    kept = shown.text(text)
    return Example(
        text=kept,
        score=float(str(corpus.scores[row, part.audience])),
        language=corpus.languages[corpus.language[row]],
        source=shown.source(corpus, row),
        day=moment[:10] if moment else None,
        n_copies=int((corpus.text[part.rows] == corpus.text[row]).sum()),
        place=corpus.place(row),
        spans=shown.spans(text, kept, corpus.audience_ids[part.audience]),
    )


def _alike(ours: set[str], theirs: set[str]) -> bool:
    return len(ours & theirs) >= ALIKE * max(1, min(len(ours), len(theirs)))
