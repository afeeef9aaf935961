"""A scored table through the room's one door: what is found, what is written, what is refused."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import TinyRun, tiny_messages
from jobs import write_table
from scored_rows import MODEL, Row, message, uncertain

from segmenter.bundle import audit
from segmenter.errors import ParamsError, TableError
from segmenter.params import Settings, load_settings
from segmenter.score import Scorer
from segmenter.summary.findings import Findings
from segmenter.summary.summarise import SummaryJob, SummaryPaths, summarise

FILES = ["brief.md", "summary.html", "summary.json", "summary.xlsx"]


def job(scored: Path, **changes: object) -> SummaryJob:
    known = SummaryJob(
        scored, None, labels=None, record=None, text_column="text", prefix="", show_handles=False, command="segmenter"
    )
    return replace(known, **changes)


def settings(**changes: object) -> Settings:
    known = load_settings(None)
    return known.model_copy(update={"summary": known.summary.model_copy(update=changes)})


def summary(folder: Path, rows: list[Row], *, job_changes: Row | None = None, **changes: object) -> SummaryPaths:
    """A summary of rows, without a model; `changes` are of the settings."""
    pq.write_table(pa.Table.from_pylist(rows), folder / "scored.parquet")
    asked = job(folder / "scored.parquet", **(job_changes or {}))
    return summarise(asked, folder / "out", scorer=None, settings=settings(**changes), on_progress=None)


def findings(folder: Path, rows: list[Row], **changes: object) -> Findings:
    return summary(folder, rows, **changes).findings


def test_a_message_counts_for_each_audience_it_is_clear_for(tmp_path: Path) -> None:
    # north: 1 and 3; south: 2 and 3; both: 3; none: 4
    rows = [
        message("one", "north"),
        message("two", "south_side"),
        message("three", "north;south_side"),
        message("four"),
    ]
    found = findings(tmp_path, rows)
    assert [(one.id, one.n_chosen) for one in found.audiences] == [("north", 2), ("south_side", 2)]
    assert found.n_several == 1
    assert found.verdicts == {"chosen": 3, "none": 1, "uncertain": 0}


def test_an_audience_is_called_by_its_id_where_the_model_is_not_at_hand(tmp_path: Path) -> None:
    assert [one.name for one in findings(tmp_path, [message("one")]).audiences] == ["North", "South side"]


def test_a_message_clear_for_one_and_near_for_another_counts_for_the_first_alone(tmp_path: Path) -> None:
    found = findings(tmp_path, [uncertain("one", "near_threshold:south_side", "north")])
    assert [(one.n_chosen, one.n_near) for one in found.audiences] == [(1, 0), (0, 1)]
    assert found.unknowns.n_uncertain == found.unknowns.n_near == 1


def test_what_the_model_says_of_an_untrained_language_is_in_no_audience_count(tmp_path: Path) -> None:
    rows = [uncertain("hej", "language_not_trained:sv", "north", language="sv"), message("one", "north")]
    found = findings(tmp_path, rows)
    assert (found.audiences[0].n_chosen, found.audiences[0].n_set_aside) == (1, 1)
    assert (found.unknowns.untrained, found.unknowns.n_set_aside) == ({"sv": 1}, 1)
    languages = next(part for part in found.dimensions if part.name == "language").values
    assert {value.name: value.audiences["north"].n_chosen for value in languages} == {"en": 1, "sv": 0}


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


def test_a_source_with_too_few_messages_is_named_in_no_file(tmp_path: Path) -> None:
    rows = [message(f"big {n}", "north", source="gazette") for n in range(3)]
    rows += [message("small one", "north", source="tiny-account"), message("small two", source="other-tiny")]
    paths = summary(tmp_path, rows, source_messages_at_least=3)
    sources = next(part for part in paths.findings.dimensions if part.name == "source").values
    found = [(one.name, one.kind, one.n_messages, one.audiences["north"].n_chosen) for one in sources]
    assert found == [("gazette", "one", 3, 3), ("other sources", "pooled", 2, 1)]
    assert paths.findings.corpus.n_pooled_sources == 2
    book = openpyxl.load_workbook(paths.workbook)
    cells = [str(cell.value) for sheet in book for row in sheet.rows for cell in row]
    assert not any(
        "tiny" in text
        for text in [*cells, *(file.read_text("utf-8") for file in (paths.html, paths.json, paths.brief))]
    )


def test_a_source_of_more_than_a_quarter_is_said_to_dominate(tmp_path: Path) -> None:
    # 2 of 8 are a quarter, 3 of 8 are more; the pooled ones are never named
    rows = [
        message(f"{name} {n}", source=name)
        for name, many in (("gazette", 3), ("herald", 2), ("x", 1), ("y", 2))
        for n in range(many)
    ]
    found = findings(tmp_path, rows, source_messages_at_least=2).unknowns
    assert found.dominant_sources == {"gazette": 3}


def test_messages_without_a_date_are_counted_not_dropped(tmp_path: Path) -> None:
    rows = [message("one"), message("two", created_at="yesterday"), message("three", created_at="2031-06-15 08:00")]
    corpus = findings(tmp_path, rows).corpus
    assert (corpus.n_messages, corpus.n_no_date, corpus.n_assumed_utc) == (3, 1, 1)
    assert (corpus.first_day, corpus.last_day) == ("2031-06-15", "2031-06-15")


def test_all_four_files_say_the_same(tmp_path: Path) -> None:
    rows = [message(f"hello @ann, a clear one {'abc'[n]}{'abc'[n]}", "north") for n in range(3)] + [
        message("never shown text")
    ]
    paths = summary(tmp_path, rows)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == FILES
    data = json.loads(paths.json.read_text("utf-8"))
    assert (data["format"], data["audiences"][0]["n_chosen"]) == (2, 3)
    shown = data["told"][0]["audiences"][0]["examples"][0]["text"]
    assert shown.startswith("hello @…, a clear one")
    book = openpyxl.load_workbook(paths.workbook)
    audiences = [[cell.value for cell in row] for row in book["Audiences"].rows]
    assert dict(zip(audiences[0], audiences[1], strict=True))["chosen"] == 3
    assert "| North | 3 (75.0 %) [C1] | not estimable [S1] |" in paths.brief.read_text("utf-8")
    for file in (paths.html, paths.json, paths.brief):
        written = file.read_text("utf-8")
        assert "never shown" not in written and "@ann" not in written


def test_handles_are_shown_where_the_analyst_chose_to(tmp_path: Path) -> None:
    paths = summary(tmp_path, [message("hello @ann", "north")], job_changes={"show_handles": True})
    assert "hello @ann" in paths.json.read_text("utf-8")
    assert "off, by --show-handles" in paths.html.read_text("utf-8")


def test_rejects_are_those_of_the_record_beside_the_table(tmp_path: Path) -> None:
    assert findings(tmp_path, [message("one")]).unknowns.n_rejects is None
    record = tmp_path / "scored.parquet.run.json"
    record.write_text(json.dumps({"bundle": MODEL + "0" * 48, "counts": {"n_rejects": 7}}), "utf-8")
    assert findings(tmp_path, [message("one")]).unknowns.n_rejects == 7
    record.write_text(json.dumps({"bundle": "f" * 64, "counts": {"n_rejects": 7}}), "utf-8")
    assert findings(tmp_path, [message("one")]).unknowns.n_rejects is None


def test_events_of_an_undated_corpus_have_no_windows(tmp_path: Path) -> None:
    events = write_table(tmp_path / "events.csv", [{"date": "2031-06-15", "label": "Fair", "declared": "yes"}])
    found = findings(tmp_path, [message("one", created_at="")], job_changes={"events": events})
    assert ([event.label for event in found.events], found.windows) == (["Fair"], [])


def test_a_failed_summary_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="one model"):
        findings(tmp_path, [message("one"), message("two", model="f" * 16)])
    assert not (tmp_path / "out").exists()


def test_an_unknown_time_zone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"summary.time_zone: no time zone 'Mars/Base'; name an IANA zone"):
        findings(tmp_path, [message("one")], time_zone="Mars/Base")


@dataclass(frozen=True)
class Scored:
    """A corpus scored by the tiny model."""

    scorer: Scorer
    table: Path


@pytest.fixture(scope="module")
def scored(tiny_run: TinyRun, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """The training messages themselves, with days and sources."""
    scorer = Scorer(audit(tiny_run.bundle), load_settings(None).score)
    texts = [row["text"] for row in tiny_messages()]
    found = scorer.score(texts)
    days = [f"2031-06-{1 + number % 28:02}" for number in range(len(texts))]
    columns = {"text": pa.array(texts), "created_at": pa.array(days), "source": pa.array(["club-news"] * len(texts))}
    table = tmp_path_factory.mktemp("scored") / "scored.parquet"
    pq.write_table(pa.table({**columns, **scorer.columns(found, "")}), table)
    return Scored(scorer, table)


@pytest.fixture(scope="module")
def with_model(scored: Scored, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    out = tmp_path_factory.mktemp("out")
    chosen = settings(calibration_messages_at_least=5)
    return summarise(job(scored.table), out, scorer=scored.scorer, settings=chosen, on_progress=None).findings


def test_with_the_model_shares_are_estimated_within_their_bounds(with_model: Findings) -> None:
    shares = [one.share for one in with_model.audiences]
    assert any(share is not None for share in shares)
    for share in shares:
        assert share is None or (
            0 <= share.bound_low <= share.low <= share.value <= share.high <= share.bound_high <= 1
            and share.n_estimable <= share.n_messages == with_model.corpus.n_messages
        )


def test_with_the_model_its_names_figures_and_labels_are_told(with_model: Findings, tiny_run: TinyRun) -> None:
    manifest = audit(tiny_run.bundle).manifest
    assert [one.name for one in with_model.audiences] == [one.name for one in manifest.audiences]
    assert with_model.method.reference_labels == manifest.reference_labels
    assert sum("out of fold" in sentence for sentence in with_model.method.model_figures) >= len(manifest.audiences)


def test_without_the_model_no_word_is_marked_and_with_it_every_example_was_explained(
    with_model: Findings, tmp_path: Path
) -> None:
    def spans(found: Findings) -> list[bool]:
        return [one.spans is None for to in found.told[0].audiences for one in to.examples]

    assert set(spans(with_model)) == {False}
    assert set(spans(findings(tmp_path, [message("one", "north")]))) == {True}


def test_a_table_that_another_model_scored_is_refused(scored: Scored, tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([message("one", model="0" * 16)]), tmp_path / "scored.parquet")
    sentence = f"was scored by model '0{{16}}', --model is '{scored.scorer.bundle.name}'; name the model that scored it"
    with pytest.raises(TableError, match=sentence):
        summarise(
            job(tmp_path / "scored.parquet"),
            tmp_path / "out",
            scorer=scored.scorer,
            settings=settings(),
            on_progress=None,
        )


def test_progress_runs_to_the_end_and_never_back(scored: Scored, tmp_path: Path) -> None:
    heard: list[float] = []
    summarise(job(scored.table), tmp_path, scorer=None, settings=settings(), on_progress=heard.append)
    assert heard == sorted(heard) and heard[-1] == 1.0
