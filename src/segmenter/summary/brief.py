"""Findings as a short brief in Markdown: judgements, figures, unknowns, method, on about a page.

Every text from outside is escaped, so that none becomes a heading, a link, an image, a cell or HTML. Not here: what is
said (findings.py, judgements.py).
"""

import re
from collections.abc import Iterator

from segmenter.summary.citations import METHOD, UNKNOWNS, cited, ids_of
from segmenter.summary.findings import AudienceFinding, Findings, ShareFinding, Window
from segmenter.summary.html.intervals import bounds_text, interval_text, share_number
from segmenter.summary.sheets import NOT_EVIDENCE
from segmenter.summary.templates import shown
from segmenter.summary.wording import language_name, percentage

MOST_WINDOWS = 12
_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~>!@$^])")
_LINK = re.compile(r"(?<=:)(?=//)|(?<=\bwww)(?=\.)", re.IGNORECASE)  # what some readers make a link of
_START = re.compile(r"^([-+=](?=[-+=\s])|\d+(?=[.)](?:\s|$)))")  # what begins a list or underlines a heading


def brief(findings: Findings) -> str:
    """The whole file."""
    parts = (_head(findings), _judgements(findings), _figures(findings), _windows(findings), _unknowns(findings))
    lines = [line for part in (*parts, _method(findings)) for line in [*part, ""]]
    return "\n".join(lines).rstrip() + "\n"


def escaped(text: str, n_characters: int) -> str:
    """A text from outside on one line, with nothing in it that Markdown or HTML would act on."""
    found = _SPECIAL.sub(r"\\\1", shown(text, n_characters).replace("&", "&amp;").replace("<", "&lt;"))
    return _START.sub(_without_start, _LINK.sub("\\\\", found))


def _without_start(found: re.Match[str]) -> str:
    """The first character of a list's mark as an entity, which no reader takes for a mark."""
    return f"&#{ord(found[0][0])};{found[0][1:]}"


def _head(findings: Findings) -> Iterator[str]:
    corpus = findings.corpus
    yield f"# Audience summary of {corpus.n_messages:,} messages"
    yield ""
    days = f", {corpus.first_day} to {corpus.last_day}" if corpus.first_day else ""
    file = escaped(findings.method.files[0].name, 80) if findings.method.files else "a scored table"
    yield f"{file}{days}, days in {escaped(findings.method.time_zone, 40)}."
    yield ""
    yield f"> **{NOT_EVIDENCE}** This brief is about messages, never about people."
    if findings.shift is not None and findings.shift.is_unlike:
        yield ">"
        yield (
            f"> **The scores of this corpus are unlike those that the shares are corrected by** "
            f"[{ids_of('U', UNKNOWNS)['shift']}]: estimates may be off by more than their intervals say. "
            f"{escaped(findings.shift.found, 300)}"
        )


def _judgements(findings: Findings) -> Iterator[str]:
    if findings.judgements:
        yield "## Key judgements"
        yield ""
        for one in findings.judgements:
            cites = " ".join(f"[{escaped(cite, 12)}]" for cite in one.cites)
            yield f"- {escaped(one.text, 600)} {cites}"


def _figures(findings: Findings) -> Iterator[str]:
    yield "## How much was built for each public"
    yield ""
    yield "| audience | chosen by the model (fact) | share, corrected (estimate) | 95 % interval | over all messages |"
    yield "|---|---:|---:|---|---|"
    for place, one in enumerate(findings.audiences):
        yield _row(findings, place, one)
    yield ""
    yield "A count of chosen labels is not a share: the model errs, and not evenly."
    for place, one in enumerate(findings.audiences):
        if one.sampled is not None:
            yield ""
            found = f"{share_number(one.sampled.value)} %, 95 % interval {_interval(one.sampled)}"
            yield f"{escaped(one.name, 60)}, from labels of a random sample of this corpus [{cited('S', place)}]: {found}."


