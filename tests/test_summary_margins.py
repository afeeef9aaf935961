from datetime import date
from pathlib import Path

import numpy as np
from scored_rows import UTC, Row, Settings, corpus_of, message, uncertain

from segmenter.shares.bins import N_BINS, bin_of
from segmenter.summary.corpus import Corpus
from segmenter.summary.margins import (
    Dimension,
    daily_counts,
    dimensions,
    histograms,
    histograms_over_time,
    margin,
    named_sources,
)
from segmenter.summary.periods import calendar, local_days


def of(corpus: Corpus, name: str, **changes: int) -> Dimension:
    [found] = [one for one in dimensions(corpus, Settings(**changes)) if one.name == name]
    return found


def days(corpus: Corpus) -> object:
    return calendar(corpus.seconds, np.zeros_like(corpus.has_time), UTC, periods_at_most=10)


def test_sources_with_few_messages_and_those_after_the_largest_are_pooled(tmp_path: Path) -> None:
    # 5 of a, 4 of b, 3 of c, 2 of d, 1 without: three messages suffice to be named, two sources are shown
    rows: list[Row] = [
        message(f"{name} {n}", source=name)
        for name, size in zip("dcba", (2, 3, 4, 5), strict=True)
        for n in range(size)
    ]
    corpus = corpus_of(tmp_path, [*rows, message("none", source="  ")])
    found = of(corpus, "source")
    assert found.values == ["a", "b", "other sources", "no source given"]
    assert found.kinds == ["one", "one", "pooled", "not_given"]
    assert np.bincount(found.numbers).tolist() == [5, 4, 5, 1]
    assert {corpus.sources[number] for number in np.flatnonzero(named_sources(corpus, Settings()))} == {"a", "b", "c"}


def test_where_all_sources_are_named_there_is_no_pool(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [message(str(n), source="a") for n in range(3)])
    assert of(corpus, "source").values == ["a"]


def test_without_a_source_column_there_is_no_dimension_of_sources(tmp_path: Path) -> None:
    row = message("one")
    del row["source"]
    assert [one.name for one in dimensions(corpus_of(tmp_path, [row]), Settings())] == ["all", "language"]


def test_languages_come_largest_first(tmp_path: Path) -> None:
    rows = [message(str(n), language=name) for n, name in enumerate(["de", "en", "en", "fr"])]
    assert of(corpus_of(tmp_path, rows), "language").values == ["en", "de", "fr"]


def test_a_margin_counts_messages_uncertain_out_of_scope_and_chosen(tmp_path: Path) -> None:
    rows = [
        message("one", "north", language="en"),
        message("two", "north;south_side", language="en", created_at="2031-06-17"),
        uncertain("three", "near_threshold:north", "south_side", language="en", created_at=None),
        uncertain("four", "language_not_trained:sv", "north", language="sv"),
        message("five", language="de", created_at="2031-06-17"),
    ]
    corpus = corpus_of(tmp_path, rows)
    found = margin(corpus, of(corpus, "language"), days(corpus))
    assert found.dimension.values == ["en", "de", "sv"]
    assert found.n_messages.tolist() == [3, 1, 1]
    assert found.n_uncertain.tolist() == [1, 0, 1]
    assert found.n_out_of_scope.tolist() == [0, 0, 1]
    assert found.n_chosen.tolist() == [[2, 2], [0, 0], [0, 0]]
    # 15, 16 and 17 June; the undated one is in the total alone
    assert found.n_messages_over_time.tolist() == [[1, 0, 1], [0, 0, 1], [1, 0, 0]]
    assert found.n_chosen_over_time[0].tolist() == [[1, 0], [0, 0], [1, 1]]


def test_histograms_are_of_messages_in_scope_in_the_languages_asked_for(tmp_path: Path) -> None:
    rows = [
        message("one", score_north=0.9, language="en"),
        message("two", score_north=0.2, language="en", created_at="2031-06-16"),
        message("three", score_north=0.2, language="en", created_at=None),
        message("four", score_north=0.2, language="de"),
        message("five", score_north=0.2, language="fr"),
        uncertain("six", "too_short", score_north=0.9, language="en"),
    ]
    corpus = corpus_of(tmp_path, rows)
    low, high = bin_of(np.array([0.2, 0.9]))
    found = histograms(corpus, of(corpus, "all"), "north", ["de", "en"])
    assert found.shape == (1, 2, N_BINS)
    assert (found[0, 0, low], found[0, 1, low], found[0, 1, high], found.sum()) == (1, 2, 1, 4)
    over_time = histograms_over_time(corpus, of(corpus, "all"), days(corpus), "north", ["de", "en"])
    assert over_time.shape == (2, 2, N_BINS)  # 15 and 16 June
    assert (over_time[0, 1, high], over_time[0, 0, low], over_time[1, 1, low], over_time.sum()) == (1, 1, 1, 3)


def test_a_margin_without_dates_has_no_periods(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [message("one", "north", created_at=None)])
    found = margin(corpus, of(corpus, "all"), days(corpus))
    assert (found.n_messages.tolist(), found.n_messages_over_time.shape) == ([1], (1, 0))
    assert found.n_chosen_over_time.shape == (1, 0, 2)
    assert histograms_over_time(corpus, of(corpus, "all"), days(corpus), "north", ["en"]).shape == (0, 1, N_BINS)
    assert daily_counts(corpus, local_days(corpus.seconds, UTC)).first is None


def test_daily_counts_have_empty_days(tmp_path: Path) -> None:
    rows = [
        message("one", "north"),
        message("two", created_at="2031-06-17"),
        message("three", "north", created_at=None),
    ]
    corpus = corpus_of(tmp_path, rows)
    found = daily_counts(corpus, local_days(corpus.seconds, UTC))
    assert (found.first, found.totals.tolist()) == (date(2031, 6, 15), [1, 0, 1])
    assert {name: counts.tolist() for name, counts in found.counts.items()} == {
        "north": [1, 0, 0],
        "south_side": [0, 0, 0],
    }
