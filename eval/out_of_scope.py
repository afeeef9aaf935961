"""What is out of scope, is it flagged, and is what is in scope left alone? Shares of messages that get a reason (scope.py).

In scope are the judged messages in languages the bundle was trained on. Out of scope are the others, sentences in more
languages written for the project (out_of_scope.yaml), and what is built from each judged message: too few letters, nothing
but links and handles, letters and codes in place of words. Not here: how scope is told, and any label.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from scipy.stats import binomtest

from segmenter.score import Scored, Scorer
from segmenter.text import clean

LANGUAGES = Path(__file__).with_name("out_of_scope.yaml")
IN_SCOPE = "in scope"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Flagged:
    """How many messages of one kind are flagged as out of scope.

    Attributes:
        kind: IN_SCOPE, or a kind of message that is out of scope.
        n: Messages.
        n_flagged: Those with a reason.
        share: None where there is no message.
        low: 95 % Wilson bound; messages count one by one, also those of one author.
        high: As `low`.
        reasons: Flagged messages by reason, without the language it names.
    """

    kind: str
    n: int
    n_flagged: int
    share: float | None
    low: float | None
    high: float | None
    reasons: dict[str, int]

    def __str__(self) -> str:
        if self.share is None:
            return "no message"
        return f"{self.share:.1%} of {self.n:,} [{self.low:.1%}, {self.high:.1%}]"


@dataclass(frozen=True)
class OutOfScope:
    """Flagged messages in scope, and by kind out of scope."""

    in_scope: Flagged
    out: list[Flagged]

    def as_dict(self) -> dict[str, object]:
        """As written to metrics.json."""
        return {"in_scope": asdict(self.in_scope), "out_of_scope": [asdict(part) for part in self.out]}

    def metrics(self) -> dict[str, float]:
        """Under flat MLflow names: `scope/in/flagged`, `scope/out/language/flagged`."""
        shares = {"scope/in/flagged": self.in_scope.share}
        shares |= {f"scope/out/{part.kind}/flagged": part.share for part in self.out}
        return {name: share for name, share in shares.items() if share is not None}

    def sentences(self) -> list[str]:
        """What it comes to, for a reader."""
        missed = "; ".join(f"{part.kind.replace('_', ' ')} {part}" for part in self.out if part.n)
        return [
            f"Flagged as out of scope though in scope: {self.in_scope}.",
            f"Flagged of what is out of scope: {missed}.",
        ]


def out_of_scope(scorer: Scorer, frame: pd.DataFrame, scored: Scored) -> OutOfScope:
    """Measure on a split's messages and on what is made of them.

    Args:
        scorer: Of the judged bundle.
        frame: The messages.
        scored: What the bundle says of them.
    """
    trained = frame["lang"].isin(scorer.bundle.manifest.languages).to_numpy()
    reasons = np.array(scored.scope, object)
    built = {"language": _other_languages(scorer.bundle.manifest.languages)} | _built(frame["text"].tolist(), scorer)
    found = [_flagged(kind, scorer.scope(texts)) for kind, texts in built.items()]
    return OutOfScope(
        in_scope=_flagged(IN_SCOPE, reasons[trained].tolist()),
        out=[_flagged("language_of_split", reasons[~trained].tolist()), *found],
    )


def _flagged(kind: str, reasons: Sequence[str]) -> Flagged:
    counted = Counter(reason.partition(":")[0] for reason in reasons if reason)
    n, n_flagged = len(reasons), counted.total()
    if not n:
        return Flagged(kind, 0, 0, None, None, None, {})
    bounds = binomtest(n_flagged, n).proportion_ci(method="wilson")
    return Flagged(kind, n, n_flagged, n_flagged / n, bounds.low, bounds.high, dict(sorted(counted.items())))


def _other_languages(trained: Sequence[str]) -> list[str]:
    written = yaml.safe_load(LANGUAGES.read_text("utf-8"))
    return [text for lang, texts in written.items() if lang not in trained for text in texts]


def _built(texts: Sequence[str], scorer: Scorer) -> dict[str, list[str]]:
    """Out-of-scope messages by kind, each made of one judged message and of nothing else: the same on every run."""
    n_letters = scorer.bundle.manifest.text.min_letters - 1
    found: dict[str, list[str]] = {"too_short": [_first_letters(text, n_letters) for text in texts]}
    found["empty"] = [f"@{_digits(text)[:8]} https://example.org/{_digits(text)[8:16]}" for text in texts]
    return found | {kind: [make(text) for text in texts] for kind, make in SHATTERED.items()}


def _first_letters(text: str, n_letters: int) -> str:
    letters = [letter for letter in clean(text) if letter.isalpha()]
    return f"{''.join(letters[:n_letters])} 100 %!"


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _random(text: str) -> np.random.Generator:
    return np.random.default_rng(int(_digits(text)[:16], 16))


def _typed_at_random(text: str) -> str:
    """Every word as random letters of its length."""
    draw = _random(text)
    return " ".join("".join(draw.choice(list(LETTERS), size=max(3, len(word)))) for word in text.split())


def _codes(text: str) -> str:
    """Hexadecimal groups, as of licences and hashes, as many as words."""
    draw = _random(text)
    return " ".join("-".join(f"{number:04X}" for number in draw.integers(0, 1 << 16, size=4)) for _ in text.split())


def _base64(text: str) -> str:
    """Noise as it stands in mails and keys, about as long as the message."""
    noise = _random(text).bytes(max(12, len(text) * 3 // 4))
    return base64.b64encode(noise).decode()


SHATTERED: dict[str, Callable[[str], str]] = {
    "random_letters": _typed_at_random,
    "codes": _codes,
    "base64": _base64,
}
