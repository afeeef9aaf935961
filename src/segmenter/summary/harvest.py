"""From a tally to findings: pooling, naming, sorting, digests. Not here: counting (tally.py)."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from segmenter import __version__
from segmenter.errors import TableError
from segmenter.messages import NOT_TRAINED, SHATTERED, TOO_SHORT
from segmenter.sections import Summary
from segmenter.summary.events import Event
from segmenter.summary.findings_1 import (
    FORMAT,
    AudienceCount,
    Corpus,
    Example,
    FileDigest,
    Findings,
    Group,
    Method,
    Origin,
    Unknowns,
)
from segmenter.summary.scored import ScoredTable
from segmenter.summary.tally import Cell, Tally


def find(table: ScoredTable, tally: Tally, *, events: list[Event], origin: Origin) -> Findings:
    """Findings from a table that was counted to its end.

    Raises:
        TableError: The table holds no message.
    """
    settings = tally.settings
    if not tally.n_messages:
        raise TableError(table.files[0].name, "holds no message", "score a table with messages first")
    sources, n_pooled = _sources(tally, settings.source_messages_at_least) if table.sourced else ([], 0)
    return Findings(
        format=FORMAT,
        corpus=_corpus(table, tally),
        verdicts={name: tally.verdicts[name] for name in ("chosen", "none", "uncertain")},
        audiences=[_audience(name, origin.audience_names, tally) for name in tally.audience_ids],
        n_several=tally.n_several,
        days=[_group(day.isoformat(), tally.days[day], tally) for day in sorted(tally.days)],
        languages=_largest([_group(name, cell, tally) for name, cell in tally.languages.items()]),
        sources=sources,
        n_pooled_sources=n_pooled,
        events=events,
        words=[found for name in tally.audience_ids for found in tally.words.lists(name, settings)],
        examples=_examples(tally, {group.name for group in sources if group.kind == "one"}),
        unknowns=_unknowns(tally),
        method=_method(table, settings, origin),
    )


def _corpus(table: ScoredTable, tally: Tally) -> Corpus:
    days = sorted(tally.days)
    return Corpus(
        n_messages=tally.n_messages,
        n_texts=len(tally.groups),
        n_repeats=tally.n_messages - len(tally.groups),
        n_copied_texts=sum(copies > 1 for copies in tally.groups.values()),
        n_sources=sum(name is not None for name in tally.sources) if table.sourced else None,
        n_languages=len([name for name in tally.languages if name != "und"]),
        first_day=days[0].isoformat() if days else None,
        last_day=days[-1].isoformat() if days else None,
        n_no_date=tally.n_no_date,
        n_assumed_utc=tally.n_assumed_utc,
    )


def _audience(name: str, names: Mapping[str, str], tally: Tally) -> AudienceCount:
    spaced = name.replace("_", " ")
    shown = names.get(name) or spaced[:1].upper() + spaced[1:]
    return AudienceCount(name, shown, tally.clear[name], tally.texts[name], tally.near[name], tally.set_aside[name])


def _group(name: str, cell: Cell, tally: Tally, kind: str = "one") -> Group:
    counts = {audience: cell.audiences[audience] for audience in tally.audience_ids}
    return Group(name, kind, cell.n_messages, cell.n_uncertain, counts)


def _largest(groups: list[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: (-group.n_messages, group.name))


def _sources(tally: Tally, at_least: int) -> tuple[list[Group], int]:
    """Sources large enough to be named, then the pooled rest, then the messages without a source."""
    pooled, n_pooled, named = Cell(), 0, []
    for name, cell in tally.sources.items():
        if name is not None and cell.n_messages >= at_least:
            named.append(_group(name, cell, tally))
        elif name is not None:
            pooled.merge(cell)
            n_pooled += 1
    rest = [_group("other sources", pooled, tally, "pooled")] if n_pooled else []
    if None in tally.sources:
        rest.append(_group("no source given", tally.sources[None], tally, "not_given"))
    return _largest(named) + rest, n_pooled


def _examples(tally: Tally, named: set[str]) -> list[Example]:
    found = []
    for audience, shelf in tally.examples.items():
        for one in shelf.chosen():
            row = one.row
            source = row.source if row.source is None or row.source in named else "other sources"
            day = row.date.day.isoformat() if row.date else None
            copies = tally.groups[one.key]
            found.append(Example(audience, one.text, one.score, row.language, source, day, copies, row.place))
    return found


def _unknowns(tally: Tally) -> Unknowns:
    untrained = {about: n for (code, about), n in tally.reasons.most_common() if code == NOT_TRAINED}
    return Unknowns(
        n_uncertain=tally.verdicts["uncertain"],
        n_near=tally.n_near,
        n_out_of_scope=tally.n_out_of_scope,
        n_too_short=tally.reasons[TOO_SHORT, ""],
        n_shattered=tally.reasons[SHATTERED, ""],
        n_set_aside=tally.n_set_aside,
        untrained=untrained,
    )


def _method(table: ScoredTable, settings: Summary, origin: Origin) -> Method:
    return Method(
        files=[_digest(file) for file in table.files],
        model=table.model,
        reference_labels=origin.reference_labels,
        command=origin.command,
        version=__version__,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        time_zone=settings.time_zone,
        settings=settings.model_dump(),
    )


def _digest(file: Path) -> FileDigest:
    with file.open("rb") as stream:
        return FileDigest(file.name, hashlib.file_digest(stream, "sha256").hexdigest(), file.stat().st_size)
