"""What every foreign format shares: its records to rows, and a record's fields checked. Not here: any one format."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from segmenter.rows import Position, Row, Values, encodable
from segmenter.spans import ROW_SHOWN

LABELLED = ("id", "text", "audiences", "annotator", "author", "source", "created_at", "lang")
CORPUS = ("id", "text", "source", "created_at", "lang")  # no author: nothing here asks who wrote a message


class SetAside(Exception):
    """A record, or one annotation of it, that gives no row. `left_out`: its format says so; else it is broken."""

    def __init__(self, reason: str, *, left_out: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.left_out = left_out


@dataclass(frozen=True)
class Names:
    """What a user calls the field of the text and that of the labels; None: as the format does."""

    text: str | None
    labels: str | None


@dataclass(frozen=True)
class Source:
    """One foreign format.

    Attributes:
        ending: Of the files that are read below a folder, compression aside.
        columns: Of every row.
        unit: What a row's number counts.
        rows: A file to its rows, each with a function that says how many bytes are read.
    """

    ending: str
    columns: tuple[str, ...]
    unit: str
    rows: Callable[[Path, Names], Iterator[tuple[Row, Position]]]

    @property
    def schema(self) -> pa.Schema:
        """Every column is text."""
        return pa.schema([pa.field(name, pa.string()) for name in self.columns])


Messages = Iterable[Values | SetAside]


def rows_of(number: int, record: object, messages: Callable[[Values], Messages]) -> Iterator[Row]:
    """The rows of one record: each message it gives, or why it gives none.

    Args:
        number: Of the record, from 1.
        record: As it was found.
        messages: Takes the record apart; raises SetAside where that cannot be done.
    """
    try:
        for found in messages(_object(record)):
            yield _row(number, record, found)
    except SetAside as reason:
        yield _row(number, record, reason)


def _object(record: object) -> Values:
    if not isinstance(record, dict):
        raise SetAside(f"is {type(record).__name__}, not a JSON object", left_out=False)
    return record


def _row(number: int, record: object, found: Values | SetAside) -> Row:
    if isinstance(found, SetAside):
        return Row(number, None, _shown(record), found.reason, found.left_out)
    broken = next((name for name, value in found.items() if value is not None and not encodable(value)), None)
    if broken is not None:
        return Row(number, None, _shown(record), f"{broken!r} is not UTF-8, or holds half a character")
    return Row(number, found, "", "")


def _shown(record: object) -> str:
    try:
        text = json.dumps(record, ensure_ascii=False)
    except (RecursionError, ValueError):  # nested, or a number, beyond what can be written
        return ""
    return text[:ROW_SHOWN].encode("utf-8", "replace").decode()


def text_in(record: Values, name: str) -> str:
    """The text a record must have.

    Raises:
        SetAside: It has none.
    """
    if name not in record:
        raise SetAside(f"field {name!r} is missing", left_out=False)
    found = record[name]
    if found is not None and not isinstance(found, str):
        raise SetAside(f"field {name!r} holds {type(found).__name__}, not text", left_out=False)
    if found is None or not found.strip():
        raise SetAside(f"field {name!r} is empty", left_out=True)
    return found


def plain(name: str, found: object) -> str | None:
    """A text or a number as text, None where there is none.

    Raises:
        SetAside: It is something else.
    """
    if found is None or found == "":
        return None
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise SetAside(f"field {name!r} holds {type(found).__name__}, not text", left_out=False)
    return str(found)


def labels_in(name: str, found: object) -> str:
    """Labels, a list of texts or a single one, as a JSON list, each once.

    Raises:
        SetAside: There are none, or they are something else.
    """
    labels = [found] if isinstance(found, str) and found.strip() else found
    if labels is None or labels in ([], ""):
        raise SetAside("no choice was made", left_out=True)
    if not isinstance(labels, list):
        raise SetAside(f"field {name!r} holds {type(labels).__name__}, not a list of labels", left_out=False)
    if not all(isinstance(label, str) and label.strip() for label in labels):
        raise SetAside(f"field {name!r} holds something that is no label", left_out=False)
    return json.dumps(list(dict.fromkeys(labels)), ensure_ascii=False)


def context(*places: Any) -> dict[str, str | None]:  # noqa: ANN401
    """Author, source, date and language of a labelled message, each from the first of the objects that has it.

    Raises:
        SetAside: One is neither text nor a number.
    """
    known = [place for place in places if isinstance(place, dict)]
    return {
        name: plain(name, next((place[name] for place in known if place.get(name) is not None), None))
        for name in ("author", "source", "created_at", "lang")
    }


def moment(name: str, found: object) -> str:
    """Seconds since 1970, as a number or as digits, as an ISO date in UTC.

    Raises:
        SetAside: No calendar holds it.
    """
    try:
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            raise ValueError
        return datetime.fromtimestamp(int(found), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError) as error:
        raise SetAside(f"field {name!r} is not a time in seconds", left_out=False) from error
