"""One scoring job: a table in, a scored table out, every row accounted for. The network and its verdicts are score.py's."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from segmenter.errors import TableError
from segmenter.messages import VERDICTS
from segmenter.score import Scorer, scored_schema
from segmenter.sections import Text
from segmenter.tables import TableReader
from segmenter.writers import refuse_overwriting, reject_sink, table_writer

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
    """What a job did.

    Attributes:
        verdicts: Messages by verdict.
        n_rows: Rows read.
        n_rejects: Those that could not be used.
        n_long: Messages longer than `text.max_tokens`.
        shattered: Messages by language that the tokenizer cuts into more than `text.pieces_per_word_at_most`.
        text: How the bundle reads text.
    """

    verdicts: Counter[str]
    n_rows: int
    n_rejects: int
    n_long: int
    shattered: Counter[str]
    text: Text

    def sentence(self) -> str:
        """The last line of a run."""
        parts = [f"{self.verdicts[verdict]:,} {verdict}" for verdict in VERDICTS]
        n_out = self.verdicts.total()
        share = f"{self.n_long:,} ({self.n_long / max(1, n_out):.1%})"
        long = f"; {share} longer than {self.text.max_tokens} tokens, read in windows" if self.n_long else ""
        return f"{', '.join(parts)}; {self.n_rows:,} rows in = {n_out:,} rows out + {self.n_rejects:,} rejects{long}"

    def warning(self) -> str:
        """What to say of a corpus that the tokenizer mostly shatters, or an empty string."""
        n, n_out = self.shattered.total(), self.verdicts.total()
        if 2 * n <= n_out:
            return ""
        most = ", ".join(code for code, _ in self.shattered.most_common(3))
        limit = f"more than {self.text.pieces_per_word_at_most:g} pieces a word (mostly {most})"
        cut = f"this model's tokenizer cuts {n:,} of {n_out:,} messages ({n / n_out:.1%}) into {limit}"
        return f"{cut}; a base encoder that knows these languages reads them better and faster"


def score_table(job: Job, scorer: Scorer, show: Show) -> Result:
    """Score a table into another, in input order, every input column kept; both outputs appear only when complete.

    Raises:
        TableError: Unreadable input, an unusable row without `rejects`, a column name taken, or an output in the way.
    """
    refuse_overwriting(job.messages, out=job.out, rejects=job.rejects)
    with reject_sink(job.rejects) as on_reject:
        reader = TableReader(job.messages, text_column=job.text_column, on_reject=on_reject)
        schema = scored_schema(reader.schema, scorer.bundle.audience_ids, job.prefix)
        limits = scorer.bundle.manifest.text
        verdicts, shattered, n_long = Counter[str](), Counter[str](), 0
        with table_writer(job.out, schema) as write:
            for batch in reader.batches(scorer.settings.chunk_messages):
                scored = scorer.score([text or "" for text in batch.column(job.text_column)])
                added = scorer.columns(scored, job.prefix)
                write(pa.RecordBatch.from_arrays([*batch.rows.columns, *added.values()], schema=schema))
                verdicts.update(added[f"{job.prefix}verdict"].to_pylist())
                n_long += int(scored.long.sum())
                fine = scored.pieces_per_word > limits.pieces_per_word_at_most
                shattered.update(np.array(scored.languages)[fine].tolist())
                show(reader.done_share, verdicts.total())
            if not verdicts:
                raise TableError(
                    job.messages,
                    f"no message to score among {reader.n_rows:,} rows",
                    "check the file and --text-column",
                )
    return Result(verdicts, reader.n_rows, reader.n_rejects, n_long, shattered, limits)
