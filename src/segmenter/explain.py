"""Which words of a message carry its score: each is left out in turn, and the same runtime scores what remains.

It explains the model that scores, its cleaning, windows, calibration and int8 graph included, not a copy of it. What it
cannot show is two words that say the same: leaving out one of them changes little. Source: Li, Monroe and Jurafsky 2016,
Understanding neural networks through representation erasure. Not here: how true it is to the model (eval/faithfulness.py).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from segmenter.calibration import log_odds
from segmenter.score import Scorer
from segmenter.sections import Explain

# What \w leaves out of the middle of a word: accents, vowel signs (Hebrew, Arabic, Hindi), hyphenation, zero width.
_WITHIN = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u064b-\u0670\u0900-\u0903\u093a-\u094f\u00ad\u200b-\u200d\u2060\ufeff"
)
_WORD = re.compile(
    r"(?:https?://|www\.)\S+"  # a link is one word
    rf"|[@#]?\w(?:[\w{_WITHIN}]|['’-](?=\w))*"
    "|[\U0001f1e6-\U0001f1ff]{2}|[\u2600-\u27bf\U0001f300-\U0001faff]"  # a flag, another emoji: they address a public too
)


@dataclass(frozen=True)
class Word:
    """A word of a text, or a run of neighbouring ones: the first character, and the one after the last."""

    start: int
    end: int


@dataclass(frozen=True)
class WordEffect(Word):
    """What a word of the original message does to its score.

    Attributes:
        effect: Score of the whole message less the score without it, in [-1, 1]: above 0 it carries the score.
        log_odds: The same of the scores' log-odds, which tell words apart where the score is close to 0 or 1.
    """

    effect: float
    log_odds: float


@dataclass(frozen=True)
class Explanation:
    """Why a message has its score for one audience.

    Attributes:
        text: The original message.
        score: As `segmenter score` gives it.
        words: In the order of the text.
        words_together: Words of one WordEffect: 1, or more where the message has more words than are left out one by one.
    """

    text: str
    score: float
    words: list[WordEffect]
    words_together: int


def explain(scorer: Scorer, texts: Sequence[str], audience_id: str, settings: Explain) -> list[Explanation]:
    """The effect of every word on the score for one audience, message by message.

    Args:
        scorer: The bundle, ready to score.
        texts: Original messages; all that is to be scored of them is scored in one run.
        audience_id: One of the bundle's.
        settings: The `explain` section.

    Raises:
        ValueError: The bundle has no such audience.
    """
    return explain_each(scorer, texts, [audience_id], settings)[0]


def explain_each(
    scorer: Scorer, texts: Sequence[str], audience_ids: Sequence[str], settings: Explain
) -> list[list[Explanation]]:
    """The same for several audiences, a list each; what is to be scored is scored once for all of them.

    Raises:
        ValueError: The bundle has no such audience.
    """
    columns = [scorer.bundle.audience_ids.index(name) for name in audience_ids]
    runs = [_runs(text, settings.words_at_most) for text in texts]
    parts = [part for text, found in zip(texts, runs, strict=True) for part in (text, *_each_left_out(text, found))]
    by_audience = scorer.score(parts).scores[:, columns].T.tolist()
    return [_explained(texts, runs, iter(scores)) for scores in by_audience]


def _explained(texts: Sequence[str], runs: list[list[list[Word]]], scores: Iterator[float]) -> list[Explanation]:
    """From the scores of each whole message and those without each of its runs, in that order."""
    explained = []
    for text, found in zip(texts, runs, strict=True):
        whole = next(scores)
        explained.append(_explanation(text, whole, found, [next(scores) for _ in found]))
    return explained


def words_of(text: str) -> list[Word]:
    """The words of a text in their order: links, handles, hashtags, words with their hyphens and apostrophes, emoji."""
    return [Word(*match.span()) for match in _WORD.finditer(text)]


def without(text: str, words: Sequence[Word]) -> str:
    """A text without some of its words, which do not overlap."""
    kept, last = [], 0
    for word in sorted(words, key=lambda one: one.start):
        kept.append(text[last : word.start])
        last = word.end
    return "".join([*kept, text[last:]])


def _runs(text: str, at_most: int) -> list[list[Word]]:
    """The words of a text each by itself, or neighbours together so that there are at most so many."""
    words = words_of(text)
    together = -(-len(words) // at_most) or 1
    return [words[first : first + together] for first in range(0, len(words), together)]


def _each_left_out(text: str, runs: list[list[Word]]) -> list[str]:
    return [without(text, [Word(run[0].start, run[-1].end)]) for run in runs]


def _explanation(text: str, whole: float, runs: list[list[Word]], scores: list[float]) -> Explanation:
    """From the score of the whole message and those without each run."""
    odds = log_odds(np.array([whole, *scores]))
    words = [
        WordEffect(run[0].start, run[-1].end, whole - score, float(odds[0] - odd))
        for run, score, odd in zip(runs, scores, odds[1:], strict=True)
    ]
    return Explanation(text, whole, words, max(map(len, runs), default=1))
