import gzip
import hashlib
import json
import os
import pickle
import tracemalloc
from collections.abc import Container, Sequence
from contextlib import chdir
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmenter.bundle import READ_BYTES
from segmenter.errors import TableError
from segmenter.inputs import Chunk, Corpus, chunks, open_corpus


def put(folder: Path, name: str, content: str | bytes = "text\ntea\n") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def corpus_of(*inputs: object, columns: Sequence[str] | None = None, text_column: str | None = None) -> Corpus:
    with open_corpus(
        [str(part) for part in inputs], source="table", text_column=text_column, columns=columns
    ) as corpus:
        return corpus


def names(*inputs: object) -> list[str]:
    return [file.name for file in corpus_of(*inputs).files]


def read(corpus: Corpus, n_rows: int = 2, *, file: int = 0, done: Container[int] = ()) -> list[Chunk]:
    return list(chunks(corpus, file=file, n_rows=n_rows, rejecting=True, done=done))


def texts(corpus: Corpus) -> list[str | None]:
    parts = [chunk.messages for number in range(len(corpus.files)) for chunk in read(corpus, file=number)]
    return [text for part in parts if part for text in part.column(corpus.text_column)]


# Files and their names


def test_files_stand_in_the_order_of_their_names_however_they_were_given(tmp_path: Path) -> None:
    paths = [put(tmp_path, name) for name in ("b.csv", "c.csv", "a.csv")]
    assert names(*paths) == names(*reversed(paths)) == ["a.csv", "b.csv", "c.csv"]


def test_a_file_of_a_folder_goes_by_its_path_below_it_from_wherever_it_is_named(tmp_path: Path) -> None:
    for name in ("inbox/b/c.csv", "inbox/a.csv"):
        put(tmp_path, name)
    with chdir(tmp_path / "inbox" / "b"):
        assert names("..") == names(tmp_path / "inbox") == ["a.csv", "b/c.csv"]


def test_two_files_of_one_name_take_as_many_folders_as_tell_them_apart(tmp_path: Path) -> None:
    paths = [put(tmp_path, name) for name in ("x/day/a.csv", "y/day/a.csv", "y/b.csv")]
    assert names(*paths) == ["b.csv", "x/day/a.csv", "y/day/a.csv"]


