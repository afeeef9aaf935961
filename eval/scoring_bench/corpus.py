"""Messages to time scoring on: invented ones with the length profile and duplicates of real corpora, or those of a table.

The invented ones are words of four languages and made-up words in random order: they mean nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from tokenizers import Tokenizer

from segmenter.errors import TableError
from segmenter.scope import read_whole
from segmenter.tables import TableReader
from segmenter.text import clean

Ints = NDArray[np.int64]
# The profile of corpora that scoring was planned on: half of the messages up to 35 pieces of words, one in twenty above
# 175, 16 % of them an exact copy of another. Lengths are lognormal between those two points.
MEDIAN_PIECES, P95_PIECES, DUPLICATE_SHARE = 35, 175, 0.16
SPREAD = np.log(P95_PIECES / MEDIAN_PIECES) / 1.645  # 1.645: the 95th percentile of a normal distribution
PIECES_AT_LEAST, PIECES_AT_MOST = 4, 900
WORDS = Path(__file__).with_name("words.yaml")
LANGUAGES = {"en": 0.45, "ru": 0.3, "de": 0.15, "fr": 0.1}
MADE_UP_SHARE = 0.15  # of the words: names and rare words, which tokenizers cut into several pieces
N_MADE_UP = 400  # a language
WORDS_A_SENTENCE = 11
ROWS_AT_ONCE = 4096  # of a table
EXTRAS = {"{}": 0.6, "{} https://example.org/{}": 0.2, "@{1} {0}": 0.1, "{} #{}": 0.1}  # what stands around the words
MADE_UP = {"ru": "made_up_cyrillic"}  # whose syllables; those of "made_up" elsewhere


@dataclass(frozen=True)
class Lexicon:
    """Words of one language.

    Attributes:
        words: Frequent ones first, the made-up ones last.
        chances: Of each, shape (n_words,).
        pieces: That a tokenizer cuts each into, shape (n_words,).
    """

    words: list[str]
    chances: NDArray[np.float64]
    pieces: Ints


def invented(tokenizer: Tokenizer, *, n_messages: int, seed: int) -> list[str]:
    """Messages with the profile above as `tokenizer` cuts them, in random order; the same seed gives the same ones."""
    rng = np.random.default_rng(seed)
    n_different = n_messages - round(n_messages * DUPLICATE_SHARE)
    lexicons = _lexicons(tokenizer, rng)
    different: dict[str, str] = {}  # by the cleaned text: what cleaning makes equal is a duplicate too
    while len(different) < n_different:
        text = _message(lexicons[rng.choice(list(LANGUAGES), p=list(LANGUAGES.values()))], rng)
        different.setdefault(clean(text), text)
    texts = list(different.values())
    texts += [texts[place] for place in rng.integers(n_different, size=n_messages - n_different)]
    return [texts[place] for place in rng.permutation(n_messages)]


def _lexicons(tokenizer: Tokenizer, rng: np.random.Generator) -> dict[str, Lexicon]:
    known = yaml.safe_load(WORDS.read_text("utf-8"))
    found = {}
    for language in LANGUAGES:
        syllables = known[MADE_UP.get(language, "made_up")].split()
        made_up = ["".join(rng.choice(syllables, size=rng.integers(2, 5))) for _ in range(N_MADE_UP)]
        usual = known[language].split()
        by_rank = 1 / np.arange(2, len(usual) + 2)  # Zipf's law
        chances = [by_rank / by_rank.sum() * (1 - MADE_UP_SHARE), np.full(N_MADE_UP, MADE_UP_SHARE / N_MADE_UP)]
        words = usual + made_up
        found[language] = Lexicon(words, np.concatenate(chances), n_pieces(tokenizer, words, with_specials=False))
    return found


def _message(lexicon: Lexicon, rng: np.random.Generator) -> str:
    """Sentences of as many pieces as the lognormal distribution says."""
    drawn = rng.lognormal(np.log(MEDIAN_PIECES), SPREAD)
    target = float(np.clip(drawn, PIECES_AT_LEAST, PIECES_AT_MOST)) - 2  # two special tokens
    places = rng.choice(len(lexicon.words), size=int(target) + 1, p=lexicon.chances)
    pieces = np.cumsum(lexicon.pieces[places] + 1 / WORDS_A_SENTENCE)
    words = [lexicon.words[place] for place in places[: max(1, int(np.searchsorted(pieces, target)))]]
    sentences = [words[start : start + WORDS_A_SENTENCE] for start in range(0, len(words), WORDS_A_SENTENCE)]
    text = " ".join(" ".join(sentence).capitalize() + "." for sentence in sentences)
    around = rng.choice(list(EXTRAS), p=list(EXTRAS.values()))
    return str(around).format(text, lexicon.words[-int(rng.integers(1, N_MADE_UP))])


def of_table(path: Path, column: str) -> list[str]:
    """All messages of a table that have text.

    Raises:
        TableError: The table cannot be read or has no such column.
    """
    batches = TableReader(path, text_column=column, on_reject=lambda reject: None).batches(ROWS_AT_ONCE)
    return [text for batch in batches for text in batch.column(column) if text]


def n_pieces(tokenizer: Tokenizer, texts: Sequence[str], *, with_specials: bool = True) -> Ints:
    """Pieces of each text, shape (n_texts,)."""
    read_whole(tokenizer)
    encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=with_specials)
    return np.array([len(whole) for whole in encoded], np.int64)


def stratified(texts: Sequence[str], length_of: Callable[[list[str]], Ints], *, n: int, seed: int) -> list[str]:
    """`n` different messages that have the length profile of all different ones, in random order.

    Drawn at equal steps through the messages in order of length, those of one length shuffled.

    Args:
        texts: Originals; two that are equal once cleaned count as one.
        length_of: Pieces of cleaned texts.
        n: How many.
        seed: Of the order.

    Raises:
        TableError: There are fewer.
    """
    different = {clean(text): text for text in texts}
    if len(different) < n:
        raise TableError(
            "messages", f"{len(different):,} different ones, {n:,} are to be drawn", "bring more, or draw fewer"
        )
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(different))
    cleaned, originals = list(different), list(different.values())
    in_order = shuffled[np.argsort(length_of(cleaned)[shuffled], kind="stable")]
    drawn = in_order[np.linspace(0, len(in_order), n, endpoint=False).astype(np.int64)]
    return [originals[place] for place in rng.permutation(drawn)]
