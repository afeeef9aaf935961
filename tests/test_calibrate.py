from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segmenter.calibration import Calibration, judge, to_scores
from segmenter.out_of_fold import OutOfFold
from segmenter.sections import Calibrate
from training import calibrate as room
from training.calibrate import scaled, uncertain_band
from training.guarantee import Calibrated

Labels = NDArray[np.bool_]
Floats = NDArray[np.float64]


def goal(error: float, share: float, **changes: Any) -> Calibrate:  # noqa: ANN401
    """A goal for the bands of single audiences; the guarantee is out of reach unless it is asked for."""
    whole = {"folds": 2, "method": "platt", "risk": 1e-6, "confidence": 0.95, "coverage_at_least": 0.5}
    whole |= {"int8_messages": 1, "int8_agreement_at_least": 0.9}
    return Calibrate.model_validate(whole | {"error_goal": error, "uncertain_share_at_most": share} | changes)


def calibrated(logits: NDArray[np.float32], truth: Labels, settings: Calibrate) -> Calibrated:
    """Of messages by an author each."""
    n_messages, n_audiences = logits.shape
    names, languages = [f"audience_{i}" for i in range(n_audiences)], np.full(n_messages, "en")
    return room.calibrate(OutOfFold(names, logits, truth, languages, np.arange(n_messages)), settings, 1)


def calibrate(logits: NDArray[np.float32], truth: Labels, settings: Calibrate) -> list[Calibration]:
    return calibrated(logits, truth, settings).calibrations


def drawn(slope: float, intercept: float, n: int) -> tuple[NDArray[np.float32], Labels]:
    """Logits of one audience, and labels that are true with probability sigmoid(slope * logit + intercept)."""
    generator = np.random.default_rng(3)
    logits = generator.normal(0, 2, (n, 1)).astype(np.float32)
    return logits, generator.random((n, 1)) < 1 / (1 + np.exp(-(slope * logits + intercept)))


def near(scores: Floats, low: float, high: float) -> Labels:
    """Which scores the band leaves uncertain, as the wheel judges them."""
    band = Calibration(slope=1.0, intercept=0.0, threshold=0.5, low=low, high=high)
    return judge(scores.astype(np.float32).reshape(-1, 1), [band]).near[:, 0]


@pytest.mark.parametrize(("slope", "intercept"), [(2.0, -1.0), (0.5, 0.3)])
def test_platt_finds_the_slope_and_intercept_that_drew_the_labels(slope: float, intercept: float) -> None:
    logits, truth = drawn(slope, intercept, 8000)
    (found,) = calibrate(logits, truth, goal(0.05, 0.2))
    assert (found.slope, found.intercept) == pytest.approx((slope, intercept), abs=0.15)


def test_scores_are_the_share_of_true_messages() -> None:
    logits, truth = drawn(2.0, -1.0, 8000)
    scores = to_scores(logits, calibrate(logits, truth, goal(0.05, 0.2)))[:, 0]
    about_70_percent = (scores > 0.6) & (scores < 0.8)
    assert truth[about_70_percent].mean() == pytest.approx(0.7, abs=0.05)


def test_each_audience_has_a_calibration_of_its_own() -> None:
    parts = [drawn(2.0, -1.0, 2000), drawn(0.5, 0.3, 2000)]
    together = calibrate(
        np.hstack([logits for logits, _ in parts]), np.hstack([truth for _, truth in parts]), goal(0.05, 0.2)
    )
    assert together == [calibrate(*part, goal(0.05, 0.2))[0] for part in parts]


@pytest.mark.parametrize("always", [True, False])
def test_an_audience_of_all_or_none_keeps_its_logits(always: bool) -> None:
    logits, _ = drawn(1.0, 0.0, 50)
    (found,) = calibrate(logits, np.full((50, 1), always), goal(0.05, 0.2))
    assert (found.slope, found.intercept) == (1.0, 0.0)


def test_the_threshold_parts_what_can_be_parted() -> None:
    # logits of -3 and 3, all right: any threshold between their scores has F1 1
    logits = np.array([[-3.0], [3.0]] * 20, np.float32)
    (found,) = calibrate(logits, logits > 0, goal(0.05, 0.2))
    assert judge(to_scores(logits, [found]), [found]).chosen.tolist() == (logits > 0).tolist()


def test_a_model_without_error_has_an_empty_band() -> None:
    logits = np.array([[-3.0], [3.0]] * 20, np.float32)
    (found,) = calibrate(logits, logits > 0, goal(0.05, 0.2))
    assert found.low == found.high == found.threshold


def test_an_error_within_the_goal_needs_no_band() -> None:
    # 1 wrong of 10 is 10 %
    scores, truth = np.linspace(0.05, 0.95, 10), np.arange(10) >= 6
    assert uncertain_band(scores, truth, 0.5, goal(0.1, 0.5)) == (0.5, 0.5)


def test_the_band_holds_the_wrong_decisions_nearest_the_threshold() -> None:
    # threshold .5: .45 and .55 are wrong, the rest right; goal 5 % of 20: both have to be inside
    scores = np.concatenate([np.linspace(0.05, 0.35, 9), [0.45, 0.55], np.linspace(0.65, 0.95, 9)])
    truth = scores >= 0.5
    truth[9:11] = [True, False]
    low, high = uncertain_band(scores, truth, 0.5, goal(0.05, 0.5))
    assert scores[near(scores, low, high)].tolist() == [0.45, 0.55]