def test_two_folders_may_hold_files_of_one_name(tmp_path: Path) -> None:
    for name in ("x/a.csv", "y/a.csv", "y/b.csv"):
        put(tmp_path, name)
    assert names(tmp_path / "x", tmp_path / "y") == ["b.csv", "x/a.csv", "y/a.csv"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = put(tmp_path, "inbox/b/a.csv")
    with chdir(tmp_path):
        assert names(path, "inbox", "inbox/b/../b/a.csv") == names("inbox", path) == ["b/a.csv"]


def test_two_links_to_one_file_are_two_files(tmp_path: Path) -> None:
    (tmp_path / "b.csv").symlink_to(put(tmp_path, "a.csv"))
    assert names(tmp_path) == ["a.csv", "b.csv"]


def test_a_pattern_that_no_shell_expanded_is_expanded(tmp_path: Path) -> None:
    for name in ("x/a.csv", "y/a.csv", "y/b.jsonl.txt", "y/.c.csv", "z/deep/a.csv"):
        put(tmp_path, name)
    assert names(tmp_path / "*" / "*.csv") == ["x/a.csv", "y/a.csv"]
    assert names(tmp_path / "**" / "a.csv") == ["x/a.csv", "y/a.csv", "z/deep/a.csv"]


def test_a_folder_that_a_pattern_matches_is_read_whole(tmp_path: Path) -> None:
    for name in ("day-1/a.csv", "day-1/b.csv", "day-2/a.csv", "week/a.csv"):
        put(tmp_path, name)
    assert names(tmp_path / "day-*") == ["day-1/a.csv", "day-1/b.csv", "day-2/a.csv"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    put(tmp_path, "a1.csv")
    assert names(put(tmp_path, "a[1].csv")) == ["a[1].csv"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("none/*.csv", r"none/\*\.csv: no file matches this pattern; check it"),
        ("none.csv", r"none\.csv: there is no such file or folder; check the path"),
        ("*.txt", r"notes\.txt: is not a table by its name; name it \.csv"),
    ],
)
def test_an_input_that_is_no_table_is_one_sentence(tmp_path: Path, given: str, sentence: str) -> None:
    put(tmp_path, "notes.txt")
    with pytest.raises(TableError, match=sentence):
        corpus_of(tmp_path / given)


# Digests


def test_every_file_is_known_by_its_size_and_digest(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", "text\ntea\n")
    [file] = corpus_of(path).files
    assert (file.path, file.n_bytes, file.sha256) == (path, 9, hashlib.sha256(b"text\ntea\n").hexdigest())


def test_a_folder_that_grew_keeps_the_names_and_digests_it_had(tmp_path: Path) -> None:
    for name in ("a.csv", "b/a.csv"):
        put(tmp_path, name)
    before = set(corpus_of(tmp_path).files)
    new = put(tmp_path, "0/a.csv", "text\nmilk\n")
    assert {file.name for file in set(corpus_of(tmp_path).files) - before} == {"0/a.csv"}
    assert before < set(corpus_of(tmp_path).files)
    put(tmp_path, str(new.relative_to(tmp_path)), "text\njuice\n")
    assert before < set(corpus_of(tmp_path).files)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path: Path) -> None:
    put(tmp_path, "a.csv").chmod(0)
    with pytest.raises(TableError, match=r"a\.csv: cannot be read \(Permission denied\); check"):
        corpus_of(tmp_path)


# Columns

ROW = "id,text,source\n7,tea,harbour\n"


def test_all_columns_are_carried_over_unless_some_are_named(tmp_path: Path) -> None:
    corpus = corpus_of(put(tmp_path, "a.csv", ROW))
    assert corpus.columns is None
    assert corpus.carried == corpus.schema == pa.schema([(name, pa.string()) for name in ("id", "text", "source")])


def test_named_columns_alone_are_carried_over_and_the_text_is_read_last(tmp_path: Path) -> None:
    corpus = corpus_of(put(tmp_path, "a.csv", ROW), columns=["source", "id", "source"])
    assert (corpus.carried.names, corpus.schema.names) == (["source", "id"], ["source", "id", "text"])
    [chunk] = read(corpus)
    assert chunk.messages is not None
    assert chunk.messages.rows.to_pylist() == [{"source": "harbour", "id": "7", "text": "tea"}]


def test_a_text_column_that_is_named_is_carried_over_in_its_place(tmp_path: Path) -> None:
    corpus = corpus_of(put(tmp_path, "a.csv", ROW), columns=["text", "id"])
    assert corpus.carried.names == corpus.schema.names == ["text", "id"]


def test_no_column_at_all_may_be_carried_over(tmp_path: Path) -> None:
    corpus = corpus_of(put(tmp_path, "a.csv", ROW), columns=[])
    assert (corpus.carried.names, corpus.schema.names) == ([], ["text"])


def test_a_column_that_is_not_there_is_named_beside_those_there_are(tmp_path: Path) -> None:
    sentence = r"--columns: no column 'date' among 'id', 'text', 'source'; name columns that the input has"
    with pytest.raises(TableError, match=sentence):
        corpus_of(put(tmp_path, "a.csv", ROW), columns=["id", "date"])


def test_columns_are_those_of_all_files_and_the_text_is_text(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "id,body\n7,tea\n")
    put(tmp_path, "b.jsonl", '{"body": "milk", "likes": 3}\n{"body": 4}\n')
    pq.write_table(pa.table({"body": ["juice"], "likes": [0.5]}), tmp_path / "c.parquet")
    corpus = corpus_of(tmp_path, text_column="body")
    # likes: whole numbers in one file, fractions in another, so JSON text
    assert corpus.schema.names == ["id", "body", "likes"]
    assert set(corpus.schema.types) == {pa.string()}
    assert texts(corpus) == ["tea", "milk", "juice"]


def test_a_missing_text_column_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"a\.csv: no column 'text' among 'body'; name the text column"):
        corpus_of(put(tmp_path, "a.csv", "body\ntea\n"))


# Chunks

# lines 2 to 8: rows 2, 3 and 4 are unusable
MIXED = "id,text\n1,tea\n2,\n3\n4, \n5,milk\n6,juice\n7,water\n"


