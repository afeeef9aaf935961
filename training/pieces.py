"""More pieces for a tokenizer: learned from text that the old pieces shatter, added behind them, so that old ids stay.

Not here: what the new pieces' embeddings are (embeddings.py).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, trainers

from segmenter.errors import ParamsError
from segmenter.scope import pieces_per_word

CONTINUING = "##"  # WordPiece's mark of a piece that does not begin a word


@dataclass(frozen=True)
class Extended:
    """A tokenizer with more pieces.

    Attributes:
        tokenizer: Old ids are as they were; the new pieces' follow.
        pieces: The new ones, in the order of their ids.
    """

    tokenizer: Tokenizer
    pieces: list[str]


def extend(tokenizer: Tokenizer, texts: Sequence[str], n_pieces: int) -> Extended:
    """The tokenizer with every piece that a vocabulary of `n_pieces` learned from `texts` has beyond its own.

    Raises:
        ParamsError: The tokenizer is not a WordPiece one: greedy matching uses an added piece as it is, merges do not.
    """
    state = json.loads(tokenizer.to_str())
    kind = state["model"]["type"]
    if kind != "WordPiece":
        found = f"{n_pieces}, but the base encoder's tokenizer is {kind}; pieces can be added to WordPiece alone"
        raise ParamsError("params: adapt.pieces", found, "write 0 to adapt the weights alone")
    own = Tokenizer(models.WordPiece(unk_token=state["model"]["unk_token"]))
    own.normalizer, own.pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer
    trainer = trainers.WordPieceTrainer(
        vocab_size=n_pieces,
        continuing_subword_prefix=CONTINUING,
        special_tokens=[state["model"]["unk_token"]],
        show_progress=False,
    )
    own.train_from_iterator(texts, trainer)
    vocabulary = state["model"]["vocab"]
    learned = sorted(own.get_vocab().items(), key=lambda pair: pair[1])
    pieces = [piece for piece, _ in learned if piece not in vocabulary]
    vocabulary |= {piece: len(vocabulary) + number for number, piece in enumerate(pieces)}
    return Extended(Tokenizer.from_str(json.dumps(state, ensure_ascii=False)), pieces)


def fertility(tokenizer: Tokenizer, texts: Sequence[str], languages: NDArray[np.object_]) -> dict[str, float]:
    """Mean pieces a word of each language."""
    return {
        str(k): round(float(v), 3)
        for k, v in pd.Series(pieces_per_word(tokenizer, texts)).groupby(languages).mean().items()
    }
