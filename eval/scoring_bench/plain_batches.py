"""Batches as others make them, each padded to its longest row: of like length, or of so many rows in input order.

Not here: the canonical batches of scoring (segmenter.batches), whose shapes do not depend on a message's neighbours.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from tokenizers import Tokenizer

from eval.scoring_bench.timing import Count, Logits
from segmenter.batches import TokenBatch, Tokens, in_input_order, tokenise
from segmenter.bundle import TOKENIZER, Bundle
from segmenter.runtimes import pad_id


class Reader:
    """Cleaned texts to a bundle's logits through any network: the windows are those that scoring reads.

    Attributes:
        count: Of what has gone through the network.
    """

    def __init__(self, bundle: Bundle, rows_of: Callable[[Sequence[int]], Iterator[list[int]]]) -> None:
        """Open the bundle's tokenizer.

        Args:
            bundle: Its limits cut the windows.
            rows_of: Which windows make a batch, from the tokens of each (by_length, as_they_come).
        """
        self.count = Count()
        self._tokenizer = Tokenizer.from_file(str(bundle.path / TOKENIZER))
        self._limits = bundle.manifest.text
        self._pad_id = pad_id(bundle)
        self._rows_of = rows_of

    def logits(self, texts: Sequence[str], network: Callable[[TokenBatch], Logits]) -> Logits:
        """Of each text, in order, shape (n_texts, n_audiences)."""
        limits = self._limits
        tokens = tokenise(
            self._tokenizer, texts, max_tokens=limits.max_tokens, overlap_tokens=limits.window_overlap_tokens
        )
        batches = [self._batch(tokens, rows) for rows in self._rows_of([len(ids) for ids in tokens.ids])]
        for batch in batches:
            self.count.add(batch.attention_mask)
        return in_input_order(batches, [network(batch) for batch in batches], tokens)

    def _batch(self, tokens: Tokens, rows: list[int]) -> TokenBatch:
        longest = max(len(tokens.ids[row]) for row in rows)
        ids, mask = (np.full((len(rows), longest), value, np.int64) for value in (self._pad_id, 0))
        for place, row in enumerate(rows):
            own = tokens.ids[row]
            ids[place, : len(own)] = own
            mask[place, : len(own)] = 1
        return TokenBatch(rows, ids, mask)


def by_length(lengths: Sequence[int], *, batch_tokens: int) -> Iterator[list[int]]:
    """The longest first, each batch at most `batch_tokens` with its padding, but at least one row."""
    in_order = np.argsort(lengths, kind="stable")[::-1].tolist()
    while in_order:
        n_rows = max(1, batch_tokens // lengths[in_order[0]])
        yield in_order[:n_rows]
        in_order = in_order[n_rows:]


def as_they_come(lengths: Sequence[int], *, n_rows: int) -> Iterator[list[int]]:
    """Batches of `n_rows` in input order."""
    yield from (list(range(start, min(start + n_rows, len(lengths)))) for start in range(0, len(lengths), n_rows))
