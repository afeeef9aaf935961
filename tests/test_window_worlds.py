from dataclasses import replace

import numpy as np
import pytest

from eval.window_worlds import DRIFT, World, invented

WORLD = World("independent days", 26, 500, 0.0)
HALF = 13 * 7


def test_the_change_is_of_one_audience_and_lasts() -> None:
    found = invented(replace(WORLD, ratio=2.0), 14, np.random.default_rng(1))
    rates = {name: counts / np.maximum(found.totals, 1) for name, counts in found.counts.items()}
    assert rates["sometimes"][HALF:].mean() == pytest.approx(2 * rates["sometimes"][:HALF].mean(), rel=0.1)
    assert rates["often"][HALF:].mean() == pytest.approx(rates["often"][:HALF].mean(), rel=0.1)


def test_a_change_that_does_not_last_ends_with_the_window() -> None:
    found = invented(replace(WORLD, ratio=2.0, lasts=False), 14, np.random.default_rng(1))
    rates = found.counts["sometimes"] / np.maximum(found.totals, 1)
    assert rates[HALF : HALF + 14].mean() == pytest.approx(2 * rates[:HALF].mean(), rel=0.15)
    assert rates[HALF + 14 :].mean() == pytest.approx(rates[:HALF].mean(), rel=0.1)


def test_dispersion_widens_daily_rates() -> None:
    def spread(world: World) -> float:
        found = invented(world, 14, np.random.default_rng(1))
        rates = found.counts["often"] / np.maximum(found.totals, 1)
        weekdays = np.arange(len(rates)) % 7 < 5
        return float(rates[weekdays].std() / rates[weekdays].mean())

    # relative spread: about the root of .2 with that dispersion; of 100 chosen a day about .1 without
    assert spread(replace(WORLD, dispersion=0.2)) == pytest.approx(0.46, abs=0.08)
    assert spread(WORLD) < 0.15


def test_a_drifting_rate_doubles() -> None:
    found = invented(replace(WORLD, noise=DRIFT), 14, np.random.default_rng(1))
    rates = found.counts["often"] / np.maximum(found.totals, 1)
    assert rates[-28:].mean() == pytest.approx(2 * rates[:28].mean(), rel=0.25)


def test_events_lie_evenly_on_whole_weeks() -> None:
    assert replace(WORLD, n_weeks=12, n_events=3).event_days == [21, 42, 63]
