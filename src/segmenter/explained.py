"""One message explained for a reader: its verdict, and for each audience in question the words that carry the score.

Not here: how the effects come about (explain.py), what prints them (cli.py).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from rich.text import Text

from segmenter.errors import TableError
from segmenter.explain import Explanation, WordEffect, explain_each
from segmenter.score import Scorer
from segmenter.sections import Explain

WHERE = "--text"
WORD_SHOWN = 50  # characters
WORDS_SHOWN = 10  # of a message and audience, in lines for a reader; JSON has them all


@dataclass(frozen=True)
class ForAudience:
    """The explanation for one audience, and the threshold its score is compared with."""

    audience_id: str
    threshold: float
    explanation: Explanation


@dataclass(frozen=True)
class Explained:
    """A message, what the model says of it (verdict, reason, language as in a scored table), and why."""

    text: str
    model: str
    verdict: str
    reason: str
    language: str
    parts: list[ForAudience]

    def as_dict(self) -> dict[str, object]:
        """As JSON has it: every word with its place in the message."""
        audiences = [
            {
                "id": part.audience_id,
                "score": part.explanation.score,
                "threshold": part.threshold,
                "words_together": part.explanation.words_together,
                "words": [asdict(word) | {"text": self.text[word.start : word.end]} for word in part.explanation.words],
            }
            for part in self.parts
        ]
        about = {"model": self.model, "verdict": self.verdict, "reason": self.reason, "language": self.language}
        return {"text": self.text, **about, "audiences": audiences}

    def lines(self, *, with_text: bool) -> Iterator[Text]:
        """For a reader, in 80 columns: each audience with the words of the largest effects, carriers of the score first.

        Args:
            with_text: The message too, those words marked by colour.
        """
        because = f" ({self.reason})" if self.reason else ""
        yield Text(f"model      {self.model}; language {self.language}")
        yield Text(f"verdict    {self.verdict}{because}")
        for part in self.parts:
            found = part.explanation
            chosen = "chosen" if np.float32(found.score) >= np.float32(part.threshold) else "not chosen"
            yield Text(
                f"audience   {part.audience_id}: score {found.score:.2f}, threshold {part.threshold:.2f}, {chosen}"
            )
            if found.words_together > 1:
                yield Text(
                    f"           a long message: {found.words_together} neighbouring words are left out together"
                )
            largest = sorted(found.words, key=lambda word: -abs(word.log_odds))[:WORDS_SHOWN]
            if with_text:
                yield _marked(self.text, largest)
            yield Text("  score  log-odds   left out (above 0: it carries the score)", style="dim")
            for word in sorted(largest, key=lambda word: -word.log_odds):
                shown = _printable(self.text[word.start : word.end])
                cut = shown if len(shown) <= WORD_SHOWN else shown[: WORD_SHOWN - 1] + "…"
                yield Text(f" {word.effect:+.3f}  {word.log_odds:+8.2f}   ").append(cut, style=_style(word))


def _marked(text: str, words: list[WordEffect]) -> Text:
    marked = Text(_printable(text))
    for word in words:
        marked.stylize(_style(word), word.start, word.end)
    return marked


def _style(word: WordEffect) -> str:
    return "bold green" if word.log_odds > 0 else "bold red" if word.log_odds < 0 else ""


def _printable(text: str) -> str:
    """Of the same length; what could steer a terminal is a space."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def explain_message(scorer: Scorer, text: str, audience_id: str | None, settings: Explain) -> Explained:
    """Score one message and explain it for an audience; for none named, for those chosen or near it, or the highest score.

    Raises:
        TableError: The text has no words, or the bundle no such audience.
    """
    audience_ids, calibration = scorer.bundle.audience_ids, scorer.bundle.manifest.calibration
    if audience_id is not None and audience_id not in audience_ids:
        raise TableError("--audience", f"{audience_id!r} is none of the model's", f"use {', '.join(audience_ids)}")
    scored = scorer.score([text])
    if audience_id is not None:
        columns = [audience_ids.index(audience_id)]
    else:
        columns = np.flatnonzero(scored.verdicts.chosen[0] | scored.verdicts.near[0]).tolist()
        columns = columns or [int(scored.scores[0].argmax())]
    found = explain_each(scorer, [text], [audience_ids[i] for i in columns], settings)
    parts = [
        ForAudience(audience_ids[i], calibration[i].threshold, one) for i, [one] in zip(columns, found, strict=True)
    ]
    if not parts[0].explanation.words:
        raise TableError(WHERE, "has no words", "name a message that has some")
    added = {name: column[0].as_py() for name, column in scorer.columns(scored, "").items()}
    return Explained(text, scorer.bundle.name, added["verdict"], added["reason"], scored.languages[0], parts)
