"""Unlabelled messages to adapt an encoder with: cleaned, each text once, held-out texts left out, drawn by language."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmenter.errors import TableError
from segmenter.scope import language
from segmenter.sections import Adapt
from segmenter.tables import TableReader
from segmenter.text import clean, text_key

BATCH_ROWS = 20_000


@dataclass(frozen=True)
class Unlabelled:
    """Different cleaned texts.

    Attributes:
        texts: As the model reads them.
        languages: ISO 639 code of each, shape (n_texts,).
        n_rows: Rows read.
        n_left_out: Rows whose text stands in a table of `leave_out`.
    """

    texts: list[str]
    languages: NDArray[np.object_]
    n_rows: int
    n_left_out: int


@dataclass(frozen=True, slots=True)
class _Row:
    """A row's text key, its cleaned text, and its language, empty where the table does not say."""

    key: str
    text: str
    lang: str


def read_unlabelled(adapt: Adapt) -> Unlabelled:
    """Every different text of `adapt.tables` that stands in none of `adapt.leave_out`.

    Raises:
        TableError: A table that cannot be read, or nothing left.
    """
    held = {row.key for table in adapt.leave_out for row in _rows(Path(table), adapt.text_column)}
    found: dict[str, _Row] = {}
    n_rows = n_left_out = 0
    for table in adapt.tables:
        for row in _rows(Path(table), adapt.text_column):
            n_rows += 1
            if row.key in held:
                n_left_out += 1
            elif row.text:
                found.setdefault(row.key, row)
    if len(found) <= adapt.held_out_messages:
        remedy = f"bring more than adapt.held_out_messages ({adapt.held_out_messages:,})"
        raise TableError(", ".join(adapt.tables), f"hold {len(found):,} different messages to learn from", remedy)
    texts = [row.text for row in found.values()]
    languages = np.array([row.lang or language(row.text) for row in found.values()], object)
    return Unlabelled(texts, languages, n_rows, n_left_out)


def _rows(path: Path, text_column: str) -> Iterator[_Row]:
    """Every usable row."""
    reader = TableReader(path, text_column=text_column, on_reject=lambda _: None)
    for batch in reader.batches(BATCH_ROWS):
        texts = [text or "" for text in batch.column(text_column)]
        langs = batch.column("lang") if "lang" in batch.rows.schema.names else [None] * len(texts)
        for text, lang in zip(texts, langs, strict=True):
            yield _Row(text_key(text), clean(text), lang or "")


def drawn(
    languages: NDArray[np.object_], n_messages: int, exponent: float, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Which texts to take, in random order: at most `n_messages`, each once, languages by (their share) ** exponent.

    Source: the exponent of Conneau and Lample 2019 (XLM), there on sampling with replacement.
    """
    order = generator.permutation(len(languages))
    counts = pd.Series(languages).value_counts()
    there = np.asarray(counts.to_numpy(), np.float64)
    wanted = np.asarray((there / there.sum()) ** exponent, np.float64)
    quota = _filled(there, wanted, min(n_messages, len(languages)))
    place = {lang: number for number, lang in enumerate(counts.index)}
    code = np.array([place[lang] for lang in languages[order]])
    rank = pd.Series(code).groupby(code).cumcount().to_numpy()
    return np.asarray(order[rank < quota[code]], np.int64)


def _filled(there: NDArray[np.float64], wanted: NDArray[np.float64], n_messages: int) -> NDArray[np.int64]:
    """Messages of each language: in proportion to `wanted`, never more than are there, `n_messages` in all."""
    quota = np.zeros_like(there)
    open_ = np.ones(len(there), np.bool_)
    while open_.any() and quota.sum() < n_messages:
        share = wanted * open_ / (wanted * open_).sum()
        step = share * (n_messages - quota.sum())
        full = open_ & (quota + step >= there)
        if not full.any():
            quota += step
            break
        quota[full] = there[full]
        open_ &= ~full
    return np.asarray(np.round(quota), np.int64)
