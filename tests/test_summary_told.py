from dataclasses import asdict
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from scored_rows import BERLIN, UTC, Row, Settings, corpus_of, message, uncertain, unmarked

from segmenter.params import load_settings
from segmenter.summary.corpus import Corpus
from segmenter.summary.events import Event
from segmenter.summary.findings import Scope, Told, ToldTo
from segmenter.summary.periods import local_days
from segmenter.summary.scopes import around, by_period, whole
from segmenter.summary.told import Teller, teller

WHOLE = Scope("corpus", "the whole corpus", None, None)


def prepared(corpus: Corpus, *, show_handles: bool = False, zone: ZoneInfo = UTC, **changes: object) -> Teller:
    settings, duplicates = Settings(**changes), load_settings(None).duplicates
    return teller(corpus, settings, duplicates, zone=zone, show_handles=show_handles, spans=unmarked, on_progress=None)


def told(folder: Path, rows: list[Row], **changes: object) -> Told:
    corpus = corpus_of(folder, rows)
    return prepared(corpus, **changes).told(WHOLE, np.arange(corpus.n_messages))


def north(folder: Path, rows: list[Row], **changes: object) -> ToldTo:
    return told(folder, rows, **changes).audiences[0]


def days(corpus: Corpus) -> np.ndarray:
    return local_days(corpus.seconds, UTC)


def test_each_audience_is_told_of_in_its_order(tmp_path: Path) -> None:
    rows = [
        message("one", "north"),
        message("ONE", "north"),
        message("two", "south_side"),
        uncertain("x", "too_short", "north"),
    ]
    found = told(tmp_path, rows)
    assert [(one.audience, one.n_messages, one.n_texts) for one in found.audiences] == [
        ("north", 2, 1),
        ("south_side", 1, 1),
    ]
    assert (found.scope, found.n_messages) == (WHOLE, 4)


def test_words_and_phrases_are_compared_within_a_language(tmp_path: Path) -> None:
    rows = [message(f"our harbour wall {a}{a}", "north") for a in "abcd"]
    rows += [message(f"green meadow {a}{a}") for a in "efgh"]
    rows += [message(f"grüne Wiese {a}{a}", language="de") for a in "ijkl"]
    found = north(tmp_path, rows)
    assert [(one.audience, one.language, one.n_messages, one.n_others) for one in found.words] == [
        ("north", "en", 4, 4)
    ]
    assert [word.word for word in found.words[0].words] == ["harbour", "our", "wall"]
    assert [word.word for word in found.phrases[0].words] == ["our harbour wall"]


def test_a_text_repeated_by_many_and_its_near_copies_count_once_for_words(tmp_path: Path) -> None:
    text = "gardeners, water the long beds by the wall before noon and mulch the roses"
    rows = [message(text, "north") for _ in range(20)] + [message(text[:-1] + end, "north") for end in "!?"]
    rows += [message("nobody asked our town", "north"), *(message(f"green meadow {a}{a}") for a in "efgh")]
    [found] = north(tmp_path, rows).words
    assert (found.n_messages, found.n_others) == (2, 4)


def test_a_text_that_was_chosen_once_is_not_among_the_others(tmp_path: Path) -> None:
    # the near-copy of a chosen text is chosen for nobody: it is neither one more text nor one of the others
    text = "gardeners, water the long beds by the wall before noon and mulch the roses"
    rows = [message(text, "north"), message(f"{text[:-1]}!"), message("nobody asked our town", "north")]
    [found] = north(tmp_path, [*rows, *(message(f"green meadow {a}{a}") for a in "ef")]).words
    assert (found.n_messages, found.n_others) == (2, 2)


def test_few_texts_on_one_side_make_no_list(tmp_path: Path) -> None:
    rows = [message("our harbour", "north"), *(message(f"green meadow {a}{a}") for a in "efgh")]
    assert north(tmp_path, rows).words == []


def test_a_part_is_told_of_by_itself(tmp_path: Path) -> None:
    rows = [message(f"our harbour {a}{a}", "north", created_at="2031-06-15") for a in "abcd"]
    rows += [message(f"our meadow {a}{a}", "north", created_at="2031-06-20") for a in "efgh"]
    rows += [message(f"old bread {a}{a}", created_at=day) for day in ("2031-06-15", "2031-06-20") for a in "ij"]
    corpus = corpus_of(tmp_path, rows)
    made = prepared(corpus)
    first, second = (
        made.told(part.scope, part.rows) for part in by_period(corpus, days(corpus), zone=UTC, periods_at_most=2)
    )
    assert [word.word for word in first.audiences[0].words[0].words] == ["harbour", "our"]
    assert [word.word for word in second.audiences[0].words[0].words] == ["meadow", "our"]
    assert (first.n_messages, first.audiences[0].n_messages) == (6, 4)


def test_examples_are_different_texts_of_several_sources_and_languages(tmp_path: Path) -> None:
    # 4 English texts, 2 German: 3 examples are 2 English (two sources, though one source has the two highest scores)
    # and 1 German. The copy of the first is counted, not shown again.
    rows = [
        message("Ships are late again", "north", score_north=0.99, source="one"),
        message("ships are LATE again", "north", score_north=0.99, source="two"),
        message("Lamps burn all night", "north", score_north=0.98, source="one"),
        message("Bread costs more now", "north", score_north=0.7, source="two"),
        message("Nobody asked our town", "north", score_north=0.6, source="one"),
        message("Die Schiffe kommen zu spät", "north", score_north=0.8, source="one", language="de"),
        message("Der Markt war leer", "north", score_north=0.7, source="one", language="de"),
    ]
    found = north(tmp_path, rows, source_messages_at_least=1).examples
    assert [(one.text, one.score, one.source, one.n_copies) for one in found] == [
        ("Ships are late again", 0.99, "one", 2),
        ("Die Schiffe kommen zu spät", 0.8, "one", 1),
        ("Bread costs more now", 0.7, "two", 1),
    ]
    assert (found[0].place, found[0].day, found[0].spans) == ("scored.parquet line 1", "2031-06-15", None)


