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
from segmenter.messages import scored_fields
from segmenter.params import Score
from segmenter.scope import language, out_of_scope
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
        cut: Which messages are longer than max_tokens, and were judged by their beginning; shape (n_messages,).
    """

    logits: NDArray[np.float32]
    scores: NDArray[np.float32]
    verdicts: Verdicts
    languages: list[str]
    scope: list[str]
    cut: NDArray[np.bool_]


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
        self._trained_on = frozenset(bundle.manifest.languages)

    def score(self, texts: Sequence[str]) -> Scored:
        """Score original texts; each different cleaned text is run once."""
        manifest = self.bundle.manifest
        cleaned = [clean(text) for text in texts]
        different = list(dict.fromkeys(cleaned))
        place = {text: number for number, text in enumerate(different)}
        tokens = tokenise(self._tokenizer, different, manifest.text.max_tokens)
        batches = canonical_batches(tokens.ids, batch_tokens=self.settings.batch_tokens, pad_id=self._pad_id)
        logits = np.empty((0, len(manifest.audiences)), np.float32)
        if batches:
            logits = in_input_order(batches, [output.logits for output in self.runtime.run(batches)], len(different))
        found = [language(text) for text in different]
        scope = [
            out_of_scope(text, lang, trained_on=self._trained_on, min_letters=manifest.text.min_letters)
            for text, lang in zip(different, found, strict=True)
        ]
        spread = np.array([place[text] for text in cleaned], np.int64)
        scores = to_scores(logits[spread], manifest.calibration)
        languages, reasons = [found[i] for i in spread], [scope[i] for i in spread]
        return Scored(
            logits[spread],
            scores,
            judge(scores, manifest.calibration),
            languages,
            reasons,
            np.array(tokens.cut, np.bool_)[spread],
        )

    def columns(self, scored: Scored, prefix: str) -> dict[str, pa.Array]:
        """The columns that scoring adds (messages.scored_fields), by name."""
        ids = np.array(self.bundle.audience_ids)
        near, clear = scored.verdicts.near, scored.verdicts.clear
        audiences = [";".join(ids[row]) for row in clear]
        reasons = [
            ";".join([*([why] if why else []), *(f"near_threshold:{name}" for name in ids[row])])
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
