import csv
import io
from pathlib import Path

import pytest
from exports import read, survives, written
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter.errors import TableError

KIND = "4cat"
POST = {
    "id": "7",
    "thread_id": "harbour",
    "timestamp": "2031-06-16 11:30:00",
    "body": "the ferry is late",
    "author": "nobody",
    "subject": "",
}


def table(*posts: dict[str, str]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(posts[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(posts)
    return text.getvalue()


def test_a_post_becomes_a_row_without_its_author(tmp_path: Path) -> None:
    assert read(written(tmp_path, table(POST), "4cat.csv"), KIND).rows == [
        {
            "id": "7",
            "text": "the ferry is late",
            "source": None,
            "created_at": "2031-06-16 11:30:00",
            "lang": None,
        }
    ]


@pytest.mark.parametrize("place", ["chat", "subreddit", "board"])
def test_where_a_post_stood_is_its_source_and_part_of_its_id(tmp_path: Path, place: str) -> None:
    [row] = read(written(tmp_path, table({**POST, place: "harbour"}), "4cat.csv"), KIND).rows
    assert (row["id"], row["source"]) == ("harbour/7", "harbour")


def test_seconds_go_before_a_date_of_an_unnamed_zone(tmp_path: Path) -> None:
    # test_sources_telegram.py works out the day
    [row] = read(written(tmp_path, table({**POST, "unix_timestamp": "1939368600"}), "4cat.csv"), KIND).rows
    assert row["created_at"] == "2031-06-16T09:30:00Z"


def test_a_language_is_carried(tmp_path: Path) -> None:
    assert read(written(tmp_path, table({**POST, "language": "de"}), "4cat.csv"), KIND).rows[0]["lang"] == "de"


def test_another_column_can_be_the_text(tmp_path: Path) -> None:
    path = written(tmp_path, table({**POST, "subject": "tea"}), "4cat.csv")
    assert [row["text"] for row in read(path, KIND, text_column="subject").rows] == ["tea"]


def test_posts_without_text_or_with_a_broken_date_are_set_aside(tmp_path: Path) -> None:
    posts = [{**POST, "unix_timestamp": "1", **change} for change in ({"body": ""}, {"unix_timestamp": "soon"}, {})]
    found = read(written(tmp_path, table(*posts), "4cat.csv"), KIND)
    assert found.reasons == [(2, "field 'body' is empty"), (3, "field 'unix_timestamp' is not a time in seconds")]
    assert len(found.rows) == 1


def test_a_post_over_several_lines_counts_by_its_first(tmp_path: Path) -> None:
    found = read(written(tmp_path, table({**POST, "body": "the\r\nferry"}, {**POST, "body": ""}), "4cat.csv"), KIND)
    assert (found.rows[0]["text"], found.reasons) == ("the\r\nferry", [(4, "field 'body' is empty")])


def test_a_table_of_another_kind_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        TableError, match=r"no column 'body' among 'id', 'text'; name the text column \(--text-column\)"
    ):
        read(written(tmp_path, "id,text\n1,tea\n", "4cat.csv"), KIND)


def test_labels_cannot_be_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"a 4CAT corpus has no labels; leave out --label-column"):
        read(written(tmp_path, table(POST), "4cat.csv"), KIND, label_column="public")


WHOLE = table({**POST, "unix_timestamp": "1939368600", "chat": "harbour"}, POST | {"unix_timestamp": "", "chat": ""})
OVER = st.tuples(st.integers(0, len(WHOLE)), st.binary(max_size=12)).map(
    lambda drawn: WHOLE.encode()[: drawn[0]] + drawn[1] + WHOLE.encode()[drawn[0] + len(drawn[1]) :]
)
CELLS = st.dictionaries(st.sampled_from([*POST, "unix_timestamp", "chat", "lang"]), st.text(max_size=20)).map(
    lambda change: table({**POST, "unix_timestamp": "", "chat": "", "lang": "", **change}).encode("utf-8", "replace")
)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(content=OVER | CELLS | st.integers(0, len(WHOLE)).map(lambda end: WHOLE.encode()[:end]) | st.binary(max_size=60))
def test_no_corpus_however_spoilt_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    assert survives(written(tmp_path_factory.getbasetemp(), content, "spoilt.csv"), KIND)
