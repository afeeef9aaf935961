from pathlib import Path

import pytest
from exports import lines, read, spoilt, survives, written
from hypothesis import given, settings

KIND = "doccano"
RECORD = {"id": 4, "text": "the ferry is late", "label": ["gardeners", "cyclists"], "Comments": []}


def test_a_line_becomes_a_row(tmp_path: Path) -> None:
    path = written(tmp_path, lines({**RECORD, "source": "post", "meta": {"lang": "en"}}), "ann.jsonl")
    assert read(path, KIND).rows == [
        {
            "id": "4",
            "text": "the ferry is late",
            "audiences": '["gardeners", "cyclists"]',
            "annotator": "ann",  # doccano writes one file an annotator
            "author": None,
            "source": "post",
            "created_at": None,
            "lang": "en",
        }
    ]


def test_a_folder_of_annotators_is_read_whole(tmp_path: Path) -> None:
    for name in ("ann.jsonl", "ben.jsonl"):
        written(tmp_path, lines(RECORD), name)
    assert [(row["id"], row["annotator"]) for row in read(tmp_path, KIND).rows] == [("4", "ann"), ("4", "ben")]


def test_older_labels_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, lines({"text": "tea", "labels": ["gardeners"], "meta": {"id": 9}}), "all.jsonl")
    assert read(path, KIND).rows[0]["audiences"] == '["gardeners"]'


def test_older_annotations_are_one_row_a_user_by_label_number(tmp_path: Path) -> None:
    marks = [{"label": 2, "user": 1}, {"label": 5, "user": 1}, {"label": 2, "user": 3}]
    found = read(written(tmp_path, lines({"id": 1, "text": "tea", "annotations": marks}), "all.jsonl"), KIND)
    assert [(row["annotator"], row["audiences"]) for row in found.rows] == [("1", '["2", "5"]'), ("3", '["2"]')]


def test_a_field_of_labels_of_another_name_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, lines({"text": "tea", "public": ["gardeners"]}), "all.jsonl")
    assert read(path, KIND, label_column="public").rows[0]["audiences"] == '["gardeners"]'


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"label": []}, "no choice was made"),
        ({"label": [[0, 5, "PLACE"]]}, "field 'label' holds something that is no label"),
        ({"label": {"a": 1}}, "field 'label' holds dict, not a list of labels"),
        ({"text": ""}, "field 'text' is empty"),
        ({"text": None}, "field 'text' is empty"),
        ({"id": {}}, "field 'id' holds dict, not text"),
    ],
)
def test_a_line_without_labels_of_the_text_is_set_aside(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    found = read(written(tmp_path, lines({**RECORD, **change}, RECORD), "all.jsonl"), KIND)
    assert (found.reasons, len(found.rows)) == ([(1, reason)], 1)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"text": "tea"}, "field 'label' is missing"),
        ({"text": "tea", "annotations": []}, "no choice was made"),
        (
            {"text": "tea", "annotations": [{"label": 1, "start_offset": 0}]},
            "an annotation is no label of the whole text",
        ),
        ({"text": "tea", "annotations": 3}, "field 'annotations' holds int, not a list"),
    ],
)
def test_an_older_line_without_labels_of_the_text_is_set_aside(
    tmp_path: Path, record: dict[str, object], reason: str
) -> None:
    assert read(written(tmp_path, lines(record), "all.jsonl"), KIND).reasons == [(1, reason)]


EXPORT = [RECORD, {"text": "tea", "annotations": [{"label": 2, "user": 1}], "meta": {"source": "post"}}]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(content=spoilt(EXPORT, lambda records: lines(*records) if isinstance(records, list) else lines(records)))
def test_no_export_however_spoilt_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    assert survives(written(tmp_path_factory.getbasetemp(), content, "spoilt.jsonl"), KIND)
