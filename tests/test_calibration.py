import numpy as np
import pytest
from numpy.typing import NDArray

from segmenter.calibration import Calibration, Guarantee, Point, judge, log_odds, to_scores


def calibration(*, slope: float = 1.0, intercept: float = 0.0, threshold: float = 0.5) -> Calibration:
    return Calibration(slope=slope, intercept=intercept, threshold=threshold, low=0.4, high=0.7)


def column(*values: float) -> NDArray[np.float32]:
    return np.array([[value] for value in values], np.float32)


def test_a_score_is_the_sigmoid_of_the_scaled_logit() -> None:
    # 2 * 0.5 - 1 = 0 -> 1/2;  2 * 1.0 - 1 = 1 -> 1 / (1 + e^-1) = 0.731059;  2 * 0.0 - 1 = -1 -> 0.268941
    scores = to_scores(column(0.5, 1.0, 0.0), [calibration(slope=2.0, intercept=-1.0)])
    assert scores[:, 0] == pytest.approx([0.5, 0.731059, 0.268941], abs=1e-6)


def test_each_audience_has_its_own_calibration() -> None:
    # logit ln 3: sigmoid = 3/4; with slope -1 sigmoid(-ln 3) = 1/4
    logits = np.array([[np.log(3), np.log(3)]], np.float32)
    scores = to_scores(logits, [calibration(), calibration(slope=-1.0)])
    assert scores[0] == pytest.approx([0.75, 0.25], abs=1e-6)


def test_scores_stay_in_zero_to_one_for_enormous_logits() -> None:
    with np.errstate(all="raise"):
        scores = to_scores(column(-3e38, 3e38), [calibration()])
    assert scores[:, 0].tolist() == [pytest.approx(0.0, abs=1e-20), 1.0]


def test_scores_are_float32() -> None:
    assert to_scores(column(1.0), [calibration()]).dtype == np.float32


def test_no_messages_have_no_scores() -> None:
    assert to_scores(np.empty((0, 1), np.float32), [calibration()]).shape == (0, 1)


def test_a_score_at_the_threshold_is_chosen() -> None:
    below = np.nextafter(np.float32(0.5), np.float32(0))
    assert judge(column(below, 0.5), [calibration()]).chosen[:, 0].tolist() == [False, True]


def test_the_band_begins_at_low_and_ends_before_high() -> None:
    # low 0.4, high 0.7: 0.39 under it, 0.4 and 0.69 inside, 0.7 above
    assert judge(column(0.39, 0.4, 0.69, 0.7), [calibration()]).near[:, 0].tolist() == [False, True, True, False]


def test_a_score_at_high_is_clear() -> None:
    assert judge(column(0.69, 0.7), [calibration()]).clear[:, 0].tolist() == [False, True]


def test_an_empty_band_leaves_nothing_near() -> None:
    empty = Calibration(slope=1.0, intercept=0.0, threshold=0.5, low=0.5, high=0.5)
    verdicts = judge(column(0.49, 0.5, 0.51), [empty])
    assert not verdicts.near.any()
    assert verdicts.clear.tolist() == verdicts.chosen.tolist()


def test_a_written_and_reread_score_judges_the_same() -> None:
    # 0.1 as float32 is a little above the float64 0.1, so a comparison across the two would differ at the edge
    edge = Calibration(slope=1.0, intercept=0.0, threshold=0.1, low=0.1, high=0.1)
    written = column(float(str(np.float32(0.1))))
    assert judge(written, [edge]).chosen[0, 0]


def test_a_score_is_read_off_the_points_where_there_are_any() -> None:
    # from (0, .2) to (2, .6): halfway .4; beyond the ends it is the end's
    points = [Point(logit=0.0, score=0.2), Point(logit=2.0, score=0.6)]
    line = Calibration(slope=9.0, intercept=9.0, points=points, threshold=0.5, low=0.5, high=0.5)
    assert to_scores(column(-5.0, 0.0, 1.0, 2.0, 5.0), [line])[:, 0] == pytest.approx([0.2, 0.2, 0.4, 0.6, 0.6])


def test_the_points_of_one_audience_leave_the_others_alone() -> None:
    flat = Calibration(slope=1.0, intercept=0.0, points=[Point(logit=0.0, score=0.1)], threshold=0.5, low=0.5, high=0.5)
    scores = to_scores(np.array([[0.0, 0.0]], np.float32), [flat, calibration()])
    assert scores[0] == pytest.approx([0.1, 0.5])


def test_log_odds_are_finite_for_certain_scores() -> None:
    assert log_odds(np.array([0.5, 0.75])) == pytest.approx([0.0, np.log(3)])
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_the_guarantee_says_what_it_rests_on() -> None:
    promised = Guarantee(
        risk=0.075, confidence=0.99, coverage=0.625, n_messages=1250, n_clusters=300, n_errors=40, design_effect=1.204
    )
    assert promised.sentence() == (
        "at most 7.5% of the messages that are not uncertain have a wrong audience set, with 99% confidence, "
        "for messages like those of the calibration authors; "
        "tested on the out-of-fold scores of fold models of the same recipe, not on the sealed graph: "
        "there 62% were not uncertain, 40 of 1,250 of them wrong (300 authors, design effect 1.20)"
    )
