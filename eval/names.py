"""Names of people and countries in a message, and the message without them, for the shortcut report.

Written for the project in eval/names/: countries and nations by language, well-known people, given names. A country is
found by its list (adjectives and inhabitants too), a person by surname, or as a capitalised word after a given name or a
title; so German nouns, capitalised as they are, are none. In its stead stands the bare noun, `country` or `person`, in the
message's language: put on as many random words it cost 0.002 of macro-F1 on 656 messages, leaving these out 0.011. Not
here: towns, parties, organisations; what a model makes of the masked messages (shortcuts.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml

FOLDER = Path(__file__).with_name("names")
COUNTRY, PERSON = "country", "person"
OTHERS = "en"  # whose placeholders and titles stand in for those of a language without a file; its countries do not
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_UPPER = "[A-ZÀ-ÖØ-ÞĆČĎŁŃŘŚŞŠŹŻŽА-ЯЁЄІЇҐ]"
_CAPITALISED = rf"{_UPPER}[^\W\d_]+(?:['’-][^\W\d_]{{2,}})*"
_PARTICLE = "(?: (?i:de|di|da|del|della|van|von|der|den|la|le|el|al|bin|фон|дер|де))"
_PATRONYMIC = rf"(?: {_UPPER}\w+(?:вич|вн|їв|івн)\w*)?"
_BETWEEN = rf"(?: {_UPPER}\.)*{_PATRONYMIC}{_PARTICLE}{{0,2}}"  # a given name and a surname


@dataclass(frozen=True)
class Mention:
    """Where a cleaned message names a country or a person: characters `start` to `end`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Names:
    """What is looked for in one language: patterns with their kind, and by kind what stands there afterwards."""

    patterns: list[tuple[str, re.Pattern[str]]]
    placeholders: dict[str, str]


def languages() -> list[str]:
    """Those whose names of countries are known."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def mentions(cleaned: str, lang: str) -> list[Mention]:
    """Every country and person that a cleaned message names, in order, none within another; countries go first."""
    found: list[Mention] = []
    for kind, pattern in names_of(lang).patterns:
        for match in pattern.finditer(cleaned):
            start, end = match.span("name" if "name" in pattern.groupindex else 0)
            if all(end <= other.start or start >= other.end for other in found):
                found.append(Mention(start, end, kind))
    return sorted(found, key=lambda one: one.start)


def without(cleaned: str, found: Sequence[Mention], lang: str) -> str:
    """The message with a placeholder of the same kind, in its language, for every mention (in order)."""
    placeholders, parts, end = names_of(lang).placeholders, [], 0
    for one in found:
        parts += [cleaned[end : one.start], placeholders[one.kind]]
        end = one.end
    return "".join([*parts, cleaned[end:]])


def elsewhere(cleaned: str, found: Sequence[Mention], draw: np.random.Generator) -> list[Mention]:
    """As many mentions of the same kinds and numbers of words, put on words that name nobody, as far as there are any."""
    words = [match.span() for match in _WORD.finditer(cleaned)]
    free = [all(end <= one.start or start >= one.end for one in found) for start, end in words]
    put: list[Mention] = []
    for one in found:
        size = n_words(cleaned, [one])
        places = [place for place in range(len(words) - size + 1) if all(free[place : place + size])]
        if places:
            first = int(draw.choice(places))
            free[first : first + size] = [False] * size
            put.append(Mention(words[first][0], words[first + size - 1][1], one.kind))
    return sorted(put, key=lambda one: one.start)


def n_words(cleaned: str, found: Sequence[Mention]) -> int:
    """Words of a cleaned message that its mentions cover."""
    return sum(max(1, len(_WORD.findall(cleaned[one.start : one.end]))) for one in found)


@cache
def names_of(lang: str) -> Names:
    """What is looked for in messages of a language; of one without a file, people alone."""
    own = FOLDER / f"{lang}.yaml"
    listed = yaml.safe_load((own if own.is_file() else FOLDER / f"{OTHERS}.yaml").read_text("utf-8"))
    countries = [(COUNTRY, re.compile(_any(_split(listed["countries"]))))] if own.is_file() else []
    after_title = rf"{_any(_split(listed['titles']))} (?P<name>(?=\w{{4}}){_CAPITALISED})"  # the title stays
    people = [(PERSON, pattern) for pattern in (_people(), re.compile(after_title))]
    return Names([*countries, *people], {kind: str(listed[kind]) for kind in (COUNTRY, PERSON)})


@cache
def _people() -> re.Pattern[str]:
    return re.compile(rf"{_any(_listed('given_names'))}{_BETWEEN} {_CAPITALISED}|{_any(_listed('people'))}")


def _listed(name: str) -> list[str]:
    lines = (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    return _split(" ".join(line for line in lines if not line.startswith("#")))


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _any(entries: Sequence[str]) -> str:
    """A pattern of any of the entries, the longest first; by first letter, or every word would be held against them all."""
    ordered = sorted(entries, key=lambda entry: (-len(entry.split()), -len(entry), entry))
    letters = sorted({entry[0].lower() for entry in entries})
    parts = {one: "|".join(_entry(entry) for entry in ordered if entry[0].lower() == one) for one in letters}
    return rf"(?<!\w)(?:{'|'.join(f'(?=(?i:{one}))(?:{part})' for one, part in parts.items())})(?!\w)"


def _entry(entry: str) -> str:
    return r"\s+".join(map(_word, entry.split()))


def _word(word: str) -> str:
    """One word of an entry: `stem-` takes any ending; the case of its letters says in which case it is found."""
    stem = word.removesuffix("-")
    ending = r"\w*" if stem != word else ""
    if stem.isupper() and len(stem) > 1:
        return re.escape(stem) + ending
    if stem[0].isupper():
        return f"{re.escape(stem[0])}(?i:{re.escape(stem[1:])}){ending}"
    return f"(?i:{re.escape(stem)}){ending}"
