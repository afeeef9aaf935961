"""Mistakes as a page and as JSON, in an evaluation's folder: with message text only where it is asked for, and masked.

Without it: ids, scores, numbers of words and their places, no words. Not here: what is found (mistakes.py); the page's
words, which stand in mistakes.html.j2.
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path

from eval.mistakes import CHOSEN_WRONGLY, MISSED, Cell, Mistake, Mistakes
from segmenter.explain import Explanation, Word, WordEffect, words_of
from segmenter.sections import Audience
from segmenter.sources.label_studio import NONE
from segmenter.summary.redact import plain, redacted
from segmenter.summary.templates import environment
from segmenter.writers import write_text

FORMAT = 1
JSON, PAGE = "mistakes.json", "mistakes.html"
TEMPLATE = Path(__file__).parent / "mistakes.html.j2"
WORDS_SHOWN = 5  # of a mistake, those of the largest effects
WORDS_SOUGHT = 1000  # of a message, at most, in what is shown of it


@dataclass(frozen=True)
class Carrier:
    """A word, or a run of them, with a large effect on the score.

    Attributes:
        number: Of its first word in the message, from 1.
        log_odds: As in segmenter.explain.
        effect: Likewise.
        place: In the text as it is shown; None where it is masked or cut.
    """

    number: int
    log_odds: float
    effect: float
    place: Word | None


@dataclass(frozen=True)
class Shown:
    """A mistake as readers meet it.

    Attributes:
        found: The mistake.
        text: Of the message, redacted.
        n_words: Of the message.
        carriers: WORDS_SHOWN at most, of those with an effect; what carries the score before what lowers it.
    """

    found: Mistake
    text: str
    n_words: int
    carriers: list[Carrier]

    def word(self, carrier: Carrier) -> str:
        """What the text shows of a carrier."""
        return "…" if carrier.place is None else self.text[carrier.place.start : carrier.place.end]

    def pieces(self) -> Iterator[tuple[str, float]]:
        """The text in parts, each with its effect in log-odds, 0 for what is no carrier."""
        last = 0
        marked = [(one.place, one.log_odds) for one in self.carriers if one.place is not None]
        for place, log_odds in sorted(marked, key=lambda one: one[0].start):
            yield self.text[last : place.start], 0.0
            yield self.text[place.start : place.end], log_odds
            last = place.end
        yield self.text[last:], 0.0

    def as_dict(self, *, with_text: bool) -> dict[str, object]:
        """As in mistakes.json."""
        found = asdict(self.found)
        explanation = self.found.explanation
        del found["explanation"]
        carriers = [
            {"number": one.number, "log_odds": one.log_odds, "effect": one.effect}
            | ({"word": self.word(one)} if with_text else {})
            for one in self.carriers
        ]
        return found | {
            "score": explanation.score,
            "is_doubted": self.found.is_doubted,
            "n_words": self.n_words,
            "words_together": explanation.words_together,
            "carriers": carriers,
            **({"text": self.text} if with_text else {}),
        }


def write_mistakes(folder: Path, found: Mistakes, *, split: str, with_text: bool) -> None:
    """Write both files to an evaluation's folder; with texts and words, masked, only where asked."""
    listed = [shown(one) for one in found.listed]
    whole = {
        "format": FORMAT,
        "bundle": found.digest,
        "split": split,
        "reference_labels": found.manifest.reference_labels,
        "with_text": with_text,
        "n": found.n,
        "cells": [asdict(cell) for cell in found.cells],
        "mistakes": [one.as_dict(with_text=with_text) for one in listed],
    }
    write_text(folder / JSON, json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    write_text(folder / PAGE, page(found, listed, split=split, with_text=with_text))


def shown(found: Mistake) -> Shown:
    """A mistake with its text redacted and its carriers found in that."""
    explanation, words = found.explanation, words_of(found.explanation.text)
    text = redacted(explanation.text)
    places = _places(explanation.text, words, text)
    some = [word for word in explanation.words if round(word.log_odds, 1)]  # else it would be shown as +0.0
    largest = sorted(some, key=lambda word: -abs(word.log_odds))[:WORDS_SHOWN]
    numbers = {word.start: number for number, word in enumerate(words)}
    carriers = [
        _carrier(word, numbers[word.start], explanation, places)
        for word in sorted(largest, key=lambda word: -word.log_odds)
    ]
    return Shown(found, text, len(words), carriers)


def _carrier(word: WordEffect, number: int, explanation: Explanation, places: dict[int, Word]) -> Carrier:
    inside = [places[place] for place in range(number, number + explanation.words_together) if place in places]
    place = Word(inside[0].start, inside[-1].end) if inside else None
    return Carrier(number + 1, word.log_odds, word.effect, place)


def _places(original: str, words: list[Word], text: str) -> dict[int, Word]:
    """Where words of a message, by their number, stand in its redacted text; without those that are masked or cut."""
    sought = [plain(unicodedata.normalize("NFKC", original[word.start : word.end])) for word in words[:WORDS_SOUGHT]]
    there = words_of(text)
    matcher = SequenceMatcher(None, sought, [text[word.start : word.end] for word in there], autojunk=False)
    return {
        block.a + step: there[block.b + step] for block in matcher.get_matching_blocks() for step in range(block.size)
    }


@dataclass(frozen=True)
class Group:
    """Mistakes of one kind in one language, `n` in all, and those of them that are listed."""

    language: str
    kind: str
    n: int
    listed: list[Shown]


@dataclass(frozen=True)
class Part:
    """One audience.

    Attributes:
        id: Its id.
        name: Its name.
        threshold: Of its scores.
        cells: Its languages with a mistake, or with a message that carries it.
        n_rest: Other languages.
        n_rest_messages: Messages in these.
        groups: In the order of the page.
    """

    id: str
    name: str
    threshold: float
    cells: list[Cell]
    n_rest: int
    n_rest_messages: int
    groups: list[Group]


def page(found: Mistakes, listed: list[Shown], *, split: str, with_text: bool) -> str:
    """The whole page."""
    manifest = found.manifest
    names = {audience.id: audience.name for audience in manifest.audiences}
    return (
        environment()
        .from_string(TEMPLATE.read_text("utf-8"))
        .render(
            found=found,
            split=split,
            with_text=with_text,
            listed=listed,
            parts=[
                _part(found, listed, audience, calibration.threshold)
                for audience, calibration in zip(manifest.audiences, manifest.calibration, strict=True)
            ],
            n_mistakes=sum(cell.n_mistakes for cell in found.cells),
            n_doubted=sum(one.found.is_doubted for one in listed),
            named=lambda labels: " + ".join(names[label] for label in labels) or NONE,
        )
    )


def _part(found: Mistakes, listed: list[Shown], audience: Audience, threshold: float) -> Part:
    cells = [cell for cell in found.cells if cell.audience == audience.id]
    some = [cell for cell in cells if cell.n_true or cell.n_mistakes]
    own = [one for one in listed if one.found.audience == audience.id]
    groups = [
        Group(cell.language, kind, n, part)
        for cell in some
        for kind, n in ((CHOSEN_WRONGLY, cell.n_chosen_wrongly), (MISSED, cell.n_missed))
        if (part := [one for one in own if (one.found.language, one.found.kind) == (cell.language, kind)])
    ]
    n_rest = len(cells) - len(some)
    n_rest_messages = sum(cell.n for cell in cells if cell not in some)
    return Part(audience.id, audience.name, threshold, some, n_rest, n_rest_messages, groups)
