import csv
import json
from collections import Counter
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmenter.errors import ParamsError, TableError
from segmenter.params import load_settings
from segmenter.sections import Summary
from segmenter.summary.dates import day_of
from segmenter.summary.events import read_events
from segmenter.summary.findings_1 import Findings, Group, Origin
from segmenter.summary.redact import plain, redacted
from segmenter.summary.summarise import SummaryJob, SummaryPaths, summarise
from segmenter.summary.timeline import timeline
from segmenter.summary.words import WordCounts, distinctive, words_of

UTC = ZoneInfo("UTC")
MODEL = "0123456789abcdef"


def settings(**changes: object) -> Summary:
    return load_settings(None).summary.model_copy(update=changes)


def message(text: str, audiences: str = "", **changes: str) -> dict[str, str]:
    """A scored message of two audiences, `north` and `south_side`, clear for those named."""
    row = {"text": text, "source": "harbour-post", "created_at": "2031-06-15T12:00:00Z"}
    row |= {f"score_{name}": "0.9" if name in audiences else "0.1" for name in ("north", "south_side")}
    row |= {"audiences": audiences, "verdict": "chosen" if audiences else "none", "reason": "", "language": "en"}
    return row | {"model": MODEL} | changes


def uncertain(text: str, reason: str, audiences: str = "", **changes: str) -> dict[str, str]:
    return message(text, audiences, verdict="uncertain", reason=reason, **changes)


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def summary(folder: Path, rows: list[dict[str, str]], **changes: object) -> SummaryPaths:
    """A summary of rows; `changes` are of the job (events, prefix) or of the settings."""
    of_job = {name: changes.pop(name) for name in ("events", "prefix", "audience_names", "model") if name in changes}
    scored = changes.pop("scored", None) or write_csv(folder / "scored.csv", rows)
    origin = Origin("segmenter", of_job.pop("audience_names", {}), "Labelled by a gardener.")
    defaults = {"events": None, "text_column": "text", "prefix": "", "model": "", "origin": origin}
    return summarise(
        SummaryJob(scored=scored, **defaults | of_job), folder / "out", settings=settings(**changes), on_progress=None
    )


def findings(folder: Path, rows: list[dict[str, str]], **changes: object) -> Findings:
    return summary(folder, rows, **changes).findings


def test_a_message_counts_for_each_audience_it_is_clear_for(tmp_path: Path) -> None:
    # north: 1 and 3; south: 2 and 3; both: 3; none: 4
    found = findings(
        tmp_path,
        [message("one", "north"), message("two", "south_side"), message("three", "north;south_side"), message("four")],
    )
    assert [(one.id, one.n_chosen) for one in found.audiences] == [("north", 2), ("south_side", 2)]
    assert found.n_several == 1
    assert found.verdicts == {"chosen": 3, "none": 1, "uncertain": 0}


def test_an_audience_is_named_by_its_id_unless_a_name_is_given(tmp_path: Path) -> None:
    found = findings(tmp_path, [message("one")], audience_names={"north": "The North"})
    assert [one.name for one in found.audiences] == ["The North", "South side"]


def test_a_message_clear_for_one_and_near_for_another_counts_for_the_first_alone(tmp_path: Path) -> None:
    found = findings(tmp_path, [uncertain("one", "near_threshold:south_side", "north")])
    assert [(one.n_chosen, one.n_near) for one in found.audiences] == [(1, 0), (0, 1)]
    assert found.unknowns.n_uncertain == found.unknowns.n_near == 1


def test_what_the_model_says_of_an_untrained_language_is_in_no_audience_count(tmp_path: Path) -> None:
    rows = [uncertain("hej", "language_not_trained:sv", "north", language="sv"), message("one", "north")]
    found = findings(tmp_path, rows)
    assert (found.audiences[0].n_chosen, found.audiences[0].n_set_aside) == (1, 1)
    assert found.unknowns.untrained == {"sv": 1}
    assert {group.name: group.audiences["north"] for group in found.languages} == {"en": 1, "sv": 0}


def test_uncertain_messages_are_counted_by_reason(tmp_path: Path) -> None:
    rows = [
        uncertain("ok", "too_short"),
        uncertain("a", "near_threshold:north;near_threshold:south_side"),
        uncertain("g7Rk q9Zt", "shattered"),
        message("b"),
    ]
    unknowns = findings(tmp_path, rows).unknowns
    assert (unknowns.n_uncertain, unknowns.n_near, unknowns.n_out_of_scope) == (3, 1, 2)
    assert (unknowns.n_too_short, unknowns.n_shattered) == (1, 1)


