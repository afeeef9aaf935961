import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter.errors import TableError
from segmenter.messages import Reject
from segmenter.spans import ROW_SHOWN
from segmenter.tables import TableReader, read_rows, table_files


def table(folder: Path, content: bytes | str, name: str = "inbox.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def records(reader: TableReader, n_rows: int = 2) -> list[dict[str, object]]:
    return [row for batch in reader.batches(n_rows) for row in batch.rows.to_pylist()]


# Files


def test_a_folder_gives_its_tables_by_name_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.csv", "a.jsonl.gz", "inner/c.parquet", "notes.txt", "d.csv.part"):
        table(tmp_path, "", name)
    assert table_files(tmp_path) == [tmp_path / name for name in ("a.jsonl.gz", "b.csv", "inner/c.parquet")]


def test_hidden_files_and_folders_are_not_read(tmp_path: Path) -> None:
    for name in ("a.csv", ".b.csv", ".ipynb_checkpoints/a-checkpoint.csv"):
        table(tmp_path, "", name)
    assert table_files(tmp_path) == [tmp_path / "a.csv"]


def test_a_hidden_folder_named_by_the_user_is_read(tmp_path: Path) -> None:
    path = table(tmp_path, "", ".kept/a.csv")
    assert table_files(path.parent) == [path]


def test_a_folder_without_tables_is_one_sentence(tmp_path: Path) -> None:
    table(tmp_path, "", "notes.txt")
    with pytest.raises(TableError, match=r"the folder holds no table; put \.csv, \.jsonl or \.parquet files there"):
        TableReader(tmp_path)


def test_a_missing_path_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"none\.csv: there is no such file or folder; check the path"):
        TableReader(tmp_path / "none.csv")


def test_a_file_of_another_format_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"inbox\.xlsx: is not a table by its name"):
        TableReader(table(tmp_path, "", "inbox.xlsx"))


# Batches


@settings(max_examples=50, deadline=None, derandomize=True)
@given(n=st.integers(0, 12), n_rows=st.integers(1, 5))
def test_rows_come_back_in_input_order(tmp_path_factory: pytest.TempPathFactory, n: int, n_rows: int) -> None:
    path = table(tmp_path_factory.mktemp("order"), "id,text\n" + "".join(f"{i},note\n" for i in range(n)))
    batches = list(TableReader(path).batches(n_rows))
    assert [value for batch in batches for value in batch.column("id")] == [str(i) for i in range(n)]
    assert [line for batch in batches for line in batch.lines] == list(range(2, n + 2))
    assert all(1 <= len(batch.lines) == batch.rows.num_rows <= n_rows for batch in batches)


def test_no_batch_spans_two_files(tmp_path: Path) -> None:
    table(tmp_path, "text\ntea\n", "a.csv")
    table(tmp_path, "text\nmilk\n", "b.csv")
    batches = list(TableReader(tmp_path).batches(10))
    assert [(Path(batch.file).name, batch.lines) for batch in batches] == [("a.csv", [2]), ("b.csv", [2])]


def test_the_share_done_rises_to_one(tmp_path: Path) -> None:
    table(tmp_path, "text\n" + "tea\n" * 10_000, "a.csv")
    table(tmp_path, "text\n" + "tea\n" * 10_000, "b.csv")
    reader = TableReader(tmp_path)
    shares = [reader.done_share for _batch in reader.batches(1000)]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5 < shares[-1] == 1.0


def test_a_table_of_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    reader = TableReader(table(tmp_path, "id,text\n"), text_column="text")
    assert records(reader) == []
    assert reader.n_rows == 0


# Rejects

MIXED = """\
{"id": 1, "text": "tea"}
{"id": 2, "text": ""}
{"id": 3}
not json
{"id": 5, "text": 5}
{"id": 6, "text": "milk"}
"""


def test_unusable_rows_are_set_aside_with_line_and_reason(tmp_path: Path) -> None:
    rejects: list[Reject] = []
    path = table(tmp_path, MIXED, "inbox.jsonl")
    records(TableReader(path, text_column="text", on_reject=rejects.append))
    assert [(reject.file, reject.line, reject.reason) for reject in rejects] == [
        (str(path), 2, "column 'text' is empty"),
        (str(path), 3, "column 'text' is empty"),
        (str(path), 4, "is not JSON (Expecting value at character 1)"),
        (str(path), 5, "column 'text' holds int, not text"),
    ]


