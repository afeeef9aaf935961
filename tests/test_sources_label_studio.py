import json
from pathlib import Path
from typing import Any

import pytest
from exports import read, spoilt, survives, written
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter.errors import TableError

KIND = "label-studio"


def choice(*labels: str, control: str = "audience", about: str = "text") -> dict[str, Any]:
    return {
        "id": "x1",
        "from_name": control,
        "to_name": about,
        "type": "choices",
        "origin": "manual",
        "value": {"choices": list(labels)},
    }


def annotation(*results: dict[str, Any], by: object = 1, **more: object) -> dict[str, Any]:
    return {"id": 70, "completed_by": by, "was_cancelled": False, "result": list(results), "lead_time": 4.2, **more}


def task(*annotations: dict[str, Any], **data: object) -> dict[str, Any]:
    """A task as Label Studio exports it, with a model's prediction that is no label."""
    return {
        "id": 12,
        "data": {"text": "the ferry is late", **data},
        "annotations": list(annotations),
        "predictions": [{"model_version": "m", "score": 0.5, "result": [choice("cyclists")]}],
        "meta": {},
        "created_at": "2031-01-01T00:00:00Z",
    }


def audiences(path: Path, **names: str) -> list[Any]:
    return [json.loads(row["audiences"]) for row in read(path, KIND, **names).rows]


def test_a_task_becomes_a_row_with_its_labels_and_its_own_columns(tmp_path: Path) -> None:
    made = task(annotation(choice("gardeners", "cyclists"), by=3), id="m-1", author="ann", source="post", lang="en")
    found = read(written(tmp_path, [made], "export.json"), KIND)
    assert found.rows == [
        {
            "id": "m-1",
            "text": "the ferry is late",
            "audiences": '["gardeners", "cyclists"]',
            "annotator": "3",
            "author": "ann",
            "source": "post",
            "created_at": None,
            "lang": "en",
        }
    ]


def test_a_message_without_an_id_of_its_own_has_its_tasks(tmp_path: Path) -> None:
    found = read(written(tmp_path, [task(annotation(choice("none")))], "export.json"), KIND)
    assert found.rows[0]["id"] == "12"


def test_each_annotator_gives_a_row(tmp_path: Path) -> None:
    made = task(annotation(choice("gardeners"), by=1), annotation(choice("none"), by={"id": 2, "email": "b@x.example"}))
    found = read(written(tmp_path, [made], "export.json"), KIND)
    assert [(row["id"], row["annotator"], row["audiences"]) for row in found.rows] == [
        ("12", "1", '["gardeners"]'),
        ("12", "2", '["none"]'),
    ]


def test_cancelled_empty_and_missing_annotations_are_set_aside_with_their_reason(tmp_path: Path) -> None:
    tasks = [
        task(annotation(choice("gardeners"), was_cancelled=True), annotation(), annotation(choice("gardeners"))),
        task(),
        task(annotation(choice())),
    ]
    found = read(written(tmp_path, tasks, "export.json"), KIND)
    assert (found.n_rows, len(found.rows)) == (5, 1)
    assert found.reasons == [
        (1, "the annotation was cancelled"),
        (1, "no choice was made"),
        (2, "has no annotation"),
        (3, "no choice was made"),
    ]


def test_other_controls_are_not_the_audience(tmp_path: Path) -> None:
    # of the second annotation nothing is known but how sure it is
    sure = choice("3", control="confidence")
    tasks = [task(annotation(choice("gardeners"), sure)), task(annotation(sure))]
    found = read(written(tmp_path, tasks, "export.json"), KIND)
    assert [row["audiences"] for row in found.rows] == ['["gardeners"]']
    assert found.reasons == [(2, "no choice was made")]


def test_a_single_control_of_any_name_is_the_one(tmp_path: Path) -> None:
    path = written(tmp_path, [task(annotation(choice("gardeners", control="public")))], "export.json")
    assert audiences(path) == [["gardeners"]]


def test_choices_about_a_picture_are_not_about_the_text(tmp_path: Path) -> None:
    both = annotation(choice("sharp", control="quality", about="image"), choice("gardeners", control="public"))
    assert audiences(written(tmp_path, [task(both)], "export.json")) == [["gardeners"]]


def test_two_controls_neither_the_audience_have_to_be_told_apart(tmp_path: Path) -> None:
    both = annotation(choice("gardeners", control="public"), choice("calm", control="tone"))
    path = written(tmp_path, [task(both)], "export.json")
    with pytest.raises(TableError, match=r"choices of the controls 'public', 'tone'; name the one to read"):
        read(path, KIND)
    assert audiences(path, label_column="public") == [["gardeners"]]


def test_a_text_field_of_another_name_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, [task(annotation(choice("none")), text=None, body="the kettle sings")], "export.json")
    assert [row["text"] for row in read(path, KIND, text_column="body").rows] == ["the kettle sings"]


def test_the_flat_export_gives_the_same_labels(tmp_path: Path) -> None:
    flat = {"text": "the ferry is late", "id": 12, "annotator": 3, "annotation_id": 70, "created_at": "2031-01-01"}
    tasks = [
        {**flat, "audience": "gardeners"},
        {**flat, "audience": {"choices": ["gardeners", "cyclists"]}},
        flat,
    ]
    found = read(written(tmp_path, tasks, "min.json"), KIND)
    assert [(row["id"], row["annotator"], row["audiences"], row["created_at"]) for row in found.rows] == [
        ("12", "3", '["gardeners"]', None),  # the date is the annotation's
        ("12", "3", '["gardeners", "cyclists"]', None),
    ]
    assert found.reasons == [(3, "no choice was made")]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (7, "is int, not a JSON object"),
        ({"id": 1, "data": [], "annotations": []}, "field 'data' holds list, not an object"),
        ({"id": 1, "data": {"text": "tea"}}, "field 'annotations' holds NoneType, not a list"),
        (task(annotation(choice("none")), text=7), "field 'text' holds int, not text"),
        (task(annotation(choice("none")), text=" "), "field 'text' is empty"),
        (task(annotation(choice("none")), lang=["en"]), "field 'lang' holds list, not text"),
        (task({"id": 1, "result": None}), "an annotation has no list of results"),
        (task(annotation({**choice(), "value": {"choices": [1]}})), "field 'choices' holds something that is no label"),
    ],
)
def test_a_broken_task_is_set_aside_and_the_next_one_is_read(tmp_path: Path, broken: object, reason: str) -> None:
    found = read(written(tmp_path, [broken, task(annotation(choice("none")))], "export.json"), KIND)
    assert found.reasons == [(1, reason)]
    assert len(found.rows) == 1


def test_a_list_of_another_shape_is_not_read_as_none(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"has '\{' where '\[' should stand"):
        read(written(tmp_path, task(), "export.json"), KIND)


EXPORT = [task(annotation(choice("gardeners"), choice("3", control="confidence")), annotation(by={"id": 2}))]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(content=spoilt(EXPORT, json.dumps) | st.just(b"[]"))
def test_no_export_however_spoilt_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    assert survives(written(tmp_path_factory.getbasetemp(), content, "spoilt.json"), KIND)
