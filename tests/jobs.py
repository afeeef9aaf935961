"""Small corpora and scoring jobs over them, read and written without the project's readers and writers."""

import csv
import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from conftest import tiny_messages

from segmenter.score import Scorer
from segmenter.scoring.engines import local
from segmenter.scoring.job import Job, Result, score_corpus

ADDED = [
    *("score_gardeners", "score_cyclists", "score_readers"),
    *("audiences", "verdict", "reason", "language", "model"),
]
ROWS = [{"id": f"m{number}", "text": row["text"]} for number, row in enumerate(tiny_messages()[::12])]  # 20 messages


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A table of the format its name says, written without the project's writer."""
    kind = path.suffixes[0][1:]
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    if kind == "jsonl":
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    else:
        file = StringIO()
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if kind == "tsv" else ",", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        text = file.getvalue()
    packed = {".gz": gzip.compress, ".zst": pa.Codec("zstd").compress}.get(path.suffix)
    content = text.encode("utf-8")
    path.write_bytes(bytes(packed(content)) if packed else content)
    return path


def read_table(path: Path) -> list[dict[str, Any]]:
    """The rows of a table, read without the project's reader."""
    kind = path.suffixes[0][1:]
    if kind == "parquet":
        return list(pq.read_table(path).to_pylist())
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    elif path.suffix == ".zst":
        content = pa.CompressedInputStream(pa.BufferReader(content), "zstd").read()
    lines = content.decode("utf-8").splitlines()
    if kind == "jsonl":
        return [json.loads(line) for line in lines]
    return list(csv.DictReader(lines, delimiter="\t" if kind == "tsv" else ","))


def job(messages: Path, out: Path | str, **changes: Any) -> Job:  # noqa: ANN401
    """A job of one input; `changes` are of its fields."""
    fields = {"rejects": None, "source": "table", "text_column": None, "columns": None, "prefix": "", "cache": None}
    fields |= {"engine": "local", "command": "segmenter score"}
    return Job((str(messages),), str(out), **(fields | changes))


def silent(done_share: float, n_messages: int) -> None:
    """Progress that nobody sees."""


def run(scorer: Scorer, messages: Path, out: Path | str, **changes: Any) -> Result:  # noqa: ANN401
    """Score a corpus; `changes` are of the job."""
    return score_corpus(job(messages, out, **changes), scorer, local, silent)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a scored folder but the record of the run."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "run.json"}
