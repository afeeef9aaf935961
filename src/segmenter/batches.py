"""Texts to canonical token batches, and results back to input order. Needs no torch.

A message's bucket is decided by the message alone (its token count rounded up), every batch of a bucket has the same
shape, and the last one is filled with empty rows: a score cannot depend on a message's neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

Ints = NDArray[np.int64]
BUCKET_STEPS = ((64, 8), (128, 16), (512, 64))  # (up to so many tokens, rounded up to a multiple of)


@dataclass(frozen=True)
class Tokens:
    """Token ids of some messages, and which of them were longer than max_tokens and were cut."""

    ids: list[list[int]]
    cut: list[bool]


@dataclass(frozen=True)
class TokenBatch:
    """One batch of one shape.

    Attributes:
        rows: Which messages its first rows are; the remaining rows are empty.
        input_ids: Shape (n_rows, bucket).
        attention_mask: Same shape, 1 on real tokens.
    """

    rows: list[int]
    input_ids: Ints
    attention_mask: Ints


def tokenise(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> Tokens:
    """Token ids with the special tokens of the encoder, at most `max_tokens` a message."""
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    encodings = tokenizer.encode_batch_fast(list(texts))
    return Tokens([encoding.ids for encoding in encodings], [bool(encoding.overflowing) for encoding in encodings])


def bucket(n_tokens: int) -> int:
    """The padded length of a message of `n_tokens`, 8 at least."""
    n_tokens = max(n_tokens, 1)
    for limit, step in BUCKET_STEPS:
        if n_tokens <= limit:
            return -(-n_tokens // step) * step
    return -(-n_tokens // 256) * 256


def canonical_batches(ids: Sequence[list[int]], *, batch_tokens: int, pad_id: int) -> list[TokenBatch]:
    """Batches of equal shape per bucket, longest bucket first (what is slowest does not come last).

    Args:
        ids: Token ids of each message.
        batch_tokens: Rows of a batch times its bucket, at most (but at least one row).
        pad_id: The encoder's padding token.
    """
    members: dict[int, list[int]] = {}
    for row, tokens in enumerate(ids):
        members.setdefault(bucket(len(tokens)), []).append(row)
    batches = []
    for width in sorted(members, reverse=True):
        n_rows = max(1, batch_tokens // width)
        rows = members[width]
        batches += [
            _batch(ids, rows[start : start + n_rows], (n_rows, width), pad_id) for start in range(0, len(rows), n_rows)
        ]
    return batches


def _batch(ids: Sequence[list[int]], rows: list[int], shape: tuple[int, int], pad_id: int) -> TokenBatch:
    input_ids = np.full(shape, pad_id, np.int64)
    mask = np.zeros(shape, np.int64)
    for place, row in enumerate(rows):
        input_ids[place, : len(ids[row])] = ids[row]
        mask[place, : len(ids[row])] = 1
    mask[:, 0] = 1  # an empty row attends to one padding token: no row is without a token
    return TokenBatch(rows, input_ids, mask)


def in_input_order(
    batches: Sequence[TokenBatch], results: Sequence[NDArray[np.float32]], n_messages: int
) -> NDArray[np.float32]:
    """Results of the batches, empty rows dropped, as one array of shape (n_messages, ...)."""
    ordered = np.empty((n_messages, *results[0].shape[1:]), np.float32)
    for batch, result in zip(batches, results, strict=True):
        ordered[batch.rows] = result[: len(batch.rows)]
    return ordered
