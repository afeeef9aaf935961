import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import TinyRun
from jobs import ADDED, ROWS, job, read_table, run, write_table

from segmenter.errors import TableError
from segmenter.params import load_settings
from segmenter.score import Scorer, open_scorer
from segmenter.scoring.engines import local
from segmenter.scoring.job import Result, Show, score_corpus
from segmenter.scoring.tally import Tally
from segmenter.sections import Text

FORMATS = ["csv", "tsv", "jsonl", "parquet", "csv.gz", "csv.zst", "jsonl.gz", "jsonl.zst"]


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, load_settings(None).score)


def scored(scorer: Scorer, folder: Path, rows: list[dict[str, Any]], **changes: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Rows in, scored rows out, by way of two JSONL files."""
    run(scorer, write_table(folder / "in.jsonl", rows), folder / "out.jsonl", **changes)
    return read_table(folder / "out.jsonl")


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_is_read(scorer: Scorer, tmp_path: Path, ending: str) -> None:
    run(scorer, write_table(tmp_path / f"in.{ending}", ROWS), tmp_path / "out.jsonl")
    assert read_table(tmp_path / "out.jsonl") == scored(scorer, tmp_path, ROWS)


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_is_written(scorer: Scorer, tmp_path: Path, ending: str) -> None:
    run(scorer, write_table(tmp_path / "in.csv", ROWS), tmp_path / f"out.{ending}")
    found = read_table(tmp_path / f"out.{ending}")
    assert [row["id"] for row in found] == [row["id"] for row in ROWS]
    assert list(found[0]) == ["id", "text", *ADDED]


def test_rows_come_out_in_input_order_whatever_the_chunks(scorer: Scorer, tmp_path: Path) -> None:
    # 20 rows by 3: six whole chunks and one of two; scores to the last bit as in one chunk
    small = Scorer(scorer.bundle, scorer.settings.model_copy(update={"part_rows": 3}))
    whole = scored(scorer, tmp_path, ROWS)
    assert scored(small, tmp_path, ROWS) == whole
    assert [row["id"] for row in whole] == [row["id"] for row in ROWS]


def test_a_folder_is_scored_whole_in_the_order_of_its_names(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "inbox" / "later").mkdir(parents=True)
    for place, name in ((10, "later/c.parquet"), (5, "b.csv.gz"), (0, "a.jsonl")):
        write_table(tmp_path / "inbox" / name, ROWS[place : place + 5])
    run(scorer, tmp_path / "inbox", tmp_path / "out.csv")
    assert [row["id"] for row in read_table(tmp_path / "out.csv")] == [row["id"] for row in ROWS[:15]]


def test_every_input_column_keeps_its_values(scorer: Scorer, tmp_path: Path) -> None:
    more = {"n": 3, "share": 0.25, "tags": ["a", "b"], "seen": None, "score_high": 1, "текст": "да"}
    rows = [row | more for row in ROWS]
    found = scored(scorer, tmp_path, rows)
    assert [{name: row[name] for name in rows[0]} for row in found] == rows


def test_parquet_columns_keep_their_types(scorer: Scorer, tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": ["the red bakery"],
            "n": pa.array([3], pa.int16()),
            "at": pa.array([0], pa.timestamp("ms", "UTC")),
            "tags": pa.array([["a"]], pa.list_(pa.string())),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    run(scorer, tmp_path / "in.parquet", tmp_path / "out.parquet")
    found = pq.read_schema(tmp_path / "out.parquet")
    assert [found.field(name).type for name in table.schema.names] == table.schema.types


def test_scores_are_float32_in_parquet(scorer: Scorer, tmp_path: Path) -> None:
    run(scorer, write_table(tmp_path / "in.csv", ROWS), tmp_path / "out.parquet")
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert [schema.field(name).type for name in ADDED[:3]] == [pa.float32()] * 3


def test_a_score_written_as_text_is_the_same_float32(scorer: Scorer, tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        run(scorer, write_table(tmp_path / "in.csv", ROWS), tmp_path / f"out.{ending}")
    text, exact = (read_table(tmp_path / f"out.{ending}") for ending in ("csv", "parquet"))
    assert [np.float32(row["score_readers"]) for row in text] == [np.float32(row["score_readers"]) for row in exact]


def test_another_text_column_is_read_where_it_is_named(scorer: Scorer, tmp_path: Path) -> None:
    renamed = [{"body": row["text"], "text": "not this"} for row in ROWS]
    found = scored(scorer, tmp_path, renamed, text_column="body")
    assert [row["score_readers"] for row in found] == [row["score_readers"] for row in scored(scorer, tmp_path, ROWS)]


def test_an_input_column_of_an_added_name_stops_the_job(scorer: Scorer, tmp_path: Path) -> None:
    rows = [row | {"verdict": "guilty"} for row in ROWS]
    wanted = "^input: has a column 'verdict', which scoring adds; give the added columns a --prefix"
    with pytest.raises(TableError, match=wanted):
        scored(scorer, tmp_path, rows)


def test_with_a_prefix_the_input_keeps_its_own_column(scorer: Scorer, tmp_path: Path) -> None:
    found = scored(scorer, tmp_path, [row | {"verdict": "guilty"} for row in ROWS], prefix="seg_")
    assert {row["verdict"] for row in found} == {"guilty"}
    assert list(found[0])[3:] == [f"seg_{name}" for name in ADDED]


def test_a_scored_table_can_be_scored_again_with_a_prefix(scorer: Scorer, tmp_path: Path) -> None:
    once = scored(scorer, tmp_path, ROWS)
    twice = scored(scorer, tmp_path, once, prefix="again_")
    assert [row["again_verdict"] for row in twice] == [row["verdict"] for row in once]


MIXED = 'id,text\n1,the red bakery\n2,\n3,the blue bakery\n4,one,too many\n5,"  "\n6,the old bakery\n'  # 3 good, 3 bad


def test_unusable_rows_are_set_aside_with_file_line_and_reason(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(MIXED, "utf-8")
    run(scorer, tmp_path / "in.csv", tmp_path / "out.csv", rejects=tmp_path / "aside.jsonl")
    # the header is line 1, so row 2 stands on line 3
    assert [(row["line"], row["reason"], row["row"]) for row in read_table(tmp_path / "aside.jsonl")] == [
        (3, "column 'text' is empty", "2,"),
        (5, "has 3 fields, the header has 2", "4,one,too many"),
        (6, "column 'text' is empty", "5,  "),
    ]
    assert {row["file"] for row in read_table(tmp_path / "aside.jsonl")} == {"in.csv"}


def test_rows_in_are_rows_out_and_rejects(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(MIXED, "utf-8")
    result = run(scorer, tmp_path / "in.csv", tmp_path / "out.csv", rejects=tmp_path / "aside.csv")
    assert (result.tally.n_rows, result.tally.n_messages, result.tally.n_rejects) == (6, 3, 3)
    assert [row["id"] for row in read_table(tmp_path / "out.csv")] == ["1", "3", "6"]


def test_a_job_without_bad_rows_leaves_an_empty_table_of_rejects(scorer: Scorer, tmp_path: Path) -> None:
    run(scorer, write_table(tmp_path / "in.csv", ROWS), tmp_path / "out.csv", rejects=tmp_path / "aside.csv")
    assert (tmp_path / "aside.csv").read_text("utf-8") == "file,line,reason,row\n"


def test_without_rejects_the_first_bad_row_stops_the_job(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(MIXED, "utf-8")
    with pytest.raises(TableError, match=r"in\.csv line 3: column 'text' is empty; mend it .*--rejects FILE"):
        run(scorer, tmp_path / "in.csv", tmp_path / "out.csv")


def test_a_bad_row_late_in_a_table_leaves_no_output(scorer: Scorer, tmp_path: Path) -> None:
    small = Scorer(scorer.bundle, scorer.settings.model_copy(update={"part_rows": 3}))
    with pytest.raises(TableError, match=r"in\.jsonl line 21: column 'text' is empty"):
        scored(small, tmp_path, [*ROWS, {"id": "late", "text": ""}])
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_job_that_fails_leaves_the_former_output_alone(scorer: Scorer, tmp_path: Path) -> None:
    before = scored(scorer, tmp_path, ROWS)
    with pytest.raises(TableError, match="column 'text' is empty"):
        scored(scorer, tmp_path, [*ROWS, {"id": "late", "text": ""}])
    assert read_table(tmp_path / "out.jsonl") == before


def test_a_table_of_bad_rows_alone_is_an_error_and_leaves_nothing(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,n\n,1\n,2\n", "utf-8")
    with pytest.raises(
        TableError, match=r"in\.csv: no message to score among 2 rows; check the file and --text-column"
    ):
        run(scorer, tmp_path / "in.csv", tmp_path / "out.csv", rejects=tmp_path / "aside.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_columns_that_are_not_named_are_left_out(scorer: Scorer, tmp_path: Path) -> None:
    rows = [row | {"n": 3} for row in ROWS]
    found = scored(scorer, tmp_path, rows, columns=("n", "id"))
    assert list(found[0]) == ["n", "id", *ADDED]
    assert [row["score_readers"] for row in found] == [row["score_readers"] for row in scored(scorer, tmp_path, rows)]


def test_an_export_is_scored_as_it_is(scorer: Scorer, tmp_path: Path) -> None:
    post = {"id": 7, "type": "message", "date": "2031-06-10T12:00:00", "from": "Harbour Post", "text": "the red bakery"}
    (tmp_path / "result.json").write_text(json.dumps({"name": "Harbour", "id": 1, "messages": [post]}), "utf-8")
    run(scorer, tmp_path / "result.json", tmp_path / "out.jsonl", source="telegram", rejects=tmp_path / "aside.csv")
    (row,) = read_table(tmp_path / "out.jsonl")
    assert (row["text"], row["score_readers"]) == (
        "the red bakery",
        scored(scorer, tmp_path, [{"text": "the red bakery"}])[0]["score_readers"],
    )


def test_what_a_killed_run_left_of_a_table_is_swept(scorer: Scorer, tmp_path: Path) -> None:
    for name in (".out.csv.4711.part", ".out.csv.run.json.4711.part", ".aside.csv.4711.part"):
        (tmp_path / name).write_text("half", "utf-8")
    run(scorer, write_table(tmp_path / "in.csv", ROWS), tmp_path / "out.csv", rejects=tmp_path / "aside.csv")
    names = {path.name for path in tmp_path.iterdir()} - {"out.csv.run.json"}
    assert names == {"in.csv", "out.csv", "aside.csv"}


def test_two_runs_on_one_table_are_not_mixed(scorer: Scorer, tmp_path: Path) -> None:
    write_table(tmp_path / "in.csv", ROWS)

    def meanwhile(done_share: float, n_messages: int) -> None:
        with pytest.raises(TableError, match=r"out\.csv: is being written by another run; wait"):
            run(scorer, tmp_path / "in.csv", tmp_path / "out.csv")

    score_corpus(job(tmp_path / "in.csv", tmp_path / "out.csv"), scorer, local, meanwhile)
    assert len(read_table(tmp_path / "out.csv")) == 20


@pytest.mark.parametrize(("option", "places"), [("--out", ("in", "aside")), ("--rejects", ("out", "in"))])
def test_the_input_is_never_overwritten(scorer: Scorer, tmp_path: Path, option: str, places: tuple[str, str]) -> None:
    write_table(tmp_path / "in.csv", ROWS)
    out, rejects = (tmp_path / f"{name}.csv" for name in places)
    with pytest.raises(TableError, match=rf"in\.csv: is the input and cannot be {option} too; name another file$"):
        run(scorer, tmp_path / "in.csv", out, rejects=rejects)
    assert read_table(tmp_path / "in.csv") == ROWS


@pytest.mark.parametrize("name", ["a.csv", "new.csv", "later/new.csv"])
def test_nothing_is_written_into_the_input_folder(scorer: Scorer, tmp_path: Path, name: str) -> None:
    # a.csv is itself input; the others would be, the next time
    (tmp_path / "inbox").mkdir()
    write_table(tmp_path / "inbox" / "a.csv", ROWS)
    with pytest.raises(TableError, match="lies in the input folder, where every table is input, and cannot be --out; "):
        run(scorer, tmp_path / "inbox", tmp_path / "inbox" / name)
    assert read_table(tmp_path / "inbox" / "a.csv") == ROWS


def test_output_and_rejects_are_two_files(scorer: Scorer, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(TableError, match=r"out\.csv: is named by --out and by --rejects; name two files$"):
        run(scorer, write_table(tmp_path / "in.csv", ROWS), out, rejects=tmp_path / "." / "out.csv")


def test_messages_read_in_windows_are_counted_each_time(scorer: Scorer, tmp_path: Path) -> None:
    # the tiny bundle reads 48 tokens, two of them special
    rows = [{"text": "red " * 47}, {"text": "red " * 46}, {"text": "red " * 47}]
    assert run(scorer, write_table(tmp_path / "in.csv", rows), tmp_path / "out.csv").tally.n_long == 2


def test_progress_ends_with_all_of_the_input_and_every_message(scorer: Scorer, tmp_path: Path) -> None:
    shown: list[tuple[float, int]] = []
    small = Scorer(scorer.bundle, scorer.settings.model_copy(update={"part_rows": 8}))
    show: Show = lambda done_share, n_messages: shown.append((done_share, n_messages))  # noqa: E731
    score_corpus(job(write_table(tmp_path / "in.csv", ROWS), tmp_path / "out.csv"), small, local, show)
    assert [n for _, n in shown] == [8, 16, 20]
    assert shown[-1][0] == 1.0


TEXT = Text(
    rules=2,
    max_tokens=96,
    window_overlap_tokens=8,
    pieces_per_word_at_most=3.0,
    usual_pieces_factor=2.0,
    min_letters=3,
    min_language_messages=5,
)


def result(n_before: int = 0, drift: tuple[str, ...] = (), **counts: Any) -> Result:  # noqa: ANN401
    """A result with some counts, of an audience."""
    return Result(replace(Tally.none(1), **counts), n_before, TEXT, drift)


def test_the_last_line_accounts_for_every_row() -> None:
    # 1,200 + 30 + 4 = 1,234 out, 6 aside: 1,240 in
    verdicts = Counter({"chosen": 1200, "none": 30, "uncertain": 4})
    assert result(verdicts=verdicts, n_rows=1240, n_rejects=6, n_long=2).sentence() == (
        "1,200 chosen, 30 none, 4 uncertain; 1,240 rows in = 1,234 rows out + 6 rejects; "
        "2 (0.2%) longer than 96 tokens, read in windows"
    )


def test_the_last_line_says_what_was_scored_before() -> None:
    found = result(n_before=1000, verdicts=Counter({"chosen": 1234}), n_rows=1234).sentence()
    assert found.endswith("1,234 rows in = 1,234 rows out + 0 rejects; 1,000 messages were scored before")


@pytest.mark.parametrize(("n_shattered", "warned"), [(0, False), (5, False), (6, True)])
def test_a_corpus_that_the_tokenizer_mostly_shatters_is_warned_of(n_shattered: int, warned: bool) -> None:
    # more than half of 10
    found = result(verdicts=Counter({"none": 10}), shattered=Counter({"ru": n_shattered}))
    assert bool(found.warnings()) == warned


def test_the_warning_says_how_many_messages_and_names_the_languages() -> None:
    verdicts, shattered = Counter({"none": 1500, "chosen": 500}), Counter({"uk": 200, "ru": 1000})
    assert result(verdicts=verdicts, shattered=shattered).warnings() == [
        "this model's tokenizer cuts 1,200 of 2,000 messages (60.0%) into more than 3 pieces a word (mostly ru, uk); "
        "a base encoder that knows these languages reads them better and faster"
    ]


def test_drift_is_warned_of_after_it() -> None:
    assert result(drift=("the scores have moved",)).warnings() == ["the scores have moved"]


def test_messages_that_the_tokenizer_shatters_are_counted_by_language(scorer: Scorer, tmp_path: Path) -> None:
    # the tiny vocabulary knows no Russian letter: each word is unknown, and counts as its letters
    rows = [*ROWS, {"id": "ru", "text": "Городской совет открыл библиотеку в старом здании ратуши"}]
    assert run(scorer, write_table(tmp_path / "in.csv", rows), tmp_path / "out.csv").tally.shattered == Counter(
        {"ru": 1}
    )