def test_the_band_is_even_in_log_odds() -> None:
    # threshold .2 and one wrong decision at .1: log-odds -1.386 and -2.197, so up to -0.575: .36
    scores, truth = np.array([0.01, 0.02, 0.1, 0.8, 0.9]), np.array([False, False, True, True, True])
    assert uncertain_band(scores, truth, 0.2, goal(0.05, 0.5)) == pytest.approx((0.1, 0.36), abs=0.001)


def test_the_widest_band_is_taken_where_the_goal_is_out_of_reach() -> None:
    # every decision wrong: two of ten messages may be uncertain
    scores = np.linspace(0.05, 0.95, 10)
    low, high = uncertain_band(scores, scores < 0.5, 0.5, goal(0.05, 0.25))
    assert near(scores, low, high).sum() == 2


def test_no_share_allowed_is_an_empty_band() -> None:
    scores = np.linspace(0.05, 0.95, 10)
    assert uncertain_band(scores, scores < 0.5, 0.5, goal(0.05, 0.0)) == (0.5, 0.5)


def test_temperature_scaling_has_no_intercept() -> None:
    # drawn without one: the slope is found again
    logits, truth = drawn(0.5, 0.0, 8000)
    (found,) = calibrate(logits, truth, goal(0.05, 0.2, method="temperature"))
    assert (found.slope, found.intercept, found.points) == (pytest.approx(0.5, abs=0.05), 0.0, [])


def test_isotonic_scores_are_the_shares_of_true_messages_and_never_fall() -> None:
    # logits -1, 0, 1 with shares 1/4, 2/4, 3/4: rising already, so they are the scores; halfway between, halfway
    logits = np.repeat(np.array([-1.0, 0.0, 1.0], np.float32), 4).reshape(-1, 1)
    truth = np.array([1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0], np.bool_).reshape(-1, 1)
    part = scaled(logits[:, 0], truth[:, 0], "isotonic")
    asked = np.array([[-9.0], [-1.0], [0.0], [0.5], [1.0], [9.0]], np.float32)
    assert to_scores(asked, [part])[:, 0] == pytest.approx([0.25, 0.25, 0.5, 0.625, 0.75, 0.75])


def test_isotonic_scores_pool_what_falls() -> None:
    # shares 1, 0, 1 at -1, 0, 1: the first two fall, so both are their mean of 1/2
    logits, truth = np.array([-1.0, 0.0, 1.0], np.float32), np.array([True, False, True])
    part = scaled(logits, truth, "isotonic")
    assert to_scores(logits.reshape(-1, 1), [part])[:, 0] == pytest.approx([0.5, 0.5, 1.0])


@pytest.mark.parametrize("method", ["platt", "temperature"])
def test_a_sure_model_gets_its_guarantee(method: str) -> None:
    # 200 right answers: zero errors in 200 are at most 1.5 % with 95 % confidence
    logits = np.array([[-3.0], [3.0]] * 100, np.float32)
    found = calibrated(logits, logits > 0, goal(0.05, 0.2, method=method, risk=0.05))
    assert found.guarantee is not None
    assert (found.guarantee.n_messages, found.guarantee.n_errors, found.no_guarantee) == (200, 0, "")


def test_isotonic_scores_carry_no_guarantee_and_say_why() -> None:
    # a promise of scores that were fitted so freely to the same messages is broken too often
    logits = np.array([[-3.0], [3.0]] * 100, np.float32)
    found = calibrated(logits, logits > 0, goal(0.05, 0.2, method="isotonic", risk=0.05))
    assert found.guarantee is None
    assert found.no_guarantee.startswith("isotonic regression follows the calibration messages too closely")


def test_without_a_guarantee_each_audience_has_the_band_of_its_own_goal() -> None:
    # half of all answers wrong: no risk of 5 %, but a band that holds a fifth of the messages
    logits, _ = drawn(1.0, 0.0, 400)
    truth = (np.arange(400) % 2 == 0).reshape(-1, 1)
    found = calibrated(logits, truth, goal(0.05, 0.2, risk=0.05))
    (part,) = found.calibrations
    assert found.guarantee is None
    assert "more than 5% with 95% confidence" in found.no_guarantee
    assert 0 < judge(to_scores(logits, [part]), [part]).near.mean() <= 0.2


# As float32, as they are judged; a few values only, so that ties are common.
SCORES = st.lists(st.tuples(st.integers(1, 999), st.booleans()), min_size=1, max_size=60)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(pairs=SCORES, threshold=st.sampled_from([0.05, 0.3, 0.5, 0.93]), share=st.sampled_from([0.0, 0.2, 0.5, 0.9]))
def test_the_band_keeps_its_promises(pairs: list[tuple[int, bool]], threshold: float, share: float) -> None:
    scores = np.array([value / 1000 for value, _ in pairs]).astype(np.float32).astype(np.float64)
    truth = np.array([label for _, label in pairs])
    low, high = uncertain_band(scores, truth, threshold, goal(0.05, share))
    inside = near(scores, low, high)
    wrong = ((scores >= threshold) != truth)[~inside]
    assert low <= threshold <= high
    assert inside.mean() <= share
    # The goal is met, or no wider band was allowed: the next messages out would make it too many.
    distance = np.abs(np.log(scores / (1 - scores)) - np.log(threshold / (1 - threshold)))
    if wrong.mean() > 0.05 if len(wrong) else False:
        following = distance[~inside].min()
        assert (distance <= following + 1e-5).mean() > share
