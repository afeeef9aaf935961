import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from plain_table import PLAIN_TABLE

from segmenter.errors import TableError
from segmenter.params import Params
from training.labels import Labels, read_labels

Read = Callable[..., pd.DataFrame]
BEDS = "gardeners, water the beds before noon"
LANE = "cyclists, the new lane opens on Monday"


@pytest.fixture
def labels_of(tiny_params: dict[str, Any]) -> Callable[..., Labels]:
    """A function that reads tables with the tiny run's audiences (gardeners, cyclists, readers)."""

    def of(*paths: Path, **options: object) -> Labels:
        tables = [PLAIN_TABLE | {"path": str(path)} | options for path in paths]
        return read_labels(Params.model_validate(tiny_params | {"data": tiny_params["data"] | {"tables": tables}}))

    return of


@pytest.fixture
def read(labels_of: Callable[..., Labels]) -> Read:
    """As labels_of, the frame alone."""
    return lambda *paths, **options: labels_of(*paths, **options).frame


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
        ("split", "trane", "train, dev, test, gate, leave_out, free"),
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
    with pytest.raises(
        TableError, match=r"letters\.csv: holds no message that is labelled and kept; see its filter and labels"
    ):
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


# Maps of labels, filters, caps: what becomes of a row is counted.

ACCOUNTS = "text,kind\na red bed,Grower\na new lane,Rider\na wet day,Other\n"
MAP = {"Grower": ["gardeners"], "Rider": ["cyclists", "readers"], "Other": []}


def test_labels_are_turned_by_the_map(read: Read, csv: Callable[[str], Path]) -> None:
    frame = read(csv(ACCOUNTS), columns={"audiences": "kind"}, labels=MAP)
    assert frame["audiences"].tolist() == [["gardeners"], ["cyclists", "readers"], []]


def test_an_audience_id_needs_no_place_in_the_map(read: Read, csv: Callable[[str], Path]) -> None:
    frame = read(csv("text,audiences\na red bed,gardeners;Rider\n"), labels=MAP)
    assert frame["audiences"].tolist() == [["gardeners", "cyclists", "readers"]]


def test_a_label_outside_the_map_is_named_with_its_line(read: Read, csv: Callable[[str], Path]) -> None:
    sentence = r"line 4: label 'Other' is not in the table's map of labels; add it to data\.tables\.labels in params"
    with pytest.raises(TableError, match=sentence):
        read(csv(ACCOUNTS), columns={"audiences": "kind"}, labels={"Grower": ["gardeners"], "Rider": []})


def test_a_row_without_a_label_says_nothing_where_labels_are_mapped(
    labels_of: Callable[..., Labels], jsonl: Callable[..., Path]
) -> None:
    rows = [{"text": f"{BEDS} {n}", "audiences": label} for n, label in enumerate(("Grower", None, "", []))]
    found = labels_of(jsonl(*rows), labels=MAP)
    # an empty list is an answer: none of the audiences
    assert found.frame["audiences"].tolist() == [["gardeners"], []]
    assert found.tables[0].n_unlabelled == 2


def test_no_label_may_be_mapped_too(read: Read, csv: Callable[[str], Path]) -> None:
    frame = read(csv("text,audiences\na red bed,Grower\na wet day,\n"), labels=MAP | {"": []})
    assert frame["audiences"].tolist() == [["gardeners"], []]


def test_a_map_to_what_is_no_audience_is_refused(read: Read, csv: Callable[[str], Path]) -> None:
    with pytest.raises(ValueError, match="'Grower' is mapped to 'growers', which is no audience"):
        read(csv(ACCOUNTS), labels={"Grower": ["growers"]})


def test_rows_of_other_values_than_the_filter_names_are_left_out_and_counted(
    labels_of: Callable[..., Labels], csv: Callable[[str], Path]
) -> None:
    rows = "the bed,gardeners,en,0\nthe lane,cyclists,de,0\nthe wall,gardeners,en,1\nthe shed,gardeners,,0\n"
    path = csv(f"text,audiences,tongue,copy\n{rows}")
    found = labels_of(path, filter={"tongue": ["en", ""], "copy": ["0"]})
    assert found.frame["text"].tolist() == ["the bed", "the shed"]
    assert (found.tables[0].n_rows, found.tables[0].n_messages, found.tables[0].n_filtered) == (4, 2, 2)


