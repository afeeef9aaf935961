"""Texts to canonical token batches, and results back to input order. Needs no torch.

A message longer than max_tokens is read in windows that overlap. Windows and their bucket are decided by the message alone
(its token count rounded up), every batch of a bucket has the same shape, and the last one is filled with empty rows: a
score cannot depend on a message's neighbours.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from segmenter.scope import read_whole

Ints = NDArray[np.int64]
# (up to so many tokens, rounded up to a multiple of). Of 20,000 messages of 21 tokens in the middle, 10 % of what a CPU then
# computes is padding, against 14 % with eights up to 64; finer steps gain no more: their last batches are emptier, and widths
# that are no multiple of 8 or 16 cost up to 10 % more a token.
BUCKET_STEPS = ((32, 4), (64, 8), (128, 16), (512, 64), (sys.maxsize, 256))
# Of one batch of scoring on a CPU, padding included: what a score is, not a choice. A token costs as much in batches of 512
# as of 4096 (41 µs on a core with AMX, 49 µs of 256), and ten messages are not ten batches of 4096.
BATCH_TOKENS = 512
TEXTS_AT_ONCE = 256  # to the tokenizer: what it returns takes some 150 bytes a token, and long messages have thousands
# Tokens of a batch are a multiple of it where they can be: few numbers of tokens, since each new one takes 40 ms to compile.
TILE_TOKENS = 32


@dataclass(frozen=True)
class Tokens:
    """Some messages as windows: one each, several where a message is longer than max_tokens.

    Attributes:
        ids: Token ids of each window, message after message.
        message: Whose window each is, ascending, shape (n_windows,).
    """

    ids: list[list[int]]
    message: Ints

    @property
    def n_windows(self) -> Ints:
        """Windows of each message, at least one, shape (n_messages,)."""
        return np.bincount(self.message)

    @property
    def long(self) -> NDArray[np.bool_]:
        """Which messages are longer than max_tokens, shape (n_messages,)."""
        return self.n_windows > 1

    @property
    def whole(self) -> list[list[int] | None]:
        """The ids of each message that has one window, None of the others."""
        first = np.searchsorted(self.message, np.arange(len(self.n_windows)))
        return [None if long else self.ids[place] for place, long in zip(first, self.long, strict=True)]

    def part(self, places: Ints) -> "Tokens":
        """The messages at `places`, in that order."""
        first = np.searchsorted(self.message, places)
        n_windows = self.n_windows[places]
        ids = [self.ids[start + n] for start, end in zip(first, n_windows, strict=True) for n in range(end)]
        return Tokens(ids, np.repeat(np.arange(len(places)), n_windows))


@dataclass(frozen=True)
class TokenBatch:
    """One batch of one shape.

    Attributes:
        rows: Which windows its first rows are; the remaining rows are empty.
        input_ids: Shape (n_rows, bucket).
        attention_mask: Same shape, 1 on real tokens.
    """

    rows: list[int]
    input_ids: Ints
    attention_mask: Ints


def tokenise(tokenizer: Tokenizer, texts: Sequence[str], *, max_tokens: int, overlap_tokens: int) -> Tokens:
    """The windows of each message, at most `max_tokens` each, the special tokens of the encoder in every one.

    Two neighbouring windows share `overlap_tokens`, so that no phrase is seen only in halves. The tokenizer is left without
    padding and truncation.
    """
    read_whole(tokenizer)
    ids: list[list[int]] = []
    message: list[int] = []
    encoded = (
        whole
        for start in range(0, len(texts), TEXTS_AT_ONCE)
        for whole in tokenizer.encode_batch_fast(texts[start : start + TEXTS_AT_ONCE])
    )
    for number, whole in enumerate(encoded):
        fits = len(whole) <= max_tokens
        windows = [whole.ids] if fits else _windows(whole, max_tokens=max_tokens, overlap_tokens=overlap_tokens)
        ids += windows
        message += [number] * len(windows)
    return Tokens(ids, np.array(message, np.int64))


def _windows(whole: Encoding, *, max_tokens: int, overlap_tokens: int) -> list[list[int]]:
    """The windows of a longer message; its special tokens stand before and after each."""
    n_before, n_after = whole.special_tokens_mask.index(0), whole.special_tokens_mask[::-1].index(0)
    end = len(whole) - n_after
    before, own, after = whole.ids[:n_before], whole.ids[n_before:end], whole.ids[end:]
    room = max_tokens - n_before - n_after
    starts = range(0, len(own) - overlap_tokens, room - overlap_tokens)
    return [before + own[start : start + room] + after for start in starts]


def bucket(n_tokens: int) -> int:
    """The padded length of a window of `n_tokens`, 4 at least."""
    n_tokens = max(n_tokens, 1)
    step = next(step for limit, step in BUCKET_STEPS if n_tokens <= limit)
    return -(-n_tokens // step) * step


def layout(batch_tokens: int) -> str:
    """What decides the shapes of all batches, in a few words: part of a runtime's key."""
    steps = "-".join(f"{step}" if limit == sys.maxsize else f"{limit}:{step}" for limit, step in BUCKET_STEPS)
    return f"batches {batch_tokens}/{TILE_TOKENS}/{steps}"


