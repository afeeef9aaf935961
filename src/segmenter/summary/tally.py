"""Running counts over a scored table. Not here: what is made of them (harvest.py)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from segmenter.messages import NEAR
from segmenter.sections import Summary
from segmenter.summary.examples import ExampleShelf
from segmenter.summary.scored import ScoredRow
from segmenter.summary.words import WordCounts
from segmenter.text import text_key


@dataclass
class Cell:
    """Counts of the messages of one language, source or day."""

    n_messages: int = 0
    n_uncertain: int = 0
    audiences: Counter[str] = field(default_factory=Counter)

    def add(self, row: ScoredRow, audiences: list[str]) -> None:
        """Count one message."""
        self.n_messages += 1
        self.n_uncertain += row.verdict == "uncertain"
        self.audiences.update(audiences)

    def merge(self, other: "Cell") -> None:
        """Take in another cell's counts."""
        self.n_messages += other.n_messages
        self.n_uncertain += other.n_uncertain
        self.audiences.update(other.audiences)


class Tally:
    """Everything that is counted while a scored table streams by.

    A message counts for an audience when it is clearly above the threshold and in scope: what the model says of a
    language it was not trained on, or of three letters, is set aside and counted apart.
    """

    def __init__(self, audience_ids: list[str], settings: Summary) -> None:
        """Nothing counted yet."""
        self.audience_ids = audience_ids
        self.settings = settings
        self.verdicts: Counter[str] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.clear: Counter[str] = Counter()
        self.near: Counter[str] = Counter()
        self.set_aside: Counter[str] = Counter()
        self.texts: Counter[str] = Counter()
        self.languages: dict[str, Cell] = defaultdict(Cell)
        self.sources: dict[str | None, Cell] = defaultdict(Cell)
        self.days: dict[date, Cell] = defaultdict(Cell)
        self.groups: Counter[bytes] = Counter()
        self.words = WordCounts()
        self.examples = {name: ExampleShelf(settings.examples) for name in audience_ids}
        self.n_messages = self.n_several = self.n_set_aside = 0
        self.n_no_date = self.n_assumed_utc = self.n_near = self.n_out_of_scope = 0

    def count(self, rows: Iterable[ScoredRow]) -> None:
        """Count every message."""
        for row in rows:
            self._add(row)

    def _add(self, row: ScoredRow) -> None:
        audiences = row.audiences if row.in_scope else []
        self.n_messages += 1
        self.n_several += len(audiences) > 1
        self.n_out_of_scope += not row.in_scope
        self.n_set_aside += bool(row.audiences) and not row.in_scope
        self.verdicts[row.verdict] += 1
        self.reasons.update(row.reasons)
        self.clear.update(audiences)
        if row.in_scope:
            near = [about for code, about in row.reasons if code == NEAR]
            self.near.update(near)
            self.n_near += bool(near)
        else:
            self.set_aside.update(row.audiences)
        self.languages[row.language].add(row, audiences)
        self.sources[row.source].add(row, audiences)
        self._add_date(row, audiences)
        self._add_text(row, audiences)

    def _add_date(self, row: ScoredRow, audiences: list[str]) -> None:
        if row.date is None:
            self.n_no_date += 1
            return
        self.days[row.date.day].add(row, audiences)
        self.n_assumed_utc += row.date.assumed_utc

    def _add_text(self, row: ScoredRow, audiences: list[str]) -> None:
        """Words and examples take each text once: the first message of its group of exact copies."""
        key = bytes.fromhex(text_key(row.text))
        self.groups[key] += 1
        if self.groups[key] > 1 or not row.in_scope:
            return
        self.words.add(row.text, language=row.language, audiences=audiences)
        self.texts.update(audiences)
        for name in audiences:
            score = row.scores[self.audience_ids.index(name)]
            self.examples[name].offer(row, score=score, key=key, order=self.n_messages)
