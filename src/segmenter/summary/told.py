"""What each public was told in one part of the corpus, side by side: words, phrases, examples, copies.

A part is a set of row numbers: the whole corpus, the days around an event, a period. Not here: which parts are told of
(scopes.py), the words that carry a score (carrying.py).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from segmenter.sections import Duplicates
from segmenter.summary.apart import WordSettings, set_apart, side
from segmenter.summary.copies import CopySettings, copy_numbers, largest_copies
from segmenter.summary.corpus import Corpus
from segmenter.summary.findings import Scope, Told, ToldTo
from segmenter.summary.margins import OTHER_SOURCES, SourceSettings, named_sources
from segmenter.summary.redact import redacted, with_handles
from segmenter.summary.representatives import Part, examples
from segmenter.summary.shown import Shown, Spans
from segmenter.summary.terms import LanguageTerms, Longs, terms_by_language
from segmenter.summary.words import WordList

COPIES_SHARE = 0.6  # of the time of preparing, for the progress that is told


class ToldSettings(WordSettings, CopySettings, SourceSettings, Protocol):
    """What of the `summary` section this goes by."""

    @property
    def examples(self) -> int:
        """Shown of an audience."""
        ...


@dataclass(frozen=True)
class Teller:
    """A corpus prepared to be told of in any part; made by `teller`."""

    corpus: Corpus
    copies: Longs
    languages: list[LanguageTerms]
    shown: Shown
    settings: ToldSettings

    def told(self, scope: Scope, rows: Longs) -> Told:
        """What each public was told in some rows, rising."""
        lists = [found for language in self.languages for found in self._lists(language, rows)]
        lists.sort(key=lambda pair: (-pair[0].n_messages, pair[0].language))
        audiences = [self._told_to(number, rows, lists) for number in range(len(self.corpus.audience_ids))]
        return Told(scope, len(rows), audiences)

    def _told_to(self, audience: int, rows: Longs, lists: list[tuple[WordList, WordList]]) -> ToldTo:
        corpus, settings = self.corpus, self.settings
        name, ours = corpus.audience_ids[audience], rows[corpus.clear[rows, audience]]
        return ToldTo(
            audience=name,
            n_messages=len(ours),
            n_texts=len(np.unique(corpus.text[ours])),
            words=[words for words, _ in lists if words.audience == name],
            phrases=[phrases for _, phrases in lists if phrases.audience == name],
            examples=examples(corpus, self.copies, Part(rows, ours, audience), self.shown, settings.examples),
            copies=largest_copies(corpus, self.copies, ours, self.shown, settings),
        )

    def _lists(self, language: LanguageTerms, rows: Longs) -> Iterator[tuple[WordList, WordList]]:
        """Words and phrases of each audience in one language, where both sides have enough texts; near-copies are one."""
        corpus, at_least = self.corpus, self.settings.comparison_messages_at_least
        every = self._texts(language, rows[corpus.in_scope[rows]])
        if len(every) < 2 * at_least:
            return
        copies = self.copies[language.texts]
        for number, name in enumerate(corpus.audience_ids):
            ours = self._texts(language, rows[corpus.clear[rows, number]])
            others = every[~np.isin(copies[every], copies[ours])]
            ours, others = (texts[np.unique(copies[texts], return_index=True)[1]] for texts in (ours, others))
            if min(len(ours), len(others)) >= at_least:
                words, phrases = (
                    set_apart(terms, side(terms, ours), side(terms, others), self.settings)
                    for terms in (language.words, language.phrases)
                )
                about = (name, language.language, len(ours), len(others))
                yield WordList(*about, words), WordList(*about, phrases)

    def _texts(self, language: LanguageTerms, rows: Longs) -> Longs:
        """The texts of a language that stand in some rows, by their places in it."""
        has = np.zeros(self.corpus.n_texts, np.bool_)
        has[self.corpus.text[rows]] = True
        return np.flatnonzero(has[language.texts])


def teller(
    corpus: Corpus,
    settings: ToldSettings,
    duplicates: Duplicates,
    *,
    zone: ZoneInfo,
    show_handles: bool,
    spans: Spans,
    on_progress: Callable[[float], None] | None,
) -> Teller:
    """Find copies, words and phrases of a whole corpus once; `on_progress` takes the part done, in [0, 1]."""
    heard = on_progress or (lambda done: None)
    copies = copy_numbers(corpus, duplicates, lambda done: heard(COPIES_SHARE * done))
    languages, n_done = [], 0
    for found in terms_by_language(
        corpus,
        texts_at_least=2 * settings.comparison_messages_at_least,
        term_texts_at_least=settings.word_messages_at_least,
    ):
        languages.append(found)
        n_done += len(found.texts)
        heard(COPIES_SHARE + (1 - COPIES_SHARE) * n_done / corpus.n_texts)
    heard(1.0)
    named = named_sources(corpus, settings)
    sources = [name if is_named else OTHER_SOURCES for name, is_named in zip(corpus.sources, named, strict=True)]
    shown = Shown(with_handles if show_handles else redacted, sources, zone, spans)
    return Teller(corpus, copies, languages, shown, settings)
