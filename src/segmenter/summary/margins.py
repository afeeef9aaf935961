"""Counts along one dimension (all, language, source) and over periods, and histograms of scores. Not here: estimates.

A message counts for an audience where the model clearly chose it and could judge the message; histograms are of the
messages it could judge, chosen or not. Not here either: which period a message falls in (periods.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmenter.shares.bins import N_BINS, bin_of
from segmenter.summary.corpus import Corpus
from segmenter.summary.periods import NO_DAY, NO_PERIOD, Calendar, iso_day

OTHER_SOURCES, NO_SOURCE = "other sources", "no source given"
ONE, POOLED, NOT_GIVEN = "one", "pooled", "not_given"  # kinds of values
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


class SourceSettings(Protocol):
    """What of the `summary` section says which sources are named."""

    @property
    def source_messages_at_least(self) -> int:
        """Smaller sources are pooled (privacy)."""
        ...

    @property
    def sources_shown(self) -> int:
        """Of those the largest stand by themselves in a margin, the rest pooled."""
        ...


@dataclass(frozen=True)
class Dimension:
    """One way to cut the corpus.

    Attributes:
        name: `all`, `language` or `source`.
        values: As shown, largest first, pooled ones and no value last.
        kinds: Of each value.
        numbers: The value of each message, shape (n_messages,).
    """

    name: str
    values: list[str]
    kinds: list[str]
    numbers: Ints


@dataclass(frozen=True)
class Margin:
    """Facts of each value of a dimension, and of its dated messages over the periods.

    Attributes:
        n_messages: Shape (n_values,), as `n_uncertain`, `n_out_of_scope`.
        n_chosen: Shape (n_values, n_audiences).
        n_messages_over_time: Shape (n_values, n_periods).
        n_chosen_over_time: Shape (n_values, n_periods, n_audiences).
    """

    dimension: Dimension
    n_messages: Longs
    n_uncertain: Longs
    n_out_of_scope: Longs
    n_chosen: Longs
    n_messages_over_time: Longs
    n_chosen_over_time: Longs


@dataclass(frozen=True)
class DailyCounts:
    """Dated messages by day, empty days included.

    Attributes:
        first: None where nothing is dated.
        totals: Shape (n_days,).
        counts: Chosen messages by audience id, each of that shape.
    """

    first: date | None
    totals: Longs
    counts: dict[str, Longs]


def dimensions(corpus: Corpus, settings: SourceSettings) -> list[Dimension]:
    """The whole corpus, its languages, and, where the table has the column, its sources."""
    found = [Dimension("all", ["all"], [ONE], np.zeros(corpus.n_messages, np.int32)), _languages(corpus)]
    return [*found, _sources(corpus, settings)] if corpus.is_sourced else found


def named_sources(corpus: Corpus, settings: SourceSettings) -> Mask:
    """Which sources have enough messages to be named anywhere, shape (n_sources,)."""
    return source_sizes(corpus) >= settings.source_messages_at_least


def source_sizes(corpus: Corpus) -> Longs:
    """Messages of each source, shape (n_sources,)."""
    return np.bincount(corpus.source[corpus.source >= 0], minlength=len(corpus.sources))


def margin(corpus: Corpus, dimension: Dimension, calendar: Calendar) -> Margin:
    """Counts of every value."""
    n_values, n_periods = len(dimension.values), len(calendar.periods.starts)
    dated = calendar.numbers != NO_PERIOD
    cells = dimension.numbers[dated].astype(np.int64) * n_periods + calendar.numbers[dated]
    clear = corpus.clear
    over_time = _chosen(cells, clear[dated], n_values * n_periods)
    return Margin(
        dimension=dimension,
        n_messages=np.bincount(dimension.numbers, minlength=n_values),
        n_uncertain=np.bincount(dimension.numbers[corpus.is_uncertain], minlength=n_values),
        n_out_of_scope=np.bincount(dimension.numbers[~corpus.in_scope], minlength=n_values),
        n_chosen=_chosen(dimension.numbers, clear, n_values),
        n_messages_over_time=np.bincount(cells, minlength=n_values * n_periods).reshape(n_values, n_periods),
        n_chosen_over_time=over_time.reshape(n_values, n_periods, clear.shape[1]),
    )


def histograms(corpus: Corpus, dimension: Dimension, audience_id: str, languages: Sequence[str]) -> Longs:
    """Scores of the messages in scope by value, language and bin, shape (n_values, n_languages, N_BINS).

    Args:
        corpus: Its messages.
        dimension: Its values.
        audience_id: Whose scores.
        languages: Codes, in the order wanted; messages of others are left out.
    """
    return _histograms(corpus, dimension.numbers, len(dimension.values), audience_id, languages)


def histograms_over_time(
    corpus: Corpus, dimension: Dimension, calendar: Calendar, audience_id: str, languages: Sequence[str]
) -> Longs:
    """The same of dated messages, shape (n_values * n_periods, n_languages, N_BINS), the periods of a value together."""
    n_periods = len(calendar.periods.starts)
    cells = dimension.numbers.astype(np.int64) * n_periods + calendar.numbers
    cells[calendar.numbers == NO_PERIOD] = -1
    return _histograms(corpus, cells, len(dimension.values) * n_periods, audience_id, languages)


def daily_counts(corpus: Corpus, days: Ints) -> DailyCounts:
    """Counts of each day, `days` as of `local_days`."""
    dated = days != NO_DAY
    if not dated.any():
        return DailyCounts(None, np.zeros(0, np.int64), {name: np.zeros(0, np.int64) for name in corpus.audience_ids})
    places = days[dated] - days[dated].min()
    n_days = int(places.max()) + 1
    chosen = _chosen(places, corpus.clear[dated], n_days)
    return DailyCounts(
        first=date.fromisoformat(iso_day(int(days[dated].min()))),
        totals=np.bincount(places, minlength=n_days),
        counts={name: chosen[:, number] for number, name in enumerate(corpus.audience_ids)},
    )


def _languages(corpus: Corpus) -> Dimension:
    n_messages = np.bincount(corpus.language, minlength=len(corpus.languages))
    order = _largest(n_messages, corpus.languages)
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order))
    names = [corpus.languages[number] for number in order]
    return Dimension("language", names, [ONE] * len(names), places[corpus.language])


def _sources(corpus: Corpus, settings: SourceSettings) -> Dimension:
    sizes, named = source_sizes(corpus), named_sources(corpus, settings)
    shown = [number for number in _largest(sizes, corpus.sources) if named[number]][: settings.sources_shown]
    values, kinds = [corpus.sources[number] for number in shown], [ONE] * len(shown)
    places = np.full(len(corpus.sources) + 1, len(shown), np.int32)  # the last: no source, whose number is -1
    places[shown] = np.arange(len(shown))
    if len(shown) < len(corpus.sources):
        values.append(OTHER_SOURCES)
        kinds.append(POOLED)
    if (corpus.source < 0).any():
        places[-1] = len(values)
        values.append(NO_SOURCE)
        kinds.append(NOT_GIVEN)
    return Dimension("source", values, kinds, places[corpus.source])


def _largest(sizes: Longs, names: list[str]) -> list[int]:
    """Numbers, the largest first, of equal ones by name."""
    return sorted(range(len(names)), key=lambda number: (-sizes[number], names[number]))


def _chosen(cells: NDArray[np.integer], clear: Mask, n_cells: int) -> Longs:
    """Messages of each cell and audience, shape (n_cells, n_audiences)."""
    return np.stack([np.bincount(cells[column], minlength=n_cells) for column in clear.T], axis=1)


def _histograms(
    corpus: Corpus, cells: NDArray[np.integer], n_cells: int, audience_id: str, languages: Sequence[str]
) -> Longs:
    wanted = {name: number for number, name in enumerate(languages)}
    places = np.array([wanted.get(name, -1) for name in corpus.languages], np.int64)[corpus.language]
    used = corpus.in_scope & (places >= 0) & (cells >= 0)
    bins = bin_of(corpus.scores[used, corpus.audience_ids.index(audience_id)])
    flat = (cells[used].astype(np.int64) * len(languages) + places[used]) * N_BINS + bins
    return np.bincount(flat, minlength=n_cells * len(languages) * N_BINS).reshape(n_cells, len(languages), N_BINS)
