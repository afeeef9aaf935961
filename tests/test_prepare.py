import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from conftest import Outcome, TinyRun
from datasets import load_dataset
from plain_table import PLAIN_TABLE

from segmenter.bundle import sha256_of
from segmenter.errors import TableError
from segmenter.params import Params, load_params
from segmenter.prepared import read_split
from training.prepare import app, prepare
from training.report import overlaps

Setup = Callable[..., Path]
REPOSITORY = Path(__file__).parents[1]
STRICT = {"similarity_at_least": 0.95, "shingle_characters": 5, "permutations": 128}
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
        tables = [PLAIN_TABLE | {"path": str(table)}]
        own = {"data": tiny_params["data"] | {"tables": tables}}
        own["tracking"] = tiny_params["tracking"] | {"run_folder": str(tmp_path / "run")}
        return write_params(tmp_path / "params.yaml", tiny_params | own | sections)

    return write


def test_the_report_counts_by_audience_language_and_source(setup: Setup) -> None:
    report = prepare(load_params(setup(HEADER + ROWS)))
    found = {(part.label, part.lang, part.source): part.n for part in report.counts}
    assert found == {
        ("gardeners", "en", "herald"): 3,  # red, blue, small
        ("cyclists", "en", "courier"): 2,
        ("none", "de", "courier"): 1,
        ("gardeners;readers", "en", "herald"): 1,
    }


def test_the_report_counts_by_split(setup: Setup) -> None:
    report = prepare(load_params(setup(HEADER + ROWS)))
    assert report.n_by_split == {"train": 4, "dev": 1, "test": 2}


def test_a_repeated_training_text_is_kept_once_and_counted(setup: Setup) -> None:
    # equal but for case and spaces; the two copies and the first make three repeated texts, of which one stays
    repeats = "The RED bed,gardeners,en,herald,a1,train,silver\nthe  red bed,gardeners,en,courier,a1,train,silver\n"
    params = load_params(setup(HEADER + ROWS + repeats))
    report = prepare(params)
    assert (report.n_messages, report.n_repeats_dropped, report.n_texts_repeated) == (9, 2, 3)
    assert len(read_split(params, "train")) == 4


def test_of_a_repeated_text_the_most_trusted_label_trains(setup: Setup) -> None:
    params = load_params(setup(HEADER + ROWS + "the red bed,readers,en,herald,a1,train,gold\n"))
    prepare(params)
    train = read_split(params, "train").set_index("text")
    assert train.loc["the red bed", "audiences"].tolist() == ["readers"]


def test_texts_with_different_labels_are_reported_with_ids_and_labels(setup: Setup) -> None:
    report = prepare(load_params(setup(HEADER + ROWS + "THE RED BED,readers,en,herald,a1,train,silver\n")))
    # lines 2 and 9 of the file
    assert [part.ids for part in report.conflicts] == [["letters:2", "letters:9"]]
    assert report.conflicts[0].labels == [["gardeners"], ["readers"]]


def test_a_repeated_text_with_one_label_is_no_conflict(setup: Setup) -> None:
    report = prepare(load_params(setup(HEADER + ROWS + "THE RED BED,gardeners,en,herald,a1,train,silver\n")))
    assert report.conflicts == []


LEAKING = "the small bed,gardeners,en,herald,a8,train,silver\n"


def test_a_training_text_that_stands_in_test_stops_the_run_before_anything_is_written(
    setup: Setup, tmp_path: Path
) -> None:
    with pytest.raises(TableError, match=r"given splits: .* 1 by text \(letters:9\); mark them leave_out"):
        prepare(load_params(setup(HEADER + ROWS + LEAKING)))
    assert not (tmp_path / "run" / "data").exists()


def test_a_training_text_that_stands_in_test_is_left_out_and_named_where_params_say_so(
    setup: Setup, tiny_params: dict[str, Any]
) -> None:
    path = setup(HEADER + ROWS + LEAKING)
    written = yaml.safe_load(path.read_text("utf-8"))
    written["data"]["leaks"] = "leave_out"
    path.write_text(yaml.safe_dump(written), "utf-8")
    params = load_params(path)
    report = prepare(params)
    assert [(leak.kind, leak.ids) for leak in report.leaks] == [("text", ["letters:9"])]
    assert report.left_out == {"a given training message that leaks": 1}
    assert "a8" not in set(read_split(params, "train")["author"])


def test_the_report_proves_that_nothing_leaks(setup: Setup) -> None:
    report = prepare(load_params(setup(HEADER + ROWS)))
    assert report.overlaps == {"author": 0, "text": 0, "near_duplicate": 0, "time": 0, "source": 0}


def test_the_proof_reads_what_was_written(setup: Setup) -> None:
    params = load_params(setup(HEADER + ROWS))
    prepare(params)
    train, test = read_split(params, "train"), read_split(params, "test")
    copy = test.iloc[[0]].assign(author="a9")
    assert overlaps({"train": pd.concat([train, copy]), "test": test}, params.data) == {
        "author": 0,
        "text": 1,
        "near_duplicate": 0,
        "time": 0,
        "source": 0,
    }


def test_near_duplicates_never_straddle_splits(setup: Setup) -> None:
    # forty long texts, each with a twin of another ending and another author; none is given a split
    long = "keeps the compost warm under straw until the first seedlings of the allotment come up in row"
    rows = [f"plot {n * 37} {long} {n}{end},gardeners,en,herald,a{n}{end},,gold" for n in range(40) for end in ".!"]
    params = load_params(setup(HEADER + "\n".join(rows) + "\n", duplicates=STRICT))
    report = prepare(params)
    frame = pd.concat([read_split(params, name).assign(split=name) for name in ("train", "dev", "test")])
    assert report.n_near_duplicates == 80
    assert frame.groupby("group")["split"].nunique().max() == 1
    assert frame["split"].nunique() == 3


