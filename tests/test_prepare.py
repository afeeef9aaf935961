import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import Outcome, TinyRun
from datasets import load_dataset

from segmenter.params import load_params
from segmenter.prepared import read_split
from training.prepare import app, prepare

Setup = Callable[..., Path]
HEADER = "text,audiences,lang,source,author,split,label_kind\n"
# Given splits, so that every count is known: 4 train, 1 dev, 2 test.
ROWS = """\
the red bed,gardeners,en,herald,a1,train,silver
the blue bed,gardeners,en,herald,a2,train,silver
the new lane,cyclists,en,courier,a3,train,silver
die alte Wolke,,de,courier,a4,train,silver
the old lane,cyclists,en,courier,a5,dev,silver
the quiet shelf,readers;gardeners,en,herald,a6,test,gold
the small bed,gardeners,en,herald,a7,test,gold
"""


@pytest.fixture
def setup(tiny_params: dict[str, Any], write_params: Callable[[Path, dict[str, Any]], Path], tmp_path: Path) -> Setup:
    """A function that writes a labelled table and params for it, and returns the params file."""

    def write(rows: str, **sections: object) -> Path:
        table = tmp_path / "letters.csv"
        table.write_text(rows, "utf-8")
        tables = [{"path": str(table), "columns": {}, "splits": {}, "label_kind": "gold", "weight": 1.0}]
        own = {"data": tiny_params["data"] | {"tables": tables}}
        own["tracking"] = tiny_params["tracking"] | {"run_folder": str(tmp_path / "run")}
        return write_params(tmp_path / "params.yaml", tiny_params | own | sections)

    return write


def test_the_report_counts_by_audience_language_and_source(setup: Setup) -> None:
    report = prepare(load_params(setup(HEADER + ROWS)))
    counts: Any = report["counts"]
    found = {(part["label"], part["lang"], part["source"]): part["n"] for part in counts}
    assert found == {
        ("gardeners", "en", "herald"): 3,  # red, blue, small
        ("cyclists", "en", "courier"): 2,
        ("none", "de", "courier"): 1,
        ("gardeners;readers", "en", "herald"): 1,
    }


def test_the_report_counts_by_split(setup: Setup) -> None:
    report = prepare(load_params(setup(HEADER + ROWS)))
    assert report["n_by_split"] == {"train": 4, "dev": 1, "test": 2}


def test_a_repeated_training_text_is_kept_once_and_counted(setup: Setup) -> None:
    # equal but for case and spaces; the two copies and the first make three repeated texts, of which one stays
    repeats = "The RED bed,gardeners,en,herald,a1,train,silver\nthe  red bed,gardeners,en,courier,a1,train,silver\n"
    params = load_params(setup(HEADER + ROWS + repeats))
    report = prepare(params)
    assert (report["n_messages"], report["n_repeats_dropped"], report["n_texts_repeated"]) == (9, 2, 3)
    assert len(read_split(params, "train")) == 4


def test_of_a_repeated_text_the_most_trusted_label_trains(setup: Setup) -> None:
    params = load_params(setup(HEADER + ROWS + "the red bed,readers,en,herald,a1,train,gold\n"))
    prepare(params)
    train = read_split(params, "train").set_index("text")
    assert train.loc["the red bed", "audiences"].tolist() == ["readers"]


def test_texts_with_different_labels_are_reported_with_ids_and_labels(setup: Setup) -> None:
    report = prepare(load_params(setup(HEADER + ROWS + "THE RED BED,readers,en,herald,a1,train,silver\n")))
    conflicts: Any = report["conflicts"]
    # lines 2 and 9 of the file
    assert [part["ids"] for part in conflicts] == [["letters:2", "letters:9"]]
    assert conflicts[0]["labels"] == [["gardeners"], ["readers"]]


def test_a_repeated_text_with_one_label_is_no_conflict(setup: Setup) -> None:
    report = prepare(load_params(setup(HEADER + ROWS + "THE RED BED,gardeners,en,herald,a1,train,silver\n")))
    assert report["conflicts"] == []


def test_a_training_text_that_stands_in_test_is_left_out_and_counted(setup: Setup) -> None:
    params = load_params(setup(HEADER + ROWS + "the small bed,gardeners,en,herald,a8,train,silver\n"))
    report = prepare(params)
    assert (report["n_left_out"], report["texts_in_both_train_and_held_out"]) == (1, 0)
    assert "a8" not in set(read_split(params, "train")["author"])


