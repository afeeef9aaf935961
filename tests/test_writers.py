import csv
import gzip
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segmenter.errors import TableError
from segmenter.messages import Reject
from segmenter.tables import TableReader
from segmenter.writers import REJECT_SCHEMA, reject_batch, table_writer, whole_file, write_text

FORMATS = ["csv", "csv.gz", "csv.zst", "jsonl", "jsonl.gz", "jsonl.zst", "parquet"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
QUICK = settings(max_examples=80, deadline=None, derandomize=True)


def write(path: Path, schema: pa.Schema, rows: list[dict[str, object]]) -> Path:
    """The rows in batches of two."""
    with table_writer(path, schema) as append:
        for start in range(0, len(rows), 2):
            append(pa.RecordBatch.from_pylist(rows[start : start + 2], schema=schema))
    return path


def read(path: Path) -> list[dict[str, object]]:
    return [row for batch in TableReader(path).batches(3) for row in batch.rows.to_pylist()]


def convert(source: Path, target: Path) -> Path:
    reader = TableReader(source)
    with table_writer(target, reader.schema) as append:
        for batch in reader.batches(3):
            append(batch.rows)
    return target


def jsonl(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def parsed(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


# What is written is read


@QUICK
@given(ending=st.sampled_from(FORMATS), rows=st.lists(st.fixed_dictionaries({"id": TEXT, "text": TEXT}), max_size=5))
@example(ending="csv", rows=[{"id": "1", "text": "a\rb"}])
@example(ending="csv", rows=[{"id": "", "text": ""}])
def test_texts_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, ending: str, rows: list[dict[str, object]]
) -> None:
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    path = write(tmp_path_factory.mktemp("texts") / f"out.{ending}", schema, rows)
    assert rows == ([] if not rows and "jsonl" in ending else read(path))  # a JSONL without a line has no columns


@QUICK
@given(ending=st.sampled_from(FORMATS), texts=st.lists(TEXT, min_size=1, max_size=5))
@example(ending="csv", texts=["", ""])
def test_a_table_of_one_column_comes_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, ending: str, texts: list[str]
) -> None:
    rows: list[dict[str, object]] = [{"text": text} for text in texts]
    path = write(tmp_path_factory.mktemp("column") / f"out.{ending}", pa.schema([("text", pa.string())]), rows)
    assert read(path) == rows


@QUICK
@given(rows=st.lists(st.fixed_dictionaries({"text": TEXT}, optional={"a": JSON, "b": JSON}), min_size=1, max_size=5))
def test_json_values_come_back_from_jsonl_to_jsonl(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    folder = tmp_path_factory.mktemp("json")
    names = {name for row in rows for name in row}
    found = parsed(convert(jsonl(folder / "in.jsonl", rows), folder / "out.jsonl"))
    assert found == [{name: row.get(name) for name in names} for row in rows]


@QUICK
@given(ending=st.sampled_from(FORMATS), values=st.lists(JSON, min_size=1, max_size=4))
def test_json_values_of_a_mixed_column_stand_as_json_text_in_every_other_format(
    tmp_path_factory: pytest.TempPathFactory, ending: str, values: list[object]
) -> None:
    folder = tmp_path_factory.mktemp("json")
    mixed: list[object] = [*values, ["nested"]]  # so that the column has no one type
    source = jsonl(folder / "in.jsonl", [{"text": "tea", "a": value} for value in mixed])
    if ending.startswith("jsonl"):
        assert [row["a"] for row in read(convert(source, folder / f"out.{ending}"))] == [
            row["a"] for row in read(source)
        ]
    else:
        found = [row["a"] for row in read(convert(source, folder / f"out.{ending}"))]
        assert [json.loads(str(cell)) if cell else None for cell in found] == mixed


@QUICK
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), NUMBERS, st.booleans()) | st.none(), max_size=5))
def test_parquet_values_come_back_with_their_types(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[int, float, bool] | None]
) -> None:
    schema = pa.schema([("n", pa.int64()), ("x", pa.float64()), ("yes", pa.bool_())])
    rows: list[dict[str, object]] = [dict(zip(schema.names, row or [None] * 3, strict=True)) for row in values]
    path = write(tmp_path_factory.mktemp("types") / "out.parquet", schema, rows)
    assert pq.read_schema(path).equals(schema)
    assert read(path) == rows


