"""Windows of messages as the batches of one epoch: like lengths together, within a token budget, in random order."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Ints = NDArray[np.int64]
SORTED_BATCHES = 50  # windows of so many batches are sorted by length together: lengths mix, batches stay dense


@dataclass(frozen=True)
class Batch:
    """Which windows, and the seed of their dropout: the same whichever process learns them."""

    places: Ints
    seed: int


@dataclass(frozen=True)
class Padded:
    """Ids and mask of shape (n_rows, n_tokens)."""

    input_ids: Tensor
    attention_mask: Tensor


def token_budget_batches(lengths: Ints, batch_tokens: int, generator: np.random.Generator) -> list[Batch]:
    """The batches of one epoch: every window once, at most `batch_tokens` a batch with its padding."""
    order = generator.permutation(len(lengths))
    n_sorted = SORTED_BATCHES * max(1, batch_tokens // max(1, int(lengths.mean())))
    found: list[Ints] = []
    for start in range(0, len(order), n_sorted):
        drawn = order[start : start + n_sorted]
        found += _within_budget(drawn[np.argsort(lengths[drawn], kind="stable")], lengths, batch_tokens)
    seeds = generator.integers(2**63, size=len(found))
    return [Batch(found[number], int(seeds[number])) for number in generator.permutation(len(found))]


def _within_budget(places: Ints, lengths: Ints, batch_tokens: int) -> list[Ints]:
    found, start = [], 0
    for end in range(1, len(places) + 1):  # ascending lengths: the newest is the longest
        if end == len(places) or (end + 1 - start) * lengths[places[end]] > batch_tokens:
            found.append(places[start:end])
            start = end
    return found


class Padder:
    """The windows as one flat array, so that a batch is one look-up."""

    def __init__(self, ids: list[list[int]], pad_id: int) -> None:
        self.lengths: Ints = np.array([len(window) for window in ids])
        self._first: Ints = np.cumsum(self.lengths) - self.lengths
        self._flat: Ints = np.array([token for window in ids for token in window])
        self._pad_id = pad_id

    def padded(self, places: Ints) -> Padded:
        """The windows at `places`, filled up to the longest."""
        column = np.arange(self.lengths[places].max())
        inside = column < self.lengths[places, None]
        ids = self._flat[np.where(inside, self._first[places, None] + column, 0)]
        ids[~inside] = self._pad_id
        return Padded(torch.from_numpy(ids), torch.from_numpy(inside.astype(np.int64)))