def test_repeats_in_test_stay(setup: Setup) -> None:
    params = load_params(setup(HEADER + ROWS + "the small bed,gardeners,en,herald,a9,test,gold\n"))
    prepare(params)
    assert len(read_split(params, "test")) == 3


def test_splits_are_parquet_that_datasets_opens(setup: Setup, tmp_path: Path) -> None:
    prepare(load_params(setup(HEADER + ROWS)))
    files = {name: str(tmp_path / "run" / "data" / f"{name}.parquet") for name in ("train", "dev", "test")}
    found = load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert found["test"]["audiences"][:] == [["gardeners", "readers"], ["gardeners"]]


def test_the_report_is_written_beside_the_splits(setup: Setup, tmp_path: Path) -> None:
    report = prepare(load_params(setup(HEADER + ROWS)))
    assert json.loads((tmp_path / "run" / "data" / "report.json").read_text("utf-8")) == report


def test_preparing_again_leaves_no_split_of_before(setup: Setup, tmp_path: Path) -> None:
    prepare(load_params(setup(HEADER + ROWS + "the tall shelf,readers,en,herald,a8,gate,gold\n")))
    assert (tmp_path / "run" / "data" / "gate.parquet").is_file()
    prepare(load_params(setup(HEADER + ROWS)))
    assert not (tmp_path / "run" / "data" / "gate.parquet").exists()


def test_the_same_seed_writes_the_same_splits(setup: Setup, tiny_run: TinyRun) -> None:
    table = Path(tiny_run.params.data.tables[0].path).read_text("utf-8").splitlines()
    rows = "text,audiences\n" + "".join(f'"{part["text"]}",{part["audiences"]}\n' for part in map(json.loads, table))
    params = load_params(setup(rows))
    prepare(params)
    first = read_split(params, "dev")
    prepare(params)
    pd.testing.assert_frame_equal(first, read_split(params, "dev"))


def test_the_command_prints_counts_and_leaks(setup: Setup, outcome_of: Callable[..., Outcome]) -> None:
    outcome = outcome_of(app, "--params", setup(HEADER + ROWS))
    assert outcome.code == 0
    said = " ".join(outcome.out.split())
    assert "authors in both train and held-out: 0" in said
    assert "texts in both train and held-out: 0" in said


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("body,audiences\na red bed,gardeners\n", "no column 'text' among 'body', 'audiences'"),
        ("text,audiences\n", "letters.csv: holds no message"),
        ("", "letters.csv: "),
        ("text,audiences\na red bed,gardners\n", "line 2: unknown audience 'gardners'; did you mean 'gardeners'?"),
        (
            HEADER + "a bed,gardeners,en,,a1,test,gold\na lane,cyclists,en,,a2,dev,gold\n",
            "train, dev and test must each have messages",
        ),
    ],
)
def test_a_table_that_cannot_serve_is_one_sentence_and_exit_2(
    setup: Setup, outcome_of: Callable[..., Outcome], rows: str, sentence: str
) -> None:
    outcome = outcome_of(app, "--params", setup(rows))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert sentence in outcome.err


def test_a_missing_table_is_one_sentence_and_exit_2(
    setup: Setup, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    params = setup(HEADER + ROWS)
    (tmp_path / "letters.csv").unlink()
    outcome = outcome_of(app, "--params", params)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "letters.csv: there is no such file or folder; check the path" in outcome.err


def test_a_folder_without_tables_is_one_sentence_and_exit_2(
    setup: Setup, outcome_of: Callable[..., Outcome], tmp_path: Path
) -> None:
    params = setup(HEADER + ROWS)
    (tmp_path / "letters.csv").unlink()
    (tmp_path / "letters.csv").mkdir()
    outcome = outcome_of(app, "--params", params)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "the folder holds no table" in outcome.err


def test_missing_params_are_one_sentence_and_exit_2(outcome_of: Callable[..., Outcome], tmp_path: Path) -> None:
    outcome = outcome_of(app, "--params", tmp_path / "none.yaml")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "none.yaml: cannot be read" in outcome.err


def test_an_unknown_params_key_is_one_sentence_and_exit_2(setup: Setup, outcome_of: Callable[..., Outcome]) -> None:
    outcome = outcome_of(app, "--params", setup(HEADER + ROWS, trane={"epochs": 1}))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "params.yaml: trane: unknown key" in outcome.err
