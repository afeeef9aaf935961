"""Chunks and what became of them as tables of one row, which travel between processes. Not here: who sends them.

An error of the user travels the same way, and is raised where the parcel is opened.
"""

import json
from typing import Any

import pyarrow as pa

from segmenter import errors
from segmenter.errors import SegmenterError
from segmenter.inputs import Chunk
from segmenter.messages import MessageBatch, Reject
from segmenter.scoring.engines import Done
from segmenter.scoring.tally import Effort, Tally

PARCEL = pa.schema([("head", pa.string()), ("rows", pa.large_binary())])  # all but the messages as JSON; these as Arrow
ERROR = "error"  # the one key of a head that holds one


def of_chunk(chunk: Chunk) -> pa.Table:
    """A chunk, with its messages."""
    batch = chunk.messages
    known = {"messages": None if batch is None else {"file": batch.file, "lines": list(batch.lines)}}
    return _parcel(vars(chunk) | known | {"rejects": _plain(chunk.rejects)}, None if batch is None else batch.rows)


def of_done(done: Done) -> pa.Table:
    """What became of a chunk, without its rows, which are written."""
    counts = {"tally": done.tally.as_json(), "effort": vars(done.effort)}
    return _parcel(vars(done) | counts | {"rows": None, "rejects": _plain(done.rejects)})


def of_error(error: SegmenterError, place: str) -> pa.Table:
    """An error, with where it was met, if that is not this machine."""
    where = f"{error.where} (on {place})" if place else str(error.where)
    told = {"kind": type(error).__name__, "where": where, "found": error.found, "remedy": error.remedy}
    return _parcel({ERROR: told})


def is_error(parcel: pa.Table) -> bool:
    """Whether it holds an error."""
    return ERROR in _head(parcel)


def chunk_in(parcel: pa.Table) -> Chunk:
    """The chunk that `of_chunk` packed."""
    head = _opened(parcel)
    known, content = head["messages"], parcel.column("rows")[0].as_buffer()
    rows = None if known is None else pa.ipc.open_stream(content).read_next_batch()
    messages = None if known is None else MessageBatch(known["file"], known["lines"], rows)
    return Chunk(**(head | {"messages": messages, "rejects": _rejects(head)}))


def done_in(parcel: pa.Table) -> Done:
    """The outcome that `of_done` packed.

    Raises:
        SegmenterError: It is an error.
    """
    head = _opened(parcel)
    counts = {"tally": Tally.of_json(head["tally"]), "effort": Effort(**head["effort"])}
    return Done(**(head | counts | {"rejects": _rejects(head)}))


def _parcel(head: dict[str, Any], rows: pa.RecordBatch | None = None) -> pa.Table:
    sink = pa.BufferOutputStream()
    if rows is not None:
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_batch(rows)
    return pa.table([[json.dumps(head)], [sink.getvalue().to_pybytes()]], PARCEL)


def _head(parcel: pa.Table) -> dict[str, Any]:
    return dict(json.loads(parcel.column("head")[0].as_py()))


def _opened(parcel: pa.Table) -> dict[str, Any]:
    head = _head(parcel)
    if ERROR in head:
        told = head[ERROR]
        raise getattr(errors, told["kind"])(told["where"], told["found"], told["remedy"])
    return head


def _plain(rejects: list[Reject]) -> list[dict[str, Any]]:
    return [vars(reject) for reject in rejects]


def _rejects(head: dict[str, Any]) -> list[Reject]:
    return [Reject(**reject) for reject in head["rejects"]]
