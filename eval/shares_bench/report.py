"""What the trials add up to: how often intervals hold, how far off shares are, how often the warning is given."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from eval.shares_bench.trials import ALL, Outcome, Sampled, Trial

FOCUS, EVERY = "in focus", "all"
BANDS = ((0.0, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.7), (0.7, 1.01))
HELD_GOAL, ERROR_GOAL, ALARM_GOAL, SEEN_GOAL, SAMPLED_GOAL = 0.92, 0.5, 0.05, 0.8, 0.93
SAMPLED_FROM = 0.05  # shares from labels are asked about from here


@dataclass(frozen=True)
class Line:
    """Some outcomes together.

    Attributes:
        audience: Or `all`.
        part: What outcomes: the language, or the audience in focus, or a band of true shares.
        n: Outcomes.
        held: Share of the intervals that hold the truth.
        width: Of an interval, mean.
        error: Of the corrected share, mean absolute.
        bias: Of the corrected share, mean.
        counted_error: Of the count at the threshold, mean absolute.
        clear_error: Of the count above the uncertain band, mean absolute.
    """

    audience: str
    part: str
    n: int
    held: float
    width: float
    error: float
    bias: float
    counted_error: float
    clear_error: float

    @property
    def ratio(self) -> float:
        """Error of the corrected share as a part of that of counting."""
        return self.error / self.counted_error if self.counted_error else float("inf")

    def as_dict(self) -> dict[str, object]:
        """As written to shares.json."""
        return asdict(self)


def line(found: Sequence[Outcome], audience: str, part: str) -> Line:
    """Some outcomes, one at least, together."""
    truth = np.array([one.truth for one in found])
    value, counted, clear = (np.array([getattr(one, name) for one in found]) for name in ("value", "counted", "clear"))
    return Line(
        audience=audience,
        part=part,
        n=len(found),
        held=float(np.mean([one.held for one in found])),
        width=float(np.mean([one.high - one.low for one in found])),
        error=float(np.abs(value - truth).mean()),
        bias=float((value - truth).mean()),
        counted_error=float(np.abs(counted - truth).mean()),
        clear_error=float(np.abs(clear - truth).mean()),
    )


def lines(trials: Sequence[Trial]) -> list[Line]:
    """By audience: in focus, in every corpus, by language; then all audiences, by band of true shares."""
    found = [one for trial in trials for one in trial.outcomes]
    whole = [one for one in found if one.language == ALL]
    parts = []
    for audience in [*dict.fromkeys(one.audience for one in found), EVERY]:
        own = [one for one in whole if audience in (one.audience, EVERY)]
        parts += [(audience, FOCUS, [one for one in own if one.is_focus]), (audience, EVERY, own)]
        codes = sorted({one.language for one in found if one.audience == audience} - {ALL})
        parts += [
            (audience, code, [one for one in found if (one.audience, one.language) == (audience, code)])
            for code in codes
        ]
    parts += [
        (EVERY, f"{100 * low:.0f}–{min(100, 100 * high):.0f} %", [one for one in whole if low <= one.truth < high])
        for low, high in BANDS
    ]
    return [line(own, audience, part) for audience, part, own in parts if own]


def sampled_held(trials: Sequence[Trial]) -> tuple[float, int]:
    """How often shares from labels are held, of those that are asked about, and how many these are."""
    found: list[Sampled] = [one for trial in trials for one in trial.sampled if one.truth >= SAMPLED_FROM]
    return float(np.mean([one.held for one in found])), len(found)


def warned(trials: Sequence[Trial]) -> float:
    """Share of the corpora that the warning is given for."""
    return float(np.mean([trial.is_unlike for trial in trials]))


def line_table(found: Sequence[Line]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield "| audience | corpora, language or true share | n | held | mean width | error | bias | counting's error | ratio |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in found:
        figures = (
            f"{100 * one.held:.1f} % | {one.width:.3f} | {one.error:.3f} | {one.bias:+.3f} | {one.counted_error:.3f}"
        )
        yield f"| {one.audience} | {one.part} | {one.n:,} | {figures} | {one.ratio:.2f} |"


def kind_table(found: dict[str, Sequence[Trial]]) -> Iterator[str]:
    """Lines of a Markdown table: every kind of corpus, all audiences together."""
    yield "| corpora | n | warned | held | error | counting's error | share from labels held | mean width of it |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, trials in found.items():
        whole = [one for trial in trials for one in trial.outcomes if one.language == ALL]
        all_of = line(whole, EVERY, EVERY)
        held, n = sampled_held(trials)
        width = np.mean([one.high - one.low for trial in trials for one in trial.sampled if one.truth >= SAMPLED_FROM])
        figures = f"{100 * warned(trials):.1f} % | {100 * all_of.held:.1f} % | {all_of.error:.3f} | {all_of.counted_error:.3f}"
        yield f"| {name} | {len(trials):,} | {figures} | {100 * held:.1f} % of {n:,} | {width:.3f} |"


def goal_table(by_cut: Sequence[Trial], stated: Sequence[Trial]) -> Iterator[str]:
    """Lines of a Markdown table: what was asked for, and what was found."""
    yield "| goal | found | |"
    yield "|---|---|---|"
    found = {(one.audience, one.part): one for one in lines(by_cut)}
    rows = [(f"corrected 95 % intervals hold: {HELD_GOAL:.0%}", found[EVERY, EVERY].held, HELD_GOAL, 1)]
    rows += [
        (f"error of {audience} in focus: {ERROR_GOAL} of counting's at most", one.ratio, ERROR_GOAL, -1)
        for (audience, part), one in found.items()
        if part == FOCUS and audience != EVERY
    ]
    rows += [
        (f"false warnings: {ALARM_GOAL:.0%} at most", warned(by_cut), ALARM_GOAL, -1),
        (f"the stated break is warned of: {SEEN_GOAL:.0%}", warned(stated), SEEN_GOAL, 1),
        (f"shares from labels hold: {SAMPLED_GOAL:.0%}", sampled_held(by_cut)[0], SAMPLED_GOAL, 1),
        (f"the same under the stated break: {SAMPLED_GOAL:.0%}", sampled_held(stated)[0], SAMPLED_GOAL, 1),
    ]
    for says, value, goal, sign in rows:
        shown = f"{value:.2f}" if "counting" in says else f"{100 * value:.1f} %"
        yield f"| {says} | {shown} | {'met' if sign * (value - goal) >= 0 else 'missed'} |"
