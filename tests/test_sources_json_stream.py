import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from exports import JSON, written
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter.errors import TableError
from segmenter.sources import json_stream
from segmenter.sources.json_stream import JsonStream


def elements(path: Path) -> list[Any]:
    with JsonStream(path) as stream:
        found = list(stream.records())
        stream.end()
    return found


@settings(max_examples=50, deadline=None, derandomize=True)
@given(values=st.lists(JSON, max_size=6), indent=st.sampled_from([None, 1]), chunk=st.integers(1, 40))
def test_an_array_reads_as_it_does_whole(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], indent: int | None, chunk: int
) -> None:
    # small chunks cut every number, literal, escape and character somewhere
    path = written(tmp_path_factory.mktemp("array"), json.dumps(values, indent=indent), "array.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "CHUNK_BYTES", chunk)
        assert repr(elements(path)) == repr(json.loads(path.read_text("utf-8")))


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_it(tmp_path: Path) -> None:
    assert elements(written(tmp_path, b'\xef\xbb\xbf[\r\n1,\r\n"tea"\r\n]\r\n', "a.json")) == [1, "tea"]


def test_a_compressed_file_reads_as_a_plain_one(tmp_path: Path) -> None:
    assert elements(written(tmp_path, gzip.compress(b'[1, "tea"]'), "a.json.gz")) == [1, "tea"]


def test_a_byte_that_is_not_utf_8_costs_its_string_alone(tmp_path: Path) -> None:
    assert elements(written(tmp_path, b'["tea", "caf\xe9", "milk"]', "a.json")) == ["tea", "caf\udce9", "milk"]


def test_raw_tabs_and_nuls_in_a_string_are_read_as_they_stand(tmp_path: Path) -> None:
    assert elements(written(tmp_path, b'["a\tb", "c\x00d"]', "a.json")) == ["a\tb", "c\x00d"]


def test_a_number_of_thousands_of_digits_costs_nothing_else(tmp_path: Path) -> None:
    assert elements(written(tmp_path, f'["tea", {"9" * 5000}, "milk"]', "a.json")) == ["tea", float("inf"), "milk"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", r"a\.json line 1, after record 0: ends in the middle; export the file again"),
        ('["tea",\n"mi', r"a\.json line 2, after record 1: ends in the middle; "),
        ('["tea"', r"after record 1: ends in the middle; "),
        ('["tea",', r"after record 1: ends in the middle; "),
        ('["tea"\n "milk"]', r"line 2, after record 1: has '\"' where ',' or '\]' should stand; "),
        ('["tea", milk]', r"after record 1: is not JSON \(Expecting value\); "),
        ('{"tea": 1}', r"after record 0: has '\{' where '\[' should stand; "),
        ('["tea"] []', r"after record 1: goes on after the end of its JSON; "),
        (b"\xff\xfe[\x00]\x00", r"after record 0: has '\?' where '\[' should stand; "),
        ("[" + "[" * 100_000, r"holds a value that is nested too deeply to be read; "),
    ],
)
def test_broken_json_is_one_sentence_with_its_place(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    with pytest.raises(TableError, match=sentence):
        elements(written(tmp_path, content, "a.json"))


def test_a_broken_archive_is_one_sentence(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps(list(range(50_000))).encode())
    with pytest.raises(TableError, match=r"cannot be read further \(.+\); export the file again"):
        elements(written(tmp_path, packed[: len(packed) // 2], "a.json.gz"))


def test_a_string_that_is_never_closed_is_not_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "VALUE_CHARACTERS_AT_MOST", 1000)
    monkeypatch.setattr(json_stream, "CHUNK_BYTES", 100)
    with pytest.raises(TableError, match=r"holds a value of more than 1,000 characters"):
        elements(written(tmp_path, '["' + "tea " * 10_000, "a.json"))


def test_a_record_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    assert [len(text) for text in elements(written(tmp_path, json.dumps(["a" * 10_000_000, "b"]), "a.json"))] == [
        10_000_000,
        1,
    ]


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # 10 MB of records of 1 kB; what is held is a chunk of 100 kB, some copies of it, and one record
    monkeypatch.setattr(json_stream, "CHUNK_BYTES", 100_000)
    path = written(tmp_path, "[" + ",".join([json.dumps("tea " * 250)] * 10_000) + "]", "a.json")
    tracemalloc.start()
    try:
        with JsonStream(path) as stream:
            n_records = sum(1 for _ in stream.records())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (n_records, peak < 1_000_000) == (10_000, True)