def test_a_filter_that_keeps_nothing_is_one_sentence(read: Read, csv: Callable[[str], Path]) -> None:
    with pytest.raises(TableError, match=r"letters\.csv: holds no message of its 3 rows that is labelled and kept"):
        read(csv(ACCOUNTS), columns={"audiences": "kind"}, labels=MAP, filter={"kind": ["grower"]})


@pytest.mark.parametrize("key", ["filter", "keep", "annotators"])
def test_a_filter_or_further_column_the_table_lacks_is_named(read: Read, csv: Callable[[str], Path], key: str) -> None:
    options = {"filter": {"tongue": ["en"]}, "keep": ["tongue"], "annotators": ["tongue"]}
    with pytest.raises(TableError, match=rf"no column 'tongue' among 'text', 'kind'; mend data\.tables\.{key}"):
        read(csv(ACCOUNTS), columns={"audiences": "kind"}, labels=MAP, **{key: options[key]})


def test_a_mapped_column_the_table_lacks_is_named(read: Read, csv: Callable[[str], Path]) -> None:
    with pytest.raises(
        TableError, match=r"no column 'handle' among 'text', 'kind'; map it in params: .* \{author: …\}"
    ):
        read(csv(ACCOUNTS), columns={"audiences": "kind", "author": "handle"}, labels=MAP)


def test_kept_columns_come_as_text(read: Read, jsonl: Callable[..., Path]) -> None:
    beds = {"text": BEDS, "audiences": [], "bed": 7, "wet": True, "tools": ["rake", "hoe"], "soil": "loam"}
    lane = {"text": LANE, "audiences": [], "bed": None, "wet": False, "tools": None, "soil": ""}
    frame = read(jsonl(beds, lane), keep=["bed", "wet", "tools", "soil"])
    assert frame.loc[0, ["bed", "wet", "tools", "soil"]].tolist() == ["7", "True", '["rake", "hoe"]', "loam"]
    assert frame.loc[1, ["bed", "wet", "tools", "soil"]].isna().tolist() == [True, False, True, True]


def of_authors(csv: Callable[[str], Path]) -> Path:
    """Nine messages by ann, two by ben, three by nobody known."""
    authors = ["ann"] * 9 + ["ben"] * 2 + [""] * 3
    return csv("text,audiences,author\n" + "".join(f"bed no {n},gardeners,{who}\n" for n, who in enumerate(authors)))


def test_of_an_author_so_many_messages_are_kept(labels_of: Callable[..., Labels], csv: Callable[[str], Path]) -> None:
    found = labels_of(of_authors(csv), author_messages_at_most=3)
    assert found.frame["author"].fillna("nobody").value_counts().to_dict() == {"ann": 3, "ben": 2, "nobody": 3}
    assert (found.tables[0].n_messages, found.tables[0].n_capped) == (8, 6)


