from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import TinyRun
from jobs import ADDED, ROWS, content, job, read_table, run, silent, write_table

from segmenter.errors import TableError
from segmenter.params import load_settings
from segmenter.score import Scorer, open_scorer
from segmenter.scoring.engines import Done, Work, local
from segmenter.scoring.job import score_corpus, work_left


@pytest.fixture(scope="module")
def scorer(tiny_run: TinyRun) -> Scorer:
    return open_scorer(tiny_run.bundle, load_settings(None).score)


@pytest.fixture
def small(scorer: Scorer) -> Scorer:
    """The same scorer, three rows a part."""
    return Scorer(scorer.bundle, scorer.settings.model_copy(update={"part_rows": 3}))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder of two tables of 8 and 12 messages, a bad row in the second."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    write_table(folder / "a.csv", ROWS[:8])
    write_table(folder / "b.csv", [*ROWS[8:], {"id": "late", "text": ""}])
    return folder


def test_a_folder_of_parts_is_the_table_in_pieces(small: Scorer, inbox: Path, tmp_path: Path) -> None:
    # 8 rows and 13 by 3: 3 and 5 parts, the last one with the bad row alone is none
    run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    run(small, inbox, tmp_path / "out.parquet", rejects=tmp_path / "aside.csv")
    parts = sorted((tmp_path / "out").glob("*.parquet"))
    assert [path.name[5:-8] for path in parts] == [
        *("00000-000000", "00000-000001", "00000-000002"),
        *("00001-000000", "00001-000001", "00001-000002", "00001-000003"),
    ]
    assert [row for path in parts for row in read_table(path)] == read_table(tmp_path / "out.parquet")


def test_a_new_file_whose_ids_are_numbers_is_not_mixed_with_text_ids(
    small: Scorer, inbox: Path, tmp_path: Path
) -> None:
    # 'm1' of a CSV stands as it is; beside a JSONL's numbers the column would hold JSON, "m1" with its quotes
    run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    before = content(tmp_path / "out")
    write_table(inbox / "c.jsonl", [{"id": 7, "text": ROWS[0]["text"]}])
    with pytest.raises(TableError, match=r"other input columns \('id' string, now 'id' string of JSON\)"):
        run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    assert content(tmp_path / "out") == before


def test_a_run_killed_before_its_last_line_has_its_record_renewed(small: Scorer, inbox: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(small, inbox / "a.csv", out)
    old = (out / "run.json").read_bytes()
    (out / "manifest.json").write_text(
        (out / "manifest.json").read_text("utf-8").replace('"complete": true', '"complete": false'), "utf-8"
    )
    run(small, inbox / "a.csv", out)
    assert (out / "run.json").read_bytes() != old


def test_a_scored_folder_can_be_read_as_one_table(small: Scorer, inbox: Path, tmp_path: Path) -> None:
    run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    run(small, tmp_path / "out", tmp_path / "again.csv", prefix="again_")
    assert [row["id"] for row in read_table(tmp_path / "again.csv")] == [row["id"] for row in ROWS]


@pytest.mark.parametrize("out", ["new", "new/", "there", "out.csv/"])
def test_what_is_no_file_name_is_a_folder(tmp_path: Path, out: str) -> None:
    (tmp_path / "there").mkdir()
    assert job(tmp_path, f"{tmp_path}/{out}").folder == tmp_path / out


def test_a_job_done_again_writes_nothing_anew(small: Scorer, inbox: Path, tmp_path: Path) -> None:
    run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir() if path.name != "run.json"}
    again = run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    assert (again.n_before, again.tally.n_messages, again.tally.n_rows, again.tally.n_rejects) == (20, 20, 21, 1)
    assert {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in before} == before


