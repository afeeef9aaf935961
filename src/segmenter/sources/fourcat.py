"""4CAT's CSV of a corpus: one row a post that has text. Not here: authors, whose columns are left out."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from segmenter.errors import TableError
from segmenter.rows import Position, Row, Values, csv_rows, schema_of
from segmenter.sources.records import (
    CORPUS,
    Messages,
    Names,
    Source,
    moment,
    plain,
    rows_of,
    text_in,
)

PLACES = ("chat", "subreddit", "board")  # of Telegram, Reddit, 4chan and 8kun; elsewhere 4CAT names none
LANGUAGES = ("lang", "language")


def _rows(file: Path, names: Names) -> Iterator[tuple[Row, Position]]:
    if names.labels:
        raise TableError(file, "a 4CAT corpus has no labels", "leave out --label-column")
    text, found = names.text or "body", schema_of(file).names
    if text not in found:
        listed = ", ".join(map(repr, found))
        raise TableError(file, f"no column {text!r} among {listed}", "name the text column (--text-column)")
    for row, position in csv_rows(file):
        for whole in [row] if row.values is None else rows_of(row.line, row.values, partial(_messages, text=text)):
            yield whole, position


def _messages(post: Values, *, text: str) -> Messages:
    source = next((post[name] for name in PLACES if post.get(name)), None)
    number = plain("id", post.get("id"))
    seconds = post.get("unix_timestamp")  # `timestamp` is in the time zone of the server, which it does not name
    yield {
        "id": f"{source}/{number}" if source and number else number,  # posts count from 1 in each place
        "text": text_in(post, text),
        "source": source,
        "created_at": moment("unix_timestamp", seconds) if seconds else plain("timestamp", post.get("timestamp")),
        "lang": next((post[name] for name in LANGUAGES if post.get(name)), None),
    }


SOURCE = Source(".csv", CORPUS, "line", _rows)
