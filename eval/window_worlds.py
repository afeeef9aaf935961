"""Invented corpora around an event, for trying out event windows: messages by day, and those chosen for three audiences.

Days differ in volume and by weekday; rates differ by more than chance (dispersion), from day to day or lastingly. No text.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from math import log

import numpy as np
from numpy.typing import NDArray

from segmenter.summary.events import Event
from segmenter.summary.margins import DailyCounts
from segmenter.summary.weeks import WEEK

Floats = NDArray[np.float64]
FIRST = date(2031, 1, 6)  # a Monday
RATES = {"often": 0.2, "sometimes": 0.1, "seldom": 0.03}  # of the messages, chosen for each audience
MOVED = "sometimes"  # the audience that an effect is on
WEEKEND = {"volume": 0.6, "rate": 1.3}  # of weekdays
VOLUME_DISPERSION = 0.1  # of messages a day
CORRELATION = {"independent days": 0.0, "half a week": 0.7, "three weeks": 0.95}  # of a day's noise with the next day's
DRIFT = "drift"  # independent days whose rate doubles over the corpus


@dataclass(frozen=True)
class World:
    """What the corpora of one cell of a simulation are like.

    Attributes:
        noise: How long what moves rates by more than chance lasts: one of CORRELATION, or DRIFT.
        n_weeks: Of the corpus; events lie evenly within it.
        n_daily: Messages on a weekday, on average.
        dispersion: Variance of a day's rate over its squared mean, beyond Poisson's.
        ratio: What the event multiplies the rate of MOVED by; 1.0: no effect.
        lasts: The effect goes on to the end; otherwise it ends with the window.
        n_events: Declared.
    """

    noise: str
    n_weeks: int
    n_daily: int
    dispersion: float
    ratio: float = 1.0
    lasts: bool = True
    n_events: int = 1

    @property
    def event_days(self) -> list[int]:
        """Days of the events, counted from the first; whole weeks."""
        return [WEEK * (self.n_weeks * place // (self.n_events + 1)) for place in range(1, self.n_events + 1)]

    @property
    def events(self) -> list[Event]:
        """All declared."""
        return [Event(FIRST + timedelta(days=day), f"event {day}", "", True) for day in self.event_days]


def invented(world: World, window_days: int, draw: np.random.Generator) -> DailyCounts:
    """One corpus; the effect begins with the first event, and without `lasts` ends after `window_days`."""
    days = np.arange(world.n_weeks * WEEK)
    is_weekend = days % WEEK >= WEEK - 2
    volume = world.n_daily * np.where(is_weekend, WEEKEND["volume"], 1.0)
    totals = draw.poisson(volume * draw.gamma(1 / VOLUME_DISPERSION, VOLUME_DISPERSION, len(days)))
    start = world.event_days[0]
    reached = (days >= start) & (world.lasts | (days < start + window_days))
    counts = {}
    for audience, rate in RATES.items():
        moved = np.where(reached, world.ratio, 1.0) if audience == MOVED else 1.0
        mean = totals * rate * np.where(is_weekend, WEEKEND["rate"], 1.0) * moved * _noise(world, draw)
        counts[audience] = np.minimum(draw.poisson(mean), totals)
    return DailyCounts(FIRST, totals, counts)


def _noise(world: World, draw: np.random.Generator) -> Floats:
    """What a rate is multiplied by on each day: mean 1, variance the dispersion, correlated from day to day."""
    n_days = world.n_weeks * WEEK
    if world.noise == DRIFT:
        return np.asarray(_gamma(world.dispersion, n_days, draw) * np.linspace(2 / 3, 4 / 3, n_days))
    correlation = CORRELATION[world.noise]
    if not correlation:
        return _gamma(world.dispersion, n_days, draw)
    variance = log(1 + world.dispersion)  # log-normal, so that its variance is the dispersion
    steps = draw.normal(0, 1, n_days)
    level = np.empty(n_days)
    level[0] = steps[0]
    for day in range(1, n_days):
        level[day] = correlation * level[day - 1] + np.sqrt(1 - correlation**2) * steps[day]
    return np.asarray(np.exp(np.sqrt(variance) * level - variance / 2))


def _gamma(dispersion: float, n_days: int, draw: np.random.Generator) -> Floats:
    return draw.gamma(1 / dispersion, dispersion, n_days) if dispersion else np.ones(n_days)
