"""Bundle and messages in, scored messages out: clean, detect language, tokenise, run, calibrate, judge.

In stages, so that they can overlap (`prepare`, `read`, `judged`, `columns`), or at once (`score`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer

from segmenter import runtimes
from segmenter.batches import Tokens, canonical_batches, in_input_order, tokenise
from segmenter.bundle import TOKENIZER, Bundle, audit
from segmenter.calibration import Verdicts, judge, to_scores
from segmenter.errors import TableError
from segmenter.messages import NEAR, scored_fields
from segmenter.readings import Entries, Readings, in_order
from segmenter.runtimes import Output
from segmenter.scope import Scope, detector, language, pieces_per_word
from segmenter.sections import Score
from segmenter.store import ScoreStore
from segmenter.text import RULES, clean

KEY_BYTES = 16  # that two of a million million texts share a key has a chance of 1.5e-15


@dataclass(frozen=True)
class Judged(Readings):
    """What the bundle says of some messages, in their order.

    Attributes:
        scores: Calibrated probabilities in [0, 1], shape (n_messages, n_audiences).
        verdicts: The scores compared with thresholds and bands.
    """

    scores: NDArray[np.float32]
    verdicts: Verdicts


@dataclass(frozen=True)
class Scored(Judged):
    """The same with the encoder's vectors, shape (n_messages, hidden_size)."""

    pooled: NDArray[np.float32]


@dataclass(frozen=True)
class Seen:
    """What is seen of different cleaned texts before the network reads them; as the attributes of Readings."""

    tokens: Tokens
    languages: list[str]
    scope: list[str]
    pieces_per_word: NDArray[np.float64]


@dataclass(frozen=True)
class Prepared:
    """Messages on their way to the network.

    Attributes:
        keys: Of each message, in input order.
        known: What the store held of them.
        new: Keys of the texts that are to be run.
        seen: These texts, in that order.
        awaited: The texts, by key, that messages prepared earlier were about to run.
    """

    keys: list[bytes]
    known: Entries
    new: list[bytes]
    seen: Seen
    awaited: dict[bytes, str]