def test_copies_that_differ_in_case_links_and_handles_are_one_text(tmp_path: Path) -> None:
    # texts: {1, 2, 3} and {4}; 4 messages - 2 texts = 2 repeats; one text occurs more than once
    texts = [
        "Read this @ann http://a.example",
        "read THIS @bob http://b.example/x",
        "Read this @c http://c.example",
        "No",
    ]
    corpus = findings(tmp_path, [message(text, "north") for text in texts]).corpus
    assert (corpus.n_texts, corpus.n_repeats, corpus.n_copied_texts) == (2, 2, 1)


def test_a_source_with_too_few_messages_is_pooled_and_named_nowhere(tmp_path: Path) -> None:
    rows = [message(f"big {n}", "north", source="gazette") for n in range(3)]
    rows += [message("small one", "north", source="tiny-account"), message("small two", source="other-tiny")]
    paths = summary(tmp_path, rows, source_messages_at_least=3)
    groups = [(group.name, group.kind, group.n_messages, group.audiences["north"]) for group in paths.findings.sources]
    assert groups == [("gazette", "one", 3, 3), ("other sources", "pooled", 2, 1)]
    assert paths.findings.n_pooled_sources == 2
    assert "tiny" not in paths.json.read_text("utf-8") + paths.html.read_text("utf-8")


def test_a_day_is_a_day_of_the_time_zone(tmp_path: Path) -> None:
    # 23:30 UTC is 01:30 of the next day in Berlin in June
    row = message("late", "north", created_at="2031-06-15T23:30:00Z")
    assert [group.name for group in findings(tmp_path, [row], time_zone="Europe/Berlin").days] == ["2031-06-16"]
    assert [group.name for group in findings(tmp_path, [row]).days] == ["2031-06-15"]


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2031-06-15T23:30:00+02:00", date(2031, 6, 15)),  # 21:30 UTC
        ("2031-06-15T23:30:00-02:00", date(2031, 6, 16)),  # 01:30 UTC
        ("2031-06-15", date(2031, 6, 15)),
        ("20310615", date(2031, 6, 15)),
        (1_939_248_000, date(2031, 6, 15)),  # 22,445 days of 86,400 seconds after 1970-01-01
        ("1939248000", date(2031, 6, 15)),
        (1_939_248_000_000, date(2031, 6, 15)),
        ("soon", None),
        ("nan", None),
        (float("inf"), None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_is_read_in_each_form_it_comes_in(value: object, day: date | None) -> None:
    found = day_of(value, UTC)
    assert (found and found.day) == day


def test_messages_without_a_date_are_counted_not_dropped(tmp_path: Path) -> None:
    rows = [message("one"), message("two", created_at="yesterday"), message("three", created_at="2031-06-15 08:00")]
    corpus = findings(tmp_path, rows).corpus
    assert (corpus.n_messages, corpus.n_no_date, corpus.n_assumed_utc) == (3, 1, 1)


def test_parquet_timestamps_are_dates(tmp_path: Path) -> None:
    rows = [message("one")]
    table = pa.Table.from_pylist(rows)
    moments = pa.array([date(2031, 6, 15)], pa.date32()).cast(pa.timestamp("ns"))
    pq.write_table(table.set_column(2, "created_at", moments), tmp_path / "scored.parquet")
    assert findings(tmp_path, rows, scored=tmp_path / "scored.parquet").corpus.first_day == "2031-06-15"


def test_empty_days_between_messages_are_drawn_as_zero() -> None:
    days = [Group(day, "one", 1, 0, {"north": 1}) for day in ("2031-06-15", "2031-06-18")]
    periods = timeline(days, ["north"]).periods
    assert [(period.label, period.n_messages) for period in periods] == [
        ("2031-06-15", 1), ("2031-06-16", 0), ("2031-06-17", 0), ("2031-06-18", 1)
    ]  # fmt: skip


def test_a_stray_date_does_not_make_a_million_bars() -> None:
    days = [Group(day, "one", 1, 0, {"north": 0}) for day in ("1031-06-15", "2031-06-18")]
    found = timeline(days, ["north"])
    assert (found.unit, len(found.periods)) == ("year", 1001)


def test_words_are_ranked_by_log_odds_with_the_languages_own_prior() -> None:
    # Prior 8 words over x 4, y 4: 4 each. Ours x 3 of 3, theirs x 1 of 5.
    # log(7/4) - log(5/8) = log 2.8 = 1.0296; variance 1/7 + 1/5 = 0.342857; z = 1.0296 / 0.58554 = 1.758. y is theirs.
    words = distinctive(
        Counter(x=3), Counter(x=4, y=4), settings(prior_strength=8.0, word_messages_at_least=3, word_z_at_least=1.0)
    )
    assert [(word.word, word.z, word.n_messages, word.n_others) for word in words] == [("x", 1.758, 3, 1)]


def test_a_word_in_too_few_messages_is_not_shown() -> None:
    found = settings(prior_strength=8.0, word_messages_at_least=4, word_z_at_least=0.0)
    assert distinctive(Counter(x=3), Counter(x=4, y=4), found) == []


def test_words_are_compared_within_a_language() -> None:
    counts = WordCounts()
    for n in range(4):
        counts.add(f"harbour {'abcd'[n]}x", language="en", audiences=["north"])
        counts.add(f"meadow {'abcd'[n]}y", language="en", audiences=[])
        counts.add(f"Wiese {'abcd'[n]}z", language="de", audiences=[])
    change = {"comparison_messages_at_least": 4, "word_messages_at_least": 4, "word_z_at_least": 0.0}
    lists = counts.lists("north", settings(**change))
    assert [(one.language, one.n_messages, one.n_others) for one in lists] == [("en", 4, 4)]
    assert [word.word for word in lists[0].words] == ["harbour"]


def test_a_text_repeated_by_many_counts_once_for_words_and_texts(tmp_path: Path) -> None:
    found = findings(tmp_path, [message("the same words", "north") for _ in range(50)])
    assert found.audiences[0].n_texts == 1
    assert found.words == []


def test_a_hashtag_is_one_word() -> None:
    found = words_of("now #OpenTheHarbour and #old_town https://a.example/#Part")
    assert found == {"now", "and", "#opentheharbour", "#old_town"}


def test_words_hold_no_link_handle_address_or_number() -> None:
    text = (
        "Schöne Grüße @ann_b 2031 https://a.example/x mail bob@post.example ring +49 30 1234567 #Hafenfest don’t हिन्दी"
    )
    assert words_of(text) == {"schöne", "grüße", "mail", "ring", "#hafenfest", "don't", "हिन्दी"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ask @ann.b or ＠bob", "ask @… or @…"),
        ("@zero\u200bwidth", "@…"),
        ("see https://a.example/@ann?x=1 now", "see [link] now"),
        ("see t.me/someone, www.a.example", "see [link] [link]"),
        ("write to ann.b+c@post.example!", "write to [e-mail]!"),
        ("call +44 20 7946 0018 or (030) 123 456 78", "call [phone] or [phone]"),
        ("12 percent on 2031-06-15, 3.5 million", "12 percent on 2031-06-15, 3.5 million"),
        ("[id123|Ann B] said", "@… said"),
    ],
)
def test_an_example_names_no_account(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_a_long_example_is_cut_at_400_characters() -> None:
    assert len(redacted("word " * 30_000)) <= 400
    assert redacted("word " * 30_000).endswith("…")


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a." * 50_000, "1 " * 50_000, "@" * 100_000, "-" * 100_000, "a@" * 50_000]
)
def test_redacting_a_huge_message_takes_no_square_of_its_length(text: str) -> None:
    # a pattern that starts again at every letter would take minutes; what is shown is cut at 400 characters
    assert len(redacted(text)) == 400


