"""Bundle and messages in, scored messages out: clean, detect language, tokenise, run, calibrate, judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer

from segmenter import runtimes
from segmenter.batches import canonical_batches, in_input_order, tokenise
from segmenter.bundle import TOKENIZER, Bundle, audit
from segmenter.calibration import Verdicts, judge, to_scores
from segmenter.errors import TableError
from segmenter.messages import NEAR, scored_fields
from segmenter.scope import Scope, language, pieces_per_word
from segmenter.sections import Score
from segmenter.text import clean


@dataclass(frozen=True)
class Scored:
    """What the bundle says of some messages, in their order.

    Attributes:
        logits: Raw, shape (n_messages, n_audiences).
        scores: Calibrated probabilities in [0, 1], same shape.
        verdicts: The scores compared with thresholds and bands.
        languages: ISO 639 code of each message, `und` where it has no words.
        scope: Why a message is out of scope, or an empty string.
        long: Which messages are longer than max_tokens, and were read in windows; shape (n_messages,).
        pooled: The encoder's vectors, shape (n_messages, hidden_size).
        pieces_per_word: How finely the tokenizer cuts each message, shape (n_messages,).
    """

    logits: NDArray[np.float32]
    scores: NDArray[np.float32]
    verdicts: Verdicts
    languages: list[str]
    scope: list[str]
    long: NDArray[np.bool_]
    pooled: NDArray[np.float32]
    pieces_per_word: NDArray[np.float64]


@dataclass(frozen=True)
class _Look:
    """What is seen of cleaned messages before the network reads them; as the attributes of Scored."""

    languages: list[str]
    pieces_per_word: NDArray[np.float64]
    scope: list[str]


class Scorer:
    """A bundle ready to score."""

    def __init__(self, bundle: Bundle, settings: Score) -> None:
        """Load the runtime and the tokenizer of an audited bundle.

        Raises:
            ModelError: The runtime that was asked for cannot be had.
        """
        self.bundle = bundle
        self.settings = settings
        self.runtime = runtimes.load(bundle, runtime=settings.runtime, device=settings.device)
        self._pad_id = runtimes.pad_id(bundle)
        self._tokenizer = Tokenizer.from_file(str(bundle.path / TOKENIZER))
        self._scope = Scope(bundle.manifest.pieces_per_word, bundle.manifest.text)

    def score(self, texts: Sequence[str]) -> Scored:
        """Score original texts; each different cleaned text is run once."""
        manifest = self.bundle.manifest
        cleaned = [clean(text) for text in texts]
        different = list(dict.fromkeys(cleaned))
        place = {text: number for number, text in enumerate(different)}
        windows = manifest.text
        tokens = tokenise(
            self._tokenizer, different, max_tokens=windows.max_tokens, overlap_tokens=windows.window_overlap_tokens
        )
        batches = canonical_batches(tokens.ids, batch_tokens=self.settings.batch_tokens, pad_id=self._pad_id)
        logits, pooled = np.empty((0, len(manifest.audiences)), np.float32), np.empty((0, 0), np.float32)
        if batches:
            outputs = self.runtime.run(batches)
            logits = in_input_order(batches, [output.logits for output in outputs], tokens)
            pooled = in_input_order(batches, [output.pooled for output in outputs], tokens)
        found = self._look(different)
        spread = np.array([place[text] for text in cleaned], np.int64)
        scores = to_scores(logits[spread], manifest.calibration)
        languages, reasons = [found.languages[i] for i in spread], [found.scope[i] for i in spread]
        return Scored(
            logits[spread],
            scores,
            judge(scores, manifest.calibration),
            languages,
            reasons,
            tokens.long[spread],
            pooled[spread],
            found.pieces_per_word[spread],
        )

    def scope(self, texts: Sequence[str]) -> list[str]:
        """Why each original text is out of scope, or an empty string; as `score` finds it, without the network."""
        return self._look([clean(text) for text in texts]).scope

    def _look(self, cleaned: Sequence[str]) -> _Look:
        found = [language(text) for text in cleaned]
        pieces = pieces_per_word(self._tokenizer, cleaned)
        scope = [
            self._scope.why_not(text, found=lang, pieces=n)
            for text, lang, n in zip(cleaned, found, pieces, strict=True)
        ]
        return _Look(found, pieces, scope)

    def columns(self, scored: Scored, prefix: str) -> dict[str, pa.Array]:
        """The columns that scoring adds (messages.scored_fields), by name."""
        ids = np.array(self.bundle.audience_ids)
        near, clear = scored.verdicts.near, scored.verdicts.clear
        audiences = [";".join(ids[row]) for row in clear]
        reasons = [
            ";".join([*([why] if why else []), *(f"{NEAR}:{name}" for name in ids[row])])
            for why, row in zip(scored.scope, near, strict=True)
        ]
        verdicts = [
            "uncertain" if reason else "chosen" if names else "none"
            for reason, names in zip(reasons, audiences, strict=True)
        ]
        rest = [audiences, verdicts, reasons, scored.languages, [self.bundle.name] * len(reasons)]
        fields = scored_fields(self.bundle.audience_ids, prefix)
        values = [*scored.scores.T, *rest]
        return {part.name: pa.array(value, part.type) for part, value in zip(fields, values, strict=True)}


def scored_schema(schema: pa.Schema, audience_ids: list[str], prefix: str) -> pa.Schema:
    """The input's schema with the added columns.

    Raises:
        TableError: The input already has a column of one of these names.
    """
    added = scored_fields(audience_ids, prefix)
    clash = [part.name for part in added if part.name in schema.names]
    if clash:
        raise TableError(
            "input",
            f"has a column {clash[0]!r}, which scoring adds",
            "give the added columns a --prefix, such as --prefix seg_",
        )
    return pa.schema([*schema, *added])


def open_scorer(path: Path, settings: Score) -> Scorer:
    """Audit a bundle folder and make it ready to score.

    Raises:
        BundleError: It is not a whole bundle.
        ModelError: The runtime that was asked for cannot be had.
    """
    return Scorer(audit(path), settings)
