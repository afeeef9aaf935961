"""The one door of this room: a scored table in, summary.html and summary.json out."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from segmenter.errors import TableError
from segmenter.sections import Summary
from segmenter.summary.dates import open_zone
from segmenter.summary.events import read_events
from segmenter.summary.findings_1 import Findings, Origin
from segmenter.summary.harvest import find
from segmenter.summary.page import page
from segmenter.summary.scored import ScoredTable
from segmenter.summary.tally import Tally
from segmenter.writers import write_text


@dataclass(frozen=True)
class SummaryJob:
    """What to summarise.

    Attributes:
        scored: A file or folder that `segmenter score` wrote.
        events: A table of dated events, if any.
        text_column: The message column of the scored table.
        prefix: What scoring put before its columns; empty as a rule.
        model: Name of the bundle (first 16 digits of its digest) that is said to have scored it; empty where unknown.
        origin: What the table does not say; an audience without a name is shown by its id, underscores as spaces.
    """

    scored: Path
    events: Path | None
    text_column: str
    prefix: str
    model: str
    origin: Origin


@dataclass(frozen=True)
class SummaryPaths:
    """Where the summary lies, and what it says."""

    html: Path
    json: Path
    findings: Findings


def summarise(
    job: SummaryJob, out: Path, *, settings: Summary, on_progress: Callable[[float], None] | None
) -> SummaryPaths:
    """Write `summary.html` and `summary.json` into the folder `out`; neither appears unless both could be made.

    Args:
        job: What to summarise.
        out: A folder, made if it is not there.
        settings: How.
        on_progress: Takes the part of the scored table read so far, in [0, 1].

    Raises:
        TableError: The scored table or the events cannot be used, or the folder cannot be written to.
        ParamsError: There is no such time zone.
    """
    events = read_events(job.events, open_zone(settings.time_zone)) if job.events else []
    table = ScoredTable(job.scored, prefix=job.prefix, text_column=job.text_column, time_zone=settings.time_zone)
    tally = Tally(table.audience_ids, settings)
    tally.count(table.rows(on_progress))
    if job.model not in ("", table.model):
        found = f"was scored by model {table.model!r}, --model is {job.model!r}"
        raise TableError(job.scored, found, "name the model that scored it")
    findings = find(table, tally, events=events, origin=job.origin)
    html, data = page(findings, dated=table.dated), as_json(findings)
    paths = SummaryPaths(out / "summary.html", out / "summary.json", findings)
    write_text(paths.json, data)
    write_text(paths.html, html)
    return paths


def as_json(findings: Findings) -> str:
    """The findings as JSON, `format` first; no message text but the redacted examples."""
    return json.dumps(asdict(findings), ensure_ascii=False, indent=1, default=str) + "\n"
