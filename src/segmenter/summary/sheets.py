"""The tables of a summary as plain rows, one a sheet of the workbook. Numbers stay numbers, shares are parts of 1.

Not here: how a workbook is written and kept safe (workbook.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from segmenter.summary.citations import FACTS, METHOD, UNKNOWNS, cited, ids_of
from segmenter.summary.findings import Findings, Scope, Series, ShareFinding, Told, ToldTo, Value
from segmenter.summary.words import WordList

CellValue = str | int | float | None
Row = Sequence[CellValue]
NOT_EVIDENCE = (
    "An audience label is not evidence of foreign origin: genuine domestic speech gets the same labels as manipulation."
)
SHARE_HEAD = ("share, estimated", "low 95 %", "high 95 %", "of messages", "bound low", "bound high")
SCOPE_HEAD = ("part", "label", "first day", "last day", "audience")


@dataclass(frozen=True)
class Sheet:
    """One table.

    Attributes:
        shares: Columns, from 0, whose numbers are parts of 1 and shown in percent.
    """

    name: str
    head: Sequence[str]
    rows: Iterable[Row]
    shares: frozenset[int] = frozenset()


def sheets(findings: Findings) -> Iterator[Sheet]:
    """Every table, the key judgements first."""
    yield Sheet("Judgements", ("judgement", "figures"), _judgements(findings))
    yield _audiences(findings)
    for dimension in findings.dimensions:
        if dimension.name != "all" and dimension.values:
            yield _values(findings, dimension.name.capitalize() + "s", dimension.values)
    values = [(part.name, value) for part in findings.dimensions for value in part.values]
    yield Sheet("Over time", _time_head(findings), _over_time(findings, values), frozenset({8, 9, 10}))
    yield _events(findings)
    yield _windows(findings)
    for name, attribute in (("Words", "words"), ("Phrases", "phrases")):
        head = ("figure", *SCOPE_HEAD, "language", name.lower()[:-1], "z", "texts", "other texts")
        yield Sheet(name, head, _words(findings, attribute))
    yield _examples(findings)
    yield _copies(findings)
    yield Sheet("Unknowns", ("figure", "what", "value", "of"), _unknowns(findings))
    yield Sheet("Method", ("figure", "what", "value", "further"), _method(findings))


def _judgements(findings: Findings) -> Iterator[Row]:
    yield NOT_EVIDENCE, ""
    for one in findings.judgements:
        yield one.text, ", ".join(one.cites)


def _share(share: ShareFinding | None) -> Row:
    if share is None:
        return (None,) * len(SHARE_HEAD)
    return share.value, share.low, share.high, share.n_estimable, share.bound_low, share.bound_high


def _audiences(findings: Findings) -> Sheet:
    head = ("count", "share", "audience", "name", "chosen", "texts", "near", "set aside", "messages")
    n_messages = findings.corpus.n_messages
    sampled = tuple(f"sampled {name}" for name in SHARE_HEAD)
    rows = [
        (
            cited("C", place), cited("S", place), one.id, one.name, one.n_chosen, one.n_texts, one.n_near, one.n_set_aside,
            n_messages, *_share(one.share), *_share(one.sampled),
            "; ".join(f"{language}: {why}" for language, why in one.not_estimable.items()),
        )
        for place, one in enumerate(findings.audiences)
    ]  # fmt: skip
    shares = frozenset({9, 10, 11, 13, 14, 15, 16, 17, 19, 20})
    return Sheet("Audiences", (*head, *SHARE_HEAD, *sampled, "not estimable"), rows, shares)


def _values(findings: Findings, name: str, values: Sequence[Value]) -> Sheet:
    head = ("figure", "name", "kind", "messages", "uncertain", "out of scope", "audience", "chosen, a count")
    letter = "L" if name == "Languages" else "O"
    rows = [
        (
            cited(letter, place), value.name, value.kind, value.n_messages, value.n_uncertain, value.n_out_of_scope,
            one.id, value.audiences[one.id].n_chosen, *_share(value.audiences[one.id].share),
        )
        for value in values
        for place, one in enumerate(findings.audiences)
    ]  # fmt: skip
    return Sheet(name, (*head, *SHARE_HEAD), rows, frozenset({8, 9, 10, 12, 13}))


def _time_head(findings: Findings) -> Sequence[str]:
    unit = findings.periods.unit
    return (
        "figure", "by", "value", unit, "starts", "messages", "audience", "chosen, a count", *SHARE_HEAD[:3]
    )  # fmt: skip


def _over_time(findings: Findings, values: Iterable[tuple[str, Value]]) -> Iterator[Row]:
    for by, value in values:
        if value.over_time is not None:
            for place, one in enumerate(findings.audiences):
                yield from _series(findings, value.over_time, one.id, (cited("T", place), by, value.name))


def _series(findings: Findings, series: Series, audience: str, front: Row) -> Iterator[Row]:
    found = series.audiences[audience]
    periods = findings.periods
    for number, (label, start) in enumerate(zip(periods.labels, periods.starts, strict=True)):
        shares = (found.value[number], found.low[number], found.high[number])
        yield *front, label, start, series.n_messages[number], audience, found.n_chosen[number], *shares


def _events(findings: Findings) -> Sheet:
    declared = {True: "yes", False: "no", None: ""}
    rows = [
        (number, event.date.isoformat(), event.label, event.kind, declared[event.declared])
        for number, event in enumerate(findings.events, 1)
    ]
    return Sheet("Events", ("event", "date", "label", "kind", "declared"), rows)


def _windows(findings: Findings) -> Sheet:
    head = (
        "figure", "event", "label", "declared", "audience", "days before", "days after", "chosen before", "chosen after",
        "messages before", "messages after", "rate ratio", "low 95 %", "high 95 %", "p", "p, Holm", "note",
    )  # fmt: skip
    rows = []
    for number, one in enumerate(findings.windows):
        event = findings.events[one.event]
        rows.append((
            cited("E", number), one.event + 1, event.label, "yes" if event.declared else "no", one.audience,
            one.n_days_before, one.n_days_after, one.n_chosen_before, one.n_chosen_after, one.n_messages_before,
            one.n_messages_after, one.ratio, one.low, one.high, one.p, one.p_holm, one.note,
        ))  # fmt: skip
    return Sheet("Event windows", head, rows)


def _told(findings: Findings) -> Iterator[tuple[int, Told, ToldTo]]:
    """Every audience in every part of the corpus, with the number of its figures."""
    n_audiences = len(findings.audiences)
    for part, told in enumerate(findings.told):
        for place, one in enumerate(told.audiences):
            yield part * n_audiences + place, told, one


def _scope(scope: Scope, audience: str) -> Row:
    return scope.kind, scope.label, scope.first, scope.last, audience


def _words(findings: Findings, attribute: str) -> Iterator[Row]:
    for number, told, one in _told(findings):
        lists: list[WordList] = getattr(one, attribute)
        for found in lists:
            front = (cited("W", number), *_scope(told.scope, one.audience), found.language)
            for word in found.words:
                yield *front, word.word, word.z, word.n_messages, word.n_others


def _examples(findings: Findings) -> Sheet:
    head = (*SCOPE_HEAD, "text", "score", "language", "source", "day", "copies", "place")
    rows = (
        (
            *_scope(told.scope, one.audience), found.text, found.score, found.language, found.source, found.day,
            found.n_copies, found.place,
        )
        for _, told, one in _told(findings)
        for found in one.examples
    )  # fmt: skip
    return Sheet("Examples", head, rows)


def _copies(findings: Findings) -> Sheet:
    head = (
        "figure",
        *SCOPE_HEAD,
        "text",
        "language",
        "messages",
        "wordings",
        "sources",
        "all sources",
        "first",
        "last",
    )
    rows = (
        (
            cited("G", number), *_scope(told.scope, one.audience), group.text, group.language, group.n_messages,
            group.n_texts, "; ".join(f"{source}: {count}" for source, count in group.sources.items()), group.n_sources,
            group.first_seen, group.last_seen,
        )
        for number, told, one in _told(findings)
        for group in one.copies
    )  # fmt: skip
    return Sheet("Copies", head, rows)


def _unknowns(findings: Findings) -> Iterator[Row]:
    ids, found, n_messages = ids_of("U", UNKNOWNS), findings.unknowns, findings.corpus.n_messages
    counts = {
        "uncertain": found.n_uncertain, "near": found.n_near, "too_short": found.n_too_short,
        "shattered": found.n_shattered, "set_aside": found.n_set_aside, "rejects": found.n_rejects,
    }  # fmt: skip
    for name, count in counts.items():
        yield ids[name], name.replace("_", " "), count, n_messages
    for language, count in found.untrained.items():
        yield ids["untrained"], f"language not trained on: {language}", count, n_messages
    for source, count in found.dominant_sources.items():
        yield ids["dominant"], f"dominant source: {source}", count, n_messages
    if findings.shift is not None:
        yield ids["shift"], findings.shift.found or "scores like a mixture of calibration's", findings.shift.p, None


def _method(findings: Findings) -> Iterator[Row]:
    ids, method, facts = ids_of("M", METHOD), findings.method, ids_of("F", FACTS)
    corpus = findings.corpus
    for name, count in (
        ("messages", corpus.n_messages), ("texts", corpus.n_texts), ("repeats", corpus.n_repeats),
        ("languages", corpus.n_languages), ("sources", corpus.n_sources), ("dated", corpus.n_messages - corpus.n_no_date),
    ):  # fmt: skip
        yield facts[name], name, count, None
    for file in method.files:
        yield ids["files"], file.name, file.sha256, file.n_bytes
    yield ids["model"], "model", method.model, None
    for sentence in method.model_figures:
        yield ids["worth"], "model's worth", sentence, None
    for name, text in (
        ("reference", method.reference_labels), ("command", method.command), ("made", method.made_at),
        ("zone", method.time_zone), ("yardstick", method.yardstick), ("handles", "shown" if method.handles_shown else "redacted"),
    ):  # fmt: skip
        yield ids[name], name, text, None
    yield ids["made"], "version", method.version, None
    if findings.sample is not None:
        for name, count in asdict(findings.sample).items():
            yield ids["sample"], f"sample, {name.removeprefix('n_')}", count, None
    for name, value in method.settings.items():
        yield ids["settings"], name, value if isinstance(value, int | float) else str(value), None
