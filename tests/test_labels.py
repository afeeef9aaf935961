import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmenter.errors import TableError
from segmenter.params import Params
from training.labels import read_labels

Read = Callable[..., pd.DataFrame]
BEDS = "gardeners, water the beds before noon"
LANE = "cyclists, the new lane opens on Monday"


@pytest.fixture
def read(tiny_params: dict[str, Any]) -> Read:
    """A function that reads tables with the tiny run's audiences (gardeners, cyclists, readers)."""

    def of(*paths: Path, **options: object) -> pd.DataFrame:
        plain = {"columns": {}, "splits": {}, "label_kind": "gold", "weight": 1.0}
        tables = [plain | {"path": str(path)} | options for path in paths]
        return read_labels(Params.model_validate(tiny_params | {"data": tiny_params["data"] | {"tables": tables}}))

    return of


@pytest.fixture
def csv(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "letters.csv"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: dict[str, object]) -> Path:
        path = tmp_path / "letters.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("gardeners", ["gardeners"]),
        ("readers; gardeners", ["gardeners", "readers"]),  # in the order of params
        ('"[""cyclists"", ""readers""]"', ["cyclists", "readers"]),
        ("[]", []),
        ("", []),
        (" ; ", []),
    ],
)
def test_audiences_are_a_json_list_or_joined_ids(
    read: Read, csv: Callable[[str], Path], written: str, expected: list[str]
) -> None:
    frame = read(csv(f"text,audiences\n{BEDS.replace(',', '')},{written}\n"))
    assert frame["audiences"].tolist() == [expected]


def test_a_list_in_json_lines_is_a_list_of_audiences(read: Read, jsonl: Callable[..., Path]) -> None:
    frame = read(jsonl({"text": BEDS, "audiences": ["gardeners", "readers"]}, {"text": LANE, "audiences": []}))
    assert frame["audiences"].tolist() == [["gardeners", "readers"], []]


def test_json_lines_may_mix_lists_joined_ids_and_nothing(read: Read, jsonl: Callable[..., Path]) -> None:
    labels = (["gardeners"], "cyclists;readers", "", None)
    rows = [{"text": f"{BEDS} {n}", "audiences": part} for n, part in enumerate(labels)]
    assert read(jsonl(*rows))["audiences"].tolist() == [["gardeners"], ["cyclists", "readers"], [], []]