def test_the_report_tells_messages_split_by_author_from_those_split_by_message(setup: Setup) -> None:
    alone = "the wide gate,gardeners,en,bulletin,,train,gold\nthe wide wall,readers,en,bulletin,,test,gold\n"
    report = prepare(load_params(setup(HEADER + ROWS + alone)))
    assert report.n_by_split_unit == {
        "dev": {"author": 1},
        "test": {"author": 2, "message": 1},
        "train": {"author": 4, "message": 1},
    }
    assert report.n_by_source_split_by_message == {"bulletin": 2}


def test_every_file_of_the_tables_has_its_digest(setup: Setup, tmp_path: Path) -> None:
    report = prepare(load_params(setup(HEADER + ROWS)))
    assert report.files == {str(tmp_path / "letters.csv"): sha256_of(tmp_path / "letters.csv")}


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
    assert json.loads((tmp_path / "run" / "data" / "report.json").read_text("utf-8")) == asdict(report)


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
    assert "letters.csv: 7 rows, 7 kept" in said
    for way in ("author", "text", "nearly equal text", "date", "source"):
        assert f"messages of train or dev known from held-out ones by {way}: 0" in said


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


def test_what_a_table_keeps_stands_in_every_split(setup: Setup, tiny_params: dict[str, Any], tmp_path: Path) -> None:
    # one table keeps `bed`, the other has it and keeps nothing; gate has no messages at all
    own, other = tmp_path / "own.csv", tmp_path / "other.csv"
    own.write_text("text,audiences,split,bed\nthe red bed,gardeners,train,7\nthe long bed,,dev,\n", "utf-8")
    other.write_text("text,audiences,split,bed\nthe new lane,cyclists,train,8\nthe old lane,,test,9\n", "utf-8")
    tables = [PLAIN_TABLE | {"path": str(own), "keep": ["bed"]}, PLAIN_TABLE | {"path": str(other)}]
    params = load_params(setup("", data=tiny_params["data"] | {"tables": tables}))
    prepare(params)
    train = read_split(params, "train").set_index("text")["bed"]
    assert (train["the red bed"], pd.isna(train["the new lane"])) == ("7", True)
    assert all(read_split(params, name).columns[-1] == "bed" for name in ("dev", "test", "gate"))


# The header of fivethirtyeight/russian-troll-tweets as published; the rows are invented.
PUBLISHED = (
    "external_author_id,author,content,region,language,publish_date,harvested_date,following,followers,updates,post_type,"
    "account_type,retweet,account_category,new_june_2018,alt_external_id,tweet_id,article_url,tco1_step1,tco2_step1,tco3_step1"
)


def published(number: int, author: str, content: str, **changes: str) -> str:
    """One row of the download."""
    row = {"language": "English", "publish_date": "3/14/2017 09:26", "account_type": "Right", "retweet": "0"} | changes
    row |= {"author": author, "content": content, "tweet_id": str(900 + number)}
    return ",".join(row.get(name, "") for name in PUBLISHED.split(","))


def test_the_recipe_for_the_public_tweets_reads_their_published_header(tmp_path: Path) -> None:
    sections = yaml.safe_load((REPOSITORY / "training" / "recipes" / "ira_tweets.yaml").read_text("utf-8"))
    download, own = tmp_path / "russian-troll-tweets", tmp_path / "own.csv"
    download.mkdir()
    (download / "IRAhandle_tweets_1.csv").write_text(
        "\n".join(
            [
                PUBLISHED,
                published(1, "WALLBUILDER", "build the garden wall now"),
                published(2, "WALLBUILDER", "the wall again", retweet="1"),
                published(
                    3, "GARTENFREUND", "Die Hecke im Park wird geschnitten", language="German", account_type="German"
                ),
                published(4, "COUCHGAMER", "name a song about compost", account_type="Hashtager"),
                published(5, "ODDONE", "who knows what this is", account_type="?"),
            ]
        ),
        "utf-8",
    )
    given = [("train", 20), ("test", 4)]
    rows = [
        f"{split} plot no {n} of row {n * n},,en,{split}{n},{split}" for split, count in given for n in range(count)
    ]
    own.write_text("text,audiences,lang,author,split\n" + "\n".join(rows) + "\n", "utf-8")
    tables = sections["data"]["tables"]
    tables[-1]["path"] = str(download)
    sections["data"]["tables"] = [tables[0] | {"path": str(own), "annotators": []}, tables[-1]]
    sections["tracking"]["run_folder"] = str(tmp_path / "run")
    params = Params.model_validate(sections)
    counts = prepare(params).tables[-1]
    assert (counts.n_rows, counts.n_messages, counts.n_filtered) == (
        5,
        3,
        2,
    )  # the retweet and the type `?` are left out
    train = read_split(params, "train")
    weak = train[train["label_kind"] == "weak"].set_index("id")
    assert weak["audiences"].map(list).to_dict() == {
        "901": ["maga_isolationist"],
        "903": ["european_publics"],
        "904": [],
    }
    assert weak.loc["903", ["author", "lang", "created_at"]].tolist() == ["GARTENFREUND", "de", "3/14/2017 09:26"]
    assert set(weak["weight"]) == {0.3}
