"""One scoring job: a corpus in, a scored table or a folder of parts out, every row accounted for.

Not here: the network and its verdicts (score.py), where the stages run (engines.py), what a folder holds (parts.py).
"""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from segmenter.errors import EngineError, TableError
from segmenter.inputs import open_corpus
from segmenter.messages import VERDICTS, Reject
from segmenter.rows import table_format
from segmenter.score import Scorer, scored_schema
from segmenter.scoring.engines import Done, Work
from segmenter.scoring.parts import RECORD, Plan, There, complete, look, open_parts, plan_of, write_part
from segmenter.scoring.record import Run, RunRecord, record_of, write_record
from segmenter.scoring.tally import Effort, Tally
from segmenter.sections import Text
from segmenter.writers import (
    REJECT_SCHEMA,
    refuse_overwriting,
    reject_batch,
    sole_writer,
    standard_output,
    swept,
    table_writer,
)

STDIN = STDOUT = "-"
Show = Callable[[float, int], None]
Engine = Callable[[Work, Scorer], Generator[Done, None, None]]


@dataclass(frozen=True)
class Job:
    """What to score and where to write.

    Attributes:
        inputs: Files, folders, patterns, or `-` for standard input.
        out: A table, a folder of parts, or `-` for standard output; None where nothing is to be written.
        rejects: The table of unusable rows; None: the first one stops the run.
        source: What wrote the input, as in --from.
        text_column: Where the text stands; None for the usual name.
        columns: Those to carry over, None for all.
        prefix: Of the added columns.
        cache: The folder of a score store that is kept, if any.
        engine: `local` or `ray`, for the record.
        command: The command line, for the record.
    """

    inputs: tuple[str, ...]
    out: str | None
    rejects: Path | None
    source: str
    text_column: str | None
    columns: tuple[str, ...] | None
    prefix: str
    cache: Path | None
    engine: str
    command: str

    @property
    def folder(self) -> Path | None:
        """Where parts go: a name without an ending, one that ends in a slash, or a folder that is there."""
        if self.out is None or self.out == STDOUT:
            return None
        place = Path(self.out)
        is_folder = self.out.endswith(("/", os.sep)) or place.is_dir() or not place.suffix
        return place if is_folder else None

    @property
    def table(self) -> Path | None:
        """The single table that is written."""
        return None if self.out is None or self.out == STDOUT or self.folder else Path(self.out)


@dataclass(frozen=True)
class Result:
    """What a job did.

    Attributes:
        tally: Of the whole corpus, parts that were there before included.
        n_before: Messages in those.
        text: How the bundle reads text.
        drift: What to say of scores that are far from the bundle's own.
    """

    tally: Tally
    n_before: int
    text: Text
    drift: tuple[str, ...]

    def sentence(self) -> str:
        """The last line of a run."""
        tally = self.tally
        parts = [f"{tally.verdicts[verdict]:,} {verdict}" for verdict in VERDICTS]
        n_out = tally.n_messages
        share = f"{tally.n_long:,} ({tally.n_long / max(1, n_out):.1%})"
        long = f"; {share} longer than {self.text.max_tokens} tokens, read in windows" if tally.n_long else ""
        before = f"; {self.n_before:,} messages were scored before" if self.n_before else ""
        rows = f"{tally.n_rows:,} rows in = {n_out:,} rows out + {tally.n_rejects:,} rejects"
        return f"{', '.join(parts)}; {rows}{before}{long}"

    def warnings(self) -> list[str]:
        """What to say of a corpus that the tokenizer mostly shatters, and of its scores."""
        n, n_out = self.tally.shattered.total(), self.tally.n_messages
        if 2 * n <= n_out:
            return list(self.drift)
        most = ", ".join(code for code, _ in self.tally.shattered.most_common(3))
        limit = f"more than {self.text.pieces_per_word_at_most:g} pieces a word (mostly {most})"
        cut = f"this model's tokenizer cuts {n:,} of {n_out:,} messages ({n / n_out:.1%}) into {limit}"
        return [f"{cut}; a base encoder that knows these languages reads them better and faster", *self.drift]


def score_corpus(job: Job, scorer: Scorer, engine: Engine, show: Show) -> Result:
    """Score a corpus in input order, every input column kept unless the job names those to keep.

    A table appears only when it is complete. A folder has each part whole or not at all, and the job done again goes on
    where the parts end. Then the record of the run is written, unless nothing was left to do and an earlier one stands.

    Raises:
        TableError: Unreadable input, an unusable row without `rejects`, a column name taken, an output in the way, held by
            another run, or made by another job.
        StoreError: The score store cannot be used.
        EngineError: This is no job for workers.
    """
    started = datetime.now(UTC)
    with _whole_work(job, scorer) as whole, _set_aside(job.rejects) as set_aside, _door(job, whole, scorer) as door:
        tally, effort = door.before, Effort()
        with closing(engine(door.work, scorer)) as chunks:
            for done in chunks:
                if done.rows is not None:
                    door.write(done)
                set_aside(done.rejects)
                tally, effort = tally + done.tally, effort + done.effort
                show(done.done_share, tally.n_messages - door.before.n_messages)
        if not tally.n_messages:
            found = f"no message to score among {tally.n_rows:,} rows"
            raise TableError(", ".join(job.inputs), found, "check the file and --text-column")
        run = Run(job.command, job.engine, started, datetime.now(UTC), door.before, tally, effort)
        record = record_of(door.work, scorer, run)
        door.finish(tally, record)
    if job.table is not None:
        write_record(job.table.with_name(f"{job.table.name}.{RECORD}"), record)
    return Result(tally, door.before.n_messages, scorer.bundle.manifest.text, drift=tuple(record.warnings))


