"""Cells of a scored table, a column at a time: numbers for names, scores, joined values. Not here: checks (columns.py)."""

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segmenter.messages import VERDICTS, MessageBatch

NONE_GIVEN = -1  # the number of no name
Ints = NDArray[np.int32]


class Numbers:
    """Numbers for names as they come, from 0.

    Attributes:
        names: Each with its number as place.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._of: dict[str, int] = {}

    def of(self, name: str | None) -> int:
        """The number of a name; NONE_GIVEN for none."""
        if name is None:
            return NONE_GIVEN
        if name not in self._of:
            self._of[name] = len(self.names)
            self.names.append(name)
        return self._of[name]

    def of_column(self, column: pa.Array, read: Callable[[str | None], str | None]) -> Ints:
        """A number per row of a text column, whose different values `read` makes names of, shape (n_rows,)."""
        values, places = dictionary(column)
        return np.array([self.of(read(value)) for value in values], np.int32)[places]


def parts_of(joined: str) -> list[str]:
    """The values of a cell that scoring joined by `;`."""
    return [part for part in joined.split(";") if part]


def reason_of(part: str) -> tuple[str, str]:
    """A code and what it concerns: an audience id, a language, or nothing."""
    code, _, about = part.partition(":")
    return code, about


def text_column(batch: MessageBatch, name: str) -> pa.Array:
    """A column as text."""
    column = batch.rows.column(name)
    return column if pa.types.is_string(column.type) else pa.array(batch.column(name), pa.string())


def dictionary(column: pa.Array) -> tuple[list[str | None], Ints]:
    """The different values of a text column, None last where there is one, and the place of each row's."""
    encoded = column.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    places = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    return values + [None] * (column.null_count > 0), places


def verdict_numbers(column: pa.Array) -> Ints:
    """Places in VERDICTS of a column that holds nothing else."""
    values, places = dictionary(column)
    return np.array([VERDICTS.index(value) if value else NONE_GIVEN for value in values], np.int32)[places]


def score_column(column: pa.Array) -> NDArray[np.float64]:
    """Numbers, not a number where a cell holds none."""
    if pa.types.is_floating(column.type):
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
    return np.array([_score(value) for value in column.to_pylist()], np.float64)


def _score(value: object) -> float:
    try:
        return float(value) if isinstance(value, str | float | int) else math.nan
    except ValueError:
        return math.nan
