"""The record of a scoring run: what was scored, when, with what, how fast, and whether its scores can be trusted.

Written as JSON beside the output once that is whole (`run.json` in a folder of parts, `NAME.run.json` beside a table); a run
that failed writes none. It is the one output that two equal runs do not have in common. Not here: the counts (tally.py).
"""

import platform
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segmenter import __version__
from segmenter.runtimes.cores import usable_cores
from segmenter.score import Scorer
from segmenter.scoring.drift import Drift, drift_of
from segmenter.scoring.engines import Work
from segmenter.scoring.parts import PlannedFile
from segmenter.scoring.tally import Effort, Tally
from segmenter.sections import Score, Section
from segmenter.text import RULES
from segmenter.writers import write_text

if sys.platform != "win32":
    import resource

FORMAT = 1


@dataclass(frozen=True)
class Run:
    """What only the job knows of itself.

    Attributes:
        command: The command line.
        engine: `local` or `ray`.
        started: When the inputs were opened, with its time zone; the model stood ready by then.
        ended: When all was scored.
        before: The tally of what earlier runs had scored.
        tally: Of the whole corpus, that included.
        effort: Of this run.
    """

    command: str
    engine: str
    started: datetime
    ended: datetime
    before: Tally
    tally: Tally
    effort: Effort


class Host(Section):
    """The machine the run was started on, as far as this process sees it.

    Attributes:
        system: Operating system with its version and processor family.
        python: Its version.
        n_cores: That this process may use.
        peak_megabytes: The most memory this process held at any time, a megabyte being 1,000,000 bytes; None on Windows.
            The workers of Ray hold their own.
    """

    system: str
    python: str
    n_cores: int
    peak_megabytes: int | None


class Options(Section):
    """What the run was asked for beside model, inputs and output.

    Attributes:
        source: What wrote the input, as in --from.
        text_column: The column of the text, in a foreign format its field where that was named.
        columns: Those carried over, None for all.
        prefix: Of the added columns.
        rejecting: Whether unusable rows were set aside.
        cache: The folder of the score store that was kept, if any.
        score: The settings.
    """

    source: str
    text_column: str
    columns: tuple[str, ...] | None
    prefix: str
    rejecting: bool
    cache: str | None
    score: Score


class RunRecord(Section):
    """What `run.json` holds.

    Attributes:
        format: Of the record.
        segmenter: The version that ran.
        command: As in Run.
        engine: As in Run.
        started: UTC, ISO 8601, as `ended`.
        ended: As in Run.
        seconds: From one to the other.
        host: Where it ran.
        bundle: The digest of the model; the `model` column has its first 16 digits.
        runtime: All that a score depends on beside bundle and text.
        text_rules: Their version.
        options: What was asked for.
        inputs: Every file with its size and sha256, in the order of the parts.
        counts: The tally of the whole corpus: rows, rejects, verdicts, long and shattered messages, and messages by score
            (an audience a list, a bin a number; drift.py has their edges).
        n_messages: Scored by this run.
        n_before: Scored by earlier runs into the same folder.
        n_texts: Different texts among those of this run, part by part.
        n_run: Of these, run through the network.
        n_known: Of these, taken from the score store.
        padding_share: Of all tokens that the network computed; 0.0 where it computed none.
        messages_per_second: Of this run, from `started` to `ended`.
        drift: The scores beside those of calibration, None where the bundle has none.
        warnings: What was said on stderr of that.
    """

    format: int
    segmenter: str
    command: str
    engine: str
    started: datetime
    ended: datetime
    seconds: float
    host: Host
    bundle: str
    runtime: str
    text_rules: int
    options: Options
    inputs: list[PlannedFile]
    counts: dict[str, Any]
    n_messages: int
    n_before: int
    n_texts: int
    n_run: int
    n_known: int
    padding_share: float
    messages_per_second: float
    drift: Drift | None
    warnings: list[str]


def record_of(work: Work, scorer: Scorer, run: Run) -> RunRecord:
    """The record of a run that ended well."""
    corpus, effort, settings = work.corpus, run.effort, work.settings
    drift = drift_of(scorer.bundle, run.tally.score_bins)
    warning = drift.warning(settings.drift_at_most) if drift else None
    seconds = (run.ended - run.started).total_seconds()
    n_messages = run.tally.n_messages - run.before.n_messages
    return RunRecord(
        format=FORMAT,
        segmenter=__version__,
        command=run.command,
        engine=run.engine,
        started=run.started.astimezone(UTC),
        ended=run.ended.astimezone(UTC),
        seconds=seconds,
        host=host(),
        bundle=scorer.bundle.digest,
        runtime=scorer.runtime.key,
        text_rules=RULES,
        options=_options(work),
        inputs=[PlannedFile(name=file.name, n_bytes=file.n_bytes, sha256=file.sha256) for file in corpus.files],
        counts=run.tally.as_json(),
        n_messages=n_messages,
        n_before=run.before.n_messages,
        n_texts=effort.n_texts,
        n_run=effort.n_run,
        n_known=effort.n_texts - effort.n_run,
        padding_share=effort.n_padding / max(effort.n_tokens, 1),
        messages_per_second=n_messages / max(seconds, 1e-6),
        drift=drift,
        warnings=[] if warning is None else [warning],
    )


def write_record(path: Path, record: RunRecord) -> None:
    """Write a record, whole or not at all.

    Raises:
        TableError: The folder cannot be written to, or the disk is full.
    """
    write_text(path, record.model_dump_json(indent=1) + "\n")


def host() -> Host:
    """This machine, and what this process has taken of it so far."""
    return Host(
        system=platform.platform(),
        python=platform.python_version(),
        n_cores=usable_cores(),
        peak_megabytes=_peak_megabytes(),
    )


def _peak_megabytes() -> int | None:
    if sys.platform == "win32":
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB, on macOS bytes
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)


def _options(work: Work) -> Options:
    corpus = work.corpus
    return Options(
        source=corpus.source,
        text_column=corpus.text_field or corpus.text_column,
        columns=corpus.columns,
        prefix=work.prefix,
        rejecting=work.rejecting,
        cache=None if work.cache is None else str(work.cache),
        score=work.settings,
    )
