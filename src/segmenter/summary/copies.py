"""Messages that say the same, exactly or nearly: how often, by which sources, since when.

Nothing is grouped by author; sources with few messages are pooled. Not here: which texts are alike (duplicates.py).
"""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmenter.duplicates import folded_groups
from segmenter.sections import Duplicates
from segmenter.summary.columns import UNDATED
from segmenter.summary.corpus import Corpus
from segmenter.summary.findings import CopyGroup
from segmenter.summary.margins import OTHER_SOURCES
from segmenter.summary.shown import Shown

Longs = NDArray[np.int64]


class CopySettings(Protocol):
    """What of the `summary` section copies go by."""

    @property
    def copy_groups(self) -> int:
        """Shown of an audience."""
        ...

    @property
    def copies_at_least(self) -> int:
        """Messages of a group that is shown."""
        ...

    @property
    def copy_sources(self) -> int:
        """Sources named of a group, the rest pooled."""
        ...


def copy_numbers(corpus: Corpus, settings: Duplicates, on_progress: Callable[[float], None] | None) -> Longs:
    """The number of the group of copies that each text is in, exact and near ones, shape (n_texts,).

    Args:
        corpus: Its texts.
        settings: When two count as one.
        on_progress: Takes the part done, in [0, 1].
    """
    folded = [text.casefold() for chunk in corpus.cleaned.chunks for text in chunk.to_pylist()]
    return folded_groups(folded, settings, on_progress)


def largest_copies(corpus: Corpus, copies: Longs, rows: Longs, shown: Shown, settings: CopySettings) -> list[CopyGroup]:
    """The groups with the most messages among some rows, largest first.

    Args:
        corpus: All messages.
        copies: As of `copy_numbers`.
        rows: Of the messages in question, rising.
        shown: How messages are shown.
        settings: How many groups, and how large.
    """
    numbers = copies[corpus.text[rows]]
    found, first, sizes = np.unique(numbers, return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))[: settings.copy_groups]
    order = order[sizes[order] >= settings.copies_at_least]
    return [_group(corpus, rows[numbers == found[place]], shown, settings) for place in order]


def _group(corpus: Corpus, rows: Longs, shown: Shown, settings: CopySettings) -> CopyGroup:
    dated = rows[corpus.seconds[rows] != UNDATED]
    by_time = dated[np.argsort(corpus.seconds[dated], kind="stable")]
    first = int(by_time[0] if len(by_time) else rows[0])
    given = corpus.source[rows]
    return CopyGroup(
        text=shown.text(corpus.text_of(first)),
        language=corpus.languages[corpus.language[first]],
        n_messages=len(rows),
        n_texts=len(np.unique(corpus.text[rows])),
        sources=_by_source(given[given >= 0], shown, settings.copy_sources),
        n_sources=len(np.unique(given[given >= 0])),
        first_seen=shown.moment(corpus, first),
        last_seen=shown.moment(corpus, int(by_time[-1])) if len(by_time) else None,
    )


def _by_source(numbers: NDArray[np.int32], shown: Shown, at_most: int) -> dict[str, int]:
    """Messages by the shown name of their source, most first, the pool last."""
    counts: Counter[str] = Counter()
    for number, n in zip(*np.unique(numbers, return_counts=True), strict=True):
        counts[shown.sources[number]] += int(n)
    pooled = counts.pop(OTHER_SOURCES, 0)
    named = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    pooled += sum(n for _, n in named[at_most:])
    return dict(named[:at_most]) | ({OTHER_SOURCES: pooled} if pooled else {})
