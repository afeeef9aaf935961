"""From a scored corpus to findings: the one place where counts, estimates, windows and what was told come together.

Not here: reading and writing (summarise.py), how each of them is found.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from segmenter import __version__
from segmenter.params import Settings
from segmenter.score import Scorer
from segmenter.summary import facts
from segmenter.summary.carrying import Carrying
from segmenter.summary.corpus import Corpus
from segmenter.summary.cuts import dimension
from segmenter.summary.estimates import Estimator, grounds_of, sampled_share
from segmenter.summary.events import Event
from segmenter.summary.findings import (
    FORMAT,
    AudienceFinding,
    FileDigest,
    Findings,
    LabelledSample,
    Method,
    Told,
    Value,
)
from segmenter.summary.judgements import judgements
from segmenter.summary.labels import Sampled
from segmenter.summary.margins import Ints, daily_counts, dimensions, histograms
from segmenter.summary.periods import calendar, local_days
from segmenter.summary.scopes import around, by_period, whole
from segmenter.summary.told import teller
from segmenter.summary.windows import windows
from segmenter.summary.worth import model_figures

PREPARED = 0.7  # of the work, about: when words and copies are found
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Material:
    """What a summary is made of.

    Attributes:
        corpus: All scored messages.
        events: By date.
        labels: Of a random sample of the corpus, if any.
        scorer: The model that scored it; without it nothing is estimated and no word is marked.
        zone: Of days and times.
        n_rejects: Rows that scoring set aside, None where that is not known.
        show_handles: Examples are not redacted.
        command: The command line.
    """

    corpus: Corpus
    events: list[Event]
    labels: Sampled | None
    scorer: Scorer | None
    zone: ZoneInfo
    n_rejects: int | None
    show_handles: bool
    command: str


def harvest(material: Material, settings: Settings, on_progress: Progress) -> Findings:
    """Everything that is said of a corpus, the judgements last: they rest on the rest.

    Args:
        material: What it is said of.
        settings: How.
        on_progress: Takes the part done, in [0, 1].

    Raises:
        ParamsError: There are no rules for the time zone.
    """
    corpus, chosen = material.corpus, settings.summary
    days = local_days(corpus.seconds, material.zone)
    periods = calendar(corpus.seconds, corpus.has_time, material.zone, periods_at_most=chosen.periods_at_most)
    cuts, estimator = dimensions(corpus, chosen), _estimator(material, settings)
    found = [dimension(corpus, cut, periods, estimator) for cut in cuts]
    audiences = _audiences(material, found[0].values[0], estimator)
    scores = {name: histograms(corpus, cuts[0], name, estimator.languages)[0] for name in corpus.audience_ids}
    findings = Findings(
        format=FORMAT,
        corpus=facts.corpus_facts(corpus, days, chosen),
        verdicts=facts.verdicts(corpus),
        audiences=audiences,
        n_several=int((corpus.clear.sum(axis=1) > 1).sum()),
        periods=periods.periods,
        dimensions=found,
        events=material.events,
        windows=windows(daily_counts(corpus, days), material.events, chosen, chosen.seed),
        told=list(_told(material, days, settings, on_progress)),
        sample=_sample(material.labels),
        shift=estimator.shift(scores, {one.id: one.name for one in audiences}),
        unknowns=facts.unknowns(corpus, material.n_rejects, chosen),
        judgements=[],
        method=_method(material, settings),
    )
    return replace(findings, judgements=judgements(findings, chosen.yardstick))


def _estimator(material: Material, settings: Settings) -> Estimator:
    """For the languages of the messages that the model could judge."""
    corpus = material.corpus
    grounds = grounds_of(material.scorer.bundle) if material.scorer else {}
    numbers = sorted(set(corpus.language[corpus.in_scope].tolist()))
    return Estimator(grounds, [corpus.languages[number] for number in numbers], settings.summary, settings.summary.seed)


def _audiences(material: Material, whole_corpus: Value, estimator: Estimator) -> list[AudienceFinding]:
    """Their counts with the shares of the whole corpus."""
    corpus, labels = material.corpus, material.labels
    names = {one.id: one.name for one in material.scorer.bundle.manifest.audiences} if material.scorer else {}
    sampled = {
        name: None if labels is None else sampled_share(corpus.scores[:, number], labels, number, estimator.settings)
        for number, name in enumerate(corpus.audience_ids)
    }
    return [
        replace(
            one,
            share=whole_corpus.audiences[one.id].share,
            sampled=sampled[one.id],
            not_estimable=estimator.not_estimable(one.id),
        )
        for one in facts.audience_facts(corpus, names)
    ]


def _told(material: Material, days: Ints, settings: Settings, on_progress: Progress) -> Iterator[Told]:
    """The whole corpus, the days around each event, each period."""
    corpus, chosen = material.corpus, settings.summary
    prepared = teller(
        corpus,
        chosen,
        settings.duplicates,
        zone=material.zone,
        show_handles=material.show_handles,
        spans=Carrying(material.scorer, settings.explain).spans if material.scorer else lambda *_: None,
        on_progress=lambda done: on_progress(PREPARED * done),
    )
    parts = [whole(days), *around(days, material.events, window_days=chosen.window_days)]
    parts += by_period(corpus, days, zone=material.zone, periods_at_most=chosen.told_periods_at_most)
    for number, part in enumerate(parts, 1):
        yield prepared.told(part.scope, part.rows)
        on_progress(PREPARED + (1 - PREPARED) * number / len(parts))


def _sample(labels: Sampled | None) -> LabelledSample | None:
    if labels is None:
        return None
    return LabelledSample(labels.n_drawn, len(labels.rows), labels.n_skipped, labels.n_tied)


def _method(material: Material, settings: Settings) -> Method:
    chosen, scorer = settings.summary, material.scorer
    return Method(
        files=[_digest(file) for file in material.corpus.files],
        model=material.corpus.model,
        model_figures=model_figures(scorer.bundle, n_rounds=chosen.share_draws, seed=chosen.seed) if scorer else [],
        reference_labels=scorer.bundle.manifest.reference_labels if scorer else "",
        command=material.command,
        version=__version__,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        time_zone=chosen.time_zone,
        yardstick=chosen.yardstick,
        handles_shown=material.show_handles,
        settings=chosen.model_dump(),
    )


def _digest(file: Path) -> FileDigest:
    with file.open("rb") as stream:
        return FileDigest(file.name, hashlib.file_digest(stream, "sha256").hexdigest(), file.stat().st_size)