def test_no_bidi_or_zero_width_character_is_shown() -> None:
    assert plain("a\u202eb\u2066c\u200bd\x00e\u2028f" + "z" + "\u0336" * 50) == "abcd e fz" + "\u0336" * 3


def test_examples_are_different_texts_of_several_sources_and_languages(tmp_path: Path) -> None:
    # 4 English texts, 2 German: 3 examples are 2 English (two sources, though one source has the two highest scores)
    # and 1 German. The copy of the first is counted, not shown again.
    rows = [
        message("Ships are late again", "north", score_north="0.99", source="one"),
        message("ships are LATE again", "north", score_north="0.99", source="two"),
        message("Lamps burn all night", "north", score_north="0.98", source="one"),
        message("Bread costs more now", "north", score_north="0.7", source="two"),
        message("Nobody asked our town", "north", score_north="0.6", source="one"),
        message("Die Schiffe kommen zu spät", "north", score_north="0.8", source="one", language="de"),
        message("Der Markt war leer", "north", score_north="0.7", source="one", language="de"),
    ]
    examples = findings(tmp_path, rows, examples=3, source_messages_at_least=1).examples
    assert [(one.text, one.source, one.n_copies) for one in examples] == [
        ("Ships are late again", "one", 2),
        ("Die Schiffe kommen zu spät", "one", 1),
        ("Bread costs more now", "two", 1),
    ]
    assert examples[0].place == "scored.csv line 2"


def test_near_copies_are_not_two_examples(tmp_path: Path) -> None:
    rows = [message("Our harbour stays open this winter" + end, "north") for end in ("", " folks", "!!", " they say")]
    assert len(findings(tmp_path, rows, examples=3).examples) == 1


