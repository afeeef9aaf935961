import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmenter.errors import TableError
from segmenter.rows import JSON_TEXT, MAX_NESTING, Row, raw_rows, schema_of, table_format

Compress = Callable[[bytes], bytes]


def rows_of(path: Path, content: bytes) -> list[Row]:
    path.write_bytes(content)
    return [row for row, _position in raw_rows(path)]


def values_of(path: Path, content: bytes) -> list[dict[str, object] | None]:
    return [row.values for row in rows_of(path, content)]


def zstd(content: bytes) -> bytes:
    compressed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return compressed


def many_rows(n: int) -> bytes:
    """A CSV that does not compress to nothing: the square of each row's number stands in it."""
    return b"id,text\n" + b"".join(b"%d,note %d\n" % (i, i * i % 9973) for i in range(n))


# Names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", ("csv", None)),
        ("a.tsv.gz", ("csv", "gzip")),
        ("A.JSONL.ZST", ("jsonl", "zstd")),
        ("a.ndjson", ("jsonl", None)),
        ("a.2025.parquet", ("parquet", None)),
    ],
)
def test_a_table_is_known_by_its_name(name: str, expected: tuple[str, str | None]) -> None:
    assert table_format(Path(name)) == expected


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.gz", "a.parquet.gz", "csv"])
def test_a_name_of_no_table_is_refused(name: str) -> None:
    with pytest.raises(TableError, match=r"is not a table by its name; name it \.csv"):
        table_format(Path(name))


# CSV


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert values_of(tmp_path / "a.csv", b"\xef\xbb\xbfid,text\n1,tea\n") == [{"id": "1", "text": "tea"}]


def test_windows_line_ends_are_no_part_of_a_value(tmp_path: Path) -> None:
    assert values_of(tmp_path / "a.csv", b"id,text\r\n1,tea\r\n") == [{"id": "1", "text": "tea"}]


def test_a_last_line_without_an_end_is_a_row(tmp_path: Path) -> None:
    assert values_of(tmp_path / "a.csv", b"id,text\n1,tea") == [{"id": "1", "text": "tea"}]


def test_a_quoted_value_keeps_its_newlines_quotes_and_commas(tmp_path: Path) -> None:
    found = values_of(tmp_path / "a.csv", b'id,text\n1,"one\r\ntwo, ""three"""\n')
    assert found == [{"id": "1", "text": 'one\r\ntwo, "three"'}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_from_the_header(tmp_path: Path, delimiter: str) -> None:
    content = f'id{delimiter}text\n1{delimiter}"a,b;c\td"\n'.encode()
    assert values_of(tmp_path / "a.csv", content) == [{"id": "1", "text": "a,b;c\td"}]


def test_a_tsv_is_split_at_tabs_whatever_its_header_holds(tmp_path: Path) -> None:
    assert values_of(tmp_path / "a.tsv", b"a,b,c\ttext\n1\ttea\n") == [{"a,b,c": "1", "text": "tea"}]


def test_a_table_of_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert values_of(tmp_path / "a.csv", b"text\ntea\n") == [{"text": "tea"}]


def test_a_row_names_the_line_it_starts_on(tmp_path: Path) -> None:
    # line 1 header; 2-4 a row of three lines; 5 empty; 6 the next row
    found = rows_of(tmp_path / "a.csv", b'id,text\n1,"a\nb\nc"\n\n2,tea\n')
    assert [row.line for row in found] == [2, 6]


def test_a_ragged_row_is_named_by_line_and_reason(tmp_path: Path) -> None:
    # line 4, after a row that takes lines 2 and 3
    found = rows_of(tmp_path / "a.csv", b'id,text\n1,"a\nb"\n2,tea,more\n3\n')
    assert [(row.line, row.reason) for row in found[1:]] == [
        (4, "has 3 fields, the header has 2"),
        (5, "has 1 fields, the header has 2"),
    ]


def test_a_ragged_row_is_kept_as_it_was_found(tmp_path: Path) -> None:
    assert rows_of(tmp_path / "a.csv", b"id,text\n2,tea,more\n")[0].found == "2,tea,more"


def test_a_row_that_is_not_utf8_is_named_and_the_next_is_read(tmp_path: Path) -> None:
    found = rows_of(tmp_path / "a.csv", "id,text\n1,größe\n".encode("latin-1") + b"2,tea\n")
    assert [(row.line, row.reason) for row in found] == [(2, "is not UTF-8"), (3, "")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_utf16_table_is_named_as_not_utf8(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(TableError, match=r"a\.csv line 1: the header is not UTF-8; save the table as UTF-8"):
        rows_of(tmp_path / "a.csv", "id,text\n1,tea\n".encode(encoding))


def test_nul_bytes_are_kept(tmp_path: Path) -> None:
    assert values_of(tmp_path / "a.csv", b"id,text\n1,a\x00b\n") == [{"id": "1", "text": "a\x00b"}]


def test_a_line_of_ten_megabytes_is_a_row(tmp_path: Path) -> None:
    (found,) = rows_of(tmp_path / "a.csv", b'id,text\n1,"' + b"tea " * 2_500_000 + b'"\n')
    assert found.values is not None
    assert len(found.values["text"]) == 10_000_000


def test_lines_before_the_header_may_be_empty(tmp_path: Path) -> None:
    found = rows_of(tmp_path / "a.csv", b"\n\nid;text\n1;tea\n")
    assert [(row.line, row.values) for row in found] == [(4, {"id": "1", "text": "tea"})]


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_a_csv_without_a_header_is_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"a\.csv: is empty; a CSV table starts with a header line"):
        schema_of(path)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"a\.csv line 1: two columns are named 'id'; rename one"):
        rows_of(tmp_path / "a.csv", b"id,text,id\n")


def test_a_quotation_mark_left_open_does_not_swallow_the_rows_after_it(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"a\.csv line 3: a quoted field is never closed; close its quotation mark"):
        rows_of(tmp_path / "a.csv", b'id,text\n1,tea\n2,"coffee\n3,milk\n')


def test_every_csv_column_is_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,score\n001,0.50\n")
    assert schema_of(path).types == [pa.string(), pa.string()]
    assert [row.values for row, _ in raw_rows(path)] == [{"id": "001", "score": "0.50"}]


# Compression


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".zst", zstd)])
def test_joined_compressed_files_are_read_to_the_end(tmp_path: Path, ending: str, compress: Compress) -> None:
    content = compress(b"id,text\n1,tea\n") + compress(b"2,milk\n")
    assert [row.line for row in rows_of(tmp_path / f"a.csv{ending}", content)] == [2, 3]


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".zst", zstd)])
@pytest.mark.parametrize("n_missing", [1, 200])
def test_a_cut_off_compressed_csv_is_no_shorter_table(
    tmp_path: Path, ending: str, compress: Compress, n_missing: int
) -> None:
    with pytest.raises(TableError, match=r"after line \d+: cannot be read further \(Truncated compressed stream\)"):
        rows_of(tmp_path / f"a.csv{ending}", compress(many_rows(2000))[:-n_missing])


