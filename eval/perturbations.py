"""Changes to a message that leave its public as it is: pure text functions by name, none of them random.

Not here: which messages they are put to (behaviour/invariance.yaml), and what must hold after them (expectations.py).
"""

import re
from collections.abc import Callable

LINK, HANDLE, SMILE, ZERO_WIDTH = "https://example.org/a/2031-0093", "@example_reader", "\U0001f642", "\u200b"
TYPO_EVERY = 3  # of the words long enough for a slip; the first is one of them
# Common first names, each beside the one that stands in for it; in Russian only in the nominative.
_NAMES = (
    "Anna Laura|Maria Julia|Peter Thomas|Pierre Julien|Pietro Stefano|Tom Jack|Мария Елена|Иван Сергей|Павел Андрей"
)
_SWAPPED = {name: other for pair in _NAMES.split("|") for name, other in (pair.split(), reversed(pair.split()))}
# Letters that look alike in most fonts. Source: Unicode Technical Standard 39, confusables.txt.
_LATIN, _CYRILLIC = "aceopxACEOPXHKMT", "асеорхАСЕОРХНКМТ"
_TWIN = dict(zip(_LATIN + _CYRILLIC, _CYRILLIC + _LATIN, strict=True))
_LETTER = r"[^\W\d_]"
_WORD, _LONGER, _LONGEST = (re.compile(f"{_LETTER}{{{n},}}") for n in (2, 4, 5))
_MARK, _END = re.compile(r"[.,;:!?…\"“”„«»()–—](?!\d)"), re.compile(r"[.!?](?=\s|$)")


def with_link(text: str) -> str:
    """A link at the end."""
    return f"{text} {LINK}"


def with_handle(text: str) -> str:
    """A handle in front."""
    return f"{HANDLE} {text}"


def with_emoji(text: str) -> str:
    """A smile at the end."""
    return f"{text} {SMILE}"


def without_punctuation(text: str) -> str:
    """No marks but apostrophes, hyphens and those inside numbers."""
    return " ".join(_MARK.sub("", text).split())


def with_more_punctuation(text: str) -> str:
    """Every mark at a sentence's end three times."""
    return _END.sub(lambda mark: mark[0] * 3, text)


def with_other_names(text: str) -> str:
    """Common first names swapped for others of the same language."""
    return _WORD.sub(lambda word: _SWAPPED.get(word[0], word[0]), text)


def with_typos(text: str) -> str:
    """In every third word of five letters or more, the first two unequal neighbours after the first letter swapped."""
    words = list(_LONGEST.finditer(text))[::TYPO_EVERY]
    for found in reversed(words):  # from the end, so that the places before stay right
        text = text[: found.start()] + _slipped(found[0]) + text[found.end() :]
    return text


def _slipped(word: str) -> str:
    for place in range(1, len(word) - 1):
        if word[place] != word[place + 1]:
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word


def with_zero_width(text: str) -> str:
    """A zero-width space after the second letter of every word of four letters or more."""
    return _LONGER.sub(lambda word: word[0][:2] + ZERO_WIDTH + word[0][2:], text)


def with_look_alikes(text: str) -> str:
    """In every word of four letters or more, the first letter that has a Cyrillic or Latin twin replaced by it."""
    return _LONGER.sub(lambda word: _twinned(word[0]), text)


def _twinned(word: str) -> str:
    for place, letter in enumerate(word):
        if letter in _TWIN:
            return word[:place] + _TWIN[letter] + word[place + 1 :]
    return word


def quoted(text: str) -> str:
    """The whole message in quotation marks."""
    return f"“{text}”"


def reposted(text: str) -> str:
    """The message as someone else's, passed on."""
    return f"RT {HANDLE}: {text}"


PERTURBATIONS: dict[str, Callable[[str], str]] = {
    "url": with_link,
    "handle": with_handle,
    "lower_case": str.lower,
    "upper_case": str.upper,
    "emoji": with_emoji,
    "no_punctuation": without_punctuation,
    "more_punctuation": with_more_punctuation,
    "name": with_other_names,
    "typos": with_typos,
    "zero_width": with_zero_width,
    "look_alikes": with_look_alikes,
    "quote": quoted,
    "repost": reposted,
}