def test_summary_json_has_a_format_number_and_redacted_texts_alone(tmp_path: Path) -> None:
    paths = summary(tmp_path, [message("hello @ann, a clear one", "north"), message("never shown text")])
    written = paths.json.read_text("utf-8")
    data = json.loads(written)
    assert data["format"] == 1
    assert list(data) == [
        "format", "corpus", "verdicts", "audiences", "n_several", "days", "languages", "sources", "n_pooled_sources",
        "events", "words", "examples", "unknowns", "method",
    ]  # fmt: skip
    assert data["examples"][0]["text"] == "hello @…, a clear one"
    assert "never shown" not in written and "@ann" not in written


def test_events_come_by_date_with_what_was_declared(tmp_path: Path) -> None:
    rows = [
        {"date": "2031-07-04", "label": "Fair", "declared": "yes"},
        {"date": "2031-07-01", "label": "Vote", "declared": ""},
    ]
    found = read_events(write_csv(tmp_path / "events.csv", rows), UTC)
    assert [(one.date, one.label, one.kind, one.declared) for one in found] == [
        (date(2031, 7, 1), "Vote", "", None), (date(2031, 7, 4), "Fair", "", True)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"date": "soon", "label": "Fair"}, r"events.csv row 1: date 'soon' is no date; write it as"),
        ({"date": "2031-07-04", "label": " "}, r"events.csv row 1: the event has no label; "),
        (
            {"date": "2031-07-04", "label": "Fair", "declared": "perhaps"},
            r"declared 'perhaps' is neither true nor false",
        ),
        ({"day": "2031-07-04", "label": "Fair"}, r"no column 'date'; it needs date, label"),
    ],
)
def test_a_broken_event_is_named(tmp_path: Path, row: dict[str, str], sentence: str) -> None:
    with pytest.raises(TableError, match=sentence):
        read_events(write_csv(tmp_path / "events.csv", [row]), UTC)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": "f" * 16}, r"scored.csv line 3 was scored by model 'ffffffffffffffff'.*one summary, one model"),
        ({"verdict": "maybe"}, r"scored.csv line 3 has the verdict 'maybe'"),
        ({"audiences": "west"}, r"scored.csv line 3 names an audience 'west' without a score column"),
        ({"score_north": "1.5"}, r"scored.csv line 3: holds '1.5' as a score; scores lie in \[0, 1\]"),
    ],
)
def test_a_value_that_scoring_does_not_write_is_named(tmp_path: Path, change: dict[str, str], sentence: str) -> None:
    with pytest.raises(TableError, match=sentence):
        findings(tmp_path, [message("one"), message("two", **change)])


def test_a_table_that_another_model_scored_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        TableError, match=r"was scored by model '0{16}', --model is 'f{16}'; name the model that scored it"
    ):
        findings(tmp_path, [message("one", model="0" * 16)], model="f" * 16)


def test_the_findings_say_where_the_reference_labels_come_from(tmp_path: Path) -> None:
    assert findings(tmp_path, [message("one")]).method.reference_labels == "Labelled by a gardener."


def test_a_table_that_was_not_scored_says_to_score_it_first(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"no column 'audiences'; run segmenter score first"):
        findings(tmp_path, [{"text": "one", "source": "x"}])


def test_a_table_without_messages_is_named(tmp_path: Path) -> None:
    (tmp_path / "scored.csv").write_text(",".join(message("x")) + "\n", "utf-8")
    with pytest.raises(TableError, match=r"scored.csv: holds no message; score a table with messages first"):
        findings(tmp_path, [], scored=tmp_path / "scored.csv")


def test_an_unknown_time_zone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"summary.time_zone: no time zone 'Mars/Base'; name an IANA zone"):
        findings(tmp_path, [message("one")], time_zone="Mars/Base")


def test_a_failed_summary_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="one model"):
        findings(tmp_path, [message("one"), message("two", model="f" * 16)])
    assert not (tmp_path / "out").exists()


def test_columns_scored_with_a_prefix_are_found_beside_the_inputs_own(tmp_path: Path) -> None:
    added = ("score_north", "score_south_side", "audiences", "verdict", "reason", "language", "model")
    row = {"text": "one", "score_total": "17", "language": "theirs"}
    row |= {f"seg_{name}": message("one", "north")[name] for name in added}
    found = findings(tmp_path, [row], prefix="seg_")
    assert [(one.id, one.n_chosen) for one in found.audiences] == [("north", 1), ("south_side", 0)]


def test_an_input_column_that_looks_like_a_score_is_no_audience(tmp_path: Path) -> None:
    found = findings(tmp_path, [{"score_readability": "61", **message("one", "north")}])
    assert [one.id for one in found.audiences] == ["north", "south_side"]


def test_a_folder_and_jsonl_are_read_like_a_csv(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.jsonl").write_text(json.dumps(message(f"part {name}", "north")) + "\n", "utf-8")
    found = findings(tmp_path, [], scored=folder)
    assert found.audiences[0].n_chosen == 2
    assert [file.name for file in found.method.files] == ["a.jsonl", "b.jsonl"]