@pytest.mark.parametrize(("ending", "compress"), [(".gz", gzip.compress), (".zst", zstd)])
def test_a_cut_off_compressed_jsonl_is_no_shorter_table(tmp_path: Path, ending: str, compress: Compress) -> None:
    lines = b"".join(b'{"text": "note %d"}\n' % (i * i % 9973) for i in range(2000))
    with pytest.raises(TableError, match=r"after line \d+: cannot be read further \(Truncated compressed stream\)"):
        rows_of(tmp_path / f"a.jsonl{ending}", compress(lines)[:-100])


def test_the_line_a_cut_off_table_was_read_to_is_the_last_one_given(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(many_rows(20_000))[:-200])
    read: list[int] = []
    with pytest.raises(TableError, match=r"after line \d+:") as caught:
        read.extend(row.line for row, _position in raw_rows(path))
    assert f"after line {read[-1]}:" in str(caught.value)


def test_a_gz_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"a\.csv\.gz after line 0: cannot be read further \(.*incorrect header"):
        rows_of(tmp_path / "a.csv.gz", b"id,text\n1,tea\n")


def test_a_file_that_vanished_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"cannot be read \(No such file or directory\); check its permissions"):
        schema_of(tmp_path / "none.csv")


# JSONL


def test_a_byte_order_mark_is_no_part_of_the_first_object(tmp_path: Path) -> None:
    assert values_of(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"text": "tea"}\r\n') == [{"text": "tea"}]