def test_nested_parquet_values_are_json_in_a_csv(tmp_path: Path) -> None:
    pq.write_table(pa.table({"tags": [["tea", "é"], None]}), tmp_path / "in.parquet")
    convert(tmp_path / "in.parquet", tmp_path / "out.csv")
    assert read(tmp_path / "out.csv") == [{"tags": '["tea", "é"]'}, {"tags": ""}]


def test_nested_parquet_values_are_values_in_a_jsonl(tmp_path: Path) -> None:
    pq.write_table(pa.table({"tags": [["tea"], None]}), tmp_path / "in.parquet")
    assert parsed(convert(tmp_path / "in.parquet", tmp_path / "out.jsonl")) == [{"tags": ["tea"]}, {"tags": None}]


def test_a_folder_of_csv_and_parquet_keeps_its_texts_plain(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("id,text\n1,tea\n", "utf-8")
    texts = pa.array(["milk"], pa.large_string())
    pq.write_table(pa.table({"id": texts, "text": texts}), tmp_path / "in" / "b.parquet")
    convert(tmp_path / "in", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text("utf-8") == "id,text\n1,tea\nmilk,milk\n"


# Digits


@pytest.mark.parametrize(("name", "expected"), [("out.csv", "score\n0.1\n"), ("out.jsonl", '{"score": 0.1}\n')])
def test_a_float32_is_written_with_its_own_digits(tmp_path: Path, name: str, expected: str) -> None:
    # as a float64 it would be 0.10000000149011612
    path = write(tmp_path / name, pa.schema([("score", pa.float32())]), [{"score": np.float32(0.1)}])
    assert path.read_text("utf-8") == expected


@QUICK
@given(st.floats(0, 1, width=32))
def test_a_float32_read_from_a_csv_is_the_same_float32(tmp_path_factory: pytest.TempPathFactory, score: float) -> None:
    path = write(
        tmp_path_factory.mktemp("digits") / "out.csv", pa.schema([("score", pa.float32())]), [{"score": score}]
    )
    assert np.float32(read(path)[0]["score"]) == np.float32(score)  # type: ignore[arg-type]


def test_a_float32_stays_one_in_parquet(tmp_path: Path) -> None:
    path = write(tmp_path / "out.parquet", pa.schema([("score", pa.float32())]), [{"score": 0.1}])
    assert pq.read_schema(path).field("score").type == pa.float32()


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_a_number_json_does_not_have_is_null_in_a_jsonl(tmp_path: Path, kind: pa.DataType) -> None:
    rows: list[dict[str, object]] = [{"x": float("nan")}, {"x": float("-inf")}, {"x": 0.5}, {"x": None}]
    path = write(tmp_path / "out.jsonl", pa.schema([("x", kind)]), rows)
    assert path.read_text("utf-8") == '{"x": null}\n{"x": null}\n{"x": 0.5}\n{"x": null}\n'


# Shape


def test_a_csv_of_no_rows_has_its_header(tmp_path: Path) -> None:
    path = write(tmp_path / "out.csv", pa.schema([("id", pa.string()), ("text", pa.string())]), [])
    assert path.read_bytes() == b"id,text\n"


def test_a_written_csv_is_what_a_plain_csv_reader_expects(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": 'one\ntwo, "three"\r'}]
    path = write(tmp_path / "out.csv", pa.schema([("text", pa.string())]), rows)
    with path.open(encoding="utf-8", newline="") as stream:
        assert list(csv.DictReader(stream)) == rows


def test_a_gz_is_one_to_every_other_tool(tmp_path: Path) -> None:
    path = write(tmp_path / "out.csv.gz", pa.schema([("text", pa.string())]), [{"text": "tea"}])
    assert gzip.decompress(path.read_bytes()) == b"text\ntea\n"


def test_our_marks_on_a_column_do_not_reach_the_parquet_file(tmp_path: Path) -> None:
    path = convert(jsonl(tmp_path / "in.jsonl", [{"a": [1]}]), tmp_path / "out.parquet")
    assert pq.read_schema(path).field("a").metadata is None


def test_rejects_are_written_with_file_line_reason_and_row(tmp_path: Path) -> None:
    rejects = [Reject("inbox.csv", 3, "is not UTF-8", "a,?")]
    with table_writer(tmp_path / "rejects.jsonl", REJECT_SCHEMA) as append:
        append(reject_batch(rejects))
    assert parsed(tmp_path / "rejects.jsonl") == [
        {"file": "inbox.csv", "line": 3, "reason": "is not UTF-8", "row": "a,?"}
    ]


def test_no_rejects_are_an_empty_batch() -> None:
    assert reject_batch([]).num_rows == 0


# A file appears only when complete


@contextmanager
def disk_with_room_for(n_bytes: int) -> Iterator[None]:
    """No file can grow past so many bytes: what a full disk does, for root too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("ending", FORMATS)
def test_a_run_that_stops_half_way_leaves_no_file(tmp_path: Path, ending: str) -> None:
    schema = pa.schema([("text", pa.string())])
    with (
        pytest.raises(ValueError, match="half way"),
        table_writer(tmp_path / f"out.{ending}", schema) as append,
    ):
        append(pa.RecordBatch.from_pylist([{"text": "tea"}], schema=schema))
        raise ValueError("half way")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_stops_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt, match="stop"), whole_file(path) as stream:
        stream.write(b"new")
        raise KeyboardInterrupt("stop")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("out.txt", b"old")]


def test_a_finished_file_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_bytes(b"old")
    write_text(path, "größe")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("out.txt", b"gr\xc3\xb6\xc3\x9fe")]


def test_nothing_is_at_the_path_while_it_is_written(tmp_path: Path) -> None:
    with whole_file(tmp_path / "out.txt") as stream:
        stream.write(b"new")
        assert not (tmp_path / "out.txt").exists()


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "out.txt", "tea")
    assert (tmp_path / "a" / "b" / "out.txt").read_text("utf-8") == "tea"


@pytest.mark.parametrize("below", ["out.csv", "inner/out.csv"])
def test_a_folder_that_cannot_be_written_to_is_one_sentence(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_bytes(b"")  # tests may run as root, whom no permission stops: a file is no folder
    with pytest.raises(TableError, match=r"out\.csv: cannot be written \(.+\); check the folder's permissions"):
        write(tmp_path / "file" / below, pa.schema([("text", pa.string())]), [])


def test_a_folder_in_the_place_of_the_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "out.txt").mkdir()
    with pytest.raises(TableError, match=r"out\.txt: cannot be written \(Is a directory\)"):
        write_text(tmp_path / "out.txt", "tea")
    assert [file.name for file in tmp_path.iterdir()] == ["out.txt"]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_full_disk_is_one_sentence_and_leaves_no_file(tmp_path: Path, ending: str) -> None:
    numbers = np.random.default_rng(0).integers(0, 2**63, 20_000)  # nothing that compresses below 16 kB
    rows: list[dict[str, object]] = [{"text": f"{number:x}"} for number in numbers]
    with (
        pytest.raises(TableError, match=r"cannot be written \(File too large\); check .* the free space"),
        disk_with_room_for(16_384),
    ):
        write(tmp_path / f"out.{ending}", pa.schema([("text", pa.string())]), rows)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_no_table_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"out\.xlsx: is not a table by its name"):
        write(tmp_path / "out.xlsx", pa.schema([("text", pa.string())]), [])
    assert list(tmp_path.iterdir()) == []
