import json
from collections.abc import Container
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter.errors import TableError
from segmenter.rows import JSON_TEXT, Row, raw_rows
from segmenter.spans import Span, Wanted, parquet_spans, row_spans

TEXT = pa.schema([("text", pa.string())])


def wanted(schema: pa.Schema, text_column: str | None = "text", *, rejecting: bool = True) -> Wanted:
    return Wanted("inbox", "row", schema, text_column, rejecting)


def spans_of(folder: Path, kind: str, texts: list[str | None], *, done: Container[int] = ()) -> list[Span]:
    """Texts as a file of two rows a span."""
    path = folder / f"a.{kind}"
    if kind == "parquet":
        # row groups of 3 rows, so that spans begin and end inside them
        pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), path, row_group_size=3)
        return list(parquet_spans(path, wanted(TEXT), n_rows=2, done=done))
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), "utf-8")
    return list(row_spans(raw_rows(path), wanted(TEXT), n_rows=2, done=done))


def of_table(folder: Path, table: pa.Table, schema: pa.Schema, text_column: str | None = None) -> list[Span]:
    """A Parquet file as spans of a hundred rows."""
    pq.write_table(table, folder / "a.parquet")
    return list(parquet_spans(folder / "a.parquet", wanted(schema, text_column), n_rows=100))


def shown(spans: list[Span]) -> list[tuple[int, list[int], list[int]]]:
    """Of each span: rows met, lines of its messages, lines of its rejects."""
    return [
        (span.n_rows, span.messages.lines if span.messages else [], [reject.line for reject in span.rejects])
        for span in spans
    ]


def not_utf8(texts: bytes) -> pa.StringArray:
    """One text a byte, checked by nobody."""
    offsets = pa.array(range(len(texts) + 1), pa.int32()).buffers()[1]
    return pa.StringArray.from_buffers(len(texts), offsets, pa.py_buffer(texts))


BOTH = pytest.mark.parametrize("kind", ["jsonl", "parquet"])
# rows 2, 4 and 5 have no text; spans of two rows: 1-2, 3-4, 5
MIXED = ["tea", "", "milk", None, " \u2003"]


@BOTH
def test_a_span_counts_the_rows_met_and_not_those_used(tmp_path: Path, kind: str) -> None:
    assert shown(spans_of(tmp_path, kind, MIXED)) == [(2, [1], [2]), (2, [3], [4]), (1, [], [5])]


@BOTH
def test_a_span_that_was_done_is_read_past_and_its_rejects_are_found(tmp_path: Path, kind: str) -> None:
    assert shown(spans_of(tmp_path, kind, MIXED, done={0})) == [(2, [], [2]), (2, [3], [4]), (1, [], [5])]


@BOTH
def test_a_file_whose_rows_fill_its_spans_ends_with_the_last_of_them(tmp_path: Path, kind: str) -> None:
    assert [span.n_rows for span in spans_of(tmp_path, kind, ["tea"] * 4)] == [2, 2]


@BOTH
def test_the_last_span_has_read_all_bytes(tmp_path: Path, kind: str) -> None:
    n_bytes = [span.n_bytes for span in spans_of(tmp_path, kind, ["tea"] * 5)]
    assert n_bytes == sorted(n_bytes)
    assert n_bytes[-1] == (tmp_path / f"a.{kind}").stat().st_size


@BOTH
@settings(max_examples=60, deadline=None, derandomize=True)
@given(texts=st.lists(st.sampled_from([*MIXED, "\x1c", "\u200b", "é"]), max_size=9))
def test_every_row_is_a_message_or_a_reject_of_its_own_span(
    tmp_path_factory: pytest.TempPathFactory, kind: str, texts: list[str | None]
) -> None:
    spans = spans_of(tmp_path_factory.mktemp("spans"), kind, texts)
    usable = [bool(text and text.strip()) for text in texts]
    numbers = [range(first + 1, min(first + 2, len(texts)) + 1) for first in range(0, len(texts), 2)]
    assert shown(spans) == [
        (len(own), [n for n in own if usable[n - 1]], [n for n in own if not usable[n - 1]]) for own in numbers
    ]
    found = [text for span in spans if span.messages for text in span.messages.column("text")]
    assert found == [text for text, fine in zip(texts, usable, strict=True) if fine]


