"""Where the embeddings of added pieces start: the mean of the old pieces, or FOCUS, by similarity to pieces of both."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from sklearn.decomposition import TruncatedSVD
from tokenizers import Tokenizer

from training.pieces import CONTINUING

Floats = NDArray[np.float32]
WINDOW = 5  # tokens on either side that count as a token's company (the usual one of word2vec)
SMOOTHING = 0.75  # of context counts (Levy, Goldberg and Dagan 2015)
DIMENSIONS = 200  # of the similarity space
SEEN_AT_LEAST = 5  # a rarer piece has no company to judge by
ROWS = 1_000  # new pieces worked on at a time


def mean_of_old(old: Tokenizer, pieces: Sequence[str], embeddings: Floats) -> Floats:
    """For each new piece the mean embedding of the old pieces it would be cut into, shape (n_pieces, hidden_size).

    Args:
        old: The tokenizer before it was extended.
        pieces: The new ones.
        embeddings: Of the old pieces, shape (n_old, hidden_size).
    """
    begun = [
        ids.ids
        for ids in old.encode_batch_fast([piece.removeprefix(CONTINUING) for piece in pieces], add_special_tokens=False)
    ]
    return np.stack([embeddings[ids].mean(axis=0) if ids else embeddings.mean(axis=0) for ids in begun]).astype(
        np.float32
    )


def focus(ids: Sequence[list[int]], mean: Floats, embeddings: Floats, seed: int) -> Floats:
    """For each new piece a sparse weighted mean of old pieces that keep like company in the new text.

    Args:
        ids: Token ids of messages under the extended tokenizer, without special tokens.
        mean: What a piece that is too rare gets, shape (n_pieces, hidden_size).
        embeddings: Of the old pieces, shape (n_old, hidden_size).
        seed: Of the singular value decomposition.

    Source: Dobler and de Melo 2023, FOCUS (EMNLP); their fastText space is replaced by singular vectors of positive
    pointwise mutual information, its factorisation (Levy and Goldberg 2014).
    """
    n_old, n_all = len(embeddings), len(embeddings) + len(mean)
    counts = np.bincount(np.concatenate([np.asarray(row, np.int64) for row in ids]), minlength=n_all)
    space = _space(ids, n_all, seed)
    anchors = np.flatnonzero(counts[:n_old] >= SEEN_AT_LEAST)
    found = mean.copy()
    for start in range(0, len(mean) if len(anchors) else 0, ROWS):
        rows = np.arange(start, min(start + ROWS, len(mean)))
        rows = rows[counts[n_old + rows] >= SEEN_AT_LEAST]
        weights = sparsemax(space[n_old + rows] @ space[anchors].T)
        found[rows] = weights @ embeddings[anchors]
    return found


def sparsemax(values: Floats) -> Floats:
    """Rows projected onto the probability simplex: most weights are exactly 0.

    Source: Martins and Astudillo 2016, From softmax to sparsemax.
    """
    ordered = -np.sort(-values, axis=1)
    sums = np.cumsum(ordered, axis=1, dtype=np.float64)
    number = np.arange(1, values.shape[1] + 1)
    n_kept = (1 + number * ordered > sums).sum(axis=1)
    cut = (sums[np.arange(len(values)), n_kept - 1] - 1) / n_kept
    return np.asarray(np.maximum(values - cut[:, None], 0), np.float32)


def _space(ids: Sequence[list[int]], n_pieces: int, seed: int) -> Floats:
    """A unit vector per piece, near those of pieces in like company; shape (n_pieces, DIMENSIONS)."""
    company = _company(ids, n_pieces)
    total = company.sum()
    own = np.asarray(company.sum(axis=1)).ravel() / total
    context = np.asarray(company.sum(axis=0)).ravel() ** SMOOTHING
    context /= context.sum()
    pairs = company.tocoo()
    information = np.log(pairs.data / total / (own[pairs.row] * context[pairs.col]))
    kept = information > 0
    positive = csr_array((information[kept], (pairs.row[kept], pairs.col[kept])), shape=company.shape)
    decomposed = TruncatedSVD(min(DIMENSIONS, n_pieces - 1), random_state=seed)
    vectors = decomposed.fit_transform(positive) / np.sqrt(np.maximum(decomposed.singular_values_, 1e-9))
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)


def _company(ids: Sequence[list[int]], n_pieces: int) -> csr_array:
    """How often two pieces stand within WINDOW tokens of each other in one message, shape (n_pieces, n_pieces)."""
    flat = np.concatenate([np.asarray(row, np.int64) for row in ids])
    message = np.repeat(np.arange(len(ids)), [len(row) for row in ids])
    company = csr_array((n_pieces, n_pieces), dtype=np.float64)
    for distance in range(1, WINDOW + 1):
        together = message[:-distance] == message[distance:]
        left, right = flat[:-distance][together], flat[distance:][together]
        part = coo_array((np.ones(len(left)), (left, right)), shape=(n_pieces, n_pieces)).tocsr()
        company = company + part
    return csr_array(company + company.T)
