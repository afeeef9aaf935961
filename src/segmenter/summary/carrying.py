"""The words that carry an example's score, found in its original and marked in what is shown of it. Needs the model.

Not here: how a word's effect comes about (explain.py), how it looks (html/highlighted.py).
"""

from difflib import SequenceMatcher

from segmenter.explain import explain, words_of
from segmenter.score import Scorer
from segmenter.sections import Explain
from segmenter.summary.findings import Span


class Carrying:
    """Explains examples one by one; what several parts of a corpus show is explained once."""

    def __init__(self, scorer: Scorer, settings: Explain) -> None:
        """Take the model that scored the corpus."""
        self._scorer, self._settings = scorer, settings
        self._known: dict[tuple[str, str], list[Span]] = {}

    def spans(self, text: str, shown: str, audience_id: str) -> list[Span]:
        """Words of `shown` that carry the score of `text`, in order; masked words and what was cut off have none."""
        known = (text, audience_id)
        if known not in self._known:
            self._known[known] = self._found(text, shown, audience_id)
        return self._known[known]

    def _found(self, text: str, shown: str, audience_id: str) -> list[Span]:
        [found] = explain(self._scorer, [text], audience_id, self._settings)
        strongest = max((abs(word.log_odds) for word in found.words), default=0.0)
        if not strongest:
            return []
        ours, theirs = words_of(text), words_of(shown)
        effects = [
            next((part.log_odds for part in found.words if part.start <= word.start < part.end), 0.0) for word in ours
        ]
        same = SequenceMatcher(
            None,
            [text[word.start : word.end] for word in ours],
            [shown[word.start : word.end] for word in theirs],
            autojunk=False,
        )
        return [
            Span(theirs[there].start, theirs[there].end, round(effects[here] / strongest, 3))
            for block in same.get_matching_blocks()
            for here, there in zip(
                range(block.a, block.a + block.size), range(block.b, block.b + block.size), strict=True
            )
            if effects[here]
        ]
