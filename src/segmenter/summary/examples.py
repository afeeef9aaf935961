"""Which messages stand for an audience: high scores, different texts, several languages and sources. Never by author.

Not here: redaction (redact.py), pooling of small sources (harvest.py).
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field, replace

from segmenter.summary.redact import redacted
from segmenter.summary.scored import ScoredRow
from segmenter.summary.words import words_of

MOST_SHELVES = 20_000  # sources x languages of an audience held at a time; the lowest scores give way
ALIKE = 0.5  # share of common words from which two texts are one example; near-copies get their own room later


@dataclass(frozen=True, order=True)
class Candidate:
    """A message that may be shown; `order` falls along the file, so that the earlier of two equal scores is greater."""

    score: float
    order: int
    key: bytes = field(compare=False)
    text: str = field(compare=False)
    row: ScoredRow = field(compare=False)


class ExampleShelf:
    """The best few messages of one audience in each language and source, as they stream by."""

    def __init__(self, n_examples: int) -> None:
        """Keep at most `n_examples` of each language and source."""
        self._n_examples = n_examples
        self._shelves: dict[tuple[str, str | None], list[Candidate]] = {}
        self._texts: Counter[str] = Counter()

    def offer(self, row: ScoredRow, *, score: float, key: bytes, order: int) -> None:
        """Keep the message if it is among the best; the caller offers a text once."""
        self._texts[row.language] += 1
        shelf = self._shelves.setdefault((row.language, row.source), [])
        if len(shelf) == self._n_examples and (score, -order) <= (shelf[0].score, shelf[0].order):
            return
        found = Candidate(score, -order, key, redacted(row.text), replace(row, text=""))
        if len(shelf) < self._n_examples:
            heapq.heappush(shelf, found)
        else:
            heapq.heapreplace(shelf, found)
        if len(self._shelves) > MOST_SHELVES:
            best = sorted(self._shelves.items(), key=lambda item: max(item[1]), reverse=True)
            self._shelves = dict(best[: MOST_SHELVES // 2])

    def chosen(self) -> list[Candidate]:
        """The examples: languages in proportion to their texts (d'Hondt), least shown source first, then by score."""
        pool = sorted((found for shelf in self._shelves.values() for found in shelf), reverse=True)
        taken: list[Candidate] = []
        languages: Counter[str] = Counter()
        sources: Counter[str | None] = Counter()
        while pool and len(taken) < self._n_examples:
            left = {found.row.language for found in pool}
            language = max(left, key=lambda name: (self._texts[name] / (languages[name] + 1), name))
            ours = [found for found in pool if found.row.language == language]
            best = min(ours, key=lambda found: (sources[found.row.source], -found.score, -found.order))
            pool.remove(best)
            if not any(_alike(best.text, other.text) for other in taken):
                taken.append(best)
                languages[language] += 1
                sources[best.row.source] += 1
        return sorted(taken, reverse=True)


def _alike(one: str, other: str) -> bool:
    ours, theirs = words_of(one), words_of(other)
    return len(ours & theirs) >= ALIKE * max(1, min(len(ours), len(theirs)))
