import time

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score

from segmenter.intervals import Estimate, Floats, Labels, Resamples, interval, resample
from segmenter.metrics import (
    average_precision,
    best_threshold,
    brier,
    calibration_error,
    counts,
    exact_match,
    macro_f1,
    measured,
    reliability,
)

ONE = np.array([True])  # the one column there is
# Four messages, three audiences. Audience 0: one found, one missed, one wrong; 1: both found; 2: nowhere.
TRUTH = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], bool)
CHOSEN = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]], bool)


def column(*values: float) -> Floats:
    return np.array([[value] for value in values], np.float64)


def labels(*values: int) -> Labels:
    return np.array([[value] for value in values], bool)


def test_precision_is_the_right_among_the_chosen() -> None:
    # audience 0: 1 of 2; 1: 2 of 2; 2: nothing chosen
    assert counts(TRUTH, CHOSEN).precision.tolist() == [0.5, 1.0, 0.0]


def test_recall_is_the_found_among_the_true() -> None:
    # audience 0: 1 of 2; 1: 2 of 2; 2: nothing true
    assert counts(TRUTH, CHOSEN).recall.tolist() == [0.5, 1.0, 0.0]


def test_f1_is_the_harmonic_mean() -> None:
    # audience 0: tp 1, fp 2, fn 1: precision 1/3, recall 1/2 -> 2 * (1/6) / (5/6) = 0.4
    truth, chosen = labels(1, 1, 0, 0), labels(1, 0, 1, 1)
    assert counts(truth, chosen).f1.tolist() == [0.4]


def test_f1_is_zero_where_an_audience_is_nowhere() -> None:
    assert counts(TRUTH, CHOSEN).f1[2] == 0.0


def test_macro_f1_weighs_audiences_the_same() -> None:
    # (0.5 + 1 + 0) / 3
    assert macro_f1(TRUTH, CHOSEN) == pytest.approx(0.5)


def test_truth_and_chosen_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"truth \(4, 3\) and chosen \(3, 3\) differ in shape"):
        counts(TRUTH, CHOSEN[:3])


def test_average_precision_is_the_area_under_the_steps() -> None:
    # by falling score: true, false, true, false: precision 1 at recall 1/2, 2/3 at recall 1 -> 1/2 * 1 + 1/2 * 2/3
    assert average_precision(labels(1, 0, 1, 0), column(0.9, 0.8, 0.7, 0.1)) == pytest.approx([5 / 6])


def test_average_precision_of_an_audience_that_is_nowhere_is_unknown() -> None:
    assert np.isnan(average_precision(labels(0, 0), column(0.9, 0.8))).tolist() == [True]


def test_brier_is_the_mean_squared_distance() -> None:
    # (0.1^2 + 0.2^2) / 2
    assert brier(labels(1, 0), column(0.9, 0.2)) == pytest.approx([0.025])


def test_calibration_error_is_the_mean_gap_of_bins_of_equal_count() -> None:
    # bins {0.1, 0.3} and {0.6, 0.8}: mean score 0.2 against share 0.5, 0.7 against 0.5 -> (2 * 0.3 + 2 * 0.2) / 4
    assert calibration_error(labels(0, 1, 1, 0), column(0.1, 0.3, 0.6, 0.8), 2) == pytest.approx([0.25])


def test_calibration_error_weighs_bins_by_their_messages() -> None:
    # three messages, two bins: {0.2, 0.4} share 0 gap 0.3, {0.9} share 1 gap 0.1 -> (2 * 0.3 + 1 * 0.1) / 3
    assert calibration_error(labels(0, 0, 1), column(0.2, 0.4, 0.9), 2) == pytest.approx([0.7 / 3])


