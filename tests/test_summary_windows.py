from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pytest

from segmenter.summary.events import Event
from segmenter.summary.margins import DailyCounts
from segmenter.summary.windows import windows

FIRST = date(2031, 1, 6)
N_DAYS, EVENT_DAY = 140, 70  # ten weeks before the event, ten from it on


@dataclass(frozen=True)
class Settings:
    """As in settings.yaml."""

    window_days: int = 14
    window_messages_at_least: int = 20
    window_draws: int = 499


def event(day: int = EVENT_DAY, *, declared: bool | None = True) -> Event:
    return Event(FIRST + timedelta(days=day), "Harbour vote", "vote", declared)


def daily(ratio: float, *, rate: float = 0.1, seed: int = 3) -> DailyCounts:
    """About 300 messages a day, half as many on weekends; readers' rate changes at the event, cyclists' stays."""
    draw = np.random.default_rng(seed)
    totals = draw.poisson(np.where(np.arange(N_DAYS) % 7 >= 5, 150, 300))
    after = np.arange(N_DAYS) >= EVENT_DAY
    counts = {
        "readers": draw.poisson(totals * rate * np.where(after, ratio, 1)),
        "cyclists": draw.poisson(totals * rate),
    }
    return DailyCounts(FIRST, totals, counts)


def test_a_doubled_rate_is_found_and_a_steady_one_is_not() -> None:
    readers, cyclists = windows(daily(2.0), [event()], Settings(), seed=1)
    assert readers.low is not None and readers.high is not None
    assert readers.low < 2.0 < readers.high
    assert readers.low > 1.5
    assert readers.p_holm is not None and readers.p_holm < 0.05
    assert cyclists.low is not None and cyclists.high is not None
    assert cyclists.low < 1.0 < cyclists.high
    assert cyclists.p_holm is not None and cyclists.p_holm > 0.05


def test_counts_are_those_of_the_days_around_the_event() -> None:
    found = daily(1.0)
    window = windows(found, [event()], Settings(), seed=1)[0]
    before, after = slice(EVENT_DAY - 14, EVENT_DAY), slice(EVENT_DAY, EVENT_DAY + 14)
    assert (window.n_days_before, window.n_days_after) == (14, 14)
    assert window.n_chosen_before == found.counts["readers"][before].sum()
    assert window.n_messages_after == found.totals[after].sum()


def test_the_ratio_of_steady_days_is_that_of_their_counts() -> None:
    # every day 100 messages: 10 chosen before the event, 15 from it on
    counts = np.where(np.arange(N_DAYS) < EVENT_DAY, 10, 15)
    window = windows(DailyCounts(FIRST, np.full(N_DAYS, 100), {"readers": counts}), [event()], Settings(), seed=1)[0]
    assert window.ratio == pytest.approx(1.5)


def test_holm_corrects_over_every_test() -> None:
    # two audiences by two events: the smallest p is taken four times
    found = windows(daily(2.0), [event(), event(EVENT_DAY - 7)], Settings(), seed=1)
    p = [window.p for window in found if window.p is not None]
    corrected = [window.p_holm for window in found if window.p_holm is not None]
    assert len(p) == 4
    assert min(corrected) == pytest.approx(4 * min(p))


@pytest.mark.parametrize("declared", [False, None])
def test_an_event_not_declared_before_has_no_p(declared: bool | None) -> None:
    window = windows(daily(2.0), [event(declared=declared)], Settings(), seed=1)[0]
    assert window.ratio is not None
    assert (window.p, window.p_holm) == (None, None)


@pytest.mark.parametrize(
    ("day", "note"),
    [
        (-30, "fewer than two days with messages before the event"),
        (1, "fewer than two days with messages before the event"),
        (N_DAYS - 1, "fewer than two days with messages from the event on"),
        (N_DAYS + 100, "fewer than two days with messages before the event"),
        (21, "3 and 17 whole weeks before and from the event on, 8 each are needed for a p-value"),
    ],
)
def test_a_window_that_cannot_be_judged_says_why(day: int, note: str) -> None:
    window = windows(daily(1.0), [event(day)], Settings(), seed=1)[0]
    assert (window.note, window.p) == (note, None)


def test_a_window_of_less_than_a_week_has_a_ratio_and_no_p() -> None:
    window = windows(daily(1.0), [event()], Settings(window_days=5), seed=1)[0]
    assert (window.ratio is None, window.p) == (False, None)
    assert window.note == "a window of less than a week on each side has no p-value"


def test_an_interval_is_no_narrower_than_chance_is_wide() -> None:
    # 24 or 36 of 300 a day, in turn by fortnights: each fortnight differs from the next as those around the event do
    counts = np.where(np.arange(N_DAYS) // 14 % 2, 36, 24)
    window = windows(DailyCounts(FIRST, np.full(N_DAYS, 300), {"readers": counts}), [event()], Settings(), seed=1)[0]
    assert window.ratio == pytest.approx(1.5)
    assert window.low is not None and window.low < 1
    assert window.p is not None and window.p > 0.1


def test_few_messages_give_no_ratio() -> None:
    # about 300 x .0005 x 28 days: four
    window = windows(daily(1.0, rate=0.0005), [event()], Settings(), seed=1)[0]
    assert window.ratio is None
    assert "messages chosen for the audience in the window, too few for a ratio" in window.note


def test_days_without_messages_are_left_out() -> None:
    found = daily(1.0)
    totals = found.totals.copy()
    totals[EVENT_DAY - 3] = 0
    counts = {name: np.where(totals > 0, part, 0) for name, part in found.counts.items()}
    window = windows(replace(found, totals=totals, counts=counts), [event()], Settings(), seed=1)[0]
    assert (window.n_days_before, window.ratio is None) == (13, False)


def test_the_same_seed_gives_the_same_p() -> None:
    assert windows(daily(1.2), [event()], Settings(), seed=1) == windows(daily(1.2), [event()], Settings(), seed=1)
