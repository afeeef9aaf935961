"""The different texts of a corpus, numbered as they come. Not here: near-copies (copies.py), words (terms.py)."""

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segmenter.text import clean, cleaned_key


class Texts:
    """What is met of them; two are the same where their text keys are.

    Attributes:
        numbers: Of each batch's messages.
        originals: The texts that were new in each batch, as `cleaned`.
        frame: Digest over the keys of all messages.
    """

    def __init__(self) -> None:
        """Nothing met yet."""
        self.numbers: list[NDArray[np.int32]] = []
        self.originals: list[pa.Array] = []
        self.cleaned: list[pa.Array] = []
        self.frame = hashlib.sha256()
        self._number: dict[bytes, int] = {}

    def add(self, texts: list[str]) -> None:
        """The texts of a batch."""
        numbers = np.empty(len(texts), np.int32)
        originals, cleaned = [], []
        for place, text in enumerate(texts):
            read = clean(text)
            key = cleaned_key(read)
            self.frame.update(f"{key}\n".encode())
            n_known = len(self._number)
            numbers[place] = self._number.setdefault(bytes.fromhex(key), n_known)
            if len(self._number) > n_known:
                originals.append(text)
                cleaned.append(read)
        self.numbers.append(numbers)
        self.originals.append(pa.array(originals, pa.string()))
        self.cleaned.append(pa.array(cleaned, pa.string()))
