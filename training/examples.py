"""What a model is trained on and judged by: prepared messages, trusted and weak, as windows with labels and weights."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segmenter.batches import Tokens, tokenise
from segmenter.errors import ParamsError
from segmenter.model import BaseEncoder
from segmenter.params import Params
from segmenter.prepared import label_array, read_split
from segmenter.text import clean


@dataclass(frozen=True)
class Examples:
    """Messages with labels.

    Attributes:
        tokens: Their windows.
        labels: Shape (n_messages, n_audiences).
        weights: Of each message's loss, shape (n_messages,).
        languages: As the prepared splits have them, shape (n_messages,).
        pad_id: The encoder's padding token.
    """

    tokens: Tokens
    labels: NDArray[np.bool_]
    weights: NDArray[np.float64]
    languages: NDArray[np.str_]
    pad_id: int

    def part(self, places: NDArray[np.int64]) -> "Examples":
        """The messages at `places`."""
        own = (self.labels[places], self.weights[places], self.languages[places])
        return Examples(self.tokens.part(places), *own, self.pad_id)


@dataclass(frozen=True)
class Frames:
    """The prepared messages that training uses, columns as split_columns.

    Attributes:
        train: Trusted labels (gold, silver) alone; calibration and thresholds come from them.
        weak: Empty where params leave them out. Where every label is weak, they are all there is, and count as trusted.
        dev: Trusted likewise: early stopping and the gate of the int8 graph are judged by it.
    """

    train: pd.DataFrame
    weak: pd.DataFrame
    dev: pd.DataFrame

    @property
    def learned(self) -> pd.DataFrame:
        """Every message that is learned from, the trusted ones first."""
        return pd.concat([self.train, self.weak], ignore_index=True) if len(self.weak) else self.train

    @property
    def keys(self) -> frozenset[str]:
        """Text keys of every message that training sees."""
        return frozenset(self.learned["key"]) | frozenset(self.dev["key"])


def read_frames(params: Params) -> Frames:
    """The messages that training uses, weak ones drawn by the seed of the params.

    Raises:
        ParamsError: Splits not prepared, or weak labels wanted where there are none.
    """
    train, dev = (read_split(params, name) for name in ("train", "dev"))
    all_weak = bool((train["label_kind"] == "weak").all())
    trusted, judged = (((frame["label_kind"] != "weak") | all_weak).to_numpy() for frame in (train, dev))
    places = np.flatnonzero(~trusted)
    if params.train.weak == "leave_out":
        places = places[:0]
    elif not len(places):
        found = f"{params.train.weak}, and no training message is weak beside trusted ones"
        raise ParamsError("params: train.weak", found, "write leave_out, or bring a table of label_kind weak")
    if len(places) > params.train.weak_messages_at_most:
        generator = np.random.default_rng(params.seed)
        places = np.sort(generator.choice(places, params.train.weak_messages_at_most, replace=False))
    frames = (train[trusted], train.iloc[places], dev[judged])
    return Frames(*(frame.reset_index(drop=True) for frame in frames))


def to_examples(frame: pd.DataFrame, base: BaseEncoder, params: Params) -> Examples:
    """Messages as the base encoder reads them."""
    limits = params.text
    texts = [clean(text) for text in frame["text"]]
    tokens = tokenise(base.tokenizer, texts, max_tokens=limits.max_tokens, overlap_tokens=limits.window_overlap_tokens)
    return Examples(
        tokens,
        label_array(frame, params.audience_ids),
        frame["weight"].to_numpy(np.float64),
        frame["lang"].to_numpy(np.str_),
        base.pad_id,
    )
