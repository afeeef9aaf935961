"""The one door of this room: a scored table in; a page, its figures as JSON and as a workbook, and a brief out.

Not here: what is found (harvest.py), what stands in the files (html/, workbook.py, brief.py).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from segmenter.errors import TableError
from segmenter.params import Settings
from segmenter.score import Scorer
from segmenter.summary.brief import brief
from segmenter.summary.corpus import Corpus, read_corpus
from segmenter.summary.dates import open_zone
from segmenter.summary.events import read_events
from segmenter.summary.facts import n_rejects
from segmenter.summary.findings import Findings
from segmenter.summary.harvest import Material, harvest
from segmenter.summary.html.page import page
from segmenter.summary.labels import Sampled, read_sampled
from segmenter.summary.workbook import workbook
from segmenter.writers import whole_file

READ, HARVESTED = 0.35, 0.97  # of the work, about: when the table is read, when all is found


@dataclass(frozen=True)
class SummaryJob:
    """What to summarise.

    Attributes:
        scored: A file or folder that `segmenter score` wrote.
        events: A table of dated events, if any.
        labels: Labels of a random sample of the corpus, if any.
        record: Of the draw of that sample; needed with labels.
        text_column: The message column of the scored table.
        prefix: What scoring put before its columns; empty as a rule.
        show_handles: Examples are not redacted.
        command: The command line.
    """

    scored: Path
    events: Path | None
    labels: Path | None
    record: Path | None
    text_column: str
    prefix: str
    show_handles: bool
    command: str


@dataclass(frozen=True)
class SummaryPaths:
    """Where the summary lies, and what it says."""

    html: Path
    json: Path
    workbook: Path
    brief: Path
    findings: Findings

    def warnings(self) -> Iterator[str]:
        """What the analyst should hear of at once, a sentence each."""
        sample, shift = self.findings.sample, self.findings.shift
        if sample is not None and sample.n_skipped:
            yield f"{sample.n_skipped:,} messages of the sample were passed over: shares by labels may be off"
        if shift is not None and shift.is_unlike:
            yield shift.found


def summarise(
    job: SummaryJob,
    out: Path,
    *,
    scorer: Scorer | None,
    settings: Settings,
    on_progress: Callable[[float], None] | None,
) -> SummaryPaths:
    """Write `summary.html`, `.json`, `.xlsx` and `brief.md` into the folder `out`; none appears unless all could be made.

    Args:
        job: What to summarise.
        out: A folder, made if it is not there.
        scorer: The model that scored the table; without it nothing is estimated and no word is marked.
        settings: How.
        on_progress: Takes the part of the work that is done, in [0, 1].

    Raises:
        TableError: The scored table, the events or the labels cannot be used, or the folder cannot be written to.
        ParamsError: There is no such time zone.
    """
    heard = on_progress or (lambda done: None)
    zone = open_zone(settings.summary.time_zone)
    events = read_events(job.events, zone) if job.events else []
    corpus = read_corpus(
        job.scored,
        prefix=job.prefix,
        text_column=job.text_column,
        zone=zone,
        on_progress=lambda done: heard(READ * done),
    )
    if scorer is not None and scorer.bundle.name != corpus.model:
        found = f"was scored by model {corpus.model!r}, --model is {scorer.bundle.name!r}"
        raise TableError(job.scored, found, "name the model that scored it")
    material = Material(
        corpus,
        events,
        labels=_labels(job, corpus),
        scorer=scorer,
        zone=zone,
        n_rejects=n_rejects(job.scored, corpus.model),
        show_handles=job.show_handles,
        command=job.command,
    )
    findings = harvest(material, settings, lambda done: heard(READ + (HARVESTED - READ) * done))
    paths = _written(findings, out)
    heard(1.0)
    return paths


def as_json(findings: Findings) -> str:
    """The findings as JSON, `format` first; no message text but the redacted examples."""
    return json.dumps(asdict(findings), ensure_ascii=False, indent=1, default=str) + "\n"


def _labels(job: SummaryJob, corpus: Corpus) -> Sampled | None:
    if job.labels is None or job.record is None:
        return None
    return read_sampled(job.labels, job.record, audience_ids=corpus.audience_ids, frame=corpus.frame)


def _written(findings: Findings, out: Path) -> SummaryPaths:
    """All four files, the page last: where it is, all of them are."""
    paths = SummaryPaths(
        html=out / "summary.html",
        json=out / "summary.json",
        workbook=out / "summary.xlsx",
        brief=out / "brief.md",
        findings=findings,
    )
    made = {
        paths.json: as_json(findings).encode(),
        paths.workbook: workbook(findings),
        paths.brief: brief(findings).encode(),
        paths.html: page(findings).encode(),
    }
    for path, content in made.items():
        with whole_file(path) as stream:
            stream.write(content)
    return paths
