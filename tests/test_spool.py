import gzip
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmenter.errors import TableError
from segmenter.inputs import chunks, open_corpus
from segmenter.sources import FORMATS
from segmenter.spool import spooled


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of our own for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


class Piped(io.TextIOWrapper):
    """Standard input that holds these bytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))


def parquet(words: list[str]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": words}), sink)
    return sink.getvalue()


def zstd(content: bytes) -> bytes:
    packed: bytes = pa.compress(content, "zstd", asbytes=True)
    return packed


CSV, JSONL = b"id,text\n7,tea\n", b'{"text": "tea"}\n'
CONTENTS = {
    "stdin.csv": CSV,
    "stdin.csv.gz": gzip.compress(CSV),
    "stdin.jsonl": b"\n" + JSONL,
    "stdin.jsonl.gz": gzip.compress(JSONL),
    "stdin.jsonl.zst": zstd(b"\xef\xbb\xbf" + JSONL),
    "stdin.parquet": parquet(["tea"]),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_the_first_bytes_say_the_format(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(CONTENTS[name]))
    with spooled(None) as path:
        assert path.name == name
        assert path.read_bytes() == CONTENTS[name]


@pytest.mark.parametrize("name", [*CONTENTS, "stdin.tsv"])
def test_every_format_of_a_table_is_read_from_standard_input(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(CONTENTS.get(name, CSV.replace(b",", b"\t"))))
    with open_corpus(["-"], source="table", text_column=None, columns=()) as corpus:
        [chunk] = chunks(corpus, file=0, n_rows=10, rejecting=True, done=())
    assert [file.name for file in corpus.files] == ["stdin"]
    assert chunk.messages is not None
    assert chunk.messages.rows.to_pylist() == [{"text": "tea"}]


def test_standard_input_stands_beside_files_and_its_rejects_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b'text\n""\n'))
    (tmp_path / "a.csv").write_text("text\nmilk\n", "utf-8")
    with open_corpus(["-", str(tmp_path / "a.csv"), "-"], source="table", text_column=None, columns=None) as corpus:
        assert [file.name for file in corpus.files] == ["a.csv", "stdin"]
        [chunk] = chunks(corpus, file=1, n_rows=10, rejecting=True, done=())
    assert [(reject.file, reject.line) for reject in chunk.rejects] == [("stdin", 2)]


@pytest.mark.parametrize("packed", [False, True])
def test_a_foreign_format_is_read_from_standard_input(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    message = {"id": 2, "type": "message", "date": "2031-06-16T09:30:00", "text": "the ferry is late"}
    export = json.dumps({"name": "Harbour Post", "id": 5, "messages": [message]}).encode()
    monkeypatch.setattr(sys, "stdin", Piped(gzip.compress(export) if packed else export))
    with open_corpus(["-"], source="telegram", text_column=None, columns=["id"]) as corpus:
        [chunk] = chunks(corpus, file=0, n_rows=10, rejecting=True, done=())
    assert chunk.messages is not None
    assert chunk.messages.column("text") == ["the ferry is late"]


def test_the_temporary_file_goes_when_the_block_ends_however_it_ends(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(CSV))
    with pytest.raises(KeyboardInterrupt), spooled(FORMATS["4cat"]) as path:
        assert temporary in path.parents
        raise KeyboardInterrupt
    assert list(temporary.iterdir()) == []


def test_nothing_on_standard_input_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b""))
    with pytest.raises(TableError, match="standard input: is empty; pipe messages into it"), spooled(None):
        pass


def test_no_room_for_standard_input_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    monkeypatch.setattr(sys, "stdin", Piped(CSV))
    sentence = r"cannot be kept in /nowhere \(No such file or directory\); free space there, or name another folder by"
    with pytest.raises(TableError, match=sentence), spooled(None):
        pass


def test_a_packed_file_that_breaks_off_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(gzip.compress(CSV)[:-9]))
    with (
        pytest.raises(TableError, match=r"stdin\.csv\.gz after line \d: cannot be read further"),
        open_corpus(["-"], source="table", text_column=None, columns=None) as corpus,
    ):
        list(chunks(corpus, file=0, n_rows=10, rejecting=True, done=()))


def test_a_real_pipe_is_read_to_its_end() -> None:
    code = """
from segmenter.inputs import chunks, open_corpus
with open_corpus(["-"], source="table", text_column=None, columns=None) as corpus:
    print([chunk.n_rows for chunk in chunks(corpus, file=0, n_rows=40_000, rejecting=True, done=())])
"""
    content = b"text\n" + b"tea and milk\n" * 100_000
    done = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True)
    assert done.stdout.split() == [b"[40000,", b"40000,", b"20000]"]
