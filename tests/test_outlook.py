"""training/outlook.py: what a learning curve's points say of more labels."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.outlook import Outlook, Points, drawn_curves, fitted, outlook

SIZES = np.array([100.0, 200.0, 300.0, 400.0] * 3)


def points(f1: NDArray[np.float64], n_rounds: int = 500) -> Points:
    """Points whose resampled dev sets all say the same."""
    return Points(SIZES, f1, np.tile(f1, (n_rounds, 1)))


def test_an_exact_power_law_is_drawn_on_as_it_is() -> None:
    # .8 - 2 n ** -.5: at 400 .7, at 900 .8 - 2/30; more 2/20 - 2/30 = 1/30
    found = outlook(points(0.8 - 2 * SIZES**-0.5), 500, 1)
    for bound in (found.low, found.gain, found.high):
        assert bound == pytest.approx(1 / 30, abs=1e-3)  # the grid of exponents holds .48 and .53
    assert found.f1 == pytest.approx(0.7, abs=1e-3)


def test_it_counts_from_the_largest_part() -> None:
    found = outlook(points(0.8 - 2 * SIZES**-0.5), 500, 1)
    assert (found.n_messages, found.more_messages) == (400, 500)


def test_points_without_a_trend_cannot_tell() -> None:
    f1 = np.array([0.70, 0.72, 0.69, 0.71, 0.72, 0.70, 0.71, 0.70, 0.69, 0.71, 0.72, 0.70])
    found = outlook(points(f1), 500, 1)
    assert found.low < 0 < found.high
    assert "cannot tell, between -0." in found.sentence


def test_a_plain_trend_excludes_zero() -> None:
    scatter = np.random.default_rng(3).normal(0, 0.002, len(SIZES))
    found = outlook(points(0.8 - 2 * SIZES**-0.5 + scatter), 500, 1)
    assert 0 < found.low < 1 / 30 < found.high
    assert "would give about +0.0" in found.sentence


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    # 60 learning curves with scatter: 57 should be caught, and fewer than 51 would be rare (1 in 100)
    generator, caught = np.random.default_rng(5), 0
    for seed in range(60):
        f1 = 0.8 - 3 * SIZES**-0.4 + generator.normal(0, 0.01, len(SIZES))
        found = outlook(points(f1, 200), 100, seed)
        caught += found.low <= 3 * (400**-0.4 - 500**-0.4) <= found.high
    assert caught >= 51


def test_a_dev_set_that_says_different_things_when_resampled_widens_the_interval() -> None:
    f1 = 0.8 - 2 * SIZES**-0.5
    tilt = np.random.default_rng(1).normal(0, 0.02, (500, 1)) * (SIZES - 250) / 150  # the slope itself is unsure
    found = outlook(Points(SIZES, f1, f1 + tilt), 500, 1)
    assert found.high - found.low > 0.01


def test_one_seed_gives_one_interval() -> None:
    f1 = np.random.default_rng(2).normal(0.7, 0.01, len(SIZES))
    assert outlook(points(f1), 500, 4) == outlook(points(f1), 500, 4)


def test_the_drawn_curves_lie_around_the_fitted_one() -> None:
    f1 = 0.8 - 2 * SIZES**-0.5 + np.random.default_rng(2).normal(0, 0.005, len(SIZES))
    at = np.array([150.0, 400.0])
    drawn = drawn_curves(points(f1), at, 1)
    assert drawn.shape == (500, 2)
    assert np.median(drawn, axis=0) == pytest.approx(fitted(points(f1), at), abs=0.005)


def test_the_sentence_gives_the_figure_and_its_bounds() -> None:
    assert Outlook(6000, 500, 0.742, 0.012, 0.003, 0.021).sentence == (
        "macro-F1 on dev 0.742 at 6,000 labels; 500 more like them would give about +0.012, "
        "between +0.003 and +0.021 (95 %)"
    )