def test_which_of_an_authors_messages_are_kept_is_drawn_by_the_seed(
    read: Read, csv: Callable[[str], Path], tiny_params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = of_authors(csv)
    first = read(path, author_messages_at_most=3)["text"].tolist()
    assert read(path, author_messages_at_most=3)["text"].tolist() == first
    monkeypatch.setitem(tiny_params, "data", tiny_params["data"] | {"seed": 99})
    assert read(path, author_messages_at_most=3)["text"].tolist() != first


def test_a_cap_reached_over_many_batches_keeps_the_same_messages(
    read: Read, csv: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = of_authors(csv)
    whole = read(path, author_messages_at_most=2)["id"].tolist()
    monkeypatch.setattr("training.labels.BATCH_ROWS", 2)
    assert read(path, author_messages_at_most=2)["id"].tolist() == whole


# Several annotators.

VOTES = """\
text,id,annotator,audiences
a red bed,m1,ann,gardeners
a new lane,m2,ann,cyclists
a red bed,m1,ben,gardeners;readers
a new lane,m2,ben,
a red bed,m1,eve,readers
a long novel,m3,,readers
"""


def test_an_audience_is_marked_where_more_than_half_of_the_annotators_mark_it(
    labels_of: Callable[..., Labels], csv: Callable[[str], Path]
) -> None:
    found = labels_of(csv(VOTES))
    # m1: gardeners and readers two of three each; m2: cyclists one of two, a tie; m3: nobody's name
    assert found.frame["id"].tolist() == ["m1", "m2", "m3"]
    assert found.frame["audiences"].tolist() == [["gardeners", "readers"], [], ["readers"]]
    counts = found.tables[0]
    assert (counts.n_rows, counts.n_messages, counts.n_merged, counts.n_tied) == (6, 3, 3, 1)


def test_the_labels_of_each_annotator_are_kept(read: Read, csv: Callable[[str], Path]) -> None:
    assert read(csv(VOTES))["annotations"].tolist() == [
        {"ann": ["gardeners"], "ben": ["gardeners", "readers"], "eve": ["readers"]},
        {"ann": ["cyclists"], "ben": []},
        {},
    ]


def test_who_labels_a_message_twice_counts_once_with_the_later_labels(
    labels_of: Callable[..., Labels], csv: Callable[[str], Path]
) -> None:
    found = labels_of(csv("text,id,annotator,audiences\na bed,m1,ann,gardeners\na bed,m1,ann,readers\n"))
    assert found.frame["audiences"].tolist() == [["readers"]]
    assert (found.tables[0].n_merged, found.tables[0].n_tied) == (1, 0)


def test_rows_of_one_id_without_annotators_stay_two_messages(read: Read, csv: Callable[[str], Path]) -> None:
    frame = read(csv("text,id,audiences\na bed,m1,gardeners\na bed,m1,readers\n"))
    assert frame["audiences"].tolist() == [["gardeners"], ["readers"]]


def test_a_kept_column_is_as_in_the_first_row_of_a_message(read: Read, csv: Callable[[str], Path]) -> None:
    path = csv("text,id,annotator,audiences,soil\na bed,m1,ann,gardeners,loam\na bed,m1,ben,gardeners,clay\n")
    assert read(path, keep=["soil"])["soil"].tolist() == ["loam"]


def test_columns_of_annotators_are_their_labels_and_train_nothing(read: Read, jsonl: Callable[..., Path]) -> None:
    rows = [
        {"text": BEDS, "audiences": ["gardeners"], "one": ["gardeners"], "two": []},
        {"text": LANE, "audiences": ["cyclists"], "one": ["cyclists"], "two": None},
    ]
    frame = read(jsonl(*rows), annotators=["one", "two"])
    assert frame["audiences"].tolist() == [["gardeners"], ["cyclists"]]
    assert frame["annotations"].tolist() == [{"one": ["gardeners"], "two": []}, {"one": ["cyclists"]}]


def test_an_export_of_label_studio_is_a_labelled_table(labels_of: Callable[..., Labels], tmp_path: Path) -> None:
    def annotation(who: int, *choices: str, cancelled: bool = False) -> dict[str, object]:
        result = {"from_name": "audience", "to_name": "text", "type": "choices", "value": {"choices": list(choices)}}
        return {"completed_by": who, "was_cancelled": cancelled, "result": [result]}

    tasks = [
        {"id": 1, "data": {"text": BEDS}, "annotations": [annotation(1, "gardeners"), annotation(2, "none")]},
        {"id": 2, "data": {"text": LANE}, "annotations": [annotation(1, "cyclists"), annotation(2, cancelled=True)]},
    ]
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks), "utf-8")
    found = labels_of(path, format="label-studio", labels={"none": []})
    assert found.frame["annotations"].tolist() == [{"1": ["gardeners"], "2": []}, {"1": ["cyclists"]}]
    assert found.frame["audiences"].tolist() == [[], ["cyclists"]]  # a tie of one to one marks nothing
    assert found.tables[0].rejected == {"the annotation was cancelled": 1}
    assert (found.tables[0].n_rows, found.tables[0].n_messages, found.tables[0].n_merged) == (4, 2, 1)


def test_of_a_foreign_format_only_text_and_labels_have_names(read: Read, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="columns: of doccano, the fields of text and audiences alone can be named"):
        read(tmp_path / "none.jsonl", format="doccano", columns={"author": "handle"})
