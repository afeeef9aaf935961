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
from numpy.typing import NDArray

from eval.figures import Judged
from segmenter.intervals import Estimate, resample, shown
from segmenter.metrics import shares
from segmenter.params import Params
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
        share: With its 95 % author-clustered interval, None where there is no message. What is made of a message is of
            that one's author; each sentence written for the project counts by itself.
        reasons: Flagged messages by reason, without the language it names.
    """

    kind: str
    n: int
    n_flagged: int
    share: Estimate | None
    reasons: dict[str, int]

    def __str__(self) -> str:
        if self.share is None:
            return "no message"
        return f"{shown(self.share, '.1%')} of {self.n:,}"


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
        found = {"scope/in/flagged": self.in_scope.share}
        found |= {f"scope/out/{part.kind}/flagged": part.share for part in self.out}
        return {name: share.value for name, share in found.items() if share is not None}

    def sentences(self) -> list[str]:
        """What it comes to, for a reader."""
        missed = "; ".join(f"{part.kind.replace('_', ' ')} {part}" for part in self.out if part.n)
        return [
            f"Flagged as out of scope though in scope: {self.in_scope}.",
            f"Flagged of what is out of scope: {missed}.",
        ]


def out_of_scope(scorer: Scorer, frame: pd.DataFrame, judged: Judged, scored: Scored, params: Params) -> OutOfScope:
    """Measure on a split's messages and on what is made of them.

    Args:
        scorer: Of the judged bundle.
        frame: The messages.
        judged: Their authors.
        scored: What the bundle says of them.
        params: For rounds and seed.
    """
    trained = frame["lang"].isin(scorer.bundle.manifest.languages).to_numpy()
    reasons, clusters = np.array(scored.scope, object), judged.clusters
    written = _other_languages(scorer.bundle.manifest.languages)
    built = {kind: scorer.scope(texts) for kind, texts in _built(frame["text"].tolist(), scorer).items()}
    return OutOfScope(
        in_scope=_flagged(IN_SCOPE, reasons[trained].tolist(), clusters[trained], params),
        out=[
            _flagged("language_of_split", reasons[~trained].tolist(), clusters[~trained], params),
            _flagged("language", scorer.scope(written), np.arange(len(written)), params),
            *(_flagged(kind, found, clusters, params) for kind, found in built.items()),
        ],
    )


def _flagged(kind: str, reasons: Sequence[str], clusters: NDArray[np.int64], params: Params) -> Flagged:
    counted = Counter(reason.partition(":")[0] for reason in reasons if reason)
    if not len(reasons):
        return Flagged(kind, 0, 0, None, {})
    flagged = np.array([[bool(reason)] for reason in reasons])
    resamples = resample(clusters, n_rounds=params.eval.bootstrap_rounds, seed=params.seed)
    share = shares(flagged, np.ones_like(flagged), resamples).estimate(np.array([True]))
    return Flagged(kind, len(reasons), counted.total(), share, dict(sorted(counted.items())))


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