def canonical_batches(ids: Sequence[list[int]], *, batch_tokens: int, pad_id: int) -> list[TokenBatch]:
    """Batches of equal shape per bucket, longest bucket first (what is slowest does not come last).

    Args:
        ids: Token ids of each window.
        batch_tokens: Rows of a batch times its bucket, at most (but at least one row); a multiple of TILE_TOKENS if it can be.
        pad_id: The encoder's padding token.
    """
    members: dict[int, list[int]] = {}
    for row, tokens in enumerate(ids):
        members.setdefault(bucket(len(tokens)), []).append(row)
    batches = []
    for width in sorted(members, reverse=True):
        n_rows = _n_rows(width, batch_tokens)
        rows = members[width]
        batches += [
            _batch(ids, rows[start : start + n_rows], (n_rows, width), pad_id) for start in range(0, len(rows), n_rows)
        ]
    return batches


def _n_rows(width: int, batch_tokens: int) -> int:
    most = max(1, batch_tokens // width)
    return most - most % (TILE_TOKENS // gcd(width, TILE_TOKENS)) or most


def n_computed(ids: Sequence[list[int]], batch_tokens: int) -> int:
    """Tokens that the network computes for windows, in canonical batches: filled-up rows and empty ones included."""
    n_windows = Counter(bucket(len(tokens)) for tokens in ids)
    n_rows = {width: _n_rows(width, batch_tokens) for width in n_windows}
    return sum(-(-n // n_rows[width]) * n_rows[width] * width for width, n in n_windows.items())


def padding_share(batches: Sequence[TokenBatch]) -> float:
    """The share of what the network computes that is padding: filled-up rows and empty ones; 0.0 of no batches."""
    n_tokens = sum(batch.input_ids.size for batch in batches)
    n_real = sum(int(batch.attention_mask[: len(batch.rows)].sum()) for batch in batches)
    return 1 - n_real / n_tokens if n_tokens else 0.0


def _batch(ids: Sequence[list[int]], rows: list[int], shape: tuple[int, int], pad_id: int) -> TokenBatch:
    input_ids = np.full(shape, pad_id, np.int64)
    mask = np.zeros(shape, np.int64)
    for place, row in enumerate(rows):
        input_ids[place, : len(ids[row])] = ids[row]
        mask[place, : len(ids[row])] = 1
    mask[:, 0] = 1  # an empty row attends to one padding token: no row is without a token
    return TokenBatch(rows, input_ids, mask)


def in_input_order(
    batches: Sequence[TokenBatch], results: Sequence[NDArray[np.float32]], tokens: Tokens
) -> NDArray[np.float32]:
    """Results of the batches, empty rows dropped, as one array of shape (n_messages, ...).

    A message of several windows has their mean, each weighted by its tokens: a short last window counts for as much as
    was read in it. With mean pooling and a linear head that is (but for the overlaps, which count twice) the head on the
    mean over all tokens of the message, just what a message of one window gets. Means over the parts of a text come from
    Sun et al. 2019, How to Fine-Tune BERT for Text Classification?, section 5.3.1.
    """
    windows = np.empty((len(tokens.ids), *results[0].shape[1:]), np.float32)
    for batch, result in zip(batches, results, strict=True):
        windows[batch.rows] = result[: len(batch.rows)]
    end = np.cumsum(tokens.n_windows)
    first = end - tokens.n_windows
    messages: NDArray[np.float32] = windows[first]
    for place in np.flatnonzero(tokens.long):
        own = slice(first[place], end[place])
        n_tokens = [len(ids) for ids in tokens.ids[own]]
        messages[place] = np.average(windows[own].astype(np.float64), axis=0, weights=n_tokens)
    return messages
