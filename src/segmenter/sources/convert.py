"""One conversion: a file of any format in, a table of messages out, every row accounted for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from segmenter.errors import TableError
from segmenter.sources import TABLE, open_source
from segmenter.writers import refuse_overwriting, reject_sink, table_writer

BATCH_ROWS = 1_000
REASONS_SHOWN = 5


@dataclass(frozen=True)
class Conversion:
    """What to convert and where to write; rejects None: a broken row stops the run.

    Attributes:
        text_column: The field of the text, None for the format's own.
        label_column: The field or control of the labels, None for the format's own.
    """

    messages: Path
    format: str
    out: Path
    rejects: Path | None
    text_column: str | None
    label_column: str | None


@dataclass(frozen=True)
class Converted:
    """What a conversion did: rows in, rows out, and the reasons for the difference."""

    n_rows: int
    n_out: int
    reasons: Counter[str]

    def sentence(self) -> str:
        """The last line of a run."""
        total = f"{self.n_rows:,} rows in = {self.n_out:,} rows out + {self.reasons.total():,} rejects"
        return f"{total} ({_listed(self.reasons)})" if self.reasons else total


def _listed(reasons: Counter[str]) -> str:
    shown = reasons.most_common(REASONS_SHOWN)
    n_others = reasons.total() - sum(n for _, n in shown)
    return "; ".join([f"{n:,}: {reason}" for reason, n in shown] + [f"{n_others:,}: other reasons"] * (n_others > 0))


def convert(job: Conversion, show: Callable[[float, int], None]) -> Converted:
    """Write a foreign file's messages as a table, in input order; both outputs appear only when complete.

    Raises:
        TableError: Unreadable input, a broken row without `rejects`, no message, an output in the way,
            or a label column of a table.
    """
    if job.format == TABLE and job.label_column is not None:
        raise TableError(job.messages, "a table keeps every column, its labels too", "leave out --label-column")
    refuse_overwriting(job.messages, out=job.out, rejects=job.rejects)
    with reject_sink(job.rejects) as on_reject:
        reader = open_source(
            job.messages,
            format=job.format,
            text_column=job.text_column,
            label_column=job.label_column,
            on_reject=on_reject,
        )
        n_out = 0
        with table_writer(job.out, reader.schema) as write:
            for batch in reader.batches(BATCH_ROWS):
                write(batch.rows)
                n_out += len(batch.lines)
                show(reader.done_share, n_out)
            if not n_out:
                why = f" ({_listed(reader.reasons)})" if reader.reasons else ""
                raise TableError(
                    job.messages, f"no message among {reader.n_rows:,} rows{why}", "check the file and --from"
                )
    return Converted(reader.n_rows, n_out, reader.reasons)
