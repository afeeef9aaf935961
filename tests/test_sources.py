import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from exports import lines, read, written

from segmenter.errors import TableError
from segmenter.sources import FORMATS, open_source

DOCCANO = {"id": 4, "text": "the ferry is late", "label": ["gardeners"]}
MESSAGE = {"id": 7, "type": "message", "date": "2031-06-16T09:30:00", "text": "the ferry is late"}
EXPORTS = {
    "label-studio": (
        "export.json",
        json.dumps(
            [
                {
                    "id": 4,
                    "data": {"text": "the ferry is late"},
                    "annotations": [
                        {
                            "result": [
                                {"from_name": "a", "to_name": "text", "type": "choices", "value": {"choices": ["b"]}}
                            ]
                        }
                    ],
                }
            ]
        ),
    ),
    "doccano": ("all.jsonl", lines(DOCCANO)),
    "prodigy": ("db.jsonl", lines({"text": "the ferry is late", "accept": ["gardeners"], "answer": "accept"})),
    "telegram": ("result.json", json.dumps({"name": "Harbour Post", "id": 5, "messages": [MESSAGE]})),
    "4cat": ("corpus.csv", "id,thread_id,timestamp,body\n7,7,2031-06-16 09:30:00,the ferry is late\n"),
}


def export(folder: Path, kind: str, suffix: str = "") -> Path:
    """A small export of a format, packed where the suffix says so."""
    name, text = EXPORTS[kind]
    packed = {
        "": text.encode(),
        ".gz": gzip.compress(text.encode()),
        ".zst": pa.compress(text.encode(), "zstd", asbytes=True),
    }
    return written(folder, packed[suffix], name + suffix)


def test_every_format_has_an_export_here() -> None:
    assert set(EXPORTS) == set(FORMATS)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_column_of_a_format_is_text_and_every_row_has_them_all(tmp_path: Path, kind: str) -> None:
    reader = open_source(export(tmp_path, kind), format=kind)
    assert {field.type for field in reader.schema} == {pa.string()}
    assert [batch.rows.schema for batch in reader.batches(10)] == [reader.schema]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_packed_export_reads_as_a_plain_one(tmp_path: Path, kind: str, suffix: str) -> None:
    assert read(export(tmp_path, kind, suffix), kind).rows == read(export(tmp_path, kind), kind).rows


@pytest.mark.parametrize("kind", FORMATS)
def test_a_byte_order_mark_is_no_part_of_an_export(tmp_path: Path, kind: str) -> None:
    name, text = EXPORTS[kind]
    path = written(tmp_path, b"\xef\xbb\xbf" + text.encode(), name)
    assert [row["text"] for row in read(path, kind).rows] == ["the ferry is late"]


@pytest.mark.parametrize("kind", FORMATS)
def test_an_export_read_to_its_end_is_done(tmp_path: Path, kind: str) -> None:
    reader = open_source(export(tmp_path, kind), format=kind)
    assert [len(batch.lines) for batch in reader.batches(10)] == [1]
    assert (reader.done_share, reader.n_rows, reader.n_rejects) == (1.0, 1, 0)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_folder_is_read_by_the_formats_endings(tmp_path: Path, kind: str) -> None:
    export(tmp_path, kind)
    export(tmp_path, kind, ".gz")
    written(tmp_path, "notes", "notes.txt")
    assert len(read(tmp_path, kind).rows) == 2


@pytest.mark.parametrize("kind", FORMATS)
def test_a_folder_without_exports_is_one_sentence(tmp_path: Path, kind: str) -> None:
    with pytest.raises(TableError, match=r"the folder holds no \.\w+ file; check the path"):
        open_source(tmp_path, format=kind)


@pytest.mark.parametrize("kind", [*FORMATS, "table"])
def test_a_missing_path_is_one_sentence(tmp_path: Path, kind: str) -> None:
    with pytest.raises(TableError, match=r"nowhere: there is no such file or folder; check the path"):
        open_source(tmp_path / "nowhere", format=kind)


def test_an_unknown_format_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"unknown format 'excel'; use one of table, label-studio, doccano, "):
        open_source(tmp_path, format="excel")


def test_a_plain_table_opens_through_the_same_door(tmp_path: Path) -> None:
    found = read(written(tmp_path, "id,text\n1,tea\n2,\n", "table.csv"), "table", text_column="text")
    assert (found.rows, found.reasons) == ([{"id": "1", "text": "tea"}], [(3, "column 'text' is empty")])


def test_a_broken_row_stops_the_run_where_rejects_go_nowhere(tmp_path: Path) -> None:
    path = written(tmp_path, lines(DOCCANO, {**DOCCANO, "text": 5}), "all.jsonl")
    found = (
        r"all\.jsonl line 2: field 'text' holds int, not text; mend it \(segmenter score and convert can set such rows"
    )
    with pytest.raises(TableError, match=found):
        list(open_source(path, format="doccano").batches(10))


def test_a_broken_record_of_an_array_is_named_by_its_number(tmp_path: Path) -> None:
    path = written(tmp_path, {"id": 5, "messages": [MESSAGE, {**MESSAGE, "text": 5}]}, "result.json")
    with pytest.raises(TableError, match=r"result\.json record 2: field 'text' holds int, not text; "):
        list(open_source(path, format="telegram").batches(10))


def test_what_the_format_itself_leaves_out_never_stops_the_run(tmp_path: Path) -> None:
    reader = open_source(written(tmp_path, lines(DOCCANO, {**DOCCANO, "label": []}), "all.jsonl"), format="doccano")
    assert [batch.lines for batch in reader.batches(10)] == [[1]]
    assert (reader.n_rows, reader.n_rejects, reader.reasons) == (2, 1, {"no choice was made": 1})


def test_reasons_are_counted_without_what_they_say_of_one_row(tmp_path: Path) -> None:
    reader = open_source(
        written(tmp_path, "{\n{}}\n" + lines(DOCCANO), "all.jsonl"), format="doccano", on_reject=lambda _: None
    )
    assert sum(len(batch.lines) for batch in reader.batches(10)) == 1
    assert reader.reasons == {"is not JSON": 2}


def test_the_reader_names_the_record_it_set_aside(tmp_path: Path) -> None:
    found = read(written(tmp_path, lines({**DOCCANO, "text": "Ф" * 3000, "label": []}), "all.jsonl"), "doccano")
    [reject] = found.rejects
    assert (Path(reject.file).name, reject.line, len(reject.row)) == ("all.jsonl", 1, 2000)
    assert reject.row.startswith('{"id": 4, "text": "ФФ')
