"""Event windows: how the rate of an audience's messages after an event compares with that before it.

An association, never a cause. Only events that were declared before looking get a p-value. Not here: which messages count
(margins.py), what is said of a window (judgements.py).
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from scipy.stats import t
from statsmodels.genmod.families import NegativeBinomial, Poisson
from statsmodels.genmod.generalized_linear_model import GLM

from segmenter.intervals import TAIL
from segmenter.summary.events import Event
from segmenter.summary.findings import Window
from segmenter.summary.margins import DailyCounts
from segmenter.summary.weeks import WEEK, Ints, Weeks, weeks_around

DAYS_FOR_WEEKDAYS = 3 * WEEK  # with messages, in a window: fewer cannot tell weekdays from the event
LEAST_SPREAD, ROUNDING = 1e-6, 1e-12


class WindowSettings(Protocol):
    """What of the `summary` section event windows go by."""

    @property
    def window_days(self) -> int:
        """Before an event, and as many from its own day on."""
        ...

    @property
    def window_messages_at_least(self) -> int:
        """Chosen for an audience in both sides together, for a ratio."""
        ...

    @property
    def window_draws(self) -> int:
        """Permutations of weeks that a p-value is made of."""
        ...


def windows(daily: DailyCounts, events: Sequence[Event], settings: WindowSettings, seed: int) -> list[Window]:
    """Every audience around every event, events in their order; none without dates. p-values are corrected over all there are.

    Source: rate ratio by a negative binomial regression with log-total offset and weekdays, its dispersion by moments
        (Cameron and Trivedi 2013, Regression Analysis of Count Data, ch. 3), standard errors scaled by Pearson's statistic
        where that is larger (McCullagh and Nelder 1989, 4.5), intervals as wide as other weeks differ at least; p-values by
        permuting weeks; Holm 1979.
    """
    if daily.first is None:
        return []
    found = []
    for number, event in enumerate(events):
        day = (event.date - daily.first).days
        for place, (audience, counts) in enumerate(daily.counts.items()):
            window = _window(number, audience, _Sides(daily.totals, counts, day, settings.window_days), settings)
            if window.ratio is not None:
                draw = np.random.default_rng([seed, number, place])
                window = _beside_other_weeks(
                    window, weeks_around(daily.totals, counts, day, settings.window_days), draw, settings
                )
                window = window if event.declared else replace(window, p=None, note="")
            found.append(window)
    return _corrected(found)


class _Sides:
    """The days of one window that hold messages, those before the event first."""

    def __init__(self, totals: Ints, counts: Ints, day: int, n_days: int) -> None:
        inside = np.arange(max(0, day - n_days), max(0, min(len(totals), day + n_days)))
        inside = inside[totals[inside] > 0]
        self.totals, self.counts = totals[inside], counts[inside]
        self.after = inside >= day
        self.weekday = (inside - day) % WEEK


def _window(event: int, audience: str, sides: _Sides, settings: WindowSettings) -> Window:
    counts, totals, after = sides.counts, sides.totals, sides.after
    found = Window(
        event=event,
        audience=audience,
        n_days_before=int((~after).sum()),
        n_days_after=int(after.sum()),
        n_chosen_before=int(counts[~after].sum()),
        n_chosen_after=int(counts[after].sum()),
        n_messages_before=int(totals[~after].sum()),
        n_messages_after=int(totals[after].sum()),
        ratio=None,
        low=None,
        high=None,
        p=None,
        p_holm=None,
        note="",
    )
    missing = [side for side, n in (("before", found.n_days_before), ("from", found.n_days_after)) if n < 2]
    if missing:
        when = "before the event" if missing[0] == "before" else "from the event on"
        return replace(found, note=f"fewer than two days with messages {when}")
    n_chosen = found.n_chosen_before + found.n_chosen_after
    if n_chosen < settings.window_messages_at_least or not (found.n_chosen_before and found.n_chosen_after):
        return replace(found, note=f"{n_chosen} messages chosen for the audience in the window, too few for a ratio")
    ratio, low, high = _ratio(sides)
    return replace(found, ratio=ratio, low=low, high=high)


def _ratio(sides: _Sides) -> tuple[float, float, float]:
    """Rate after over rate before, with its 95 % interval."""
    weekdays = [sides.weekday == day for day in range(1, WEEK)] if len(sides.counts) >= DAYS_FOR_WEEKDAYS else []
    used = [column for column in weekdays if column.any()]
    exog = np.column_stack([np.ones(len(sides.counts)), sides.after, *used]).astype(np.float64)
    offset = np.log(sides.totals)
    mean = GLM(sides.counts, exog, family=Poisson(), offset=offset).fit().mu
    n_free = max(len(mean) - exog.shape[1], 1)
    spread = ((sides.counts - mean) ** 2 - mean).sum() / (mean**2).sum() * len(mean) / n_free
    fitted = GLM(
        sides.counts, exog, family=NegativeBinomial(alpha=max(float(spread), LEAST_SPREAD)), offset=offset
    ).fit()
    scale = math.sqrt(max(1.0, fitted.pearson_chi2 / n_free))
    effect, half = float(fitted.params[1]), scale * float(fitted.bse[1]) * -float(t.ppf(TAIL, n_free))
    return math.exp(effect), math.exp(effect - half), math.exp(effect + half)


def _beside_other_weeks(window: Window, weeks: Weeks, draw: np.random.Generator, settings: WindowSettings) -> Window:
    """With a p-value, how often chance gives as large a change, and an interval no narrower than chance is wide."""
    if not weeks.n_side:
        return replace(window, note="a window of less than a week on each side has no p-value")
    if not weeks.is_enough:
        few = f"{len(weeks.before)} and {len(weeks.after)} whole weeks before and from the event on"
        return replace(window, note=f"{few}, {weeks.n_needed} each are needed for a p-value")
    drawn, seen = weeks.changes(draw, settings.window_draws), weeks.seen()
    p = (1 + int((np.abs(drawn) >= abs(seen) - ROUNDING).sum())) / (1 + len(drawn))
    centre = math.log(window.ratio or 1.0)
    half = max(math.log(window.high or 1.0) - centre, float(np.quantile(np.abs(drawn), 1 - 2 * TAIL)))
    return replace(window, low=math.exp(centre - half), high=math.exp(centre + half), p=p)


def _corrected(found: list[Window]) -> list[Window]:
    tested = sorted((window.p, place) for place, window in enumerate(found) if window.p is not None)
    least = 0.0
    for rank, (p, place) in enumerate(tested):
        least = max(least, min(1.0, p * (len(tested) - rank)))
        found[place] = replace(found[place], p_holm=least)
    return found