def test_what_a_format_leaves_out_stops_no_run_and_what_is_broken_does() -> None:
    strict = wanted(TEXT, rejecting=False)
    assert strict.reject(Row(3, None, "", "is a service message", left_out=True), "is a service message").line == 3
    with pytest.raises(TableError, match=r"^inbox row 4: is not JSON; mend it .*--rejects FILE"):
        strict.reject(Row(4, None, "", "is not JSON"), "is not JSON")


# Parquet


def test_a_parquet_row_that_is_not_utf8_is_set_aside_and_the_others_are_read(tmp_path: Path) -> None:
    [span] = of_table(tmp_path, pa.table({"text": not_utf8(b"a\xffc")}), TEXT, "text")
    assert span.messages is not None
    assert span.messages.column("text") == ["a", "c"]
    assert [(reject.line, reject.reason, reject.row) for reject in span.rejects] == [(2, "is not UTF-8", "")]


def test_a_column_that_is_not_utf8_and_not_read_costs_nothing(tmp_path: Path) -> None:
    [span] = of_table(tmp_path, pa.table({"text": ["tea", "milk"], "note": not_utf8(b"a\xff")}), TEXT, "text")
    assert (span.n_rows, span.rejects) == (2, [])


def test_a_text_column_that_is_no_text_leaves_no_message(tmp_path: Path) -> None:
    [span] = of_table(tmp_path, pa.table({"text": [5, None]}), TEXT, "text")
    assert span.messages is None
    assert [reject.reason for reject in span.rejects] == ["column 'text' holds int, not text", "column 'text' is empty"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1.5, None]),
        pa.array([date(2031, 6, 16), None]),
        pa.array([[1, 2], None]),
        pa.array([{"a": "tea"}, None]),
        # nanoseconds, which no Python datetime holds
        pa.array([1_939_000_000_000_000_001, None], pa.timestamp("ns", "UTC")),
    ],
    ids=lambda column: str(column.type),
)
def test_a_parquet_column_is_passed_on_as_it_is(tmp_path: Path, column: pa.Array) -> None:
    table = pa.table({"text": ["tea", "milk"], "extra": column})
    [span] = of_table(tmp_path, table, table.schema, "text")
    assert span.messages is not None
    assert span.messages.rows.column("extra").equals(column)


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.large_string())])
def test_text_of_every_arrow_kind_is_read_as_text(tmp_path: Path, kind: pa.DataType) -> None:
    [span] = of_table(tmp_path, pa.table({"text": pa.array(["tea", ""]).cast(kind)}), TEXT, "text")
    assert span.messages is not None
    assert span.messages.rows.to_pylist() == [{"text": "tea"}]


def test_a_parquet_column_of_another_type_elsewhere_is_json(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("likes", pa.string(), metadata=JSON_TEXT)])
    [span] = of_table(tmp_path, pa.table({"likes": [3, None]}), schema)
    assert span.messages is not None
    assert span.messages.rows.to_pylist() == [{"likes": "3"}, {"likes": None}]


def test_a_column_that_the_file_lacks_is_empty(tmp_path: Path) -> None:
    schema = pa.schema([("text", pa.string()), ("likes", pa.int64())])
    [span] = of_table(tmp_path, pa.table({"text": ["tea"]}), schema, "text")
    assert span.messages is not None
    assert span.messages.rows.to_pylist() == [{"text": "tea", "likes": None}]


def test_a_parquet_with_a_damaged_page_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    texts = [f"note {i * i}" for i in range(5000)]
    pq.write_table(pa.table({"text": texts}), path, compression="zstd", use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[200:2000] = bytes(1800)  # inside the first data page
    path.write_bytes(bytes(content))
    with pytest.raises(TableError, match=r"a\.parquet row \d+: cannot be read \(.+\); export it again"):
        list(parquet_spans(path, wanted(TEXT), n_rows=100))
