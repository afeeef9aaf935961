"""The one door of this room: a corpus in; the drawn messages and the record of the draw out, both or neither."""

import json
from dataclasses import dataclass
from pathlib import Path

from segmenter.bundle import sha256_of
from segmenter.errors import TableError
from segmenter.params import Settings
from segmenter.rows import table_format
from segmenter.sampling.strategies import Draw, Show, Wish, draw
from segmenter.sampling.tasks import RECORD_FORMAT, DrawnMessage, FrameRecord, Record, drawn_rows, tasks
from segmenter.score import Scorer
from segmenter.tables import TableReader
from segmenter.writers import refuse_overwriting, reject_sink, table_writer, whole_file

TASKS = ".json"  # the ending of Label Studio tasks; every other name is a table's


@dataclass(frozen=True)
class SampleJob:
    """What to draw, where the text stands, and where to write (rejects None: an unusable row stops the run)."""

    wish: Wish
    text_column: str
    out: Path
    rejects: Path | None

    @property
    def record(self) -> Path:
        """Where the record of the draw is written."""
        return self.out.with_name(f"{self.out.name}.sample.json")


@dataclass(frozen=True)
class Written:
    """What a job did."""

    strategy: str
    drawn: Draw
    record: Path

    def sentence(self) -> str:
        """The last line of a run."""
        drawn, frame = self.drawn, self.drawn.frame
        read = f"{frame.n_rows:,} rows in = {frame.n_messages:,} messages + {frame.n_rejects:,} rejects"
        n_written = len(drawn.messages)
        if self.strategy == "random":
            return f"{read}; {n_written:,} written, each drawn with a chance of {n_written / frame.n_messages:.4g}; {self.record}"
        among = (
            f"{drawn.n_candidates:,} candidates, {drawn.n_candidates - drawn.n_different:,} near-duplicates collapsed"
        )
        stands_for = f"{n_written:,} written, standing for {sum(drawn.copies):,} messages"
        return f"{read}; {drawn.n_out_of_scope:,} out of scope left out; {among}; {stands_for}; {self.record}"


def sample(job: SampleJob, scorer: Scorer, settings: Settings, show: Show) -> Written:
    """Draw messages, score them, and write them with the record of the draw.

    Raises:
        TableError: Unreadable input, an unusable row without `rejects`, too few messages, or an output in the way.
        ParamsError: More messages asked for than there are candidates.
    """
    is_tasks = _is_tasks(job.out)
    refuse_overwriting(job.wish.corpus, out=job.out, rejects=job.rejects)
    with reject_sink(job.rejects) as on_reject:
        reader = TableReader(job.wish.corpus, text_column=job.text_column, on_reject=on_reject)
        drawn = draw(reader, job.wish, scorer, settings, show)
        record = _record(job, drawn, reader, scorer, settings)
        rows = drawn_rows(drawn, record, scorer)
        with whole_file(job.record) as beside:
            if is_tasks:
                with whole_file(job.out) as file:
                    file.write(json.dumps(tasks(rows), ensure_ascii=False, indent=1).encode("utf-8") + b"\n")
            else:
                with table_writer(job.out, rows.schema) as write:
                    write(rows)
            beside.write(record.model_dump_json(indent=1).encode("utf-8") + b"\n")
    return Written(job.wish.strategy, drawn, job.record)


def _is_tasks(out: Path) -> bool:
    if out.suffix.lower() == TASKS:
        return True
    try:
        table_format(out)
    except TableError as error:
        found = "is neither Label Studio tasks nor a table by its name"
        raise TableError(out, found, "name it .json (tasks), or .csv, .tsv, .jsonl or .parquet") from error
    return False


def _record(job: SampleJob, drawn: Draw, reader: TableReader, scorer: Scorer, settings: Settings) -> Record:
    frame, n = drawn.frame, len(drawn.messages)
    is_random = job.wish.strategy == "random"
    return Record(
        format=RECORD_FORMAT,
        strategy=job.wish.strategy,
        estimation=is_random,
        seed=settings.sample.seed,
        n_messages=n,
        inclusion_probability=n / frame.n_messages if is_random else None,
        frame=FrameRecord(
            digest=frame.digest,
            n_messages=frame.n_messages,
            n_rejects=frame.n_rejects,
            text_column=job.text_column,
            files={str(file): sha256_of(file) for file in reader.files},
        ),
        messages=[DrawnMessage(row=message.row, key=message.key) for message in drawn.messages],
        model=scorer.bundle.digest,
    )
