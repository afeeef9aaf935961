"""Which words and phrases stand in which texts of a language: counted once, asked for any part of the corpus.

Words are the forms of one lemma together; phrases are two or three words side by side as they are written. Not here:
which of them set an audience apart (apart.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmenter.summary.corpus import Corpus
from segmenter.summary.lemmas import one_word
from segmenter.summary.tokens import BREAK, Stream, stream
from segmenter.summary.words import MIN_LETTERS

TEXTS_AT_ONCE = 50_000  # sorted, or counted; changes no result
NO_WORD, RARE = -1, -2
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Terms:
    """Words, or phrases, and the texts that hold them; a term counts once a text.

    Attributes:
        vocabulary: Words as they are shown.
        parts: The words of each term, NO_WORD where a phrase has fewer, shape (n_terms, 3).
        totals: Texts with each term, shape (n_terms,).
        mass: The same summed over all terms, rare ones that have no number among them.
        starts: Where the terms of each text begin in `terms`, shape (n_texts + 1,).
        terms: Term numbers, text after text.
        sizes: How many terms each text has, rare ones among them (rare phrases each time), shape (n_texts,).
    """

    vocabulary: list[str]
    parts: Ints
    totals: Longs
    mass: int
    starts: Longs
    terms: Ints
    sizes: Ints

    def shown(self, term: int) -> str:
        """A term as it is shown."""
        return " ".join(self.vocabulary[word] for word in self.parts[term].tolist() if word != NO_WORD)

    def counts(self, texts: Longs) -> Longs:
        """In how many of some texts each term stands, shape (n_terms,)."""
        found = np.zeros(len(self.totals), np.int64)
        for first in range(0, len(texts), TEXTS_AT_ONCE):
            some = texts[first : first + TEXTS_AT_ONCE]
            lengths = self.starts[some + 1] - self.starts[some]
            before = np.cumsum(lengths) - lengths
            places = np.repeat(self.starts[some] - before, lengths) + np.arange(lengths.sum())
            found += np.bincount(self.terms[places], minlength=len(found))
        return found


@dataclass(frozen=True)
class LanguageTerms:
    """One language.

    Attributes:
        texts: Numbers of its texts in scope, rising; `words` and `phrases` number them from 0 in this order.
    """

    language: str
    texts: Longs
    words: Terms
    phrases: Terms


def terms_by_language(corpus: Corpus, *, texts_at_least: int, term_texts_at_least: int) -> Iterator[LanguageTerms]:
    """The terms of each language, the largest first.

    A text is of the language of its first message in scope; texts without one are left out.

    Args:
        corpus: Its texts.
        texts_at_least: Languages of fewer texts are left out.
        term_texts_at_least: Terms in fewer texts have no number.
    """
    rows = np.flatnonzero(corpus.in_scope)
    texts, first = np.unique(corpus.text[rows], return_index=True)
    language = corpus.language[rows[first]]
    sizes = np.bincount(language, minlength=len(corpus.languages))
    for number in sorted(range(len(sizes)), key=lambda one: (-sizes[one], corpus.languages[one])):
        if sizes[number] >= max(texts_at_least, 1):
            own = texts[language == number].astype(np.int64)
            found = stream(corpus.texts.take(own), corpus.cleaned.take(own))
            name = corpus.languages[number]
            yield LanguageTerms(
                name, own, _words(found, name, term_texts_at_least), _phrases(found, term_texts_at_least)
            )


def _words(found: Stream, language: str, at_least: int) -> Terms:
    counts = np.bincount(found.numbers[found.numbers != BREAK], minlength=len(found.words))
    word_of = one_word(found.words, counts, language)
    is_word = np.array([len(word) >= MIN_LETTERS for word in found.words], np.bool_)
    of_number = np.append(np.where(is_word, word_of, NO_WORD), NO_WORD)  # the last is BREAK's
    parts = np.full((len(found.words), 3), NO_WORD, np.int32)
    parts[:, 0] = np.arange(len(found.words))
    return _indexed([of_number[found.numbers]], parts, found, at_least)


def _phrases(found: Stream, at_least: int) -> Terms:
    """Two and three words; a longer phrase is only looked for where the shorter one is frequent enough."""
    numbers, n_words = found.numbers.astype(np.int64), len(found.words)
    following = np.append(numbers[1:], BREAK)
    following[np.cumsum(found.lengths)[found.lengths > 0] - 1] = BREAK  # the next text's
    pairs, pair_of = _frequent(numbers, following, n_words, at_least)
    triples, triple_of = _frequent(pair_of, np.append(following[1:], BREAK), n_words, at_least)
    triple_of[triple_of >= 0] += len(pairs)
    parts = np.full((len(pairs) + len(triples), 3), NO_WORD, np.int32)
    parts[: len(pairs), 0], parts[: len(pairs), 1] = np.divmod(pairs, max(n_words, 1))
    of_triple, parts[len(pairs) :, 2] = np.divmod(triples, max(n_words, 1))
    parts[len(pairs) :, :2] = parts[of_triple, :2]
    return _indexed([pair_of, triple_of], parts, found, at_least)


def _frequent(first: Longs, second: Longs, n_words: int, at_least: int) -> tuple[Longs, Longs]:
    """Pairs that stand at `at_least` places, as first * n_words + second, and the number of the pair at each place.

    Where a place has none it is NO_WORD, where it has a rare one RARE.
    """
    is_pair = (first >= 0) & (second >= 0)
    keys = first[is_pair] * n_words + second[is_pair]
    known, counts = np.unique(keys, return_counts=True)
    known = known[counts >= at_least]
    places = np.minimum(np.searchsorted(known, keys), max(len(known) - 1, 0))
    numbers = np.full(len(first), NO_WORD, np.int64)
    numbers[is_pair] = np.where(known[places] == keys, places, RARE) if len(known) else RARE
    return known, numbers


def _indexed(numbers: list[NDArray[np.integer]], parts: Ints, found: Stream, at_least: int) -> Terms:
    """Terms by text, from the number of the term at each place; those in too few texts lose theirs."""
    totals = np.zeros(len(parts), np.int64)
    texts, terms, sizes = [], [], np.zeros(len(found.lengths), np.int32)
    ends = np.append(0, np.cumsum(found.lengths))
    for first in range(0, len(found.lengths), TEXTS_AT_ONCE):
        last = min(first + TEXTS_AT_ONCE, len(found.lengths))
        own = np.repeat(np.arange(last - first), found.lengths[first:last])
        some = [column[ends[first] : ends[last]] for column in numbers]
        keys = np.concatenate([own[column >= 0] * len(parts) + column[column >= 0] for column in some])
        of_text, of_term = np.divmod(_distinct(keys), max(len(parts), 1))
        n_rare = sum(np.bincount(own[column == RARE], minlength=last - first) for column in some)
        sizes[first:last] = np.bincount(of_text, minlength=last - first) + n_rare
        totals += np.bincount(of_term, minlength=len(parts))
        texts.append((of_text + first).astype(np.int32))
        terms.append(of_term.astype(np.int32))
    kept = np.flatnonzero(totals >= at_least)
    place = np.full(len(parts), NO_WORD, np.int32)
    place[kept] = np.arange(len(kept))
    of_text, of_term = np.concatenate(texts), place[np.concatenate(terms)]
    starts = np.append(0, np.cumsum(np.bincount(of_text[of_term >= 0], minlength=len(sizes))))
    return Terms(found.words, parts[kept], totals[kept], int(sizes.sum()), starts, of_term[of_term >= 0], sizes)


def _distinct(keys: Longs) -> Longs:
    """Each key once, rising; np.unique, which hashes, takes several times as long."""
    keys.sort()
    return np.asarray(keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]], np.int64)
