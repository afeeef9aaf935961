"""A message cut at the words that carry its score. Not here: how they look (told.html)."""

from dataclasses import dataclass

from segmenter.summary.findings import Example
from segmenter.summary.redact import plain

LEAST_WEIGHT = 0.2  # of the strongest word's: with weaker ones marked, nearly every word is
MOST_CHARACTERS = 1_000  # an example is cut far earlier; this holds for whatever findings are handed over


@dataclass(frozen=True)
class Piece:
    """Some characters of a message.

    Attributes:
        weight: In [-1, 1]; 0 where they carry no score.
    """

    text: str
    weight: float

    @property
    def strength(self) -> int:
        """How strongly to mark it, in percent, so that the weakest is still seen."""
        return round(18 + 42 * min(1.0, abs(self.weight)))


def pieces(example: Example) -> list[Piece]:
    """The text in order; spans that overlap an earlier one, or leave the text, are cut, weak ones are not marked."""
    text = example.text[:MOST_CHARACTERS]
    found: list[Piece] = []
    done = 0
    for span in sorted(example.spans or [], key=lambda one: one.start):
        start, end = max(done, span.start), min(len(text), span.end)
        if start < end and abs(span.weight) >= LEAST_WEIGHT:
            found += [Piece(_visible(text[done:start]), 0.0), Piece(_visible(text[start:end]), span.weight)]
            done = end
    rest = text[done:] if len(text) == len(example.text) else text[done:-1] + "…"
    found.append(Piece(_visible(rest), 0.0))
    return [piece for piece in found if piece.text]


def _visible(text: str) -> str:
    """Plain, the space at its ends kept: pieces stand side by side."""
    kept = plain(text)
    before, after = text[:1].isspace(), text[-1:].isspace()
    return f"{' ' * before}{kept}{' ' * after}" if kept else " " * bool(before or after)