class Scorer:
    """A bundle ready to score. Several threads may use one."""

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
        made_of = (str(RULES), detector(), bundle.digest, self.runtime.key)
        self._key = hashlib.blake2b("".join(f"{part}\n" for part in made_of).encode(), digest_size=KEY_BYTES)

    def prepare(self, texts: Sequence[str], store: ScoreStore) -> Prepared:
        """Clean original texts, find out which are new, and make these ready for the network.

        Raises:
            StoreError: The store cannot be read.
        """
        cleaned = {text: clean(text) for text in dict.fromkeys(texts)}
        key_of = {text: self._key_of(text) for text in dict.fromkeys(cleaned.values())}
        text_of = {key: text for text, key in key_of.items()}
        claimed = store.claim(text_of)  # before the look: who puts a text in between is found by it
        known = store.get(text_of, n_audiences=len(self.bundle.audience_ids))
        store.release(claimed.intersection(known.keys))
        missing = text_of.keys() - known.keys
        new = {key: text for key, text in text_of.items() if key in missing and key in claimed}
        awaited = {key: text for key, text in text_of.items() if key in missing and key not in claimed}
        keys = [key_of[cleaned[text]] for text in texts]
        return Prepared(keys, known, list(new), self._seen(list(new.values())), awaited)

    def read(self, prepared: Prepared, store: ScoreStore) -> Readings:
        """Run what is new, keep it, and gather the readings of all messages in input order.

        What was prepared first is to be read first: else a text it shares with others is run for each of them.

        Raises:
            StoreError: The store cannot be read or written.
        """
        parts = [prepared.known, self._kept(prepared.new, prepared.seen, store)]
        if prepared.awaited:
            parts.append(store.get(prepared.awaited, n_audiences=len(self.bundle.audience_ids)))
            come = set(parts[-1].keys)
            late = {key: text for key, text in prepared.awaited.items() if key not in come}
            if late:  # who was to run them failed, is slower, or found no room
                parts.append(self._kept(list(late), self._seen(list(late.values())), store))
        return in_order(prepared.keys, parts)

    def judged(self, readings: Readings) -> Judged:
        """Scores and verdicts of readings."""
        scores = to_scores(readings.logits, self.bundle.manifest.calibration)
        verdicts = judge(scores, self.bundle.manifest.calibration)
        return Judged(**vars(readings), scores=scores, verdicts=verdicts)

    def score(self, texts: Sequence[str]) -> Scored:
        """Score original texts, without a store; each different cleaned text is run once."""
        cleaned = [clean(text) for text in texts]
        place = {text: number for number, text in enumerate(dict.fromkeys(cleaned))}
        seen, rows = self._seen(list(place)), np.array([place[text] for text in cleaned], np.int64)
        output = self._run(seen.tokens)
        judged = self.judged(_readings(seen, output.logits).part(rows))
        return Scored(**vars(judged), pooled=output.pooled[rows])

    def scope(self, texts: Sequence[str]) -> list[str]:
        """Why each original text is out of scope, or an empty string; as `score` finds it, without the network."""
        return self._seen([clean(text) for text in texts]).scope

    def columns(self, judged: Judged, prefix: str) -> dict[str, pa.Array]:
        """The columns that scoring adds (messages.scored_fields), by name."""
        ids = self.bundle.audience_ids
        audiences = _names(judged.verdicts.clear, ids)
        near = _names(judged.verdicts.near, [f"{NEAR}:{name}" for name in ids])
        reasons = [
            f"{why};{names}" if why and names else why or names for why, names in zip(judged.scope, near, strict=True)
        ]
        verdicts = [
            "uncertain" if reason else "chosen" if names else "none"
            for reason, names in zip(reasons, audiences, strict=True)
        ]
        rest = [audiences, verdicts, reasons, judged.languages, [self.bundle.name] * len(reasons)]
        fields = scored_fields(ids, prefix)
        values = [*judged.scores.T, *rest]
        return {part.name: pa.array(value, part.type) for part, value in zip(fields, values, strict=True)}

    def _key_of(self, cleaned: str) -> bytes:
        key = self._key.copy()
        key.update(cleaned.encode("utf-8"))
        return key.digest()

    def _seen(self, cleaned: Sequence[str]) -> Seen:
        limits = self.bundle.manifest.text
        tokens = tokenise(
            self._tokenizer, cleaned, max_tokens=limits.max_tokens, overlap_tokens=limits.window_overlap_tokens
        )
        found = [language(text) for text in cleaned]
        pieces = pieces_per_word(self._tokenizer, cleaned, tokens.whole)
        scope = [
            self._scope.why_not(text, found=lang, pieces=n)
            for text, lang, n in zip(cleaned, found, pieces.tolist(), strict=True)
        ]
        return Seen(tokens, found, scope, pieces)

    def _run(self, tokens: Tokens) -> Output:
        """Logits and pooled vectors of each message."""
        batches = canonical_batches(tokens.ids, batch_tokens=self.runtime.batch_tokens, pad_id=self._pad_id)
        if not batches:
            return Output(np.empty((0, len(self.bundle.audience_ids)), np.float32), np.empty((0, 0), np.float32))
        outputs = list(self.runtime.run(batches))
        return Output(
            in_input_order(batches, [output.logits for output in outputs], tokens),
            in_input_order(batches, [output.pooled for output in outputs], tokens),
        )

    def _kept(self, keys: list[bytes], seen: Seen, store: ScoreStore) -> Entries:
        """Readings of texts that are run now, put into the store."""
        try:
            entries = Entries(keys, _readings(seen, self._run(seen.tokens).logits))
            if keys:
                store.put(entries)
        finally:
            store.release(keys)
        return entries


def _readings(seen: Seen, logits: NDArray[np.float32]) -> Readings:
    return Readings(logits, seen.languages, seen.scope, seen.tokens.long, seen.pieces_per_word)


def _names(flags: NDArray[np.bool_], names: list[str]) -> list[str]:
    """The names of the true columns of each row, joined; few of all combinations occur."""
    rows = [row.tobytes() for row in flags]
    joined = {row: ";".join(compress(names, row)) for row in set(rows)}
    return [joined[row] for row in rows]


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
