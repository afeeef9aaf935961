"""One scoring job: a table in, a scored table out, every row accounted for. The network and its verdicts are score.py's."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from segmenter.errors import TableError
from segmenter.messages import VERDICTS, Reject
from segmenter.score import Scorer, scored_schema
from segmenter.tables import TableReader
from segmenter.writers import REJECT_SCHEMA, reject_batch, table_writer

Show = Callable[[float, int], None]


@dataclass(frozen=True)
class Job:
    """What to score and where to write: input, scored table, rejects (None: an unusable row stops the run)."""

    messages: Path
    out: Path
    rejects: Path | None
    text_column: str
    prefix: str


@dataclass(frozen=True)
class Result:
    """What a job did: rows by verdict, rows in, rejects, messages cut at max_tokens."""

    verdicts: Counter[str]
    n_rows: int
    n_rejects: int
    n_cut: int
    max_tokens: int

    def sentence(self) -> str:
        """The last line of a run."""
        parts = [f"{self.verdicts[verdict]:,} {verdict}" for verdict in VERDICTS]
        cut = f"; {self.n_cut:,} longer than {self.max_tokens} tokens, judged by their beginning" if self.n_cut else ""
        n_out = self.verdicts.total()
        return f"{', '.join(parts)}; {self.n_rows:,} rows in = {n_out:,} rows out + {self.n_rejects:,} rejects{cut}"


def score_table(job: Job, scorer: Scorer, show: Show) -> Result:
    """Score a table into another, in input order, every input column kept; both outputs appear only when complete.

    Raises:
        TableError: Unreadable input, an unusable row without `rejects`, a column name taken, or an output in the way.
    """
    _refuse_overwriting(job)
    with _reject_sink(job.rejects) as on_reject:
        reader = TableReader(job.messages, text_column=job.text_column, on_reject=on_reject)
        schema = scored_schema(reader.schema, scorer.bundle.audience_ids, job.prefix)
        verdicts: Counter[str] = Counter()
        n_cut = 0
        with table_writer(job.out, schema) as write:
            for batch in reader.batches(scorer.settings.chunk_messages):
                scored = scorer.score([text or "" for text in batch.column(job.text_column)])
                added = scorer.columns(scored, job.prefix)
                write(pa.RecordBatch.from_arrays([*batch.rows.columns, *added.values()], schema=schema))
                verdicts.update(added[f"{job.prefix}verdict"].to_pylist())
                n_cut += int(scored.cut.sum())
                show(reader.done_share, verdicts.total())
            if not verdicts:
                raise TableError(
                    job.messages,
                    f"no message to score among {reader.n_rows:,} rows",
                    "check the file and --text-column",
                )
    return Result(verdicts, reader.n_rows, reader.n_rejects, n_cut, scorer.bundle.manifest.text.max_tokens)


def _refuse_overwriting(job: Job) -> None:
    source = job.messages.resolve()
    for option, place in (("--out", job.out), ("--rejects", job.rejects)):
        if place is None:
            continue
        if place.resolve() == source:
            raise TableError(place, f"is the input and cannot be {option} too", "name another file")
        if source in place.resolve().parents:
            raise TableError(
                place,
                f"lies in the input folder, where every table is input, and cannot be {option}",
                "name another folder",
            )
    if job.rejects is not None and job.rejects.resolve() == job.out.resolve():
        raise TableError(job.out, "is named by --out and by --rejects", "name two files")


@contextmanager
def _reject_sink(path: Path | None) -> Iterator[Callable[[Reject], None] | None]:
    """A function that writes each reject, or None where no file was named for them."""
    if path is None:
        yield None
        return
    with table_writer(path, REJECT_SCHEMA) as write:
        yield lambda reject: _write_one(write, reject)


def _write_one(write: Callable[[pa.RecordBatch], object], reject: Reject) -> None:
    write(reject_batch([reject]))
