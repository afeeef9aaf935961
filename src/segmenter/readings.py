"""What a bundle makes of messages before calibration, and the rows in which the store keeps it. No files here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Readings:
    """What a bundle makes of some messages, all but scores and verdicts, in their order.

    Attributes:
        logits: Raw, shape (n_messages, n_audiences).
        languages: ISO 639 code of each message, `und` where it has no words.
        scope: Why a message is out of scope, or an empty string.
        long: Which messages are longer than max_tokens, and were read in windows; shape (n_messages,).
        pieces_per_word: How finely the tokenizer cuts each message, shape (n_messages,).
    """

    logits: NDArray[np.float32]
    languages: list[str]
    scope: list[str]
    long: NDArray[np.bool_]
    pieces_per_word: NDArray[np.float64]

    def part(self, rows: NDArray[np.int64]) -> "Readings":
        """The messages at `rows`, in that order."""
        return Readings(
            logits=self.logits[rows],
            languages=[self.languages[row] for row in rows],
            scope=[self.scope[row] for row in rows],
            long=self.long[rows],
            pieces_per_word=self.pieces_per_word[rows],
        )


@dataclass(frozen=True)
class Entries:
    """Readings with their keys, in one order, no key twice."""

    keys: list[bytes]
    readings: Readings

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[Any, ...]], *, n_audiences: int) -> Self:
        """From the rows of a store."""
        keys, logits, languages, scope, long, pieces = ([row[i] for row in rows] for i in range(6))
        floats = np.frombuffer(b"".join(logits), "<f4").reshape(len(rows), n_audiences)
        return cls(keys, Readings(floats, languages, scope, np.array(long, np.bool_), np.array(pieces, np.float64)))

    def rows(self) -> Iterator[tuple[object, ...]]:
        """As the rows of a store: key, logits as little-endian float32, language, scope, long, pieces a word."""
        found = self.readings
        logits = [row.tobytes() for row in found.logits.astype("<f4", copy=False)]
        long, pieces = found.long.tolist(), found.pieces_per_word.tolist()
        return zip(self.keys, logits, found.languages, found.scope, long, pieces, strict=True)


def in_order(keys: Sequence[bytes], parts: Sequence[Entries]) -> Readings:
    """The readings of `keys`, which may repeat one, out of parts that together hold each.

    Raises:
        KeyError: No part holds one of them.
    """
    place = {key: row for row, key in enumerate(key for part in parts for key in part.keys)}
    found = [part.readings for part in parts]
    whole = Readings(
        logits=np.concatenate([part.logits for part in found]),
        languages=[language for part in found for language in part.languages],
        scope=[why for part in found for why in part.scope],
        long=np.concatenate([part.long for part in found]),
        pieces_per_word=np.concatenate([part.pieces_per_word for part in found]),
    )
    return whole.part(np.array([place[key] for key in keys], np.int64))
