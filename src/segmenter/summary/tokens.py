"""The words of many messages in their order, as numbers: hashtags whole, nothing that names anybody.

The rules of words.py in the form of polars, for a corpus at a time. Not here: what is counted of them (terms.py).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from segmenter.text import clean

CHUNK_TEXTS = 20_000  # cut into words at a time; changes no result
BREAK = -1  # what stands between words that make no phrase: a full stop, a number, a link
SHOWN_AS_BREAK = " | "
_HASHTAG = re.compile(r"(?<![\w/&])#\w+")
# What redact.py and clean() know as contacts, without look-around, which polars has not: it may take a little more.
_CONTACTS = (
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:https?|ftp|tg)://\S+|\bwww\.\S+|(?:[\w-]+\.)+\p{L}{2,24}[/?:]\S*"
    r"|(?:[\w-]+\.)+(?:com|org|net|info|ru|su|рф|ua|by|eu|de|fr|it|es|pl|uk|us|tv|me|io|co|gg|ly|be)\b"
    r"|@[\w.-]*\w|\bu/[\w-]+|\[(?:id|club|public)\d+\|[^\]]*\]|\blink\b"
)
_TOKEN = r"#\w+|\p{L}[\p{L}\p{M}]*(?:['’-][\p{L}\p{M}]+)*|[^\s\p{L}#]+|#"


@dataclass(frozen=True)
class Stream:
    """Texts as numbers of words.

    Attributes:
        words: Lower-cased, by number.
        numbers: Of every text's words in order, text after text; BREAK where a phrase ends, shape (n_tokens,).
        lengths: How many of them each text has, shape (n_texts,).
    """

    words: list[str]
    numbers: NDArray[np.int32]
    lengths: NDArray[np.int64]


def stream(originals: pa.ChunkedArray, cleaned: pa.ChunkedArray) -> Stream:
    """The words of some texts, one at least, given as they were found and as a model reads them."""
    known: dict[str, int] = {}
    numbers, lengths = [], []
    for start in range(0, len(cleaned), CHUNK_TEXTS):
        prepared = list(_prepared(originals.slice(start, CHUNK_TEXTS), cleaned.slice(start, CHUNK_TEXTS)))
        found = pl.Series(prepared, dtype=pl.String).str.to_lowercase()
        found = found.str.replace_all(_CONTACTS, SHOWN_AS_BREAK).str.extract_all(_TOKEN)
        lengths.append(found.list.len().to_numpy().astype(np.int64))
        tokens = found.explode().drop_nulls().to_arrow().cast(pa.large_string()).dictionary_encode()
        places = [_number(token, known) for token in tokens.dictionary.to_pylist()]
        numbers.append(np.array(places, np.int32)[tokens.indices.to_numpy()])
    return Stream(list(known), np.concatenate(numbers), np.concatenate(lengths))


def _prepared(originals: pa.ChunkedArray, cleaned: pa.ChunkedArray) -> Iterator[str]:
    """The text that is cut into words: hashtags, which clean() takes apart, stand whole at its end."""
    for original, text in zip(originals.to_pylist(), cleaned.to_pylist(), strict=True):
        if "#" not in text:
            yield text
            continue
        composed = unicodedata.normalize("NFKC", original)
        tags = _HASHTAG.findall(composed)
        yield SHOWN_AS_BREAK.join([clean(_HASHTAG.sub(SHOWN_AS_BREAK, composed)), *tags])


def _number(token: str, known: dict[str, int]) -> int:
    if token[0].isalpha() or (token[0] == "#" and len(token) > 1):
        return known.setdefault(token, len(known))
    return BREAK