def test_a_chunk_is_a_fixed_range_of_the_rows_met(tmp_path: Path) -> None:
    found = read(corpus_of(put(tmp_path, "a.csv", MIXED)), 3)
    # rows 1-3, 4-6, 7
    assert [(chunk.file, chunk.number, chunk.n_rows) for chunk in found] == [(0, 0, 3), (0, 1, 3), (0, 2, 1)]
    assert [chunk.messages.lines if chunk.messages else [] for chunk in found] == [[2], [6, 7], [8]]


def test_a_chunk_without_a_usable_row_has_no_messages(tmp_path: Path) -> None:
    found = read(corpus_of(put(tmp_path, "a.csv", MIXED)), 1)
    assert [chunk.messages is None for chunk in found] == [False, True, True, True, False, False, False]


def test_rejects_name_file_line_and_reason(tmp_path: Path) -> None:
    put(tmp_path, "b/a.csv", MIXED)
    found = [reject for chunk in read(corpus_of(tmp_path)) for reject in chunk.rejects]
    assert [(reject.file, reject.line, reject.reason, reject.row) for reject in found] == [
        ("b/a.csv", 3, "column 'text' is empty", "2,"),
        ("b/a.csv", 4, "has 1 fields, the header has 2", "3"),
        ("b/a.csv", 5, "column 'text' is empty", "4, "),
    ]


def test_a_done_chunk_is_cut_as_before_and_only_its_messages_are_left_out(tmp_path: Path) -> None:
    corpus = corpus_of(put(tmp_path, "a.csv", MIXED))
    first, again = read(corpus, 3), read(corpus, 3, done={1})
    assert again[1].messages is None
    assert (again[1].n_rows, again[1].rejects, again[1].done_share) == (3, first[1].rejects, first[1].done_share)
    assert [again[0], again[2]] == [first[0], first[2]]


def test_without_rejecting_the_first_unusable_row_stops_the_run(tmp_path: Path) -> None:
    corpus = corpus_of(put(tmp_path, "a.csv", MIXED))
    with pytest.raises(TableError, match=r"^a\.csv line 3: column 'text' is empty; mend it"):
        list(chunks(corpus, file=0, n_rows=3, rejecting=False, done=()))


def test_an_unusable_parquet_row_is_named_as_a_row(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["tea", None]}), tmp_path / "a.parquet")
    with pytest.raises(TableError, match=r"^a\.parquet row 2: column 'text' is empty"):
        list(chunks(corpus_of(tmp_path), file=0, n_rows=3, rejecting=False, done=()))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.jsonl", "a.jsonl.zst", "a.parquet"])
def test_every_format_gives_the_same_messages(tmp_path: Path, name: str) -> None:
    words = ["tea", "milk, juice", "wasser"]
    content = "id\ttext\n" + "".join(f"{word[0]}\t{word}\n" for word in words)
    if "jsonl" in name:
        content = "".join(json.dumps({"text": word}) + "\n" for word in words)
    packed = {".gz": gzip.compress, ".zst": lambda raw: pa.compress(raw, "zstd", asbytes=True)}
    put(tmp_path, name, packed.get(Path(name).suffix, bytes)(content.encode()))
    if name == "a.parquet":
        pq.write_table(pa.table({"text": words}), tmp_path / name)
    assert texts(corpus_of(tmp_path)) == words


def test_the_share_done_is_that_of_the_whole_corpus(tmp_path: Path) -> None:
    # two files of 100 bytes each: header and 19 rows of 5
    for name in ("a.csv", "b.csv"):
        put(tmp_path, name, "text\n" + "milk\n" * 19)
    corpus = corpus_of(tmp_path)
    shares = [chunk.done_share for number in (0, 1) for chunk in read(corpus, 19, file=number)]
    assert shares == [0.5, 1.0]


def test_a_header_alone_is_a_file_without_chunks(tmp_path: Path) -> None:
    assert read(corpus_of(put(tmp_path, "a.csv", "id,text\n"))) == []


@pytest.mark.parametrize("line", ['{"text": "milk", "likes": 3}\n', '{"text": "milk", "likes": "many"}\n'])
def test_a_file_that_grew_since_it_was_opened_does_not_go_unnoticed(tmp_path: Path, line: str) -> None:
    path = put(tmp_path, "a.jsonl", '{"text": "tea", "likes": 2}\n')
    reading = chunks(corpus_of(path), file=0, n_rows=1, rejecting=True, done=())
    next(reading)
    with path.open("a", encoding="utf-8") as file:
        file.write(line)
    with pytest.raises(TableError, match=r"^a\.jsonl: changed while it was read; run again when nothing writes to it"):
        list(reading)