def test_empty_jsonl_lines_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    found = rows_of(tmp_path / "a.jsonl", b'\n{"text": "tea"}\n  \n{"text": "milk"}')
    assert [row.line for row in found] == [2, 4]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "tea"', "is not JSON (Expecting ',' delimiter at character 15)"),  # 14 characters
        (b'["tea"]', "is list, not a JSON object"),
        (b'"tea"', "is str, not a JSON object"),
        (b"null", "is NoneType, not a JSON object"),
        (b'{"text": "\xff"}', "is not UTF-8"),
        (rb'{"text": "\ud83d"}', "holds half a character (a lone surrogate)"),
        (rb'{"\udc00": "tea"}', "holds half a character (a lone surrogate)"),
        (rb'{"a": [{"b": "\ud83d"}]}', "holds half a character (a lone surrogate)"),
        (b'{"a": ' + b"[" * 100_000, "is not JSON (maximum recursion depth exceeded"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not JSON (Exceeds the limit"),
    ],
)
def test_an_unusable_jsonl_line_is_named_and_the_next_is_read(tmp_path: Path, line: bytes, reason: str) -> None:
    found = rows_of(tmp_path / "a.jsonl", b'{"text": "tea"}\n' + line + b'\n{"text": "milk"}\n')
    assert [(row.line, row.values is None) for row in found] == [(1, False), (2, True), (3, False)]
    assert found[1].reason.startswith(reason)


def test_surrogates_that_make_one_character_are_kept(tmp_path: Path) -> None:
    assert values_of(tmp_path / "a.jsonl", rb'{"text": "\ud83d\ude42"}') == [{"text": "🙂"}]


def test_json_is_read_to_the_depth_that_is_promised_and_no_deeper(tmp_path: Path) -> None:
    # the row itself is the first level
    lists = ["[" * depth + "]" * depth for depth in (MAX_NESTING - 1, MAX_NESTING)]
    found = rows_of(tmp_path / "a.jsonl", "\n".join(f'{{"a": {part}}}' for part in lists).encode())
    assert [row.reason for row in found] == ["", f"is nested more than {MAX_NESTING} deep"]


@pytest.mark.parametrize("content", [b"", b"\n", b"[]\n", b"{}\n", '{"text": "tea"}'.encode("utf-16")])
def test_a_jsonl_without_an_object_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"a\.jsonl: holds no JSON object; a JSONL table has one object a line"):
        schema_of(path)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", None], pa.string()),
        ([True, False], pa.bool_()),
        ([1, -(2**63)], pa.int64()),
        ([1.5, 2.0], pa.float64()),
        ([1, 1.5], pa.float64()),
        ([None, None], pa.null()),
    ],
)
def test_a_jsonl_column_of_one_type_keeps_it(tmp_path: Path, values: list[object], expected: pa.DataType) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"a": value}) + "\n" for value in values), "utf-8")
    assert schema_of(path).field("a").equals(pa.field("a", expected), check_metadata=True)


@pytest.mark.parametrize(
    "values",
    [[["a"]], [{"b": 1}], ["a", 1], [True, 1], ["a", ["b"]], [2**63], [1, -(2**63) - 1], [2**53 + 1, 0.5]],
)
def test_a_jsonl_column_no_one_type_can_hold_is_json_text(tmp_path: Path, values: list[object]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"a": value}) + "\n" for value in values), "utf-8")
    assert schema_of(path).field("a").equals(pa.field("a", pa.string(), metadata=JSON_TEXT), check_metadata=True)


def test_columns_come_in_the_order_they_are_first_met(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"b": 1}\n{"a": 2, "b": 3}\n', "utf-8")
    assert schema_of(path).names == ["b", "a"]


# Parquet


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.large_string())])
def test_text_of_every_arrow_kind_is_one_type(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.array(["tea"]).cast(kind)}), path)
    assert schema_of(path).field("text").type == pa.string()


def test_parquet_keeps_its_other_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    kinds = [pa.int16(), pa.float32(), pa.timestamp("us", "UTC"), pa.list_(pa.string())]
    pq.write_table(pa.table([pa.array([None], kind) for kind in kinds], names=list("abcd")), path)
    assert [kind for kind in schema_of(path).types if not pa.types.is_list(kind)] == kinds[:3]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"id,text\n1,tea\n", b"PAR1" + b"\x00" * 64 + b"PAR1"])
def test_a_broken_parquet_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"a\.parquet: is not a whole Parquet file \(.+\); export it again"):
        schema_of(path)


def test_a_cut_off_parquet_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["tea"] * 100}), path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(TableError, match="is not a whole Parquet file"):
        schema_of(path)


def test_two_parquet_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table([pa.array(["tea"]), pa.array(["milk"])], names=["text", "text"]), path)
    with pytest.raises(TableError, match=r"a\.parquet: two columns are named 'text'; rename one"):
        schema_of(path)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.jsonl.zst"])
def test_the_position_ends_at_the_size_of_the_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    lines = b'{"text": "tea"}\n' * 10 if "jsonl" in name else many_rows(10)
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else zstd(lines) if path.suffix == ".zst" else lines)
    positions = [position() for _row, position in raw_rows(path)]
    assert positions == sorted(positions)
    assert positions[-1] == path.stat().st_size