def broken_off(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
    """The local engine, which stops for want of space after two parts."""
    with closing(local(work, scorer)) as chunks:
        yield from islice(chunks, 2)
    raise TableError("elsewhere", "the disk is full", "make room")


def test_a_job_that_was_broken_off_ends_as_if_it_had_not_been(small: Scorer, inbox: Path, tmp_path: Path) -> None:
    for name in ("whole", "broken"):
        wanted = job(inbox, tmp_path / name, rejects=tmp_path / f"{name}.csv")
        if name == "broken":
            with pytest.raises(TableError, match="the disk is full"):
                score_corpus(wanted, small, broken_off, silent)
            assert sorted(content(tmp_path / name)) == [
                *("manifest.json", "part-00000-000000.parquet", "part-00000-000001.parquet"),
            ]
            assert not wanted.rejects.exists()
        assert score_corpus(wanted, small, local, silent).n_before == (6 if name == "broken" else 0)
    assert content(tmp_path / "broken") == content(tmp_path / "whole")
    assert (tmp_path / "broken.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_job_stopped_by_a_bad_row_goes_on_once_rejects_are_named(small: Scorer, inbox: Path, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"b\.csv line 14: column 'text' is empty"):
        run(small, inbox, tmp_path / "out")
    assert run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv").tally.n_messages == 20
    run(small, inbox, tmp_path / "whole", rejects=tmp_path / "aside.csv")
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_of_a_folder_that_grew_only_the_new_files_are_scored(small: Scorer, inbox: Path, tmp_path: Path) -> None:
    run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("part-*")}
    write_table(inbox / "0.csv", [{"text": "the red library", "id": "new"}])  # first by name, columns the other way
    grown = run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    assert (grown.n_before, grown.tally.n_messages) == (20, 21)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    (new,) = set((tmp_path / "out").glob("part-*")) - set(before)
    assert (new.name, read_table(new)[0]["id"]) == ("part-00002-000000.parquet", "new")
    assert pq.read_schema(new).names == ["id", "text", *ADDED]


def test_an_input_that_changed_stops_the_job_before_a_part_is_touched(
    small: Scorer, inbox: Path, tmp_path: Path
) -> None:
    run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    before = content(tmp_path / "out")
    write_table(inbox / "a.csv", ROWS[:7])
    with pytest.raises(TableError, match=r"out: the input 'a\.csv' has changed since it was scored"):
        run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    assert content(tmp_path / "out") == before


def test_another_runtime_is_not_mixed_with_the_first(small: Scorer, inbox: Path, tmp_path: Path) -> None:
    run(small, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    other = Scorer(small.bundle, small.settings.model_copy(update={"runtime": "torch", "device": "cpu"}))
    with pytest.raises(
        TableError, match=r"scored with another runtime \('cpu .*', now 'torch .*'\); repeat the command"
    ):
        run(other, inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")


@pytest.mark.parametrize("option", ["rejects", "cache"])
def test_nothing_else_is_put_among_the_parts(small: Scorer, inbox: Path, tmp_path: Path, option: str) -> None:
    place = tmp_path / "out" / "more"
    refused = f"more: lies in the folder of --out and cannot be --{option}; name a place outside"
    with pytest.raises(TableError, match=refused):
        run(small, inbox, tmp_path / "out", **{option: place})


def test_several_inputs_are_one_corpus(scorer: Scorer, inbox: Path, tmp_path: Path) -> None:
    inputs = replace(job(inbox / "b.csv", tmp_path / "out.csv", rejects=tmp_path / "aside.csv"))
    inputs = replace(inputs, inputs=(str(inbox / "b.csv"), str(inbox / "a*.csv")))
    score_corpus(inputs, scorer, local, silent)
    assert [row["id"] for row in read_table(tmp_path / "out.csv")] == [row["id"] for row in ROWS]


def test_a_file_that_a_pattern_finds_is_not_overwritten(scorer: Scorer, inbox: Path) -> None:
    with pytest.raises(TableError, match=r"a\.csv: is the input and cannot be --out too"):
        run(scorer, inbox / "*.csv", inbox / "a.csv")


def test_a_kept_store_knows_the_texts_of_the_last_corpus(scorer: Scorer, inbox: Path, tmp_path: Path) -> None:
    efforts = []

    def counting(work: Work, scorer: Scorer) -> Generator[Done, None, None]:
        for done in local(work, scorer):
            efforts.append(done.effort)
            yield done

    for name in ("first", "second"):
        wanted = job(inbox, tmp_path / f"{name}.csv", rejects=tmp_path / "aside.csv", cache=tmp_path / "cache")
        score_corpus(wanted, scorer, counting, silent)
    assert [effort.n_run for effort in efforts] == [8, 12, 0, 0]
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


def test_a_plan_is_shown_without_anything_written(small: Scorer, inbox: Path, tmp_path: Path) -> None:
    wanted = job(inbox, tmp_path / "out", rejects=tmp_path / "aside.csv")
    with work_left(wanted, small) as work:
        assert work.done == {}
    assert [path.name for path in tmp_path.iterdir()] == ["inbox"]
    with pytest.raises(TableError, match="the disk is full"):
        score_corpus(wanted, small, broken_off, silent)
    with work_left(wanted, small) as work:
        assert work.done == {0: {0, 1}}
