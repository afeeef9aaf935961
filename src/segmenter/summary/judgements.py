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
SIGNIFICANT, LEVEL = 0.05, "5 % level"  # the field's usual one
FACT, UNKNOWN = ids_of("F", FACTS), ids_of("U", UNKNOWNS)
TOO_WIDE = 0.5  # an interval that leaves open more than half of all there may be gives no number
MOST_LANGUAGES = 3  # in which audiences are compared
MOST_CHANGES, MOST_CITES = 12, 6  # of event windows; the table has all


def judgements(findings: Findings, yardstick: Yardstick) -> list[Judgement]:
    """Every key judgement of a summary: facts, then estimates, then what is unknown."""
    return [
        *_facts(findings),
        *_shares(findings),
        *_differences(findings, yardstick),
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


def _differences(findings: Findings, yardstick: Yardstick) -> Iterator[Judgement]:
    """Of each two audiences whose shares are of the same messages: is more built for the one with the larger share?

    Of all messages where that can be said, else in the largest languages.
    """
    shares = [audience.sampled or audience.share for audience in findings.audiences]
    found = list(_compared(findings.audiences, shares, "S", "", yardstick))
    if not found:
        languages = next((part.values for part in findings.dimensions if part.name == "language"), [])
        for value in languages[:MOST_LANGUAGES]:
            shares = [value.audiences[audience.id].share for audience in findings.audiences]
            where = f" in {language_name(value.name)}"
            found += _compared(findings.audiences, shares, "L", where, yardstick)
    yield from found


def _compared(
    audiences: list[AudienceFinding],
    shares: list[ShareFinding | None],
    letter: str,
    where: str,
    yardstick: Yardstick,
) -> Iterator[Judgement]:
    """Each two shares of the same messages; `letter` is that of the figures they stand in."""
    for (first, left), (second, right) in combinations(enumerate(shares), 2):
        if left is None or right is None or left.n_estimable != right.n_estimable:
            continue
        more, less = (first, second) if left.value >= right.value else (second, first)
        probability = _exceeds(abs(left.value - right.value), _error(left), _error(right))
        proposition = f"more is built for {audiences[more].name} than for {audiences[less].name}{where}"
        yield Judgement(stated(probability, proposition, yardstick), [cited(letter, first), cited(letter, second)])


def _error(share: ShareFinding) -> float:
    return (share.high - share.low) / WIDTH


def _exceeds(difference: float, *errors: float) -> float:
    """The probability that a difference is above zero."""
    spread = sqrt(sum(error**2 for error in errors))
    return float(ndtr(difference / spread)) if spread else float(difference > 0)


def _changes(findings: Findings, yardstick: Yardstick) -> Iterator[Judgement]:
    """Changes that stand the test of a declared event, each by itself; how many do not, or could not be tested."""
    names = {audience.id: audience.name for audience in findings.audiences}
    found = [(number, window) for number, window in enumerate(findings.windows) if window.ratio is not None]
    declared = [pair for pair in found if findings.events[pair[1].event].declared]
    standing = [pair for pair in declared if _stands(pair[1])]
    for number, window in standing[:MOST_CHANGES]:
        day = written_day(findings.events[window.event].date.isoformat())
        yield Judgement(_change(window, names[window.audience], day, yardstick), [cited("E", number)])
    yield from _counted(standing[MOST_CHANGES:], "further", "stand too: their figures are in the table")
    tested = [pair for pair in declared if pair[1].p_holm is not None and pair not in standing]
    yield from _counted(tested, "", f"show no change that stands at the {LEVEL} after correction")
    untested = [pair for pair in declared if pair[1].p_holm is None]
    yield from _counted(untested, "", "could not be tested: of them nothing is claimed")
    exploratory = [pair for pair in found if pair not in declared]
    yield from _counted(
        exploratory, "exploratory", "are of events not declared before looking: of them nothing is claimed"
    )


def _counted(found: list[tuple[int, Window]], kind: str, what: str) -> Iterator[Judgement]:
    """One sentence on several comparisons."""
    if found:
        n = f"{len(found):,} {kind}".strip()
        text = f"{n} before-and-after comparison{'s' if len(found) > 1 else ''} {what}."
        yield Judgement(text, [cited("E", number) for number, _ in found[:MOST_CITES]])


def _change(window: Window, name: str, day: str, yardstick: Yardstick) -> str:
    """Its direction with a probability, its size, and what it stands."""
    ratio, low, high = window.ratio or 1.0, window.low or 1.0, window.high or 1.0
    probability = _exceeds(abs(log(ratio)), (log(high) - log(low)) / WIDTH)
    way = "rose" if ratio >= 1 else "fell"
    told = stated(probability, f"the part of messages chosen for {name} {way} from {day} on", yardstick)
    size = f"It was {ratio:.2f} times that before (95 % interval {low:.2f} to {high:.2f})"
    p = f"which stands at the {LEVEL} after correction for all declared events (p = {window.p_holm:.2g})"
    return f"{told} {size}, {p}: an association, not a cause."


def _stands(window: Window) -> bool:
    return window.p_holm is not None and window.p_holm < SIGNIFICANT


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
