"""Words: what one is in a message, and the lists of those that set an audience apart.

Languages that are written without spaces between words are not cut: their runs of letters count as one word, and are rarely
frequent enough to be shown. Not here: which words set an audience apart (apart.py).
"""

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache

from segmenter.summary.redact import without_contacts
from segmenter.text import clean

_REPLACED = re.compile(r"@user\b|\blink\b")  # what clean() writes for handles and links
_HASHTAG = re.compile(r"(?<![\w/&])#\w+")
MIN_LETTERS = 2


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