def test_calibration_error_does_not_depend_on_the_order_of_messages() -> None:
    # scores tie across the middle, where places would part them: {0.1} share 0, {0.4 four times} share 1/2, {0.8} share 1
    truth, scores = labels(0, 1, 1, 0, 0, 1), column(0.1, 0.4, 0.4, 0.4, 0.4, 0.8)
    for order in ([0, 1, 2, 3, 4, 5], [5, 3, 4, 1, 2, 0], [1, 0, 3, 5, 2, 4]):
        # bins {0.1, 0.4 …} of five messages, mean score 0.34, share 2/5, and {0.8}: (5 * 0.06 + 0.2) / 6
        assert calibration_error(truth[order], scores[order], 2) == pytest.approx([0.5 / 6])


def test_messages_of_one_score_are_in_one_bin() -> None:
    # 120 of 400 are true, all have the score 0.3: no error, also where the true ones come first
    truth = np.arange(400)[:, None] < 120
    assert calibration_error(truth, np.full((400, 1), 0.3), 10) == pytest.approx([0.0])
    assert reliability(truth[:, 0], np.full(400, 0.3), 10) == [(pytest.approx(0.3), 0.3, 400)]


def test_reliability_gives_mean_score_share_and_count_by_rising_score() -> None:
    points = reliability(np.array([1, 0, 1], bool), np.array([0.9, 0.2, 0.4]), 2)
    assert points == [(pytest.approx(0.3), 0.5, 2), (0.9, 1.0, 1)]


def test_more_bins_than_messages_leave_no_empty_bin() -> None:
    assert [n for _, _, n in reliability(np.array([1, 0], bool), np.array([0.9, 0.2]), 10)] == [1, 1]


def test_a_message_matches_when_its_whole_set_is_right() -> None:
    # messages 0 and 2 of 4 are right in all three audiences; 1 lacks audience 0, 3 has it
    assert exact_match(TRUTH, CHOSEN) == 0.5


def made_up(n: int) -> tuple[Labels, Floats, Labels]:
    """Truth, scores (many of them equal) and chosen of three audiences."""
    draw = np.random.default_rng(4)
    truth = draw.random((n, 3)) < 0.4
    scores = np.round(0.4 * truth + 0.6 * draw.random((n, 3)), 1)
    return truth, scores, scores >= 0.5


def test_a_draw_is_the_metric_of_the_drawn_messages() -> None:
    # each resample written out, a message of a cluster drawn twice standing there twice
    truth, scores, chosen = made_up(60)
    resamples = resample(np.arange(60) % 25, n_rounds=20, seed=2)
    found = measured(truth, scores, chosen, resamples, n_bins=5)
    for number, times in enumerate(resamples.times[1:].astype(int)):
        rows = np.repeat(np.arange(60), times[resamples.cluster])
        counted = counts(truth[rows], chosen[rows])
        areas = [average_precision_score(truth[rows, i], scores[rows, i]) for i in range(3)]
        assert found["precision"].draws[number] == pytest.approx(counted.precision)
        assert found["recall"].draws[number] == pytest.approx(counted.recall)
        assert found["f1"].draws[number] == pytest.approx(counted.f1)
        assert found["average_precision"].draws[number] == pytest.approx(areas)
        assert found["brier"].draws[number] == pytest.approx(brier(truth[rows], scores[rows]))
        assert found["exact_match"].draws[number] == pytest.approx(exact_match(truth[rows], chosen[rows]))


def test_the_values_are_those_of_the_messages_as_they_are() -> None:
    truth, scores, chosen = made_up(60)
    found = measured(truth, scores, chosen, resample(np.arange(60) % 25, n_rounds=1, seed=2), n_bins=5)
    assert found["f1"].values == pytest.approx(counts(truth, chosen).f1)
    assert found["average_precision"].values == pytest.approx(average_precision(truth, scores))
    assert found["calibration_error"].values == pytest.approx(calibration_error(truth, scores, 5))


