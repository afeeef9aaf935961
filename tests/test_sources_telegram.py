import json
from pathlib import Path
from typing import Any

import pytest
from exports import read, spoilt, survives, written
from hypothesis import given, settings

from segmenter.errors import TableError

KIND = "telegram"


def message(number: int, text: object, **more: object) -> dict[str, Any]:
    return {
        "id": number,
        "type": "message",
        "date": "2031-06-16T09:30:00",
        "date_unixtime": "1939368600",
        "from": "Harbour Post",
        "from_id": "channel55",
        "text": text,
        "text_entities": [{"type": "plain", "text": "unused"}],
        **more,
    }


def chat(*messages: object, **more: object) -> dict[str, Any]:
    return {"name": "Harbour Post", "type": "public_channel", "id": 55, **more, "messages": list(messages)}


SERVICE = {"id": 1, "type": "service", "date": "2031-06-16T09:00:00", "action": "create_channel", "text": ""}
ACCOUNT = {
    "about": "Here is the data you requested.",
    "personal_information": {"user_id": 1, "first_name": "Nobody"},
    "contacts": {"about": "", "list": [{"first_name": "Nobody"}]},
    "chats": {"about": "", "list": [chat(SERVICE, message(2, "tea")), chat(message(2, "milk"), name="Hill", id=56)]},
    "left_chats": {"about": "", "list": [chat(message(9, "bread"), name="Old Quay", id=57)]},
}


def test_a_message_becomes_a_row_without_its_author(tmp_path: Path) -> None:
    # 1939368600 s = 22446 days of 86400 s and 34200 s (09:30); day 22446 is 2031-06-16 (20454 is 2026-01-01: + 1992)
    assert read(written(tmp_path, chat(message(7, "the ferry is late")), "result.json"), KIND).rows == [
        {
            "id": "55/7",
            "text": "the ferry is late",
            "source": "Harbour Post",
            "created_at": "2031-06-16T09:30:00Z",
            "lang": None,
        }
    ]


def test_the_pieces_of_a_formatted_text_are_joined(tmp_path: Path) -> None:
    text = ["the ", {"type": "bold", "text": "ferry"}, " is late ", {"type": "link", "text": "https://x.example"}, ""]
    found = read(written(tmp_path, chat(message(7, text)), "result.json"), KIND)
    assert found.rows[0]["text"] == "the ferry is late https://x.example"


def test_every_chat_of_an_account_is_read(tmp_path: Path) -> None:
    found = read(written(tmp_path, ACCOUNT, "result.json"), KIND)
    assert [(row["id"], row["source"], row["text"]) for row in found.rows] == [
        ("55/2", "Harbour Post", "tea"),
        ("56/2", "Hill", "milk"),
        ("57/9", "Old Quay", "bread"),
    ]
    assert found.n_rows == 4


def test_service_messages_and_messages_without_text_are_counted(tmp_path: Path) -> None:
    found = read(written(tmp_path, chat(SERVICE, message(2, ""), message(3, []), message(4, "tea")), "r.json"), KIND)
    assert found.reasons == [(1, "is a service message"), (2, "has no text"), (3, "has no text")]
    assert [row["id"] for row in found.rows] == ["55/4"]


def test_an_older_export_has_its_date_as_written(tmp_path: Path) -> None:
    made = message(7, "tea")
    del made["date_unixtime"]
    assert read(written(tmp_path, chat(made), "r.json"), KIND).rows[0]["created_at"] == "2031-06-16T09:30:00"


def test_a_chat_with_one_person_does_not_bear_the_name(tmp_path: Path) -> None:
    made = chat(message(7, "tea"), name="Nobody", type="personal_chat")
    assert [row["source"] for row in read(written(tmp_path, made, "r.json"), KIND).rows] == ["personal_chat"]


def test_a_chat_without_a_name_goes_by_its_number(tmp_path: Path) -> None:
    assert read(written(tmp_path, chat(message(7, "tea"), name=None), "r.json"), KIND).rows[0]["source"] == "55"


def test_two_messages_of_one_number_are_two_rows(tmp_path: Path) -> None:
    found = read(written(tmp_path, chat(message(7, "tea"), message(7, "tea")), "r.json"), KIND)
    assert [row["id"] for row in found.rows] == ["55/7", "55/7"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("tea", "is str, not a JSON object"),
        (message(7, 5), "field 'text' holds int, not text"),
        (message(7, ["tea", {"type": "bold"}]), "field 'text' holds NoneType, not text"),
        (message(7, "tea", type="poll"), "field 'type' is neither message nor service"),
        (message(7, "tea", id=[7]), "field 'id' holds list, not text"),
        (message(7, "tea", date_unixtime="soon"), "field 'date_unixtime' is not a time in seconds"),
        (message(7, "tea", date_unixtime=10**30), "field 'date_unixtime' is not a time in seconds"),
        (message(7, "half \udc00"), "'text' is not UTF-8, or holds half a character"),
    ],
)
def test_a_broken_message_is_set_aside_and_the_next_one_is_read(tmp_path: Path, broken: object, reason: str) -> None:
    path = written(tmp_path, json.dumps(chat(broken, message(8, "milk"))), "r.json")
    found = read(path, KIND)
    assert (found.reasons, [row["id"] for row in found.rows]) == ([(1, reason)], ["55/8"])


def test_a_byte_that_is_not_utf_8_costs_its_message_alone(tmp_path: Path) -> None:
    whole = json.dumps(chat(message(7, "caf@"), message(8, "milk"))).encode()
    found = read(written(tmp_path, whole.replace(b"@", b"\xe9"), "r.json"), KIND)
    assert (found.reasons, len(found.rows)) == ([(1, "'text' is not UTF-8, or holds half a character")], 1)


def test_a_broken_byte_in_a_field_that_is_not_read_costs_nothing(tmp_path: Path) -> None:
    whole = json.dumps(chat(message(7, "tea", **{"from": "caf@"}))).encode()
    assert len(read(written(tmp_path, whole.replace(b"@", b"\xe9"), "r.json"), KIND).rows) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (chat() | {"messages": 7}, r"has '7' where '\[' should stand"),
        ({"chats": []}, r"has '\[' where '\{' should stand"),
        ({"chats": {"list": [7]}}, r"has '7' where '\{' should stand"),
        ([chat()], r"has '\[' where '\{' should stand"),
    ],
)
def test_another_shape_is_one_sentence(tmp_path: Path, content: object, sentence: str) -> None:
    with pytest.raises(TableError, match=sentence):
        read(written(tmp_path, content, "r.json"), KIND)


def test_fields_cannot_be_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"names its own fields; leave out --text-column and --label-column"):
        read(written(tmp_path, chat(), "r.json"), KIND, text_column="body")


@settings(max_examples=80, deadline=None, derandomize=True)
@given(content=spoilt(chat(SERVICE, message(2, ["tea", {"type": "bold", "text": "milk"}])), json.dumps))
def test_no_chat_however_spoilt_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    assert survives(written(tmp_path_factory.getbasetemp(), content, "spoilt.json"), KIND)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(content=spoilt(ACCOUNT, lambda made: json.dumps(made, indent=1)))
def test_no_account_however_spoilt_ends_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    assert survives(written(tmp_path_factory.getbasetemp(), content, "spoilt.json"), KIND)