@contextmanager
def work_left(job: Job, scorer: Scorer) -> Iterator[Work]:
    """What there is to do for a job, found without writing anything.

    Raises:
        TableError: As `score_corpus`, as far as can be told before a row is scored.
    """
    with _whole_work(job, scorer) as work:
        yield work if job.folder is None else _left(work, look(job.folder, _plan(work, scorer)))


@contextmanager
def _whole_work(job: Job, scorer: Scorer) -> Iterator[Work]:
    """All of the corpus, with nothing done of it, the outputs out of its way."""
    _refuse_on_ray(job)
    _refuse_mixing(job, [Path(name) for name in job.inputs if name != STDIN])
    with open_corpus(job.inputs, source=job.source, text_column=job.text_column, columns=job.columns) as corpus:
        _refuse_mixing(job, [file.path for file in corpus.files])
        schema = scored_schema(corpus.carried, scorer.bundle.audience_ids, job.prefix)
        yield Work(
            corpus=corpus,
            bundle=scorer.bundle.path.absolute(),
            settings=scorer.settings,
            prefix=job.prefix,
            schema=schema,
            rejecting=job.rejects is not None,
            cache=job.cache,
            parts=None,
            done={},
        )


def _refuse_on_ray(job: Job) -> None:
    """See to it that workers can do this job."""
    if job.engine != "ray":
        return
    if job.out is not None and job.folder is None:
        raise EngineError("--engine ray", "workers write a folder of parts, no single table", "name a folder as --out")
    if STDIN in job.inputs:
        raise EngineError("--engine ray", "workers cannot read standard input", "name files that they see")


def _refuse_mixing(job: Job, inputs: Sequence[Path]) -> None:
    """See to it that no output is input, or stands among the parts."""
    if job.table is not None:
        table_format(job.table)
    for source in inputs:
        refuse_overwriting(source, out=job.folder or job.table, rejects=job.rejects)
    for option, place in (("--rejects", job.rejects), ("--cache", job.cache)):
        if job.folder and place and job.folder.resolve() in (place.resolve(), *place.resolve().parents):
            raise TableError(place, f"lies in the folder of --out and cannot be {option}", "name a place outside")


@dataclass(frozen=True)
class _Door:
    """Where scored rows go: what is left to do, the tally of what was done before, and how a chunk is written."""

    work: Work
    before: Tally
    write: Callable[[Done], object]
    finish: Callable[[Tally, RunRecord], object]


@contextmanager
def _door(job: Job, work: Work, scorer: Scorer) -> Iterator[_Door]:
    nothing = Tally.none(len(scorer.bundle.audience_ids))
    if job.folder is not None:
        with open_parts(job.folder, _plan(work, scorer)) as there:
            parts, place = there.parts, job.folder / RECORD

            def finish(tally: Tally, record: RunRecord) -> None:
                if not (parts.plan.complete and place.exists()):  # else nothing was left to do
                    write_record(place, record)  # first: a folder that is complete has the record of all of it
                complete(parts, tally)

            yield _Door(
                _left(work, there),
                there.tally,
                write=lambda done: write_part(parts, done.rows, done.tally, file=done.file, number=done.number),
                finish=finish,
            )
    else:
        with standard_output(work.schema) if job.table is None else _sole_table(job.table, work.schema) as write:
            yield _Door(work, nothing, write=lambda done: write(done.rows), finish=lambda tally, record: None)


def _plan(work: Work, scorer: Scorer) -> Plan:
    return plan_of(work.corpus, scorer, work.schema, prefix=work.prefix)


def _left(work: Work, there: There) -> Work:
    """What is left to do, files and columns in the order of the plan."""
    plan, files = there.parts.plan, {file.name: file for file in work.corpus.files}
    return replace(
        work,
        corpus=replace(work.corpus, files=tuple(files[file.name] for file in plan.files)),
        schema=pa.schema([work.schema.field(name) for name in plan.fields]),
        parts=there.parts,
        done=there.done,
    )


@contextmanager
def _set_aside(path: Path | None) -> Iterator[Callable[[list[Reject]], object]]:
    """A function that writes the rejects of a chunk, in the order it is given them."""
    if path is None:
        yield lambda rejects: None
        return
    with _sole_table(path, REJECT_SCHEMA) as write:
        yield lambda rejects: write(reject_batch(rejects)) if rejects else None


@contextmanager
def _sole_table(path: Path, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], object]]:
    """A table that no other run writes meanwhile; what a killed one left of it is gone."""
    with sole_writer(path, path.with_name(f".{path.name}.lock")):
        swept(path.parent, path.name, f"{path.name}.{RECORD}")
        with table_writer(path, schema) as write:
            yield write