def test_a_list_column_of_parquet_is_a_list_of_audiences(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "letters.parquet"
    pq.write_table(pa.table({"text": [BEDS, LANE], "audiences": [["gardeners", "readers"], []]}), path)
    assert read(path)["audiences"].tolist() == [["gardeners", "readers"], []]


def test_columns_are_read_under_the_names_of_the_map(read: Read, csv: Callable[[str], Path]) -> None:
    path = csv("body,who,handle\nbring your bicycle,cyclists,ann\n")
    frame = read(path, columns={"text": "body", "audiences": "who", "author": "handle"})
    assert frame.loc[0, ["text", "author"]].tolist() == ["bring your bicycle", "ann"]
    assert frame.loc[0, "audiences"] == ["cyclists"]


def test_split_names_are_turned_by_the_map(read: Read, csv: Callable[[str], Path]) -> None:
    path = csv("text,audiences,split\na red bed,gardeners,validation\na blue bed,gardeners,train\n")
    assert read(path, splits={"validation": "dev"})["split"].tolist() == ["dev", "train"]


def test_an_unknown_audience_is_named_with_its_line_and_the_id_it_resembles(
    read: Read, csv: Callable[[str], Path]
) -> None:
    path = csv("text,audiences\na red bed,gardeners\na blue bed,gardners\n")
    with pytest.raises(TableError, match=r"letters\.csv line 3: unknown audience 'gardners'; did you mean 'gardeners'"):
        read(path)


def test_an_audience_unlike_any_other_is_to_be_added(read: Read, csv: Callable[[str], Path]) -> None:
    sentence = "unknown audience 'zz'; add it to audiences in params, or use one of gardeners, cyclists, readers"
    with pytest.raises(TableError, match=sentence):
        read(csv("text,audiences\na red bed,zz\n"))


def test_half_a_json_list_is_refused(read: Read, csv: Callable[[str], Path]) -> None:
    with pytest.raises(TableError, match=r"line 2: audiences '\[gardeners' is not a JSON list; write ids joined by"):
        read(csv("text,audiences\na red bed,[gardeners\n"))


@pytest.mark.parametrize("weight", ["heavy", "0", "-1", "nan", "inf"])
def test_a_weight_that_is_no_positive_number_is_refused(read: Read, csv: Callable[[str], Path], weight: str) -> None:
    with pytest.raises(TableError, match=f"line 2: weight '{weight}' is not a number above 0"):
        read(csv(f"text,audiences,weight\na red bed,gardeners,{weight}\n"))


@pytest.mark.parametrize(
    ("column", "found", "allowed"),
    [
        ("split", "trane", "train, dev, test, gate, leave_out"),
        ("label_kind", "golden", "gold, silver, weak"),
        ("split_unit", "page", "author, message"),
    ],
)
def test_a_value_outside_the_contract_is_refused_with_those_in_it(
    read: Read, csv: Callable[[str], Path], column: str, found: str, allowed: str
) -> None:
    with pytest.raises(TableError, match=f"line 2: {column} '{found}' is not one of {allowed}; mend it, or map it"):
        read(csv(f"text,audiences,{column}\na red bed,gardeners,{found}\n"))


def test_a_table_without_audiences_names_its_columns_and_the_map(read: Read, csv: Callable[[str], Path]) -> None:
    sentence = r"no column 'audiences' among 'text', 'who'; map it in params: data\.tables\.columns: \{audiences: …\}"
    with pytest.raises(TableError, match=sentence):
        read(csv("text,who\na red bed,gardeners\n"))


def test_a_row_without_text_is_named(read: Read, csv: Callable[[str], Path]) -> None:
    with pytest.raises(TableError, match=r"letters\.csv line 3: column 'text' is empty"):
        read(csv("text,audiences\na red bed,gardeners\n,cyclists\n"))


def test_a_table_of_a_header_alone_is_one_sentence(read: Read, csv: Callable[[str], Path]) -> None:
    with pytest.raises(TableError, match=r"letters\.csv: holds no message; bring labelled messages"):
        read(csv("text,audiences\n"))


def test_an_id_defaults_to_file_and_line(read: Read, csv: Callable[[str], Path]) -> None:
    frame = read(csv("text,audiences,id\na red bed,gardeners,r1\na blue bed,gardeners,\n"))
    assert frame["id"].tolist() == ["r1", "letters:3"]


def test_a_missing_language_is_detected_and_a_given_one_kept(read: Read, csv: Callable[[str], Path]) -> None:
    german = "Die Setzlinge in eurem Garten brauchen morgen Schatten"
    frame = read(csv(f"text,audiences,lang\n{german},gardeners,\n{german},gardeners,nl\n"))
    assert frame["lang"].tolist() == ["de", "nl"]


def test_weights_of_row_and_table_multiply(read: Read, csv: Callable[[str], Path]) -> None:
    # 0.5 of the table times 3 of the first row; the second has none: 0.5
    frame = read(csv("text,audiences,weight\na red bed,gardeners,3\na blue bed,gardeners,\n"), weight=0.5)
    assert frame["weight"].tolist() == [1.5, 0.5]


def test_the_label_kind_of_the_table_holds_where_a_row_names_none(read: Read, csv: Callable[[str], Path]) -> None:
    path = csv("text,audiences,label_kind\na red bed,gardeners,gold\na blue bed,gardeners,\n")
    assert read(path, label_kind="weak")["label_kind"].tolist() == ["gold", "weak"]


def test_a_message_with_an_author_is_split_by_author_and_others_by_message(
    read: Read, csv: Callable[[str], Path]
) -> None:
    frame = read(csv("text,audiences,author\na red bed,gardeners,ann\na blue bed,gardeners,\n"))
    assert frame["split_unit"].tolist() == ["author", "message"]


def test_a_split_is_left_open_where_none_is_given(read: Read, csv: Callable[[str], Path]) -> None:
    frame = read(csv("text,audiences,split\na red bed,gardeners,\na blue bed,gardeners,test\n"))
    assert frame["split"].isna().tolist() == [True, False]


def test_several_tables_are_one_frame_in_their_order(read: Read, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.csv", "two.csv")]
    for path in paths:
        path.write_text(f"text,audiences\nthe {path.stem} bed,gardeners\n", "utf-8")
    assert read(*paths)["id"].tolist() == ["one:2", "two:2"]
