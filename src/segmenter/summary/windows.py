"""Event windows: how the rate of an audience's messages after an event compares with that before it.

An association, never a cause. Only events that were declared before looking get a p-value. Not here: which messages count
(margins.py), what is said of a window (judgements.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.stats import t

from segmenter.intervals import TAIL
from segmenter.summary.events import Event
from segmenter.summary.findings import Window

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
WEEK = 7  # days: a block of the permutation, so that weekdays and what lasts some days stay together
WEEKS_A_SIDE = 3  # times those of a window: with fewer, false findings went beyond 5 % (docs/summaries.md)
DAYS_FOR_WEEKDAYS = 3 * WEEK  # with messages, in a window: fewer cannot tell weekdays from the event


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


@dataclass(frozen=True)
class Daily:
    """Messages by day, every day from the first to the last.

    Attributes:
        first: The first day.
        totals: All messages of each day, shape (n_days,).
        counts: Those chosen for each audience, by its id, same shape.
    """

    first: date
    totals: Ints
    counts: Mapping[str, Ints]


def windows(daily: Daily, events: Sequence[Event], settings: WindowSettings, seed: int) -> list[Window]:
    """Every audience around every event, events in their order; p-values corrected over all that have one.

    Source: rate ratio by a negative binomial regression with log-total offset and weekdays, its dispersion by moments
        (Cameron and Trivedi 2013, Regression Analysis of Count Data, ch. 3); p-values by permuting weeks; Holm 1979.
    """
    found = []
    for number, event in enumerate(events):
        day = (event.date - daily.first).days
        for place, (audience, counts) in enumerate(daily.counts.items()):
            window = _window(number, audience, _Sides(daily.totals, counts, day, settings.window_days), settings)
            if window.ratio is not None and event.declared:
                draw = np.random.default_rng([seed, number, place])
                window = _tested(window, daily.totals, counts, day, settings, draw)
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
    mean = sm.GLM(sides.counts, exog, family=sm.families.Poisson(), offset=offset).fit().mu
    n_free = len(mean) - exog.shape[1]
    spread = ((sides.counts - mean) ** 2 - mean).sum() / (mean**2).sum() * len(mean) / max(n_free, 1)
    family = sm.families.NegativeBinomial(alpha=max(float(spread), 1e-6))
    fitted = sm.GLM(sides.counts, exog, family=family, offset=offset).fit()
    effect, half = float(fitted.params[1]), float(fitted.bse[1]) * -float(t.ppf(TAIL, max(n_free, 1)))
    return math.exp(effect), math.exp(effect - half), math.exp(effect + half)


def _tested(
    window: Window, totals: Ints, counts: Ints, day: int, settings: WindowSettings, draw: np.random.Generator
) -> Window:
    """With a p-value: how often weeks in another order, each less the mean of its side, give as large a change.

    A lasting change is so no part of what chance is taken to be (Freedman and Lane 1983).
    """
    n_side = settings.window_days // WEEK  # whole weeks on each side
    n_before, n_after = day // WEEK, (len(totals) - day) // WEEK
    n_weeks = n_before + n_after
    needed = WEEKS_A_SIDE * max(n_side, 1)
    if not n_side or min(n_before, n_after) < needed:
        few = f"{n_before} whole weeks before the event and {n_after} from it on"
        return replace(window, note=f"{few}, {needed} each needed for a p-value")
    first = day - n_before * WEEK
    weeks = slice(first, first + n_weeks * WEEK)
    chosen, messages = (part[weeks].reshape(n_weeks, WEEK).sum(axis=1) for part in (counts, totals))
    rates = np.log((chosen + 0.5) / (messages + 1))
    seen = rates[n_before : n_before + n_side].mean() - rates[n_before - n_side : n_before].mean()
    rest = np.concatenate([_residuals(rates[:n_before]), _residuals(rates[n_before:])])
    order = np.argsort(draw.random((settings.window_draws, n_weeks)), axis=1)[:, : 2 * n_side]
    drawn = rest[order[:, n_side:]].mean(axis=1) - rest[order[:, :n_side]].mean(axis=1)
    as_large = int((np.abs(drawn) >= abs(seen) - 1e-12).sum())
    return replace(window, p=(1 + as_large) / (1 + len(drawn)))


def _residuals(rates: Floats) -> Floats:
    """What is left of weekly rates on one side of an event, as large as before their mean was taken away, and a little more."""
    n = len(rates)
    return np.asarray((rates - rates.mean()) * math.sqrt(n / (n - 2)))


def _corrected(found: list[Window]) -> list[Window]:
    tested = sorted((window.p, place) for place, window in enumerate(found) if window.p is not None)
    least = 0.0
    for rank, (p, place) in enumerate(tested):
        least = max(least, min(1.0, p * (len(tested) - rank)))
        found[place] = replace(found[place], p_holm=least)
    return found