def test_a_file_that_went_since_it_was_opened_is_one_sentence(tmp_path: Path) -> None:
    corpus = corpus_of(put(tmp_path, "a.csv"))
    (tmp_path / "a.csv").unlink()
    with pytest.raises(TableError, match=r"a\.csv: cannot be read \(No such file or directory\); check"):
        read(corpus)


def test_a_corpus_sent_to_another_process_reads_the_same_there(tmp_path: Path) -> None:
    put(tmp_path, "a.jsonl", '{"text": "tea", "likes": [3]}\n')
    corpus = corpus_of(tmp_path)
    sent = pickle.loads(pickle.dumps(corpus))  # noqa: S301  # as Ray sends it
    assert sent == corpus
    assert sent.schema.equals(corpus.schema, check_metadata=True)
    assert texts(sent) == ["tea"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, name: str) -> None:
    # 8,000 messages of 1 kB, of which 100 are held at a time
    words = [f"tea {number} " * 100 for number in range(8_000)]
    content = "text\n" + "\n".join(words) if name == "a.csv" else "\n".join(f'{{"text": "{text}"}}' for text in words)
    path = put(tmp_path, name, content)
    if name == "a.parquet":
        pq.write_table(pa.table({"text": words}), path, compression="none", use_dictionary=False)
    del words, content
    pa.array([""])  # imports pandas where that is installed
    before, arrow = pa.total_allocated_bytes(), 0
    tracemalloc.start()
    try:
        for chunk in chunks(corpus_of(path), file=0, n_rows=100, rejecting=True, done=()):
            arrow = max(arrow, pa.total_allocated_bytes() - before)
            del chunk
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert arrow < 4_000_000
    assert peak < READ_BYTES + 1_500_000  # what a digest reads at a time


# Foreign formats

CHAT = {
    "name": "Harbour Post",
    "id": 5,
    "messages": [
        {"id": 1, "type": "service", "date": "2031-06-16T09:00:00"},
        {"id": 2, "type": "message", "date": "2031-06-16T09:30:00", "text": "the ferry is late"},
    ],
}


def test_a_foreign_format_gives_its_messages_and_what_it_leaves_out_as_rejects(tmp_path: Path) -> None:
    put(tmp_path, "chats/result.json", json.dumps(CHAT))
    put(tmp_path, "chats/notes.csv")
    with open_corpus([str(tmp_path)], source="telegram", text_column=None, columns=["id"]) as corpus:
        # a service message stops no run
        [chunk] = chunks(corpus, file=0, n_rows=10, rejecting=False, done=())
    assert [file.name for file in corpus.files] == ["chats/result.json"]
    assert (corpus.text_column, corpus.carried.names) == ("text", ["id"])
    assert chunk.messages is not None
    assert (chunk.n_rows, chunk.messages.rows.to_pylist()) == (2, [{"id": "5/2", "text": "the ferry is late"}])
    assert [(reject.line, reject.reason) for reject in chunk.rejects] == [(1, "is a service message")]


def test_a_foreign_format_reads_the_text_field_that_is_named(tmp_path: Path) -> None:
    path = put(tmp_path, "corpus.csv", "id,title,body\n7,ferry,late\n")
    with open_corpus([str(path)], source="4cat", text_column="title", columns=None) as corpus:
        assert texts(corpus) == ["ferry"]


def test_a_field_that_a_foreign_format_has_not_is_named_before_anything_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, "corpus.csv", "id,body\n7,late\n")
    with (
        pytest.raises(TableError, match=r"corpus\.csv: no column 'title' among 'id', 'body'; name the text column"),
        open_corpus([str(path)], source="4cat", text_column="title", columns=None),
    ):
        pass


def test_a_format_that_is_not_known_is_named_beside_those_there_are(tmp_path: Path) -> None:
    with (
        pytest.raises(TableError, match=r"--from: unknown format 'excel'; use one of table, label-studio"),
        open_corpus([str(tmp_path)], source="excel", text_column=None, columns=None),
    ):
        pass