def _row(findings: Findings, place: int, one: AudienceFinding) -> str:
    count = f"{one.n_chosen:,} ({percentage(one.n_chosen, findings.corpus.n_messages)}) [{cited('C', place)}]"
    if one.share is None:
        share, interval, bounds = "not estimable", "–", "–"
    else:
        share, interval = f"{share_number(one.share.value)} %", _interval(one.share)
        bounds = bounds_text(one.share).replace("\u00a0", " ")
    return f"| {escaped(one.name, 60)} | {count} | {share} [{cited('S', place)}] | {interval} | {bounds} |"


def _interval(share: ShareFinding) -> str:
    return interval_text(share).replace("\u00a0", " ")


def _windows(findings: Findings) -> Iterator[str]:
    """The windows of declared events; exploratory ones are for the page alone."""
    declared = [
        (number, one)
        for number, one in enumerate(findings.windows)
        if findings.events[one.event].declared and one.ratio
    ]
    if declared:
        names = {one.id: one.name for one in findings.audiences}
        yield "## Around declared events"
        yield ""
        yield "An association, never a cause."
        yield ""
        for number, one in declared[:MOST_WINDOWS]:
            yield _window(findings, names, number, one)


def _window(findings: Findings, names: dict[str, str], number: int, one: Window) -> str:
    event = findings.events[one.event]
    ends = "" if one.low is None or one.high is None else f" (95 % interval {one.low:.2f} to {one.high:.2f})"
    p = f", not tested: {one.note}" if one.p_holm is None else f", p = {one.p_holm:.2g} after Holm’s correction"
    return (
        f"- {escaped(event.label, 100)}, {event.date.isoformat()}: the rate for {escaped(names[one.audience], 60)} after "
        f"it was {one.ratio:.2f} times that before{ends}{p} [{cited('E', number)}]"
    )


def _unknowns(findings: Findings) -> Iterator[str]:
    ids, found, n_messages = ids_of("U", UNKNOWNS), findings.unknowns, findings.corpus.n_messages
    yield "## Not known"
    yield ""
    uncertain = f"{found.n_uncertain:,} of {n_messages:,} messages ({percentage(found.n_uncertain, n_messages)})"
    yield f"- Uncertain: {uncertain} [{ids['uncertain']}]; they stay in the denominator of every share."
    if found.untrained:
        listed = ", ".join(f"{escaped(language_name(code), 30)} {n:,}" for code, n in list(found.untrained.items())[:8])
        yield f"- In languages the model was not trained on: {listed} [{ids['untrained']}]."
    if found.n_rejects is not None:
        yield f"- Rows that scoring set aside: {found.n_rejects:,} [{ids['rejects']}]."
    for source, count in list(found.dominant_sources.items())[:5]:
        part = percentage(count, n_messages)
        yield f"- {escaped(source, 60)} has {part} of all messages: what holds for it may pass for all [{ids['dominant']}]."
    yield "- Who made a message, why, whether it is true, and who read it."


def _method(findings: Findings) -> Iterator[str]:
    ids, method = ids_of("M", METHOD), findings.method
    yield "## Method"
    yield ""
    yield f"- Model {escaped(method.model, 80) or 'not known'} [{ids['model']}]."
    for sentence in method.model_figures:
        yield f"- {escaped(sentence, 600)} [{ids['worth']}]"
    if method.reference_labels:
        yield f"- Its reference labels: {escaped(method.reference_labels, 300)} [{ids['reference']}]"
    if findings.sample is not None:
        found = findings.sample
        yield (
            f"- Labelled sample: {found.n_labelled:,} of {found.n_drawn:,} messages drawn at random, "
            f"{found.n_skipped:,} passed over [{ids['sample']}]."
        )
    for file in method.files[:5]:
        yield f"- {escaped(file.name, 80)}, SHA-256 {file.sha256} [{ids['files']}]"
    made = f"{escaped(method.made_at, 40)} by segmenter {escaped(method.version, 20)}"
    yield f"- Made {made} [{ids['made']}]: {escaped(method.command, 300)} [{ids['command']}]"
