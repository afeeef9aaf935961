from pathlib import Path

import pytest
from exports import lines, read, spoilt, survives, written
from hypothesis import given, settings

KIND = "prodigy"
CHOICE = {
    "text": "the ferry is late",
    "meta": {"source": "post"},
    "options": [{"id": "gardeners", "text": "Gardeners"}, {"id": "cyclists", "text": "Cyclists"}],
    "_input_hash": -1705,
    "_task_hash": 88,
    "_annotator_id": "desk-ann",
    "_session_id": "desk-ann",
    "accept": ["cyclists"],
    "answer": "accept",
}
SINGLE = {"text": "the ferry is late", "label": "gardeners", "answer": "accept", "_session_id": "desk"}


def test_an_accepted_choice_becomes_a_row(tmp_path: Path) -> None:
    assert read(written(tmp_path, lines(CHOICE), "db.jsonl"), KIND).rows == [
        {
            "id": "-1705",  # of the input: the same for every annotator of one text
            "text": "the ferry is late",
            "audiences": '["cyclists"]',
            "annotator": "desk-ann",
            "author": None,
            "source": "post",
            "created_at": None,
            "lang": None,
        }
    ]


def test_an_accepted_single_label_becomes_a_row(tmp_path: Path) -> None:
    [row] = read(written(tmp_path, lines(SINGLE), "db.jsonl"), KIND).rows
    assert (row["audiences"], row["annotator"]) == ('["gardeners"]', "desk")


def test_an_id_in_meta_goes_before_prodigys_hash(tmp_path: Path) -> None:
    [row] = read(written(tmp_path, lines({**CHOICE, "meta": {"id": "m-1"}}), "db.jsonl"), KIND).rows
    assert row["id"] == "m-1"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answer": "reject"}, "the answer is reject"),
        ({"answer": "ignore"}, "the answer is ignore"),
        ({"answer": None}, "field 'answer' is not accept, reject or ignore"),
        ({"answer": ["accept"]}, "field 'answer' is not accept, reject or ignore"),
        ({"accept": []}, "no choice was made"),
        ({"accept": [3]}, "field 'accept' holds something that is no label"),
        ({"text": 3}, "field 'text' holds int, not text"),
    ],
)
def test_what_says_no_audience_is_set_aside(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    found = read(written(tmp_path, lines({**CHOICE, **change}, CHOICE), "db.jsonl"), KIND)
    assert (found.reasons, len(found.rows)) == ([(1, reason)], 1)


def test_a_rejected_single_label_says_only_what_a_message_is_not(tmp_path: Path) -> None:
    found = read(written(tmp_path, lines({**SINGLE, "answer": "reject"}), "db.jsonl"), KIND)
    assert (found.rows, found.reasons) == ([], [(1, "the answer is reject")])


def test_an_answer_without_labels_is_set_aside(tmp_path: Path) -> None:
    found = read(written(tmp_path, lines({"text": "tea", "answer": "accept", "spans": []}), "db.jsonl"), KIND)
    assert found.reasons == [(1, "fields 'accept' and 'label' are missing")]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(content=spoilt([CHOICE, SINGLE], lambda made: lines(*made) if isinstance(made, list) else lines(made)))
def test_no_export_however_spoilt_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    assert survives(written(tmp_path_factory.getbasetemp(), content, "spoilt.jsonl"), KIND)
