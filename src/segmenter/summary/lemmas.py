"""Forms of one word as one: a vocabulary lemmatised, never running text. Not here: languages that simplemma has no words of."""

import numpy as np
from numpy.typing import NDArray
from simplemma import Lemmatizer
from simplemma.strategies import DefaultStrategy
from simplemma.strategies.dictionaries import DefaultDictionaryFactory
from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES

_ALSO = {"bs": "hbs", "hr": "hbs", "sr": "hbs", "no": "nb"}  # codes of ours whose words it has under another
_PARTS = ("#", "'", "-")  # hashtags, and words like "don't", of which it keeps "do" alone


def one_word(words: list[str], counts: NDArray[np.int64], language: str) -> NDArray[np.int32]:
    """For each word, the place of the most frequent form of the same word: itself where the language is not known.

    Args:
        words: Lower-cased, different.
        counts: How often each stands in the corpus, shape (n_words,).
        language: ISO 639 code.
    """
    code = _ALSO.get(language, language)
    if code not in SUPPORTED_LANGUAGES:
        return np.arange(len(words), dtype=np.int32)
    lemmatizer = Lemmatizer(
        cache_max_size=1,
        lemmatization_strategy=DefaultStrategy(dictionary_factory=DefaultDictionaryFactory(cache_max_size=1)),
    )
    shown: dict[str, int] = {}
    found = np.arange(len(words), dtype=np.int32)
    for place in np.argsort(-counts, kind="stable").tolist():  # the first form of a lemma that comes is shown
        word = words[place]
        if not any(part in word for part in _PARTS):
            found[place] = shown.setdefault(lemmatizer.lemmatize(word, lang=code).lower(), place)
    return found
