"""Which words set one audience's messages apart from the other messages of the same language.

Within a language, so that the language is not the finding. Not here: phrases, lemmas, and languages that are written
without spaces between words (their runs of letters count as one word, and are rarely frequent enough to be shown).
"""

import re
import sys
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from segmenter.sections import Summary
from segmenter.summary.redact import without_contacts
from segmenter.text import clean

_REPLACED = re.compile(r"@user\b|\blink\b")  # what clean() writes for handles and links
_HASHTAG = re.compile(r"(?<![\w/&])#\w+")
MIN_LETTERS = 2
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Word:
    """One distinctive word.

    Attributes:
        word: Lower-cased.
        z: Log-odds ratio over its standard deviation, shrunk by the prior; larger is more distinctive.
        n_messages: Different messages of the audience with it.
        n_others: Other different messages of the language with it.
    """

    word: str
    z: float
    n_messages: int
    n_others: int


@dataclass(frozen=True)
class WordList:
    """The words of one audience in one language, most distinctive first; the counts are of different messages."""

    audience: str
    language: str
    n_messages: int
    n_others: int
    words: list[Word]


@dataclass
class _Side:
    n_messages: int = 0
    words: Counter[str] = field(default_factory=Counter)

    def add(self, words: set[str]) -> None:
        self.n_messages += 1
        self.words.update(words)


def words_of(text: str) -> set[str]:
    """The different words of a message, lower-cased, hashtags whole, without links, handles, addresses and numbers."""
    text = unicodedata.normalize("NFKC", text)
    tags = " ".join(_HASHTAG.findall(text))  # clean() takes them apart
    words = f"{clean(_HASHTAG.sub(' ', text))} {tags}".lower()
    cleaned = without_contacts(_REPLACED.sub(" ", words), link=" ", handle=" ", phone=" ", email=" ")
    return {word for word in _word().findall(cleaned) if len(word) >= MIN_LETTERS}


@cache
def _word() -> re.Pattern[str]:
    """Letters with their combining marks (Python's \\w leaves out the vowel signs of Hindi), or a hashtag."""
    ranges: list[list[int]] = []
    for code in range(0x300, min(sys.maxunicode, 0x10000)):
        if unicodedata.category(chr(code)).startswith("M"):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    marks = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    letter = rf"(?:[^\W\d_]|[{marks}])"
    return re.compile(rf"#\w+|[^\W\d_]{letter}*(?:['’-]{letter}+)*")


class WordCounts:
    """Running counts: in how many different messages of a language, and of an audience in it, a word stands."""

    def __init__(self) -> None:
        """Nothing counted yet."""
        self._all: dict[str, _Side] = defaultdict(_Side)
        self._audience: dict[tuple[str, str], _Side] = defaultdict(_Side)

    def add(self, text: str, *, language: str, audiences: list[str]) -> None:
        """Count one message; the caller sees to it that a text comes once."""
        words = words_of(text)
        self._all[language].add(words)
        for audience in audiences:
            self._audience[audience, language].add(words)

    def lists(self, audience: str, settings: Summary) -> list[WordList]:
        """The word list of each language with enough messages on both sides, largest language first."""
        found = []
        for (owner, language), side in self._audience.items():
            n_others = self._all[language].n_messages - side.n_messages
            if owner == audience and min(side.n_messages, n_others) >= settings.comparison_messages_at_least:
                words = distinctive(side.words, self._all[language].words, settings)
                found.append(WordList(audience, language, side.n_messages, n_others, words))
        return sorted(found, key=lambda part: (-part.n_messages, part.language))


def distinctive(inside: Counter[str], everywhere: Counter[str], settings: Summary) -> list[Word]:
    """The words most over-represented inside, against the rest of everywhere; a word counts once a message.

    Args:
        inside: Messages of the audience that hold each word.
        everywhere: All messages of the language that hold it, those of the audience included.
        settings: Least messages and z of a word, number of words, strength of the prior in words.

    Source: Monroe, Colaresi, Quinn 2008, "Fightin' Words", Political Analysis 16(4), equations 15, 16 and 22, with
        the language's own word frequencies as the prior.
    """
    vocabulary = list(everywhere)
    total = np.array([everywhere[word] for word in vocabulary], np.float64)
    ours = np.array([inside[word] for word in vocabulary], np.float64)
    if not ours.sum() or ours.sum() == total.sum():
        return []
    theirs = total - ours
    prior = settings.prior_strength * total / total.sum()
    log_odds = _log_odds(ours, prior) - _log_odds(theirs, prior)
    z = log_odds / np.sqrt(1 / (ours + prior) + 1 / (theirs + prior))
    shown = np.flatnonzero((ours >= settings.word_messages_at_least) & (z >= settings.word_z_at_least))
    best = sorted(shown, key=lambda i: (-z[i], vocabulary[i]))[: settings.words]
    return [Word(vocabulary[i], round(float(z[i]), 3), int(ours[i]), int(theirs[i])) for i in best]


def _log_odds(counts: Floats, prior: Floats) -> Floats:
    whole = counts.sum() + prior.sum()
    return np.asarray(np.log((counts + prior) / (whole - counts - prior)), np.float64)
