"""Foreign exports for tests: written, read, and spoilt in every way. Not here: any one format's shape."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from segmenter.errors import SegmenterError
from segmenter.messages import Reject
from segmenter.sources import open_source

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@dataclass
class Read:
    """What a reader gave: rows in order, rejects in order, and the reader's own count of both."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    n_rows: int = 0

    @property
    def reasons(self) -> list[tuple[int, str]]:
        return [(reject.line, reject.reason) for reject in self.rejects]


def read(path: Path, kind: str, **names: str) -> Read:
    """A whole export, its rejects set aside."""
    found = Read()
    reader = open_source(path, format=kind, on_reject=found.rejects.append, **names)
    for batch in reader.batches(3):
        assert len(batch.lines) == batch.rows.num_rows
        found.rows += batch.rows.to_pylist()
    found.n_rows = reader.n_rows
    return found


def written(folder: Path, content: bytes | str | object, name: str) -> Path:
    """A file of these bytes, of this text, or of a value as JSON."""
    path = folder / name
    if not isinstance(content, bytes | str):
        content = json.dumps(content, ensure_ascii=False)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def lines(*records: object) -> str:
    """Records as JSONL."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def places(value: object) -> list[tuple[str | int, ...]]:
    """The way to every value inside a JSON value, itself included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *rest) for key, part in inner for rest in places(part))]


def replaced(value: Any, way: tuple[str | int, ...], other: object) -> Any:  # noqa: ANN401
    """The value with another one at the end of that way."""
    if not way:
        return other
    key, *rest = way
    if isinstance(value, dict):
        return {**value, key: replaced(value[key], tuple(rest), other)}
    return [*value[:key], replaced(value[key], tuple(rest), other), *value[key + 1 :]]


def survives(path: Path, kind: str) -> bool:
    """Whether every row is accounted for, or the run ends in one printable sentence; anything else is raised."""
    try:
        found = read(path, kind)
    except SegmenterError as error:
        return "\n" not in str(error) and bool(str(error).encode("utf-8"))
    return found.n_rows == len(found.rows) + len(found.rejects) and all(row["text"].strip() for row in found.rows)


def spoilt(export: Any, as_text: Callable[[Any], str]) -> st.SearchStrategy[bytes]:  # noqa: ANN401
    """An export with any JSON in place of any value, cut anywhere, or with any bytes written over a part of it."""
    whole = as_text(export).encode()
    other = st.tuples(st.sampled_from(places(export)), JSON).map(
        lambda drawn: as_text(replaced(export, *drawn)).encode("utf-8", "surrogatepass")
    )
    cut = st.integers(0, len(whole)).map(lambda end: whole[:end])
    over = st.tuples(st.integers(0, len(whole)), st.binary(max_size=12)).map(
        lambda drawn: whole[: drawn[0]] + drawn[1] + whole[drawn[0] + len(drawn[1]) :]
    )
    return other | cut | over | st.binary(max_size=60)