def test_rows_in_are_rows_out_and_rejects(tmp_path: Path) -> None:
    rejects: list[Reject] = []
    reader = TableReader(table(tmp_path, MIXED, "inbox.jsonl"), text_column="text", on_reject=rejects.append)
    assert [row["id"] for row in records(reader)] == [1, 6]
    # 6 lines, 2 with text
    assert (reader.n_rows, reader.n_rejects, len(rejects)) == (6, 4, 4)


ROWS = st.sampled_from(["1,tea\n", "2,\n", "3\n", "4,a,b\n", '5,"a\nb"\n', "6,\xff\n", "\n", "7,  \n"])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(rows=st.lists(ROWS, max_size=8))
def test_no_row_of_any_table_is_dropped(tmp_path_factory: pytest.TempPathFactory, rows: list[str]) -> None:
    path = table(tmp_path_factory.mktemp("rejects"), ("id,text\n" + "".join(rows)).encode("latin-1"))
    rejects: list[Reject] = []
    reader = TableReader(path, text_column="text", on_reject=rejects.append)
    usable = [row[0] for row in rows if row in ("1,tea\n", '5,"a\nb"\n')]
    assert [row["id"] for row in records(reader)] == usable
    # an empty line is no row
    assert len(usable) + len(rejects) == reader.n_rows == sum(row != "\n" for row in rows)


def test_without_rejects_the_first_unusable_row_stops_the_run(tmp_path: Path) -> None:
    path = table(tmp_path, "id,text\n1,tea\n2, \n3\n")
    sentence = r"inbox\.csv line 3: column 'text' is empty; mend it \(segmenter score .* with --rejects FILE\)$"
    with pytest.raises(TableError, match=sentence):
        records(TableReader(path, text_column="text"))


def test_an_unusable_parquet_row_is_named_as_a_row(tmp_path: Path) -> None:
    path = tmp_path / "inbox.parquet"
    pq.write_table(pa.table({"text": ["tea", None]}), path)
    with pytest.raises(TableError, match=r"inbox\.parquet row 2: column 'text' is empty"):
        records(TableReader(path, text_column="text"))


def test_a_reject_of_a_parquet_row_shows_the_row(tmp_path: Path) -> None:
    path = tmp_path / "inbox.parquet"
    pq.write_table(pa.table({"id": [7], "text": [None]}), path)
    rejects: list[Reject] = []
    records(TableReader(path, text_column="text", on_reject=rejects.append))
    assert json.loads(rejects[0].row) == {"id": 7, "text": None}


def test_a_reject_keeps_the_beginning_of_a_very_long_row(tmp_path: Path) -> None:
    rejects: list[Reject] = []
    path = table(tmp_path, "id,text\n" + "a" * 1_000_000 + "\n")
    records(TableReader(path, on_reject=rejects.append))
    assert rejects[0].row == "a" * ROW_SHOWN


def test_without_a_text_column_an_empty_cell_is_usable(tmp_path: Path) -> None:
    assert records(TableReader(table(tmp_path, "id,text\n1,\n"))) == [{"id": "1", "text": ""}]


# Columns


def test_a_missing_text_column_is_named_beside_those_there_are(tmp_path: Path) -> None:
    path = table(tmp_path, "id,body\n1,tea\n")
    with pytest.raises(TableError, match=r"no column 'text' among 'id', 'body'; name the text column"):
        TableReader(path, text_column="text")


def test_a_text_column_missing_in_one_file_of_a_folder_names_that_file(tmp_path: Path) -> None:
    table(tmp_path, "text\ntea\n", "a.csv")
    table(tmp_path, "body\ntea\n", "b.csv")
    with pytest.raises(TableError, match=r"b\.csv: no column 'text' among 'body'"):
        TableReader(tmp_path, text_column="text")


def test_a_number_among_the_texts_changes_no_other_text(tmp_path: Path) -> None:
    path = table(tmp_path, '{"text": "say \\"tea\\""}\n{"text": 5}\n', "inbox.jsonl")
    reader = TableReader(path, text_column="text", on_reject=lambda reject: None)
    assert records(reader) == [{"text": 'say "tea"'}]


