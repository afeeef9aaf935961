"""Key judgements: fixed sentences on the figures of a summary, each with the ids of those it rests on. No language model.

A sentence is a fact, an estimate or an unknown, never two of them. Estimative words stand only where a proposition has a
probability: that of a difference of two estimates taken as independent and normal, their standard errors the widths of
their 95 % intervals over 3.92. Not here: the words (yardstick.py), the figures.
"""

from collections.abc import Iterator
from itertools import combinations
from math import log, sqrt

from scipy.special import ndtr

from segmenter.summary.citations import FACTS, UNKNOWNS, cited, ids_of
from segmenter.summary.findings import AudienceFinding, Findings, Judgement, ShareFinding, Window
from segmenter.summary.wording import language_name, percentage, written_day
from segmenter.summary.yardstick import Yardstick, stated

WIDTH = 3.92  # standard errors of a normal 95 % interval
SIGNIFICANT = 0.05  # the field's usual level, named in the sentence
FACT, UNKNOWN = ids_of("F", FACTS), ids_of("U", UNKNOWNS)
TOO_WIDE = 0.5  # an interval that leaves open more than half of all there may be gives no number
MOST_CHANGES = 12  # sentences on events; the table has all


def judgements(findings: Findings, yardstick: Yardstick) -> list[Judgement]:
    """Every key judgement of a summary: facts, then estimates, then what is unknown."""
    return [
        *_facts(findings),
        *_shares(findings),
        *_differences(findings.audiences, yardstick),
        *_changes(findings, yardstick),
        *_unknowns(findings),
    ]


def _facts(findings: Findings) -> Iterator[Judgement]:
    corpus = findings.corpus
    languages = f"{corpus.n_languages} language{'s' if corpus.n_languages != 1 else ''}"
    when = ""
    if corpus.first_day and corpus.last_day:
        when = f", dated {written_day(corpus.first_day)} to {written_day(corpus.last_day)}"
    copies = percentage(corpus.n_repeats, corpus.n_messages)
    text = f"The corpus holds {corpus.n_messages:,} messages in {languages}{when}; {copies} repeat an earlier one word for word."
    yield Judgement(text, [FACT[name] for name in ("messages", "languages", "dated", "repeats")])


def _shares(findings: Findings) -> Iterator[Judgement]:
    for number, audience in enumerate(findings.audiences):
        if audience.sampled is not None:
            yield Judgement(_sentence(audience, audience.sampled), [cited("S", number)])
        elif audience.share is not None:
            yield Judgement(_sentence(audience, audience.share), [cited("S", number)])


def _sentence(audience: AudienceFinding, share: ShareFinding) -> str:
    ground = "labels of a random sample" if share.method == "sampled" else "corrected for the model's errors"
    reach = "of all messages"
    if share.n_estimable < share.n_messages:
        reach = f"of the {share.n_estimable:,} of {share.n_messages:,} messages for which this can be estimated"
    ends = f"{100 * share.low:.0f} to {100 * share.high:.0f} %"
    if share.high - share.low > TOO_WIDE:
        return f"How much {reach} is of the kind built for {audience.name} is hardly known (95 % interval {ends}; {ground})."
    interval = f"95 % interval {ends}"
    return f"An estimated {100 * share.value:.0f} % ({interval}; {ground}) {reach} are of the kind built for {audience.name}."


def _differences(audiences: list[AudienceFinding], yardstick: Yardstick) -> Iterator[Judgement]:
    """Of each two audiences whose shares are of the same messages: is more built for the one with the larger share?"""
    found = [(number, one, one.sampled or one.share) for number, one in enumerate(audiences)]
    for (first, one, left), (second, other, right) in combinations(found, 2):
        if left is None or right is None or left.n_estimable != right.n_estimable:
            continue
        names = (one.name, other.name) if left.value >= right.value else (other.name, one.name)
        probability = _exceeds(abs(left.value - right.value), _error(left), _error(right))
        text = stated(probability, f"more is built for {names[0]} than for {names[1]}", yardstick)
        yield Judgement(text, [cited("S", first), cited("S", second)])