def test_near_copies_and_texts_of_the_same_words_are_not_two_examples(tmp_path: Path) -> None:
    ends = ("", " folks", "!!", " they say", " whatever anybody in the town hall writes")
    rows = [message("Our harbour stays open this winter" + end, "north") for end in ends]
    assert len(north(tmp_path, rows).examples) == 1


def test_an_example_of_a_small_source_names_it_nowhere(tmp_path: Path) -> None:
    rows = [
        message("small", "north", source="tiny"),
        message("small", "north", source="tiny"),
        message("x", source=None),
    ]
    found = told(tmp_path, rows)
    assert found.audiences[0].examples[0].source == "other sources"
    assert found.audiences[0].copies[0].sources == {"other sources": 2}
    assert "tiny" not in str(asdict(found))


def test_an_example_shows_the_day_of_the_time_zone(tmp_path: Path) -> None:
    # 23:30 UTC is 01:30 of the next day in Berlin in June
    found = north(tmp_path, [message("late", "north", created_at="2031-06-15T23:30:00Z")], zone=BERLIN)
    assert found.examples[0].day == "2031-06-16"


def test_handles_are_shown_only_where_the_analyst_chose_to(tmp_path: Path) -> None:
    rows = [message("ask @ann, a clear one", "north")] * 2
    hidden, seen = north(tmp_path, rows), north(tmp_path, rows, show_handles=True)
    assert {hidden.examples[0].text, hidden.copies[0].text} == {"ask @…, a clear one"}
    assert {seen.examples[0].text, seen.copies[0].text} == {"ask @ann, a clear one"}


def test_an_audience_nobody_spoke_to_is_told_nothing(tmp_path: Path) -> None:
    assert north(tmp_path, [message("one")]) == ToldTo("north", 0, 0, [], [], [], [])


def test_the_whole_corpus_has_its_first_and_last_day(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [message("one", created_at=day) for day in ("2031-06-20", None, "2031-06-15")])
    found = whole(days(corpus))
    assert (found.scope.first, found.scope.last, found.rows.tolist()) == ("2031-06-15", "2031-06-20", [0, 1, 2])
    undated = corpus_of(tmp_path, [message("one", created_at=None)])
    assert whole(days(undated)).scope.first is None


def test_a_window_is_so_many_days_before_and_from_the_event(tmp_path: Path) -> None:
    moments = ["2031-06-12", "2031-06-13", "2031-06-15", "2031-06-16", "2031-06-17", None]
    corpus = corpus_of(tmp_path, [message("one", created_at=day) for day in moments])
    events = [Event(date(2031, 6, 15), "Fair", "", True), Event(date(2032, 6, 15), "Vote", "", True)]
    [found] = around(days(corpus), events, window_days=2)  # nothing stands around the second
    assert found.scope == Scope("window", "Fair", "2031-06-13", "2031-06-16")
    assert found.rows.tolist() == [1, 2, 3]


def test_periods_are_few_and_those_without_messages_are_left_out(tmp_path: Path) -> None:
    moments = ["2031-06-15T01:00Z", "2031-06-15T23:00Z", "2031-06-18T00:00Z", None]
    corpus = corpus_of(tmp_path, [message("one", created_at=moment) for moment in moments])
    found = list(by_period(corpus, days(corpus), zone=UTC, periods_at_most=4))
    assert [(part.scope.label, part.scope.last, part.rows.tolist()) for part in found] == [
        ("2031-06-15", "2031-06-15", [0, 1]), ("2031-06-18", "2031-06-18", [2])
    ]  # fmt: skip
    weeks = [part.scope for part in by_period(corpus, days(corpus), zone=UTC, periods_at_most=3)]
    assert [(scope.label, scope.last) for scope in weeks] == [
        ("week of 2031-06-09", "2031-06-15"), ("week of 2031-06-16", "2031-06-22")
    ]  # fmt: skip


def test_a_single_period_is_the_whole_and_is_none(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [message("one"), message("two", created_at=None)])
    assert list(by_period(corpus, days(corpus), zone=UTC, periods_at_most=4)) == []
    undated = corpus_of(tmp_path, [message("one", created_at=None)])
    assert list(by_period(undated, days(undated), zone=UTC, periods_at_most=4)) == []


def test_more_years_than_periods_are_taken_together(tmp_path: Path) -> None:
    corpus = corpus_of(
        tmp_path, [message("one", created_at=f"{year}-06-15") for year in (2001, 2002, 2011, 2021, 2031)]
    )
    found = list(by_period(corpus, days(corpus), zone=UTC, periods_at_most=2))  # five years, three together
    assert [(part.scope.label, part.scope.first, part.scope.last, len(part.rows)) for part in found] == [
        ("2001 to 2011", "2001-01-01", "2020-12-31", 3), ("2021 to 2031", "2021-01-01", "2031-12-31", 2)
    ]  # fmt: skip


def test_preparing_tells_its_progress(tmp_path: Path) -> None:
    rows = [message(f"our harbour {a}{a}", "north" if a in "abcd" else "") for a in "abcdefgh"]
    corpus, duplicates = corpus_of(tmp_path, [*rows, message("hallo", language="de")]), load_settings(None).duplicates
    heard: list[float] = []
    teller(corpus, Settings(), duplicates, zone=UTC, show_handles=False, spans=unmarked, on_progress=heard.append)
    assert heard == sorted(heard) and heard[-1] == 1.0