def test_a_draw_is_binned_as_all_messages_are() -> None:
    # bins {0.1, 0.3} and {0.6, 0.8}; the first message twice, the second not at all: gaps 2 * 0.1 and |0.6 - 1 + 0.8| = 0.4
    truth, scores = labels(0, 1, 1, 0), column(0.1, 0.3, 0.6, 0.8)
    resamples = Resamples(np.arange(4), np.array([[1.0, 1, 1, 1], [2, 0, 1, 1]]))
    found = measured(truth, scores, truth, resamples, n_bins=2)["calibration_error"]
    assert found.draws.tolist() == [[pytest.approx((0.2 + 0.4) / 4)]]


def test_draws_without_a_true_message_do_not_count_towards_average_precision() -> None:
    # of two authors one has the only true message, ranked first: a draw has it and is 1, or has no average precision
    truth, scores = labels(1, 0), column(0.9, 0.1)
    found = measured(truth, scores, truth, resample(np.arange(2), n_rounds=50, seed=1), n_bins=1)["average_precision"]
    assert set(found.draws[~np.isnan(found.draws)]) == {1.0}
    low, high = interval(found.draws[:, 0], 1.0, 2)
    assert (float(low), float(high)) == (1.0, 1.0)


def calibration_bounds(sureness: float, n: int, number: int) -> Estimate:
    """Of the calibration error of n messages, drawn by chances whose log-odds the scores give times `sureness`."""
    draw = np.random.default_rng(number)
    log_odds = draw.normal(0, 1.5, (n, 1))
    truth, scores = draw.random((n, 1)) < expit(log_odds), expit(sureness * log_odds)
    found = measured(truth, scores, truth, resample(np.arange(n), n_rounds=200, seed=number), n_bins=10)
    return found["calibration_error"].estimate(ONE)


def test_a_calibrated_model_has_a_calibration_error_that_may_be_nothing() -> None:
    # what error 200 messages show is chance alone; 97.5 % of 60 are 58.5, and with a standard error of 1.2
    found = [calibration_bounds(1.0, 200, number) for number in range(60)]
    assert np.mean([one.value for one in found]) > 0.03
    assert sum(one.low == 0.0 for one in found) >= 55
    assert all(one.low < one.value <= one.high for one in found)


def test_a_model_that_is_too_sure_has_a_calibration_error_between_the_bounds() -> None:
    # its true error is that of very many messages, in which chance has no part; 95 % of 60 are 57
    draw = np.random.default_rng(1)
    log_odds = draw.normal(0, 1.5, 200_000)
    true = float(np.abs(expit(2 * log_odds) - expit(log_odds)).mean())
    found = [calibration_bounds(2.0, 400, number) for number in range(60)]
    assert sum(one.low <= true <= one.high for one in found) >= 53
    assert sum(one.low > 0.0 for one in found) >= 55


def test_all_metrics_of_2000_messages_take_less_than_a_second() -> None:
    truth, scores, chosen = made_up(2000)
    began = time.process_time()
    measured(truth, scores, chosen, resample(np.arange(2000) % 900, n_rounds=1000, seed=1), n_bins=10)
    assert time.process_time() - began < 1.0


def test_the_best_threshold_parts_true_from_false() -> None:
    # every threshold above 0.3 and up to 0.6 is perfect: 0.31, 0.32, … 0.60 on the grid, of which the 16th is 0.46
    truth = np.arange(100) < 50
    assert best_threshold(np.where(truth, 0.6, 0.3), truth, seed=1) == 0.46


def test_the_best_threshold_of_an_audience_that_is_nowhere_is_a_half() -> None:
    assert best_threshold(np.array([0.1, 0.9]), np.array([False, False]), seed=1) == 0.5


def test_one_seed_gives_the_same_best_threshold() -> None:
    scores = np.random.default_rng(0).random(60)
    truth = np.random.default_rng(1).random(60) < scores
    assert best_threshold(scores, truth, seed=4) == best_threshold(scores, truth, seed=4)