def _error(share: ShareFinding) -> float:
    return (share.high - share.low) / WIDTH


def _exceeds(difference: float, *errors: float) -> float:
    """The probability that a difference is above zero."""
    spread = sqrt(sum(error**2 for error in errors))
    return float(ndtr(difference / spread)) if spread else float(difference > 0)


def _changes(findings: Findings, yardstick: Yardstick) -> Iterator[Judgement]:
    """Around declared events alone, those that stand first: of an event chosen after looking nothing is claimed."""
    names = {audience.id: audience.name for audience in findings.audiences}
    found = [(number, window) for number, window in enumerate(findings.windows) if window.ratio is not None]
    declared = [(number, window) for number, window in found if findings.events[window.event].declared]
    declared.sort(key=lambda pair: not _stands(pair[1]))
    for number, window in declared[:MOST_CHANGES]:
        day = written_day(findings.events[window.event].date.isoformat())
        yield Judgement(_change(window, names[window.audience], day, yardstick), [cited("E", number)])
    if further := declared[MOST_CHANGES:]:
        text = f"{len(further):,} further comparisons around declared events stand in their table; none stands the correction."
        if any(_stands(window) for _, window in further):
            text = f"{len(further):,} further comparisons around declared events stand in their table."
        yield Judgement(text, [cited("E", further[0][0])])
    if exploratory := [pair for pair in found if not findings.events[pair[1].event].declared]:
        n_events = len({window.event for _, window in exploratory})
        events = "an event that was" if n_events == 1 else f"{n_events:,} events that were"
        text = f"Figures around {events} not declared before looking are exploratory: nothing is claimed of them."
        yield Judgement(text, [cited("E", exploratory[0][0])])


def _change(window: Window, name: str, day: str, yardstick: Yardstick) -> str:
    """One comparison: its direction with a probability, then whether it stands as a finding."""
    if not window.ratio or not window.low or not window.high:
        return f"No message was chosen for {name} from {day} on, or none before."
    way = "rose" if window.ratio >= 1 else "fell"
    probability = _exceeds(abs(log(window.ratio)), (log(window.high) - log(window.low)) / WIDTH)
    share = f"the part of messages chosen for {name} {way} from {day} on"
    return f"{stated(probability, share, yardstick)} {_standing(window)}"


def _stands(window: Window) -> bool:
    return window.p_holm is not None and window.p_holm < SIGNIFICANT


def _standing(window: Window) -> str:
    """What a change may be taken for."""
    if window.p_holm is None:
        return f"It could not be tested: {window.note}."
    verdict = "stands" if _stands(window) else "does not stand"
    level = f"at the {100 * SIGNIFICANT:.0f} % level after correction for all declared events (p = {window.p_holm:.2g})"
    return f"It {verdict} {level}: an association, not a cause."


def _unknowns(findings: Findings) -> Iterator[Judgement]:
    unknowns, n = findings.unknowns, findings.corpus.n_messages
    for number, audience in enumerate(findings.audiences):
        if audience.share is None and audience.sampled is None:
            text = f"What share of the messages is built for {audience.name} cannot be estimated."
            yield Judgement(text, [cited("S", number), UNKNOWN["not_estimable"]])
        elif audience.not_estimable and audience.sampled is None:
            codes = ", ".join(language_name(code) for code in audience.not_estimable)
            text = f"How much is built for {audience.name} in {codes} cannot be estimated."
            yield Judgement(text, [UNKNOWN["not_estimable"]])
    uncertain, outside = percentage(unknowns.n_uncertain, n), percentage(unknowns.n_out_of_scope, n)
    text = f"For {uncertain} of the messages the model is uncertain; {outside} are out of its scope."
    yield Judgement(text, [UNKNOWN["uncertain"], UNKNOWN["untrained"]])
    if findings.shift is not None and findings.shift.is_unlike:
        found = f"{findings.shift.found} (p = {findings.shift.p:.2g})"
        text = f"The shares may be further off than their intervals say. {found}"
        yield Judgement(text, [UNKNOWN["shift"]])