def test_a_folder_of_all_formats_is_one_table(tmp_path: Path) -> None:
    table(tmp_path, "id,text\n1,tea\n", "a.csv")
    table(tmp_path, '{"text": "milk", "likes": 3}\n', "b.jsonl")
    pq.write_table(pa.table({"text": pa.array(["juice"], pa.large_string()), "likes": [4]}), tmp_path / "c.parquet")
    reader = TableReader(tmp_path, text_column="text")
    assert reader.schema.names == ["id", "text", "likes"]
    assert records(reader) == [
        {"id": "1", "text": "tea", "likes": None},
        {"id": None, "text": "milk", "likes": 3},
        {"id": None, "text": "juice", "likes": 4},
    ]


def test_a_column_that_must_not_be_null_in_one_file_may_be_in_another(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("text", pa.string())])
    pq.write_table(pa.table({"id": ["1"], "text": ["tea"]}, schema=schema), tmp_path / "a.parquet")
    table(tmp_path, "text\nmilk\n", "b.csv")
    assert records(TableReader(tmp_path)) == [{"id": "1", "text": "tea"}, {"id": None, "text": "milk"}]


def test_a_column_of_two_types_over_a_folder_is_json_text(tmp_path: Path) -> None:
    table(tmp_path, '{"id": 1}\n', "a.jsonl")
    table(tmp_path, '{"id": "1"}\n', "b.jsonl")
    assert [json.loads(str(row["id"])) for row in records(TableReader(tmp_path))] == [1, "1"]


def test_a_column_empty_in_one_file_takes_its_type_from_another(tmp_path: Path) -> None:
    table(tmp_path, '{"likes": null}\n', "a.jsonl")
    table(tmp_path, '{"likes": 3}\n', "b.jsonl")
    assert records(TableReader(tmp_path)) == [{"likes": None}, {"likes": 3}]


def test_values_of_several_types_keep_their_json(tmp_path: Path) -> None:
    values = ["tea", 5, 0.5, True, None, [1, {"a": "é"}], 2**70]
    lines = "".join(json.dumps({"extra": value}) + "\n" for value in values)
    found = [row["extra"] for row in records(TableReader(table(tmp_path, lines, "inbox.jsonl")))]
    assert [None if text is None else json.loads(str(text)) for text in found] == values


@pytest.mark.parametrize("value", [2**63 - 1, 2**63, 10**30, -(2**63) - 1])
def test_a_big_integer_loses_no_digit(tmp_path: Path, value: int) -> None:
    reader = TableReader(table(tmp_path, json.dumps({"id": value}), "inbox.jsonl"))
    assert [str(row["id"]) for row in records(reader)] == [str(value)]


def test_a_big_integer_beside_a_fraction_loses_no_digit(tmp_path: Path) -> None:
    # 2^53 + 1: the first integer no float holds
    reader = TableReader(table(tmp_path, '{"id": 9007199254740993}\n{"id": 0.5}\n', "inbox.jsonl"))
    assert [str(row["id"]) for row in records(reader)] == ["9007199254740993", "0.5"]


# Small tables


def test_a_small_table_reads_as_rows(tmp_path: Path) -> None:
    path = table(tmp_path, "date;label\n2025-07-04;Fair\n", "events.csv")
    assert read_rows(path, ("date", "label")) == [{"date": "2025-07-04", "label": "Fair"}]


def test_a_small_table_without_a_required_column_is_one_sentence(tmp_path: Path) -> None:
    path = table(tmp_path, "date\n2025-07-04\n", "events.csv")
    with pytest.raises(TableError, match=r"events\.csv: no column 'label'; it needs date, label"):
        read_rows(path, ("date", "label"))


def test_a_small_table_with_an_unusable_row_is_one_sentence(tmp_path: Path) -> None:
    path = table(tmp_path, "date,label\n2025-07-04\n", "events.csv")
    with pytest.raises(TableError, match=r"events\.csv line 2: has 1 fields, the header has 2; mend it"):
        read_rows(path, ("date",))
